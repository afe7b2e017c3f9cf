using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Traces over leaf node connections: the hub and the leaf tell their part, and so does who comes behind.</summary>
public sealed class MessageTraceLeafTests
{
    [Theory]
    [InlineData(true, true, "A")]
    [InlineData(true, false, "B")]
    [InlineData(false, true, "B")]
    [InlineData(false, false, "A")]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithLeafNode")]
    public async Task BothEndsTellOfAMessage(bool fromHub, bool only, string atLeaf)
    {
        await using var pair = await LeafPair.StartAsync(account: atLeaf);
        var (here, there) = fromHub ? (pair.Hub, pair.Leaf) : (pair.Leaf, pair.Hub);
        var (own, others) = fromHub ? ("A", atLeaf) : (atLeaf, "A");
        await using var tracer = await MessageTraceTests.ConnectAsync(here, own.ToLowerInvariant(), "tracer");
        await using var far = await MessageTraceTests.ConnectAsync(there, others.ToLowerInvariant(), "far");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        await tracer.FlushAsync();
        var plain = await far.SubscribeAsync("foo.bar");
        var member = await far.SubscribeAsync("foo.*", "q");
        await far.FlushAsync();
        await LeafPair.HasInterestAsync(here, "foo.bar", account: own);
        await Wait.Until("the queue is known", () => here.Accounts.Find(own)!.Subscriptions.Match("foo.bar"u8).Queues.Length == 1);
        await LeafPair.HasInterestAsync(there, MessageTraceTests.Events, account: others);
        await tracer.PublishAsync("foo.bar", "hello!", headers: MessageTraceTests.Asking(only));
        TraceReport[] reports = [await TraceReport.NextAsync(events), await TraceReport.NextAsync(events)];
        var origin = reports.Single(report => report.Server == here.Name);
        var other = reports.Single(report => report.Server == there.Name);
        (origin.Hops, other.Hops, other.IngressKind).ShouldBe((1, 0, 4));
        origin.Steps.ShouldBe([$"eg kind=4 name={there.Name} hop=1"]);
        other.Steps.ShouldBe(["eg kind=0 name=far sub=foo.bar", "eg kind=0 name=far sub=foo.* queue=q"], ignoreOrder: true);
        other.Headers.ShouldContain("Nats-Trace-Hop=1");
        await far.FlushAsync();
        (plain.Count, member.Count).ShouldBe(only ? (0, 0) : (1, 1));
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithLeafNodeDaisyChain")]
    public async Task EachServerOfAChainHasItsPlace()
    {
        await using var top = await LeafPair.HubAsync(name: "top");
        await using var middle = await TestServer.FromConfigAsync(
            $"server_name: middle\nleafnodes {{ listen: \"127.0.0.1:-1\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{top.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{LeafPair.Accounts}");
        await using var end = await LeafPair.LeafAsync("end", middle);
        await LeafPair.ConnectedAsync(middle, 2);
        await using var tracer = await MessageTraceTests.ConnectAsync(top, "a", "tracer");
        await using var atMiddle = await MessageTraceTests.ConnectAsync(middle, "a", "sub1");
        await using var atEnd = await MessageTraceTests.ConnectAsync(end, "a", "sub2");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        await tracer.FlushAsync();
        await atEnd.SubscribeAsync("foo.*");
        await atEnd.FlushAsync();
        await LeafPair.HasInterestAsync(top, "foo.bar");
        await atMiddle.SubscribeAsync("foo.bar");
        await atMiddle.FlushAsync();
        await LeafPair.HasInterestAsync(end, MessageTraceTests.Events);
        await tracer.PublishAsync("foo.bar", "hello!", headers: MessageTraceTests.Asking(only: false));
        TraceReport[] reports = [await TraceReport.NextAsync(events), await TraceReport.NextAsync(events), await TraceReport.NextAsync(events)];
        reports.Single(report => report.Server == "top").Steps.ShouldBe(["eg kind=4 name=middle hop=1"]);
        var second = reports.Single(report => report.Server == "middle");
        second.Hops.ShouldBe(1);
        second.Steps.ShouldBe(["eg kind=0 name=sub1 sub=foo.bar", "eg kind=4 name=end hop=1.1"], ignoreOrder: true);
        var last = reports.Single(report => report.Server == "end");
        last.Headers.ShouldContain("Nats-Trace-Hop=1.1");
        last.Steps.ShouldBe(["eg kind=0 name=sub2 sub=foo.*"]);
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceLeafNodeRequiresPublishPermissionForTraceDest")]
    public async Task ALeafMayNotHaveItsTracesSentWhereItMayNotPublish()
    {
        const string accounts = "accounts { A: { users: [{user: a, password: a}, {user: leaf, password: leaf, permissions: { publish: { allow: [foo, allowed.trace] }, subscribe: \">\" }}] } }\nno_auth_user: a\n";
        using var log = new CapturedLog();
        await using var hub = await NatsAspire.Server.Hosting.NatsServer.StartAsync(TestServer.Parse($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1, compression: off }}\n{accounts}"), log);
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync("CONNECT {\"version\":\"2.14.5\",\"user\":\"leaf\",\"pass\":\"leaf\",\"server_id\":\"NLEAF\",\"name\":\"leaf\",\"headers\":true,\"remote_account\":\"A\",\"protocol\":3}\r\nPING\r\n");
        while (await leaf.ReadLineAsync() != "PONG")
        {
        }
        await using var client = await LeafPair.ClientAsync(hub);
        var forbidden = await client.SubscribeAsync("secret.trace");
        var allowed = await client.SubscribeAsync("allowed.trace");
        var heard = await client.SubscribeAsync("foo");
        await client.FlushAsync();
        await leaf.SendAsync(Traced("secret.trace") + Traced("allowed.trace"));
        await heard.NextAsync();
        (await TraceReport.NextAsync(allowed)).IngressKind.ShouldBe(4);
        await client.FlushAsync();
        (forbidden.Count, heard.Count).ShouldBe((0, 1));
        hub.LeafNodeCount.ShouldBe(1);
        log.Lines.ShouldContain(line => line.Contains("Publish Violation", StringComparison.Ordinal) && line.Contains("secret.trace", StringComparison.Ordinal));
    }

    private static string Traced(string destination)
    {
        var header = $"NATS/1.0\r\nNats-Trace-Dest: {destination}\r\n\r\n";
        return $"HMSG foo {header.Length} {header.Length + 2}\r\n{header}hi\r\n";
    }
}
