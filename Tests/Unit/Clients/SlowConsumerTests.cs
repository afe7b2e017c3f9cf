using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

public sealed class SlowConsumerTests
{
    [Fact]
    [Upstream("client_test.go", "TestClientMaxPending")]
    [Upstream("client_test.go", "TestNoClientLeakOnSlowConsumer")]
    public async Task WhoDoesNotReadIsClosedAndOthersGoOn()
    {
        await using var server = await TestServer.StartAsync(o => o with
        {
            Limits = o.Limits with { MaxPending = 2 * 1024 * 1024, WriteDeadline = TimeSpan.FromSeconds(1) },
        });
        using var slow = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var healthy = await RawClient.OpenAsync(server.ClientEndPoint!);
        await slow.SendAsync("SUB flood 1\r\n");
        await slow.FlushAsync();
        await healthy.SendAsync("SUB calm 1\r\n");
        await healthy.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        var message = $"PUB flood 65536\r\n{new string('x', 65536)}\r\n";
        var flood = Task.Run(async () =>
        {
            while (server.Clients.SlowConsumers == 0) await publisher.SendAsync(message);
        });
        await Wait.For("the slow consumer to be closed", Finished(flood), TimeSpan.FromSeconds(30));
        await Wait.Until("its connection is gone", () => server.ClientCount == 2);
        await publisher.SendAsync("PUB calm 2\r\nok\r\n");
        await healthy.ExpectAsync("MSG calm 1 2\r\nok\r\n");
    }

    private static async Task<bool> Finished(Task task)
    {
        await task;
        return true;
    }
}
