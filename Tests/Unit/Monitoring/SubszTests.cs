using NatsAspire.Server.Configuration;
using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class SubszTests
{
    private const string TwoAccounts = "accounts { A { users: [{ user: a, password: p }] }, B { users: [{ user: b, password: p }] } }";

    [Fact]
    [Upstream("monitor_test.go", "TestSubsz")]
    [Upstream("test/monitor_test.go", "TestSubsz")]
    public async Task The_figures_are_those_of_the_tries()
    {
        await using var server = await Monitored.StartAsync(change: WithoutServices);
        await using var client = await server.ConnectAsync();
        var foo = await client.SubscribeAsync("foo");
        await client.SubscribeAsync("foo.>");
        await client.PublishAsync("foo", "x");
        await foo.NextAsync();
        var page = await server.GetJsonAsync("/subscriptionsz");
        page.GetProperty("num_subscriptions").GetInt32().ShouldBe(2);
        page.GetProperty("num_inserts").GetInt32().ShouldBe(2);
        page.GetProperty("num_matches").GetInt32().ShouldBe(1);
        page.GetProperty("num_cache").GetInt32().ShouldBe(1);
        page.GetProperty("max_fanout").GetInt32().ShouldBe(1);
        page.GetProperty("avg_fanout").GetDouble().ShouldBe(1);
        page.GetProperty("total").GetInt32().ShouldBe(0, "subscriptions were not asked for");
        page.TryGetProperty("subscriptions_list", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorSubszDetails")]
    [Upstream("monitor_test.go", "TestMonitorSubszWithOffsetAndLimit")]
    [Upstream("monitor_test.go", "TestMonitorSubszOffsetOverflow")]
    [Upstream("monitor_test.go", "TestMonitorSubszTestPubSubject")]
    public async Task Subscriptions_are_listed_paged_and_tested()
    {
        await using var server = await Monitored.StartAsync(change: WithoutServices);
        await using var client = await server.ConnectAsync();
        foreach (var subject in new[] { "foo.*", "foo.bar", "foo.foo", "other" }) await client.SubscribeAsync(subject);
        await client.FlushAsync();
        var all = server.Subsz(new SubszOptions { Subscriptions = true });
        (all.Total, all.Subscriptions!.Count).ShouldBe((4, 4));
        all.Subscriptions.ShouldAllBe(one => one.Account == "$G" && one.ConnectionId > 0 && one.Sid.Length > 0);
        var page = await server.GetJsonAsync("/subsz?subs=1&offset=1&limit=2");
        (page.GetProperty("total").GetInt32(), page.GetProperty("subscriptions_list").GetArrayLength()).ShouldBe((4, 2));
        var far = server.Subsz(new SubszOptions { Subscriptions = true, Offset = long.MaxValue, Limit = long.MaxValue });
        (far.Total, far.Subscriptions).ShouldBe((4, null));
        (await server.GetJsonAsync("/subsz?subs=1&test=foo.foo")).GetProperty("subscriptions_list").GetArrayLength().ShouldBe(2);
        (await server.GetJsonAsync("/subsz?subs=1&test=foo.nobar")).GetProperty("subscriptions_list").GetArrayLength().ShouldBe(1);
        Should.Throw<MonitoringException>(() => server.Subsz(new SubszOptions { Test = "foo.>" }));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorSubszMultiAccount")]
    [Upstream("monitor_test.go", "TestMonitorSubszMultiAccountWithOffsetAndLimit")]
    public async Task Accounts_are_told_apart()
    {
        await using var server = await Monitored.StartAsync(TwoAccounts, WithoutServices);
        await using var a = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await using var b = await server.ConnectAsync(new TestClientOptions { User = "b", Password = "p" });
        foreach (var client in new[] { a, b })
        {
            await client.SubscribeAsync("foo.*");
            await client.SubscribeAsync("bar");
            await client.FlushAsync();
        }
        server.Subsz(new SubszOptions { Subscriptions = true }).Total.ShouldBe(4);
        var ofA = await server.GetJsonAsync("/subsz?subs=1&acc=A");
        ofA.GetProperty("num_subscriptions").GetInt32().ShouldBe(2);
        ofA.GetProperty("subscriptions_list").EnumerateArray().ShouldAllBe(one => one.GetProperty("account").GetString() == "A");
        server.Subsz(new SubszOptions { Subscriptions = true, Account = "A", Offset = 1, Limit = 5 }).Subscriptions!.Count.ShouldBe(1);
        server.Subsz(new SubszOptions { Subscriptions = true, Account = "NOPE" }).Total.ShouldBe(0);
    }

    /// <summary>The server's own subscriptions would be counted too.</summary>
    private static ServerOptions WithoutServices(ServerOptions options) => options with { NoSystemAccount = true };
}
