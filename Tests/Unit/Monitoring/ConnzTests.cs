using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class ConnzTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnz")]
    [Upstream("monitor_test.go", "TestConnz")]
    [Upstream("monitor_test.go", "TestMonitorConnzRTT")]
    public async Task A_connection_tells_what_it_moved()
    {
        await using var server = await Monitored.StartAsync();
        await using var client = await server.ConnectAsync(new TestClientOptions { Name = "one" });
        var foo = await client.SubscribeAsync("foo");
        await client.PublishAsync("foo", "Hello");
        await foo.NextAsync();
        var page = await server.GetJsonAsync("/connz");
        var connection = page.GetProperty("connections")[0];
        connection.GetProperty("name").GetString().ShouldBe("one");
        connection.GetProperty("lang").GetString().ShouldBe("csharp-test");
        connection.GetProperty("in_msgs").GetInt64().ShouldBe(1);
        connection.GetProperty("out_msgs").GetInt64().ShouldBe(1);
        connection.GetProperty("in_bytes").GetInt64().ShouldBe(5);
        connection.GetProperty("out_bytes").GetInt64().ShouldBe(5);
        connection.GetProperty("subscriptions").GetInt64().ShouldBe(1);
        connection.GetProperty("ip").GetString().ShouldBe("127.0.0.1");
        connection.GetProperty("rtt").GetString()!.ShouldMatch(@"^[0-9.]+(µs|ms)$");
        connection.TryGetProperty("subscriptions_list", out _).ShouldBeFalse();
        connection.TryGetProperty("authorized_user", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzWithSubs")]
    [Upstream("monitor_test.go", "TestMonitorConnzWithSubsDetail")]
    [Upstream("monitor_test.go", "TestConnzWithSubs")]
    public async Task Subscriptions_are_told_on_demand()
    {
        await using var server = await Monitored.StartAsync();
        await using var client = await server.ConnectAsync();
        var foo = await client.SubscribeAsync("foo");
        await client.SubscribeAsync("q.>", "workers");
        var limited = await client.SubscribeAsync("few");
        await limited.UnsubscribeAsync(max: 7);
        await client.PublishAsync("foo", "Hello");
        await foo.NextAsync();
        var list = server.Connz(new ConnzOptions { Subscriptions = true }).Connections!.Single();
        list.Subscriptions.ShouldBe(["foo", "q.>", "few"]);
        list.SubscriptionDetails.ShouldBeNull();
        var detail = server.Connz(new ConnzOptions { SubscriptionsDetail = true }).Connections!.Single();
        detail.Subscriptions.ShouldBeNull();
        var details = detail.SubscriptionDetails!;
        details[0].ShouldBe(new SubscriptionDetail { Subject = "foo", Sid = foo.Sid.ToString(), Messages = 1, ConnectionId = detail.Id });
        details[1].Queue.ShouldBe("workers");
        details[2].MaxMessages.ShouldBe(7);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorClosedConnzWithSubsDetail")]
    [Upstream("monitor_test.go", "TestConnzClosedSubsDetailNoSharedMutation")]
    [Upstream("monitor_test.go", "TestMonitorConnzWithStateForClosedConns")]
    public async Task Closed_connections_keep_their_subscriptions()
    {
        await using var server = await Monitored.StartAsync();
        using (var client = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"name\":\"gone\"}\r\n"))
        {
            await client.SendAsync("SUB hello.foo 1\r\n");
            await client.FlushAsync();
        }
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
        server.Connz().Connections.ShouldBeEmpty();
        var options = new ConnzOptions { State = ConnectionState.Closed };
        var closed = server.Connz(options with { SubscriptionsDetail = true }).Connections!.Single();
        closed.Name.ShouldBe("gone");
        closed.Reason.ShouldBe("Client Closed");
        closed.Stop.ShouldNotBeNull().ShouldBeGreaterThanOrEqualTo(closed.Start);
        closed.SubscriptionCount.ShouldBe(1);
        closed.SubscriptionDetails!.Single().Subject.ShouldBe("hello.foo");
        server.Connz(options with { Subscriptions = true }).Connections!.Single().Subscriptions.ShouldBe(["hello.foo"]);
        server.Connz(options).Connections!.Single().Subscriptions.ShouldBeNull("what one asked for is not another's");
        server.Connz(options with { State = ConnectionState.All, ConnectionId = closed.Id }).Connections!.Single().Id.ShouldBe(closed.Id);
        server.Connz(new ConnzOptions { ConnectionId = closed.Id }).Connections.ShouldBeEmpty();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzClosedConnsBadClient")]
    public async Task Connections_that_were_refused_are_remembered_with_the_reason()
    {
        await using var server = await Monitored.StartAsync("authorization { user: a, password: b }");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {\"user\":\"a\",\"pass\":\"c\"}\r\n");
        await client.ReadToCloseAsync();
        await Wait.Until("the refused client", () => server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Total == 1);
        var closed = server.Connz(new ConnzOptions { State = ConnectionState.Closed, Auth = true }).Connections!.Single();
        closed.Reason.ShouldBe("Authentication Failure");
        closed.AuthorizedUser.ShouldBe("a");
    }

    [Fact]
    public async Task Only_the_last_closed_connections_are_remembered()
    {
        await using var server = await Monitored.StartAsync("max_closed_clients: 2");
        foreach (var name in new[] { "first", "second", "third" })
        {
            await (await server.ConnectAsync(new TestClientOptions { Name = name })).DisposeAsync();
            await Wait.Until("the end of the client", () => server.ClientCount == 0);
        }
        server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Connections!.Select(one => one.Name).ShouldBe(["second", "third"]);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzWithCID")]
    public async Task One_connection_can_be_asked_for()
    {
        await using var server = await Monitored.StartAsync();
        await using var one = await server.ConnectAsync(new TestClientOptions { Name = "one" });
        await using var two = await server.ConnectAsync(new TestClientOptions { Name = "two" });
        await one.FlushAsync();
        await two.FlushAsync();
        var id = server.Connz().Connections!.Single(connection => connection.Name == "two").Id;
        var page = await server.GetJsonAsync($"/connz?cid={id}&subs=1");
        page.GetProperty("num_connections").GetInt32().ShouldBe(1);
        page.GetProperty("limit").GetInt32().ShouldBe(1);
        page.GetProperty("connections")[0].GetProperty("name").GetString().ShouldBe("two");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzLastActivity")]
    public async Task Interest_publishing_and_delivery_are_activity_and_pings_are_not()
    {
        await using var server = await Monitored.StartAsync();
        await using var foo = await server.ConnectAsync(new TestClientOptions { Name = "foo" });
        await using var bar = await server.ConnectAsync(new TestClientOptions { Name = "bar" });
        await foo.FlushAsync();
        await bar.FlushAsync();
        var started = LastOf("foo");
        await TimePasses();
        await foo.SubscribeAsync("hello.world");
        await foo.FlushAsync();
        var subscribed = LastOf("foo");
        subscribed.ShouldBeGreaterThan(started, "subscribing");
        var quiet = LastOf("bar");
        await TimePasses();
        await bar.PublishAsync("hello.world", "Hello");
        await bar.FlushAsync();
        await Wait.Until("the delivery", () => foo.Describe().Contains("hello.world 1", StringComparison.Ordinal));
        LastOf("bar").ShouldBeGreaterThan(quiet, "publishing");
        LastOf("foo").ShouldBeGreaterThan(subscribed, "delivery");

        DateTimeOffset LastOf(string name) => server.Connz().Connections!.Single(connection => connection.Name == name).LastActivity;

        // The loops' clock goes in steps of up to 16 ms.
        async Task TimePasses()
        {
            var until = Environment.TickCount64 + 50;
            await Wait.Until("the clock to go on", () => Environment.TickCount64 > until);
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzWithOffsetAndLimit")]
    [Upstream("monitor_test.go", "TestMonitorConnzOffsetOverflow")]
    [Upstream("monitor_test.go", "TestConnzWithOffsetAndLimit")]
    [Upstream("monitor_test.go", "TestMonitorConnzDefaultSorted")]
    public async Task Pages_never_reach_outside_of_the_list()
    {
        await using var server = await Monitored.StartAsync();
        await using var one = await server.ConnectAsync();
        await using var two = await server.ConnectAsync();
        await one.FlushAsync();
        await two.FlushAsync();
        foreach (var (query, count, offset, limit) in new[]
        {
            ("offset=1&limit=1", 1, 1L, 1L), ("offset=2", 0, 2L, 1024L), ("offset=0&limit=100000", 2, 0L, 100000L), ("offset=-5&limit=-5", 2, 0L, 1024L),
            ("offset=9223372036854775807&limit=9223372036854775807", 0, long.MaxValue, long.MaxValue), ("offset=1&limit=9223372036854775807", 1, 1L, long.MaxValue),
        })
        {
            var page = await server.GetJsonAsync("/connz?" + query);
            page.GetProperty("num_connections").GetInt32().ShouldBe(count, query);
            page.GetProperty("connections").GetArrayLength().ShouldBe(count, query);
            page.GetProperty("total").GetInt32().ShouldBe(2, query);
            page.GetProperty("offset").GetInt64().ShouldBe(offset, query);
            page.GetProperty("limit").GetInt64().ShouldBe(limit, query);
        }
        var ids = server.Connz().Connections!.Select(connection => connection.Id).ToList();
        ids.ShouldBe(ids.Order());
    }

    [Fact]
    public async Task Users_are_told_on_demand_and_tokens_never()
    {
        await using var server = await Monitored.StartAsync("accounts { A { users: [{ user: u, password: p }] } }");
        await using var client = await server.ConnectAsync(new TestClientOptions { User = "u", Password = "p" });
        await client.FlushAsync();
        var connection = server.Connz(new ConnzOptions { Auth = true }).Connections!.Single();
        (connection.AuthorizedUser, connection.Account, connection.NameTag).ShouldBe(("u", "A", "A"));
        server.Connz(new ConnzOptions { User = "u" }).Count.ShouldBe(1);
        server.Connz(new ConnzOptions { User = "nobody" }).Count.ShouldBe(0);
        await using var tokens = await Monitored.StartAsync("authorization { token: s3cret }");
        await using var bearer = await tokens.ConnectAsync(new TestClientOptions { Token = "s3cret" });
        await bearer.FlushAsync();
        var page = await tokens.GetAsync("/connz?auth=1");
        page.Json.GetProperty("connections")[0].GetProperty("authorized_user").GetString().ShouldBe("[REDACTED]");
        page.Text.ShouldNotContain("s3cret");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestConnzWithAccounts")]
    public async Task Accounts_and_subjects_filter()
    {
        await using var server = await Monitored.StartAsync("accounts { A { users: [{ user: a, password: p }] }, B { users: [{ user: b, password: p }] } }");
        await using var a = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await using var a2 = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await using var b = await server.ConnectAsync(new TestClientOptions { User = "b", Password = "p" });
        await a.SubscribeAsync("orders.*.new");
        foreach (var client in new[] { a, a2, b }) await client.FlushAsync();
        server.Connz(new ConnzOptions { Account = "A" }).Total.ShouldBe(2);
        server.Connz(new ConnzOptions { Account = "B" }).Count.ShouldBe(1);
        server.Connz(new ConnzOptions { Account = "A", FilterSubject = "orders.eu.>" }).Count.ShouldBe(1);
        server.Connz(new ConnzOptions { Account = "A", FilterSubject = "bills.>" }).Count.ShouldBe(0);
        Should.Throw<MonitoringException>(() => server.Connz(new ConnzOptions { FilterSubject = "orders.>" }))
            .Message.ShouldBe("filter by subject only valid with account filtering");
        server.Connz(new ConnzOptions { Account = "NOPE" }).Connections.ShouldBeNull();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzClosedConnsRace")]
    [Upstream("monitor_test.go", "TestMonitorConcurrentMonitoring")]
    [Upstream("monitor_test.go", "TestEndpointDataRaces")]
    [Upstream("monitor_test.go", "TestMonitorConnzAccountRace")]
    public async Task Pages_may_be_asked_for_while_clients_come_and_go()
    {
        await using var server = await Monitored.StartAsync();
        var pages = new[] { "/varz", "/connz?state=all&subs=detail&auth=1", "/connz?acc=$G&sort=last", "/subsz?subs=1", "/accstatz", "/metrics?connz_detailed=1", "/" };
        var done = false;
        var polls = pages.Select(async page =>
        {
            var count = 0;
            while (!Volatile.Read(ref done) || count == 0)
            {
                (await server.GetAsync(page)).Status.ShouldBe(200);
                count++;
            }
        }).ToList();
        for (var i = 0; i < 60; i++)
        {
            await using var client = await server.ConnectAsync(new TestClientOptions { Name = $"c{i}" });
            for (var n = 0; n < 20; n++) await client.SubscribeAsync($"s.{n}.>");
            await client.PublishAsync("s.1.x", "hello");
            await client.FlushAsync();
        }
        Volatile.Write(ref done, true);
        await Task.WhenAll(polls);
        await Wait.Until("all clients to be gone", () => server.ClientCount == 0);
        server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Total.ShouldBe(60);
    }
}
