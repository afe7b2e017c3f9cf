using System.Net;
using System.Net.Sockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>The official client over WebSocket, in node and in a browser.</summary>
public sealed class WebSocketInteropTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheOfficialClientFindsEverythingInPlace(bool compression)
    {
        var folder = Peers.NodeClients();
        await using var server = await TestServer.FromConfigAsync(
            $"websocket {{ listen: \"127.0.0.1:-1\", no_tls: true, compression: {(compression ? "true" : "false")} }}");
        await using var node = RunningProcess.Start("node", Path.Combine(folder, "core.mjs"), server.WebSocketUrl!.ToString());
        (await node.WaitForExitAsync(TimeSpan.FromSeconds(60))).ShouldBe(0, node.Output);
        node.Output.ShouldContain("ok drain the connection");
        node.Output.ShouldNotContain("not ok");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("websocket_test.go", "TestWSWebrowserClient")]
    public async Task APageInABrowserTalksToTheServer(bool compression)
    {
        var folder = Peers.NodeClients();
        Peers.Chromium();
        var port = FreePort();
        await using var server = await TestServer.FromConfigAsync($$"""
            authorization { users [ {user: web, password: pwd, allowed_connection_types: [WEBSOCKET]} ] }
            websocket {
              listen: "127.0.0.1:-1"
              no_tls: true
              compression: {{(compression ? "true" : "false")}}
              allowed_origins: [ "http://127.0.0.1:{{port}}" ]
            }
            """);
        await using var node = RunningProcess.Start("node", Path.Combine(folder, "browser.mjs"), server.WebSocketUrl!.ToString(), port.ToString());
        (await node.WaitForExitAsync(TimeSpan.FromSeconds(90))).ShouldBe(0, node.Output);
        node.Output.ShouldContain("ok drain in a page");
        node.Output.ShouldNotContain("not ok");
    }

    /// <summary>The page's address has to be known before the server starts that allows it.</summary>
    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
