using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

public sealed class LameDuckTests
{
    [Fact]
    public async Task ClientsAreToldThenClosedOneByOne()
    {
        await using var server = await TestServer.StartAsync(o => o with
        {
            LameDuckDuration = TimeSpan.FromSeconds(2),
            LameDuckGracePeriod = TimeSpan.FromMilliseconds(200),
        });
        using var modern = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await modern.ReadInfoAsync();
        await modern.SendAsync("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
        await modern.ExpectAsync("PONG\r\n");
        (await modern.ReadInfoAsync()).GetProperty("connect_info").GetBoolean().ShouldBeTrue();
        using var old = await RawClient.OpenAsync(server.ClientEndPoint!);
        var done = server.EnterLameDuckAsync();
        (await modern.ReadInfoAsync()).GetProperty("ldm").GetBoolean().ShouldBeTrue();
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(() => RawClient.ConnectAsync(server.ClientEndPoint!));
        (await modern.ReadToCloseAsync()).ShouldBe("");
        (await old.ReadToCloseAsync()).ShouldBe("", "a protocol 0 client is told nothing");
        await done;
        server.Stopped.IsCompleted.ShouldBeTrue();
    }
}
