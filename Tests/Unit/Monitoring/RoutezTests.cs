using NatsAspire.Server.Configuration;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class RoutezTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzWithRoutes")]
    [Upstream("monitor_test.go", "TestMonitorRoutezPoolSize")]
    [Upstream("monitor_test.go", "TestMonitorRoutezWithBadParams")]
    public async Task Routes_are_told_and_are_no_clients()
    {
        await using var cluster = await TestServer.ClusterAsync(2, WithPages);
        var (one, two) = (cluster[0], cluster[1]);
        one.Connz().Connections.ShouldBeEmpty();
        var page = one.Routez();
        page.Count.ShouldBe(4, "three of the pool and the system account's");
        page.Routes.ShouldAllBe(route => route.RemoteId == two.Id && route.RemoteName == "s2" && route.Ip == "127.0.0.1");
        page.Routes.Count(route => route.Account == "$SYS").ShouldBe(1);
        two.Routez().Routes.ShouldAllBe(route => route.DidSolicit && route.IsConfigured);
        (await one.GetAsync("/routez?subs=maybe")).Status.ShouldBe(400);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorRoutezRTT")]
    public async Task Round_trips_of_routes_are_measured()
    {
        await using var cluster = await TestServer.ClusterAsync(2, WithPages);
        await Wait.Until("a round trip on every route", () => cluster[0].Routez().Routes.All(route => route.RoundTrip != "0s"));
        cluster[0].Routez().Routes.ShouldAllBe(route => route.RoundTrip.EndsWith("µs") || route.RoundTrip.EndsWith("ms"));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorRoutezPerAccount")]
    public async Task Interest_and_traffic_of_a_route_are_told()
    {
        await using var cluster = await TestServer.ClusterAsync(2, options => WithPages(options) with
        {
            Accounts = [new AccountOptions { Name = "A", Users = [new UserOptions { Username = "a", Password = "p" }] }],
            Cluster = options.Cluster with { PinnedAccounts = ["A"] },
        });
        var a = new TestClientOptions { User = "a", Password = "p" };
        await using var reader = await cluster[1].ConnectAsync(a);
        var plain = await reader.SubscribeAsync("orders.*");
        var queued = await reader.SubscribeAsync("jobs", "workers");
        await reader.FlushAsync();
        await Wait.Until("the interest to cross", () => Pinned(cluster, 0).SubscriptionCount == 2);
        await using var writer = await cluster[0].ConnectAsync(a);
        await writer.PublishAsync("orders.1", "hello");
        await writer.PublishAsync("jobs", "hello");
        await plain.NextAsync();
        await queued.NextAsync();
        var detail = Pinned(cluster, 0).SubscriptionDetails!.OrderBy(one => one.Sid).ToList();
        detail.Select(one => (one.Subject, one.Queue, one.Sid)).ShouldBe([("jobs", "workers", "R jobs workers"), ("orders.*", null, "R orders.*")]);
        (Pinned(cluster, 0).OutMessages, Pinned(cluster, 0).OutBytes).ShouldBe((2, 10));
        (Pinned(cluster, 1).InMessages, Pinned(cluster, 1).InBytes).ShouldBe((2, 10));
        var sent = cluster[0].AccountStatz(new AccountStatzOptions { Accounts = ["A"] }).Accounts.Single();
        (sent.Sent.Messages, sent.Sent.Routes, sent.Received.Messages).ShouldBe((2, new Volume(2, 10), 2));
        var got = cluster[1].AccountStatz(new AccountStatzOptions { Accounts = ["A"] }).Accounts.Single();
        (got.Received.Messages, got.Received.Routes, got.Sent.Messages).ShouldBe((2, new Volume(2, 10), 2));
        var varz = cluster[0].Varz();
        (varz.OutMessages, varz.OutClientMessages, varz.InMessages, varz.InClientMessages).ShouldBe((2, 0, 2, 2));
    }

    [Fact]
    public async Task Traffic_of_routes_that_are_gone_is_not_forgotten()
    {
        await using var cluster = await TestServer.ClusterAsync(2, options => WithPages(options) with { NoSystemAccount = true });
        await using (var reader = await cluster[1].ConnectAsync())
        {
            var subscription = await reader.SubscribeAsync("x");
            await reader.FlushAsync();
            await Wait.Until("the interest to cross", () => cluster[0].Routez().Routes.Sum(route => route.SubscriptionCount) == 1);
            await using var writer = await cluster[0].ConnectAsync();
            await writer.PublishAsync("x", "hello");
            await subscription.NextAsync();
        }
        await cluster[1].DisposeAsync();
        await Wait.Until("the routes to be gone", () => cluster[0].RouteConnectionCount == 0);
        var varz = cluster[0].Varz();
        (varz.OutMessages, varz.OutBytes, varz.Routes).ShouldBe((1, 5, 0));
        cluster[0].AccountStatz(new AccountStatzOptions { IncludeUnused = true }).Accounts.Single(account => account.Account == "$G").Sent.Routes.ShouldBe(new Volume(1, 5));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorRoutezPermissions")]
    public async Task Permissions_of_the_cluster_are_told_on_both_sides()
    {
        await using var cluster = await TestServer.ClusterAsync(2, options => WithPages(options) with
        {
            Cluster = options.Cluster with
            {
                Permissions = options.ServerName != "s1" ? null : new RoutePermissionOptions
                {
                    Import = new SubjectPermissionOptions { Allow = ["foo"] },
                    Export = new SubjectPermissionOptions { Allow = ["*"], Deny = ["foo", "nats"] },
                },
            },
        });
        var own = cluster[0].Routez();
        own.Import!.Allow.ShouldBe(["foo"]);
        own.Export!.Deny.ShouldBe(["foo", "nats"]);
        var peer = cluster[1].Routez();
        peer.Import.ShouldBeNull();
        peer.Routes.ShouldAllBe(route => route.Import!.Allow!.Single() == "foo" && route.Export!.Deny!.Count == 2);
    }

    private static RouteDetail Pinned(TestCluster cluster, int server) =>
        cluster[server].Routez(new RoutezOptions { SubscriptionsDetail = true }).Routes.Single(route => route.Account == "A");

    private static ServerOptions WithPages(ServerOptions options) =>
        options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } };
}
