using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary><c>$SYS.DEBUG.SUBSCRIBERS</c>: how many clients of the cluster listen.</summary>
public sealed class SubscriberCountTests
{
    private const string Accounts =
        """
        accounts {
          A {
            users: [ { user: a, password: a } ]
            imports: [ { service: { account: SYS, subject: "$SYS.DEBUG.SUBSCRIBERS" }, share: true } ]
          }
          SYS {
            users: [ { user: s, password: s } ]
            exports: [ { service: "$SYS.DEBUG.SUBSCRIBERS" } ]
          }
        }
        system_account: SYS
        """;

    [Theory]
    [InlineData("a")]
    [InlineData("s")]
    [Upstream("test/system_services_test.go", "TestSystemServiceSubscribers")]
    [Upstream("test/system_services_test.go", "TestSystemServiceSubscribersWildcards")]
    [Upstream("test/system_services_test.go", "TestSystemServiceSubscribersQueueGroups")]
    public async Task ClientsOfAllServersAreCounted(string user)
    {
        await using var all = new TestCluster();
        all.Servers.Add(await TestServer.FromConfigAsync(Config("one", null)));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("two", all[0])));
        all.Servers.Add(await TestServer.FromConfigAsync(Config("three", all[0])));
        await all.WaitForMeshAsync();
        await using var asking = await ConnectAsync(all[0], user);
        await using var near = await ConnectAsync(all[0], user);
        await using var far = await ConnectAsync(all[1], user);
        await near.SubscribeAsync("orders.new");
        await near.SubscribeAsync("orders.*", "workers");
        await far.SubscribeAsync("orders.new", "workers");
        await far.SubscribeAsync("orders.>");
        await Task.WhenAll(near.FlushAsync(), far.FlushAsync());
        foreach (var (asked, expected) in new[]
        {
            ("orders.new", "4"), ("orders.new workers", "2"), ("orders.old", "2"), ("orders.*", "3"), ("orders.* workers", "2"), ("nothing", "0"), ("not..valid", "0"),
        })
        {
            (await asking.RequestAsync("$SYS.DEBUG.SUBSCRIBERS", asked)).Text.ShouldBe(expected, asked);
        }
    }

    [Fact]
    public async Task AServerThatDoesNotUnderstandTheQuestionGoesOn()
    {
        await using var server = await TestServer.FromConfigAsync(Config("one", null));
        await using var system = await ConnectAsync(server, "s");
        await system.PublishAsync("$SYS.REQ.ACCOUNT.NSUBS", "{not json", reply: "nowhere");
        await system.PublishAsync("$SYS.REQ.ACCOUNT.NSUBS", "", reply: "nowhere");
        (await system.RequestAsync("$SYS.REQ.ACCOUNT.NSUBS", """{"acc":"none","subject":"x"}""")).Text.ShouldBe("0");
        await using var other = await ConnectAsync(server, "a");
        await other.SubscribeAsync("x", "q");
        await other.FlushAsync();
        (await system.RequestAsync("$SYS.REQ.ACCOUNT.NSUBS", """{"acc":"A","subject":"x","queue":"cQ=="}""")).Text.ShouldBe("1");
        (await system.RequestAsync("$SYS.REQ.ACCOUNT.NSUBS", """{"acc":"A","subject":"x","queue":"cg=="}""")).Text.ShouldBe("0");
    }

    private static Task<TestClient> ConnectAsync(NatsServer server, string user) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });

    private static string Config(string name, NatsServer? to) =>
        $$"""
        server_name: {{name}}
        listen: "127.0.0.1:-1"
        cluster { name: c, listen: "127.0.0.1:-1", routes: [ {{(to is null ? "" : $"\"nats://127.0.0.1:{to.ClusterEndPoint!.Port}\"")}} ] }
        {{Accounts}}
        """;
}
