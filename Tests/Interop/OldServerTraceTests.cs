using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Accounts;

namespace NatsAspire.Tests.Interop;

/// <summary>A traced message on its way to a server that knows no traces: Debian's nats-server 2.9.</summary>
public sealed class OldServerTraceTests
{
    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithRouteToOldServer")]
    public async Task ItIsDeliveredThereUnlessItIsToBeTracedOnly()
    {
        var path = Peers.GoServer();
        var ports = new NatsAspire.Hosting.FreePorts().Take(2);
        await using var ours = await NatsServer.StartAsync(TestServer.Member("ours"));
        await using var go = RunningProcess.Start(
            path, "-a", "127.0.0.1", "-p", $"{ports[0]}", "-n", "old", "--cluster", $"nats://127.0.0.1:{ports[1]}", "--cluster_name", "C",
            "--routes", $"nats://127.0.0.1:{ours.ClusterEndPoint!.Port}");
        await go.WaitForOutputAsync("Server is ready");
        await Wait.Until("the route", () => ours.RouteConnectionCount == 1, () => go.Output);
        await using var receiver = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, ports[0]));
        await using var tracer = await TestClient.ConnectAsync(ours.ClientUrl);
        var events = await tracer.SubscribeAsync(MessageTraceTests.Events);
        var messages = await receiver.SubscribeAsync("foo");
        await receiver.FlushAsync();
        await Wait.Until("interest", () => ours.Accounts.Global.Subscriptions.Match("foo"u8).Links.Length == 1);
        await tracer.PublishAsync("foo", "only", headers: MessageTraceTests.Asking(only: true));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["eg kind=1 name=old hop=1 error=Not delivered because remote does not support message tracing"]);
        await tracer.PublishAsync("foo", "delivered", headers: MessageTraceTests.Asking(only: false));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(
            ["eg kind=1 name=old hop=1 error=Message delivered but remote does not support message tracing so no trace event generated from there"]);
        (await messages.NextAsync()).Text.ShouldBe("delivered");
    }
}
