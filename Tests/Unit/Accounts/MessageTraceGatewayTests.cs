using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Traces over gateways: the servers of each cluster tell their part.</summary>
public sealed class MessageTraceGatewayTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithGateways")]
    public async Task BothClustersTellOfAMessage(bool only)
    {
        await using var super = await SuperCluster.StartAsync(more: "accounts { A: { users: [{user: A, password: A}] } }");
        await using var tracer = await super.ConnectAsync("A1", "A");
        await using var far = await super.ConnectAsync("B1", "A");
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        var plain = await far.SubscribeAsync("foo.bar");
        var queued = await far.SubscribeAsync("foo.*", "q");
        await SuperCluster.ReachAsync(tracer, plain, "foo.bar");
        await SuperCluster.ReachAsync(far, events, MessageTraceTests.Events);
        await SuperCluster.ReachAsync(tracer, queued, "foo.bar");
        await far.FlushAsync();
        await tracer.PublishAsync("foo.bar", "hello!", headers: MessageTraceTests.Asking(only));
        TraceReport[] reports = [await TraceReport.NextAsync(events), await TraceReport.NextAsync(events)];
        var origin = reports.Single(report => report.Server == "A1");
        var there = reports.Single(report => report.Server == "B1");
        (origin.Hops, there.Hops, there.IngressKind).ShouldBe((1, 0, 2));
        origin.Steps.ShouldBe(["eg kind=2 name=B1 hop=1"]);
        there.Steps.Length.ShouldBe(2);
        there.Headers.ShouldContain("Nats-Trace-Hop=1");
        // Words of before may come still.
        if (!only)
        {
            while ((await plain.NextAsync()).Text != "hello!")
            {
            }
        }
        await far.FlushAsync();
        while (plain.TryTake() is { } early) early.Text.ShouldNotBe("hello!");
    }
}
