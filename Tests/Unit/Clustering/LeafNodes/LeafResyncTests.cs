using System.Diagnostics;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Mirrors and sources of another domain, when the link to it was down: they go on as soon as it is back, not when their patience ends.</summary>
public sealed class LeafResyncTests : IAsyncDisposable
{
    private const string Tests = "jetstream_leafnode_test.go";

    /// <summary>Well under what a consumer may be silent before it counts as gone, and under the pause between the fourth attempt and the fifth.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly DomainServers _servers = new();

    [Fact]
    [Upstream(Tests, "TestJetStreamLeafNodeAndMirrorResyncAfterConnectionDown")]
    public async Task CopiesInBothDirectionsGoOnWhenTheLinkIsBack()
    {
        await _servers.StartAsync("TCM", "C-TCM", [], "domain: TCM");
        await using var proxy = InterposingProxy.Start(_servers["TCM"].LeafNodeEndPoint!);
        await _servers.StartAsync("XMM", "C-XMM", [], "domain: XMM", DomainServers.Remote("a", proxy.EndPoint.Port));
        await LeafPair.ConnectedAsync(_servers["TCM"], 1);
        await LeafPair.ConnectedAsync(_servers["XMM"], 1);
        await using var a = await _servers.ConnectAsync("TCM");
        await using var b = await _servers.ConnectAsync("XMM");
        await CreateAsync(a, "A", "\"subjects\":[\"foo\"]");
        await CreateAsync(b, "B", "\"subjects\":[\"bar\"]");
        await CreateAsync(b, "MA", """ "mirror":{"name":"A","external":{"api":"$JS.TCM.API"}} """);
        await CreateAsync(a, "MB", """ "mirror":{"name":"B","external":{"api":"$JS.XMM.API"}} """);
        await CreateAsync(a, "SA", """ "subjects":["A.*"],"sources":[{"name":"SB","filter_subject":"B.*","external":{"api":"$JS.XMM.API"}}] """);
        await CreateAsync(b, "SB", """ "subjects":["B.*"],"sources":[{"name":"SA","filter_subject":"A.*","external":{"api":"$JS.TCM.API"}}] """);
        await PublishAsync(a, b);
        await WaitForAsync(100, TimeSpan.FromSeconds(30));
        // The leaf node comes back, this way or by the address that it was told of.
        await proxy.CutAsync();
        await PublishAsync(a, b);
        await LeafPair.ConnectedAsync(_servers["XMM"], 1);
        await WaitForAsync(200, Soon);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [Upstream(Tests, "TestJetStreamLeafNodeAndMirrorResyncAfterLeafEstablished")]
    public async Task SourcesGoOnWhenTheServerBetweenIsBack(int secondsDown)
    {
        await _servers.StartAsync("hub", "C-HUB", [], "domain: HUB");
        await _servers.StartAsync("sat", "C-SAT", [], "domain: SAT");
        await _servers.StartAsync("gw", "C-GW", [], null, $"{DomainServers.Remote("a", _servers.Port("hub leaf"))}, {DomainServers.Remote("a", _servers.Port("sat leaf"), ", hub: true")}");
        await LeafPair.ConnectedAsync(_servers["gw"], 2);
        await using var hub = await _servers.ConnectAsync("hub");
        await using var sat = await _servers.ConnectAsync("sat");
        await CreateAsync(hub, "HUB", "\"subjects\":[\"H.>\"]");
        await CreateAsync(sat, "SAT", """ "subjects":["S.*"],"sources":[{"name":"HUB","filter_subject":"H.SAT.>","external":{"api":"$JS.HUB.API"}}] """);
        await PublishAsync(hub, 10, "H.SAT.foo");
        await WaitForAsync("sat", "SAT", 10, TimeSpan.FromSeconds(30));
        await _servers.StopAsync("gw");
        await PublishAsync(hub, 10, "H.SAT.foo");
        await Wait.Until("nobody is connected", () => _servers.Running.All(server => server.LeafNodeCount == 0), _servers.Describe);
        // This one has never been answered, and asks less and less often.
        await CreateAsync(sat, "LATE", """ "mirror":{"name":"HUB","external":{"api":"$JS.HUB.API"}} """);
        var down = Stopwatch.StartNew();
        await Wait.Until("it is down for so long", () => down.Elapsed.TotalSeconds >= secondsDown, timeout: TimeSpan.FromSeconds(secondsDown + 10));
        await _servers.StartAsync("gw");
        await LeafPair.ConnectedAsync(_servers["gw"], 2);
        await WaitForAsync("sat", "LATE", 20, Soon);
        await WaitForAsync("sat", "SAT", 20, Soon);
    }

    public ValueTask DisposeAsync() => _servers.DisposeAsync();

    private static async Task CreateAsync(TestClient client, string name, string rest)
    {
        var answer = await StreamCluster.AskAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}",{{rest}}}""");
        answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
    }

    private static async Task PublishAsync(TestClient a, TestClient b)
    {
        await PublishAsync(a, 100, "foo", "A.foo");
        await PublishAsync(b, 100, "bar", "B.bar");
    }

    private static async Task PublishAsync(TestClient client, int count, params string[] subjects)
    {
        for (var i = 1; i < count; i++)
        {
            foreach (var subject in subjects) await client.PublishAsync(subject);
        }
        foreach (var subject in subjects) await StreamCluster.PublishAsync(client, subject, "");
    }

    private async Task WaitForAsync(ulong each, TimeSpan timeout)
    {
        await WaitForAsync("XMM", "MA", each, timeout);
        await WaitForAsync("TCM", "MB", each, timeout);
        await WaitForAsync("TCM", "SA", 2 * each, timeout);
        await WaitForAsync("XMM", "SB", 2 * each, timeout);
    }

    private Task WaitForAsync(string server, string stream, ulong messages, TimeSpan timeout) => Wait.Until(
        $"{stream} has {messages}",
        () => _servers.HostOf(server, stream)?.State.Messages == messages,
        () => $"{stream}: {_servers.HostOf(server, stream)?.State}",
        timeout);
}
