using NatsAspire.Server.Connections;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>What a server remembers of clients that are gone.</summary>
public sealed class ClosedClientsTests
{
    [Fact]
    [Upstream("closed_conns_test.go", "TestClosedConnsAccounting")]
    public async Task TheLastOnesAreKeptInTheirOrder()
    {
        await using var server = await TestServer.FromConfigAsync("max_closed_clients: 10");
        for (var i = 0; i < 22; i++)
        {
            var count = i;
            using (await RawClient.OpenAsync(server.ClientEndPoint!))
            {
            }
            await Wait.Until("the end of the client", () => server.ClientCount == 0 && server.Clients.Total == count + 1);
        }
        var ids = server.Clients.Closed.ToList().Select(client => client.Last.Id).ToList();
        ids.Count.ShouldBe(10);
        ids.ShouldBe(Enumerable.Range(0, 10).Select(i => ids[0] + (ulong)i));
    }

    [Fact]
    [Upstream("closed_conns_test.go", "TestClosedConnsSubsAccounting")]
    public async Task SubscriptionsAreKeptToo()
    {
        await using var server = await TestServer.StartAsync();
        using (var client = await RawClient.OpenAsync(server.ClientEndPoint!))
        {
            await client.SendAsync(string.Concat(Enumerable.Range(0, 10).Select(i => $"SUB foo.{i} {i}\r\n")));
            await client.FlushAsync();
        }
        await Wait.Until("the end of the client", () => server.Clients.Closed.ToList().Count == 1);
        server.Clients.Closed.ToList().Single().Subscriptions.Count.ShouldBe(10);
    }

    [Theory]
    [InlineData("authorization { token: t, timeout: 0.2 }", "", CloseReason.AuthenticationTimeout)]
    [InlineData("authorization { token: t }", "CONNECT {}\r\n", CloseReason.AuthenticationViolation)]
    [InlineData("authorization { user: u, password: p }", "CONNECT {}\r\n", CloseReason.AuthenticationViolation)]
    [InlineData("authorization { user: u, password: p }", "CONNECT {\"user\":\"u\",\"pass\":\"wrong\"}\r\n", CloseReason.AuthenticationViolation)]
    [InlineData("max_payload: 100", "PUB foo.bar 1024\r\n", CloseReason.MaxPayloadExceeded)]
    [Upstream("closed_conns_test.go", "TestClosedAuthorizationTimeout")]
    [Upstream("closed_conns_test.go", "TestClosedAuthorizationViolation")]
    [Upstream("closed_conns_test.go", "TestClosedUPAuthorizationViolation")]
    [Upstream("closed_conns_test.go", "TestClosedMaxPayload")]
    public async Task TheReasonIsKnown(string config, string sent, CloseReason reason)
    {
        await using var server = await TestServer.FromConfigAsync(config);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(sent);
        await client.ReadToCloseAsync();
        (await ReasonAsync(server)).ShouldBe(reason);
    }

    [Fact]
    [Upstream("closed_conns_test.go", "TestClosedTLSHandshake")]
    public async Task AFailedHandshakeIsAReason()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync(certificates.Block("verify: true"));
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {}\r\nPING\r\n");
        await client.ReadToCloseAsync();
        (await ReasonAsync(server)).ShouldBe(CloseReason.TlsHandshakeError);
    }

    private static async Task<CloseReason> ReasonAsync(NatsServer server)
    {
        await Wait.Until("a closed client", () => server.Clients.Closed.ToList().Count == 1);
        return server.Clients.Closed.ToList().Single().Reason;
    }
}
