using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>The orders of /connz, with a client that reads and one that writes.</summary>
public sealed class ConnzSortTests
{
    [Theory]
    [InlineData("cid", "idle,reader,writer")]
    [InlineData("start", "idle,reader,writer")]
    [InlineData("subs", "reader,idle,writer")]
    [InlineData("msgs_to", "reader,idle,writer")]
    [InlineData("bytes_to", "reader,idle,writer")]
    [InlineData("msgs_from", "writer,idle,reader")]
    [InlineData("bytes_from", "writer,idle,reader")]
    [InlineData("uptime", "writer,reader,idle")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByCid")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByStart")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByBytesAndMsgs")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedBySubs")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByUptime")]
    public async Task Open_connections_are_sorted(string sort, string names)
    {
        await using var server = await Monitored.StartAsync();
        await using var idle = await OpenAsync(server, "idle");
        await using var reader = await OpenAsync(server, "reader");
        await using var writer = await OpenAsync(server, "writer");
        await FlowAsync(reader, writer);
        Names(server, new ConnzOptions { Sort = sort }).ShouldBe(names);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByLast")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByIdle")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortByIdleTime")]
    public async Task The_quietest_is_last_by_activity_and_first_by_idleness()
    {
        await using var server = await Monitored.StartAsync();
        await using var idle = await OpenAsync(server, "idle");
        await using var reader = await OpenAsync(server, "reader");
        await using var writer = await OpenAsync(server, "writer");
        var quietSince = Environment.TickCount64;
        await Wait.Until("the clock to go on", () => Environment.TickCount64 > quietSince + 50);
        await FlowAsync(reader, writer);
        Names(server, new ConnzOptions { Sort = "last" }).ShouldEndWith("idle");
        Names(server, new ConnzOptions { Sort = "idle" }).ShouldStartWith("idle");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByStopTimeClosedConn")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByUptimeClosedConn")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByReason")]
    public async Task Closed_connections_are_sorted_by_end_age_and_reason()
    {
        await using var server = await Monitored.StartAsync();
        using var first = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"name\":\"first\"}\r\n");
        using (await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"name\":\"second\"}\r\n"))
        {
            server.ClientCount.ShouldBe(2);
        }
        await Wait.Until("the end of the second", () => server.ClientCount == 1);
        await first.SendAsync("NONSENSE\r\n");
        await first.ReadToCloseAsync();
        await Wait.Until("the end of the first", () => server.ClientCount == 0);
        var closed = new ConnzOptions { State = ConnectionState.Closed };
        Names(server, closed with { Sort = "stop" }).ShouldBe("first,second");
        Names(server, closed with { Sort = "uptime" }).ShouldBe("second,first");
        Names(server, closed with { Sort = "reason" }).ShouldBe("second,first", "Client Closed, Protocol Violation");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByPending")]
    public async Task A_client_that_does_not_read_is_first_by_waiting_bytes()
    {
        await using var server = await Monitored.StartAsync();
        await using var idle = await OpenAsync(server, "idle");
        using var deaf = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"name\":\"deaf\"}\r\n");
        await deaf.SendAsync("SUB flow 1\r\n");
        await deaf.FlushAsync();
        await using var writer = await OpenAsync(server, "writer");
        var body = new string('x', 900_000);
        for (var i = 0; i < 30; i++) await writer.PublishAsync("flow", body);
        await writer.FlushAsync();
        var sorted = server.Connz(new ConnzOptions { Sort = "pending" }).Connections!;
        sorted[0].Name.ShouldBe("deaf");
        sorted[0].PendingBytes.ShouldBeGreaterThan(100_000);
        sorted[1].PendingBytes.ShouldBeLessThan(100_000);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzSortByRTT")]
    public async Task The_farthest_is_first_by_round_trip()
    {
        await using var server = await Monitored.StartAsync();
        using var late = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await late.ReadInfoAsync();
        await using var quick = await OpenAsync(server, "quick");
        var until = Environment.TickCount64 + 60;
        await Wait.Until("the clock to go on", () => Environment.TickCount64 > until);
        // Until a PING is answered, the time from the accept to CONNECT is the measure.
        await late.SendAsync("CONNECT {\"verbose\":false,\"name\":\"late\"}\r\nPING\r\n");
        await late.ReadThroughAsync("PONG");
        Names(server, new ConnzOptions { Sort = "rtt" }).ShouldBe("late,quick");
    }

    private static async Task<TestClient> OpenAsync(NatsServer server, string name)
    {
        var client = await server.ConnectAsync(new TestClientOptions { Name = name });
        await client.FlushAsync();
        return client;
    }

    private static async Task FlowAsync(TestClient reader, TestClient writer)
    {
        var subscription = await reader.SubscribeAsync("flow");
        await reader.SubscribeAsync("other");
        await reader.FlushAsync();
        await writer.PublishAsync("flow", "some bytes");
        await subscription.NextAsync();
    }

    private static string Names(NatsServer server, ConnzOptions options) =>
        string.Join(',', server.Connz(options).Connections!.Select(connection => connection.Name));
}
