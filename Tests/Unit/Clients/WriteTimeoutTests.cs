using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>A client that reads all the time, but more slowly than the write deadline allows.</summary>
public sealed class WriteTimeoutTests
{
    private const int Payload = 1024 * 1024;
    private const int Messages = 48;
    private static readonly int Expected = Messages * ($"MSG flood 1 {Payload}\r\n".Length + Payload + 2);

    [Theory]
    [InlineData(WriteTimeoutPolicy.Default)]
    [InlineData(WriteTimeoutPolicy.Close)]
    [Upstream("client_test.go", "TestClientConfigureWriteTimeoutPolicy")]
    [Upstream("client_test.go", "TestClientFlushOutboundWriteTimeoutPolicy")]
    public async Task ASlowReaderIsClosed(WriteTimeoutPolicy policy)
    {
        using var log = new CapturedLog(LogLevel.Information);
        await using var server = await StartAsync(policy, log);
        await using var slow = await SubscribeAsync(server);
        var flood = FloodAsync(server);
        await Wait.Until("the close", async () => await ReadLittleAsync(slow) >= 0 && server.Clients.Closed.ToList().Any(IsTooSlow), () => string.Join('\n', log.Lines.TakeLast(5)));
        log.Contains("Slow Consumer Detected: WriteDeadline of 0.5s exceeded").ShouldBeTrue();
        server.Clients.SlowConsumers.ShouldBe(1);
        await flood;
    }

    [Fact]
    public async Task WithRetryItIsKeptAndItsRecoveryIsTold()
    {
        using var log = new CapturedLog(LogLevel.Information);
        await using var server = await StartAsync(WriteTimeoutPolicy.Retry, log);
        await using var slow = await SubscribeAsync(server);
        var flood = FloodAsync(server);
        var received = 0;
        await Wait.Until("the second warning", async () =>
        {
            received += await ReadLittleAsync(slow);
            return log.Contains("Slow Consumer State: WriteDeadline");
        }, () => string.Join('\n', log.Lines.TakeLast(5)));
        log.Contains("Slow Consumer Detected: WriteDeadline").ShouldBeTrue();
        var buffer = new byte[Payload];
        while (received < Expected) received += await slow.ReadAsync(buffer, TestContext.Current.CancellationToken);
        await Wait.Until("the recovery is told", () => log.Contains("Slow Consumer Recovered: Flush took"), () => string.Join('\n', log.Lines.TakeLast(5)));
        await flood;
        received.ShouldBe(Expected);
        server.Clients.Closed.ToList().ShouldNotContain(client => IsTooSlow(client));
    }

    private static bool IsTooSlow(ClosedClient client) => client.Reason == CloseReason.SlowConsumerWriteDeadline;

    private static Task<NatsServer> StartAsync(WriteTimeoutPolicy policy, CapturedLog log) => NatsServer.StartAsync(
        TestServer.Options with
        {
            WriteTimeout = policy,
            Limits = TestServer.Options.Limits with { MaxPending = 128 * 1024 * 1024, WriteDeadline = TimeSpan.FromMilliseconds(500) },
        },
        log,
        TestContext.Current.CancellationToken);

    /// <summary>In process: between the server and the reader stands a small pipe, not the buffers of a kernel.</summary>
    private static async Task<Stream> SubscribeAsync(NatsServer server)
    {
        var stream = server.ConnectInProcess();
        await stream.WriteAsync("CONNECT {\"verbose\":false}\r\nSUB flood 1\r\nPING\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var greeting = new StringBuilder();
        var buffer = new byte[4096];
        while (!greeting.ToString().EndsWith("PONG\r\n", StringComparison.Ordinal))
        {
            greeting.Append(Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)));
        }
        return stream;
    }

    private static async Task FloodAsync(NatsServer server)
    {
        await using var publisher = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions());
        for (var i = 0; i < Messages; i++) await publisher.PublishAsync("flood", new byte[Payload]);
        await publisher.FlushAsync();
    }

    /// <summary>A little of what there is, once in a while.</summary>
    private static Task<int> ReadLittleAsync(Stream stream) =>
        stream.ReadAsync(new byte[64 * 1024], TestContext.Current.CancellationToken).AsTask();
}
