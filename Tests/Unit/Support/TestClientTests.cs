using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Support;

/// <summary>The small client against both servers: what it shows of one it shows of the other.</summary>
public sealed class TestClientTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PublishesSubscribesAndRequests(bool ours)
    {
        await using var server = await ServerProcess.StartAsync(ours ? Peers.OurServer() : Peers.GoServer());
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint, new TestClientOptions { Name = "tester" });
        await using var other = await TestClient.ConnectAsync(server.ClientUrl);
        var plain = await client.SubscribeAsync("a.*");
        var members = new[] { await client.SubscribeAsync("q", "g"), await client.SubscribeAsync("q", "g") };
        var service = await client.SubscribeAsync("svc");
        await client.FlushAsync();

        await other.PublishAsync("a.b", "text", "re.ply", TestHeaders.Of(("A", "1"), ("B", "2")));
        for (var i = 0; i < 20; i++) await other.PublishAsync("q", "x");
        await other.FlushAsync();
        var message = await plain.NextAsync();
        (message.Subject, message.Reply, message.Text).ShouldBe(("a.b", "re.ply", "text"));
        message.Headers!.Entries.Select(entry => $"{entry.Key}={entry.Value}").ShouldBe(["A=1", "B=2"]);
        await Wait.Until("20 messages to the group", () => members.Sum(m => m.Count) == 20, client.Describe);

        var asking = other.RequestAsync("svc", "question");
        var request = await service.NextAsync();
        await client.PublishAsync(request.Reply!, request.Text + " answered");
        (await asking).Text.ShouldBe("question answered");
        (await other.RequestAsync("nobody")).IsNoResponders.ShouldBeTrue();
        client.Errors.ShouldBeEmpty();
        plain.TryTake().ShouldBeNull();
        // On TERM Go's server ends with 1 from the handler of signals, or with 0 from main, whichever gets there first.
        (await server.StopAsync()).ShouldBeOneOf(ours ? [0] : [0, 1]);
        await Wait.For("the end of the connection", Ended(client.Closed));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARefusedClientIsToldWhy(bool ours)
    {
        const string config = "listen: 127.0.0.1:-1\nhttp: 127.0.0.1:-1\ncluster { name: C, listen: 127.0.0.1:-1 }\nauthorization { user: u, password: p }\n";
        await using var server = await ServerProcess.StartAsync(ours ? Peers.OurServer() : Peers.GoServer(), config);
        var refused = await Should.ThrowAsync<InvalidOperationException>(() => TestClient.ConnectAsync(server.ClientEndPoint, new TestClientOptions { User = "u", Password = "wrong" }));
        refused.Message.ShouldContain("Authorization Violation");
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint, new TestClientOptions { User = "u", Password = "p", Verbose = true });
        await client.SubscribeAsync("a..b");
        await client.WaitForErrorAsync("Invalid Subject");
        client.Oks.ShouldBeGreaterThan(0);
        server.ClusterEndPoint.Port.ShouldBeGreaterThan(0);
        server.MonitoringUrl.Port.ShouldNotBe(server.ClusterEndPoint.Port);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARefusedConfigurationEndsTheProcess(bool ours)
    {
        await using var server = ServerProcess.Launch(ours ? Peers.OurServer() : Peers.GoServer(), "nonsense_key: 5\n");
        (await server.WaitForExitAsync()).ShouldBe(1);
        server.Output.ShouldContain("nonsense_key");
    }

    private static async Task<bool> Ended(Task task)
    {
        await task;
        return true;
    }
}
