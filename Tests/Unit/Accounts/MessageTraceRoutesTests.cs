using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Traces over a cluster: each server tells its part.</summary>
public sealed class MessageTraceRoutesTests
{
    private const string Unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    private const string OfAccount = "acc.trace.dest";

    [Theory]
    [InlineData("A", true)]
    [InlineData("A", false)]
    [InlineData("B", true)]
    [InlineData("B", false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithRoutes")]
    public async Task BothServersTellOfAMessage(string account, bool only)
    {
        await using var cluster = await StartAsync(2, Account("A"), Account("B"));
        await using var tracer = await MessageTraceTests.ConnectAsync(cluster[0], account, "tracer");
        await using var near = await MessageTraceTests.ConnectAsync(cluster[0], account, "sub1");
        await using var far = await MessageTraceTests.ConnectAsync(cluster[1], account, "sub2");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        TestSubscription[] messages = [await near.SubscribeAsync("*.bar"), await far.SubscribeAsync("foo.*", "q1"), await far.SubscribeAsync("*.*", "q2")];
        foreach (var client in new[] { tracer, near, far }) await client.FlushAsync();
        await InterestAsync(cluster[0], account, "foo.bar", queues: 2);
        await InterestAsync(cluster[1], account, MessageTraceTests.Events);
        await tracer.PublishAsync("foo.bar", "hello!", headers: MessageTraceTests.Asking(only));
        var (origin, routed) = await BothAsync(events);
        (origin.Server, origin.Hops, routed.Server, routed.Hops).ShouldBe(("s1", 1, "s2", 0));
        origin.Steps.ShouldBe(["eg kind=0 name=sub1 sub=*.bar", "eg kind=1 name=s2 hop=1"], ignoreOrder: true);
        routed.Steps.ShouldBe(["eg kind=0 name=sub2 sub=foo.* queue=q1", "eg kind=0 name=sub2 sub=*.* queue=q2"], ignoreOrder: true);
        (TraceReport.Text(routed.Ingress, "name"), TraceReport.Text(routed.Ingress, "acc"), TraceReport.Text(routed.Ingress, "subj")).ShouldBe(("s1", account, "foo.bar"));
        routed.Headers.ShouldContain("Nats-Trace-Hop=1");
        await tracer.FlushAsync();
        events.TryTake().ShouldBeNull();
        foreach (var message in messages)
        {
            if (only) message.Count.ShouldBe(0);
            else (await message.NextAsync()).Headers![MessageTraceTests.TraceHeader].ShouldBe(MessageTraceTests.Events);
        }
    }

    [Fact]
    public async Task EachOtherServerHasAPlaceOfItsOwn()
    {
        await using var cluster = await StartAsync(3, Account("A"));
        await using var tracer = await MessageTraceTests.ConnectAsync(cluster[0], "A");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        await using var second = await MessageTraceTests.ConnectAsync(cluster[1], "A");
        await using var third = await MessageTraceTests.ConnectAsync(cluster[2], "A");
        foreach (var client in new[] { second, third }) await client.SubscribeAsync("foo");
        foreach (var client in new[] { tracer, second, third }) await client.FlushAsync();
        await InterestAsync(cluster[0], "A", "foo", links: 2);
        foreach (var other in cluster.Servers.Skip(1)) await InterestAsync(other, "A", MessageTraceTests.Events);
        await tracer.PublishAsync("foo", headers: MessageTraceTests.Asking(only: true));
        TraceReport[] reports = [await TraceReport.NextAsync(events), await TraceReport.NextAsync(events), await TraceReport.NextAsync(events)];
        var origin = reports.Single(report => report.IngressKind == 0);
        origin.Hops.ShouldBe(2);
        var hops = origin.Egresses.ToDictionary(egress => TraceReport.Text(egress, "name")!, egress => TraceReport.Text(egress, "hop"));
        hops.Values.Order().ShouldBe(["1", "2"]);
        foreach (var report in reports.Where(report => report.IngressKind == 1)) report.Headers.ShouldContain($"Nats-Trace-Hop={hops[report.Server]} ");
    }

    [Theory]
    [InlineData("traceparent", MessageTraceTests.Parent, false, false, true)]
    [InlineData("TraceParent", MessageTraceTests.Parent, false, false, true)]
    [InlineData("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-25", false, false, true)]
    [InlineData("traceparent", MessageTraceTests.Parent, false, true, true)]
    [InlineData("traceparent", Unsampled, false, false, null)]
    [InlineData("traceparent", Unsampled, false, true, null)]
    [InlineData("traceparent", MessageTraceTests.Parent, true, false, false)]
    [InlineData("traceparent", Unsampled, true, false, false)]
    [InlineData("traceparent", MessageTraceTests.Parent, true, true, false)]
    [InlineData("traceparent", Unsampled, true, true, false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceTriggeredByExternalHeader")]
    public async Task ASampledTraceParentGoesToTheAccountsDestination(string header, string parent, bool asked, bool only, bool? toAccount)
    {
        await using var cluster = await StartAsync(2, Account("A", $"trace_dest: \"{OfAccount}\""));
        await using var tracer = await MessageTraceTests.ConnectAsync(cluster[0], "A");
        await using var receiver = await MessageTraceTests.ConnectAsync(cluster[1], "A");
        var own = await tracer.SubscribeAsync(MessageTraceTests.Events);
        var accounts = await tracer.SubscribeAsync(OfAccount);
        var messages = await receiver.SubscribeAsync("foo");
        foreach (var client in new[] { tracer, receiver }) await client.FlushAsync();
        await InterestAsync(cluster[0], "A", "foo");
        await InterestAsync(cluster[1], "A", OfAccount);
        var headers = new List<(string, string)> { (header, parent) };
        if (asked) headers.Add((MessageTraceTests.TraceHeader, MessageTraceTests.Events));
        if (only) headers.Add(("Nats-Trace-Only", "true"));
        await tracer.PublishAsync("foo", "first", headers: TestHeaders.Of([.. headers]));
        await tracer.PublishAsync("foo", "last");
        (await messages.NextAsync()).Text.ShouldBe(asked && only ? "last" : "first");
        if (toAccount is { } which) await BothAsync(which ? accounts : own);
        await tracer.FlushAsync();
        (own.Count, accounts.Count).ShouldBe(toAccount switch { true => (0, 2), false => (2, 0), null => (0, 0) });
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceTriggeredByExternalHeader")]
    [Upstream("msgtrace_test.go", "TestMsgTraceAccountDestWithSampling")]
    public async Task WhatTheFirstServerDoesNotSampleNobodyTraces()
    {
        const int Total = 400;
        await using var cluster = await StartAsync(2, Account("A"));
        await using var tracer = await MessageTraceTests.ConnectAsync(cluster[0], "A");
        await using var receiver = await MessageTraceTests.ConnectAsync(cluster[1], "A");
        var events = await tracer.SubscribeAsync(OfAccount);
        var messages = await receiver.SubscribeAsync("foo");
        foreach (var client in new[] { tracer, receiver }) await client.FlushAsync();
        await InterestAsync(cluster[0], "A", "foo");
        await InterestAsync(cluster[1], "A", OfAccount);
        (await CountAsync()).ShouldBe((0, 0));
        await ReloadAsync(cluster, Account("A", $"msg_trace: {{ dest: \"{OfAccount}\" }}"));
        (await CountAsync()).ShouldBe((Total, Total));
        await ReloadAsync(cluster, Account("A", $"msg_trace: {{ dest: \"{OfAccount}\", sampling: \"25%\" }}"));
        var (origin, routed) = await CountAsync();
        routed.ShouldBe(origin);
        origin.ShouldBeInRange(50, 160);

        // The second server's events of all messages are behind the receiver's last message, then over the same route.
        async Task<(int Origin, int Routed)> CountAsync()
        {
            var before = messages.Count;
            for (var i = 0; i < Total; i++) await tracer.PublishAsync("foo", headers: TestHeaders.Of(("traceparent", MessageTraceTests.Parent)));
            await Wait.Until("all messages", () => messages.Count - before == Total);
            await receiver.PublishAsync(OfAccount, "end");
            var counts = (0, 0);
            while (await events.NextAsync() is { Text: not "end" } message)
            {
                if (TraceReport.Parse(message.Payload).IngressKind == 0) counts.Item1++;
                else counts.Item2++;
            }
            return counts;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EventsComeBackFromAccountsTheMessageHasCrossedInto(bool only)
    {
        await using var cluster = await StartAsync(2, Account("A", "exports: [ { service: \"a.>\", allow_trace: true } ]"),
            Account("B", "imports: [ { service: { account: A, subject: \"a.>\" }, to: \"b.>\" } ], exports: [ { service: \"b.>\", allow_trace: true } ]"),
            Account("C", "imports: [ { service: { account: B, subject: \"b.>\" }, to: \"c.>\" } ]"));
        await using var tracer = await MessageTraceTests.ConnectAsync(cluster[0], "C");
        await using var service = await MessageTraceTests.ConnectAsync(cluster[1], "A", "Service");
        var requests = await service.SubscribeAsync("a.>");
        await service.FlushAsync();
        await InterestAsync(cluster[0], "A", "a.1");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        for (var round = 1; round <= 3; round++)
        {
            await tracer.PublishAsync("c.1", "request", headers: MessageTraceTests.Asking(only));
            var (origin, routed) = await BothAsync(events);
            origin.Steps.ShouldBe(["si acc=B from=c.1 to=b.1", "si acc=A from=b.1 to=a.1", "eg kind=1 name=s2 hop=1"]);
            (routed.Server, TraceReport.Text(routed.Ingress, "acc"), TraceReport.Text(routed.Ingress, "subj")).ShouldBe(("s2", "A", "a.1"));
            routed.Headers.ShouldContain("Nats-Trace-Dest=_R_.");
            routed.Steps.ShouldBe(["eg kind=0 name=Service sub=a.>"]);
            await Wait.Until(
                "the ways back are closed",
                () => cluster[0].Accounts.All.All(account => account.Responses.Count == 0),
                () => string.Join(", ", cluster[0].Accounts.All.Select(account => $"{account.Name}: {account.Responses.Count}")));
        }
        await service.FlushAsync();
        requests.Count.ShouldBe(only ? 0 : 3);
    }

    private static string Account(string name, string more = "") => $"{name} {{ users: [ {{ user: {name}, password: {name} }} ]\n {more}\n }}";

    private static async Task<(TraceReport Origin, TraceReport Routed)> BothAsync(TestSubscription events)
    {
        TraceReport[] both = [await TraceReport.NextAsync(events), await TraceReport.NextAsync(events)];
        return (both.Single(report => report.IngressKind == 0), both.Single(report => report.IngressKind == 1));
    }

    private static async Task<TestCluster> StartAsync(int servers, params string[] accounts)
    {
        var cluster = new TestCluster();
        for (var i = 1; i <= servers; i++)
        {
            var route = i == 1 ? "" : $"\"nats-route://127.0.0.1:{cluster[0].ClusterEndPoint!.Port}\"";
            cluster.Servers.Add(await TestServer.FromConfigAsync(
                $$"""
                server_name: s{{i}}
                cluster { name: C, listen: "127.0.0.1:-1", accounts: [ "A" ], routes: [ {{route}} ] }
                accounts { {{string.Join('\n', accounts)}} }
                """));
        }
        await cluster.WaitForMeshAsync();
        return cluster;
    }

    private static async Task ReloadAsync(TestCluster cluster, string account)
    {
        foreach (var server in cluster.Servers)
        {
            var accounts = TestServer.Parse($"accounts {{ {account} }}").Accounts;
            await server.ReloadAsync(server.Options with { Accounts = accounts });
        }
    }

    private static Task InterestAsync(NatsServer server, string account, string subject, int links = 1, int queues = 0) => Wait.Until(
        $"interest of {account} in {subject} has come to {server.Name}",
        () =>
        {
            var match = server.Accounts.Find(account)!.Subscriptions.Match(System.Text.Encoding.UTF8.GetBytes(subject));
            return queues > 0 ? match.Queues.Count(group => group.Links.Length > 0) == queues : match.Links.Length == links;
        });
}
