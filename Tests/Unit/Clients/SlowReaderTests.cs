using NatsAspire.Server.Connections;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Clients that read late, and what ends them or does not.</summary>
public sealed class SlowReaderTests
{
    [Fact]
    [Upstream("client_test.go", "TestClientSlowConsumerWithoutConnect")]
    public async Task WhoNeverSaidConnectIsASlowConsumerTheSame()
    {
        await using var server = await TestServer.StartAsync(o => o with { Limits = o.Limits with { WriteDeadline = TimeSpan.FromMilliseconds(100) } });
        using var slow = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await slow.ReadInfoAsync();
        await slow.SendAsync("SUB foo 1\r\nPING\r\n");
        await slow.ReadThroughAsync("PONG\r\n");
        await using var publisher = await server.ConnectAsync();
        var payload = new byte[100_000];
        while (server.Clients.SlowConsumers == 0) await publisher.PublishAsync("foo", payload);
        await Wait.Until("it is gone", () => server.ClientCount == 1);
        (server.Varz().SlowConsumers, server.Varz().SlowConsumerCounts.Clients).ShouldBe((1, 1));
    }

    [Fact]
    [Upstream("client_test.go", "TestClientFlushOutboundNoSlowConsumer")]
    public async Task MuchMayWaitForWhoReadsInTime()
    {
        const int count = 8, size = 16 * 1024 * 1024;
        await using var server = await TestServer.StartAsync(o => o with
        {
            Limits = o.Limits with { MaxPending = 140 * 1024 * 1024, MaxPayload = size, WriteDeadline = TimeSpan.FromSeconds(30) },
        });
        using var late = await RawClient.OpenAsync(server.ClientEndPoint!);
        await late.SendAsync("SUB test 1\r\n");
        await late.FlushAsync();
        await using var publisher = await server.ConnectAsync();
        var payload = new byte[size];
        for (var i = 0; i < count; i++) await publisher.PublishAsync("test", payload);
        await publisher.FlushAsync();
        server.Connz().Connections!.Max(connection => connection.PendingBytes).ShouldBeGreaterThan(64 * 1024 * 1024);
        await late.SkipAsync(count * ($"MSG test 1 {size}\r\n".Length + size + 2));
        await late.FlushAsync();
        (server.ClientCount, server.Clients.SlowConsumers).ShouldBe((2, 0));
    }

    [Fact]
    [Upstream("client_test.go", "TestClientCloseTLSConnection")]
    public async Task AFullTlsConnectionIsClosedWithoutWaiting()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("write_deadline: 60s\nallow_non_tls: true\n" + certificates.Block());
        using var stuck = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await stuck.ReadThroughAsync("\r\n");
        await stuck.StartTlsAsync();
        await stuck.SendAsync("CONNECT {\"verbose\":false}\r\nSUB flood 1\r\nPING\r\n");
        await stuck.ReadThroughAsync("PONG\r\n");
        var connection = server.Clients.Clients.Single();
        var shown = server.Connz().Connections!.Single();
        (shown.Ip, string.IsNullOrEmpty(shown.TlsVersion)).ShouldBe(("127.0.0.1", false));
        await using var publisher = await server.ConnectAsync();
        var payload = new byte[256 * 1024];
        for (var i = 0; i < 80; i++) await publisher.PublishAsync("flood", payload);
        await publisher.FlushAsync();
        server.Connz().Connections!.Single(one => one.Id == shown.Id).PendingBytes.ShouldBeGreaterThan(0);
        connection.Close(CloseReason.ClientClosed);
        await Wait.Until("it is gone", () => server.ClientCount == 1, timeout: TimeSpan.FromSeconds(3));
    }
}
