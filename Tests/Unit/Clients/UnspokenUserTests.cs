using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>What a server assumes of those who say nothing, and what it does with halves of lines.</summary>
public sealed class UnspokenUserTests
{
    [Theory]
    [InlineData("allowed_connection_types: [ WEBSOCKET ]", false, true)]
    [InlineData("allowed_connection_types: [ STANDARD ]", true, false)]
    [InlineData("proxy_required: true", false, false)]
    [Upstream("parser_test.go", "TestParsePingNoAuthUserEnforcesUserRestrictions")]
    public async Task NobodysUserIsRestrictedBeforeConnectToo(string restriction, bool standard, bool web)
    {
        await using var server = await TestServer.FromConfigAsync(
            $"no_auth_user: foo\nauthorization {{ users [ {{ user: foo, password: x, {restriction} }} ] }}\nwebsocket {{ listen: \"127.0.0.1:-1\", no_tls: true }}");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("PING\r\n");
        if (standard) await client.ExpectAsync("PONG\r\n");
        else (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
        using var socket = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint!);
        await socket.ReadThroughAsync("\r\n");
        await socket.SendAsync("PING\r\n");
        (await socket.ReadThroughAsync("\r\n")).ShouldBe(web ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientSetPermissionsPublishDenyQueueQualifierFailsClosed")]
    public void ADenyRuleForPublishesWithAQueueDeniesItsSubject()
    {
        var permissions = Server.Security.Permissions.Compile(new PermissionOptions { Publish = new SubjectPermissionOptions { Deny = ["admin.secret workers"] } })!;
        permissions.MayPublish("admin.secret"u8).ShouldBeFalse();
        permissions.MayPublish("admin.open"u8).ShouldBeTrue();
    }

    /// <summary>Connections of a loop share the buffer they are read into: what one left there must not be the other's.</summary>
    [Fact]
    [Upstream("split_test.go", "TestSplitBufferPubOp4")]
    public async Task HalfALineIsKeptWhileOthersAreRead()
    {
        await using var server = await TestServer.StartAsync();
        var clients = new List<RawClient>();
        for (var i = 0; i < 8; i++)
        {
            clients.Add(await RawClient.OpenAsync(server.ClientEndPoint!));
            await clients[i].SendAsync("SUB foo 1\r\n");
            await clients[i].FlushAsync();
        }
        await clients[0].SendAsync("PUB foo 11\r\n");
        for (var i = 1; i < 8; i++)
        {
            await clients[i].SendAsync("PUB XXX 44\r\n" + new string('X', 44) + "\r\n");
            await clients[i].FlushAsync();
        }
        await clients[0].SendAsync("hello wor");
        for (var i = 1; i < 8; i++) await clients[i].FlushAsync();
        await clients[0].SendAsync("ld\r\n");
        foreach (var client in clients) await client.ExpectAsync("MSG foo 1 11\r\nhello world\r\n");
        foreach (var client in clients) client.Dispose();
    }

    [Theory]
    [InlineData("nats://foo:bar@example.org", "nats://foo:xxxxx@example.org")]
    [InlineData("nats://foo@example.org", "nats://foo@example.org")]
    [InlineData("nats://example.org", "nats://example.org")]
    [InlineData("nats://example.org/foo?bar=1", "nats://example.org/foo?bar=1")]
    [Upstream("util_test.go", "TestURLRedaction")]
    public void APasswordInAUrlIsHidden(string full, string safe) => LeafNodeCheck.Redact(new Uri(full)).ShouldBe(safe);
}
