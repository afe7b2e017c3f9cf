using System.Net.Sockets;
using System.Text.RegularExpressions;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>The listener, the health probe, and the pages without a page of their own.</summary>
public sealed class MonitoringServerTests
{
    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHealthzStatusOK")]
    [Upstream("monitor_test.go", "TestServerHealthz")]
    public async Task A_server_that_accepts_is_healthy()
    {
        await using var server = await Monitored.StartAsync();
        var reply = await server.GetAsync("/healthz?js-server-only=true");
        (reply.Status, reply.Text).ShouldBe((200, """{"status":"ok"}"""));
        (server.Healthz().Status, server.Healthz().StatusCode).ShouldBe(("ok", 200));
        foreach (var (query, error) in new[] { ("stream=S", "\"account\" must not be empty when checking stream health"), ("consumer=C&account=A", "\"stream\" must not be empty when checking consumer health") })
        {
            var bad = await server.GetAsync("/healthz?" + query);
            (bad.Status, bad.Json.GetProperty("error").GetString()).ShouldBe((400, error));
            var details = await server.GetAsync("/healthz?details=1&" + query);
            details.Json.GetProperty("errors")[0].GetProperty("type").GetString().ShouldBe("BAD_REQUEST");
        }
        (await server.GetAsync("/healthz?details=maybe")).Status.ShouldBe(400);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHealthzStatusError")]
    public async Task A_server_that_leaves_is_not_healthy()
    {
        await using var server = await Monitored.StartAsync("", options => options with { LameDuckDuration = TimeSpan.FromSeconds(60), LameDuckGracePeriod = TimeSpan.FromSeconds(30) });
        await using var client = await server.ConnectAsync();
        await client.FlushAsync();
        var leaving = server.EnterLameDuckAsync();
        var reply = await server.GetAsync("/healthz");
        reply.Status.ShouldBe(500);
        reply.Text.ShouldBe("""{"status":"error","error":"failed to be ready for connections after 1ms: server"}""");
        var details = await server.GetAsync("/healthz?details=1");
        details.Json.GetProperty("errors")[0].GetProperty("type").GetString().ShouldBe("CONNECTION");
        await server.DisposeAsync();
        await leaving;
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorNoPort")]
    [Upstream("monitor_test.go", "TestNoMonitorPort")]
    public async Task Without_a_port_there_are_pages_in_process_only()
    {
        await using var server = await TestServer.StartAsync();
        server.MonitoringUrl.ShouldBeNull();
        server.Varz().HttpPort.ShouldBe(0);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorNoTLSConfig")]
    [Upstream("monitor_test.go", "TestMonitorBothPortsConfigured")]
    public async Task Https_needs_certificates_and_excludes_http()
    {
        (await Refusal("https_port: -1")).ShouldBe("Can't start monitoring: TLS cert and key required for HTTPS");
        using var certificates = new TestCertificates();
        (await Refusal($"http_port: 8222, https_port: 8223\n{certificates.Block()}")).ShouldBe("Can't start monitoring: can't specify both HTTP (8222) and HTTPs (8223) ports");

        static async Task<string> Refusal(string config)
        {
            var options = Server.Configuration.ConfigLoader.LoadText(config, Server.Cli.CommandLine.Checks).Options;
            var error = await Should.ThrowAsync<ConfigurationValueException>(() => Server.Hosting.NatsServer.StartAsync(options with { Host = "127.0.0.1", Port = -1 }));
            return error.Message;
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestTLSConnz")]
    [Upstream("monitor_test.go", "TestMonitorConnzTLSPeerCerts")]
    [Upstream("monitor_test.go", "TestMonitorVarzTLSCertEndDate")]
    public async Task Pages_in_tls_tell_of_tls()
    {
        using var certificates = new TestCertificates();
        using var own = certificates.Issue("client", "CN=app,OU=NATS");
        await using var server = await Monitored.StartAsync($"https_port: -1\n{certificates.Block("verify: true")}");
        server.MonitoringUrl!.Scheme.ShouldBe("https");
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync(own);
        await client.SendAsync("CONNECT {\"verbose\":false,\"name\":\"secure\"}\r\nPING\r\n");
        await client.ReadThroughAsync("PONG");
        var connection = (await server.GetJsonAsync("/connz?auth=1")).GetProperty("connections")[0];
        connection.GetProperty("tls_version").GetString().ShouldBe("1.3");
        connection.GetProperty("tls_cipher_suite").GetString()!.ShouldStartWith("TLS_");
        var shown = connection.GetProperty("tls_peer_certs")[0];
        shown.GetProperty("subject").GetString()!.ShouldContain("CN=app");
        shown.GetProperty("cert_sha256").GetString().ShouldBe(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(own.RawData)));
        server.Connz().Connections!.Single().TlsPeerCertificates.ShouldBeNull("certificates are told with auth only");
        var varz = await server.GetJsonAsync("/varz");
        varz.GetProperty("https_port").GetInt32().ShouldBe(server.MonitoringUrl.Port);
        varz.GetProperty("tls_cert_not_after").GetDateTimeOffset().ShouldBeGreaterThan(TimeProvider.System.GetUtcNow());
        (varz.GetProperty("tls_required").GetBoolean(), varz.GetProperty("tls_verify").GetBoolean()).ShouldBe((true, true));
        client.Dispose();
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
        var closed = (await server.GetJsonAsync("/connz?auth=1&state=closed")).GetProperty("connections")[0];
        closed.GetProperty("tls_version").GetString().ShouldBe("1.3");
        closed.TryGetProperty("tls_peer_certs", out _).ShouldBeFalse("the certificate went with the connection");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorConnzTLSInHandshake")]
    [Upstream("monitor_test.go", "TestMonitorConnzClosedConnsBadTLSClient")]
    public async Task A_connection_in_its_handshake_is_told_without_waiting()
    {
        using var certificates = new TestCertificates();
        await using var server = await Monitored.StartAsync(certificates.Block());
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        var connection = (await server.GetJsonAsync("/connz")).GetProperty("connections")[0];
        connection.TryGetProperty("tls_version", out _).ShouldBeFalse();
        await client.SendAsync("CONNECT {}\r\n");
        await client.ReadToCloseAsync();
        await Wait.Until("the refused handshake", () => server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Total == 1);
        server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Connections!.Single().Reason.ShouldBe("TLS Handshake Failure");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorErrorOnListen")]
    [Upstream("monitor_test.go", "TestHTTPHost")]
    [Upstream("monitor_test.go", "TestMonitorStop")]
    public async Task A_taken_port_fails_the_start_and_an_ended_server_gives_it_back()
    {
        var server = await Monitored.StartAsync();
        server.MonitoringUrl!.Host.ShouldBe("127.0.0.1");
        var port = server.MonitoringUrl.Port;
        await Should.ThrowAsync<IOException>(() => Start(port));
        await server.DisposeAsync();
        await Should.ThrowAsync<HttpRequestException>(() => server.GetAsync("/varz"));
        await using var again = await Start(port);
        again.MonitoringUrl!.Port.ShouldBe(port);

        static Task<Server.Hosting.NatsServer> Start(int port) => TestServer.StartAsync(options => options with { Monitoring = options.Monitoring with { HttpPort = port } });
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorStacksz")]
    public async Task Threads_queues_and_the_process_are_told()
    {
        await using var server = await Monitored.StartAsync();
        var stacks = (await server.GetAsync("/stacksz")).Text;
        stacks.ShouldContain("loop nats-io-0: ");
        stacks.ShouldContain("Stacksz.Collect");
        (await server.GetJsonAsync("/ipqueuesz?all=1&queues=io-0")).EnumerateObject().Single().Name.ShouldBe("Posted to nats-io-0");
        server.Ipqueuesz(new IpqueueszOptions { All = true }).Count.ShouldBeGreaterThan(0);
        var process = await server.GetJsonAsync("/debug/vars");
        process.GetProperty("memstats").GetProperty("Alloc").GetInt64().ShouldBeGreaterThan(0);
        process.GetProperty("cmdline").GetArrayLength().ShouldBe(1, "arguments may hold passwords");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHandleRoot")]
    public async Task The_root_page_is_whole_and_safe()
    {
        await using var server = await Monitored.StartAsync("server_name: \"<b>&x\"");
        var page = await server.GetAsync("/");
        (page.Status, page.ContentType).ShouldBe((200, "text/html; charset=utf-8"));
        page.Text.ShouldContain("&lt;b&gt;&amp;x");
        page.Text.ShouldNotContain("<b>&x");
        page.Text.ShouldNotContain("http://", customMessage: "nothing comes from elsewhere");
        page.Text.ShouldNotContain("https://");
        page.Text.ShouldContain("prefers-color-scheme: dark");
        page.Text.ShouldContain(server.Id);
        page.Text.ShouldContain("healthy");
        var links = Regex.Matches(page.Text, "<a href=\"\\.([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        links.Count.ShouldBeGreaterThan(12);
        foreach (var link in links)
        {
            var status = (await server.GetAsync(link.Replace("&amp;", "&", StringComparison.Ordinal))).Status;
            status.ShouldBe(link == "/raftz" ? 404 : 200, link);
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorReloadTLSConfig")]
    public async Task A_reload_reaches_the_pages()
    {
        using var certificates = new TestCertificates();
        using var second = certificates.Issue("second", "CN=second", names => names.AddIpAddress(System.Net.IPAddress.Loopback));
        var config = $"https_port: -1\n{certificates.Block()}";
        await using var server = await Monitored.StartAsync(config);
        (await SubjectAsync(server.MonitoringUrl!)).ShouldBe("CN=server");
        var loaded = server.Varz().ConfigLoadTime;
        var fresh = ConfigLoader.LoadText($"https_port: -1\nmax_payload: 77\n{certificates.Block(name: "second")}", Server.Cli.CommandLine.Checks).Options;
        await server.ReloadAsync(fresh with { Host = "127.0.0.1", Port = -1, Monitoring = server.Options.Monitoring });
        (await SubjectAsync(server.MonitoringUrl!)).ShouldBe("CN=second");
        server.Varz().MaxPayload.ShouldBe(77);
        server.Varz().ConfigLoadTime.ShouldBeGreaterThan(loaded);

        static async Task<string> SubjectAsync(Uri url)
        {
            using var client = await TlsRawClient.ConnectAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, url.Port));
            await client.StartTlsAsync();
            return client.Ssl.RemoteCertificate!.Subject;
        }
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorWebsocket")]
    public async Task Web_sockets_and_connections_in_process_are_told_as_such()
    {
        await using var server = await Monitored.StartAsync("websocket { listen: \"127.0.0.1:-1\", no_tls: true, same_origin: true, compression: true }");
        var block = (await server.GetJsonAsync("/varz")).GetProperty("websocket");
        block.GetProperty("port").GetInt32().ShouldBe(server.WebSocketEndPoint!.Port);
        (block.GetProperty("no_tls").GetBoolean(), block.GetProperty("same_origin").GetBoolean(), block.GetProperty("compression").GetBoolean()).ShouldBe((true, true, true));
        using var web = await WebSocketRawClient.OpenAsync(server.WebSocketEndPoint);
        await web.HelloAsync();
        server.Connz().Connections!.Single().Type.ShouldBe("websocket");
        await using var stream = server.ConnectInProcess();
        await Wait.Until("the connection in process", () => server.ClientCount == 2);
        var inProcess = server.Connz().Connections![1];
        (inProcess.Ip, inProcess.Port).ShouldBe(("", 0));
    }

    [Fact]
    public async Task Head_has_no_body_and_repeated_parameters_count_once()
    {
        await using var server = await Monitored.StartAsync();
        using var socket = new TcpClient("127.0.0.1", server.MonitoringUrl!.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        answer.ShouldStartWith("HTTP/1.1 200");
        answer.ShouldEndWith("\r\n\r\n");
        (await server.GetJsonAsync("/connz?limit=5&limit=7")).GetProperty("limit").GetInt32().ShouldBe(5);
        (await server.GetJsonAsync("/connz?LIMIT=x")).GetProperty("limit").GetInt32().ShouldBe(1024);
        (await server.GetAsync("/CONNZ")).Status.ShouldBe(404);
    }

    [Fact]
    public void The_memory_of_closed_clients_is_bounded_twice()
    {
        var closed = new ClosedClients(500);
        var subscriptions = Enumerable.Range(0, ClosedClients.MaxSubscriptionsOfOne).Select(i => new SubscriptionSnapshot($"s{i}", null, "1", 0, 0)).ToArray();
        for (var id = 0UL; id < 700; id++) closed.Add(new ClosedClient(Snapshot(id), default, CloseReason.ClientClosed, id % 2 == 0 ? subscriptions : []));
        var kept = closed.ToList();
        kept.Select(client => client.Last.Id).ShouldBe(Enumerable.Range(200, 500).Select(id => (ulong)id));
        kept.Sum(client => client.Subscriptions.Count).ShouldBe(ClosedClients.MaxSubscriptions);
        kept.Last(client => client.Last.Id % 2 == 0).Subscriptions.Count.ShouldBe(ClosedClients.MaxSubscriptionsOfOne);
        kept.First().Subscriptions.ShouldBeEmpty("the oldest are forgotten first");

        static ClientSnapshot Snapshot(ulong id) => new()
        {
            Id = id,
            Address = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1),
            StartedAt = default,
            LastActivity = default,
            RoundTrip = default,
            PendingBytes = 0,
            Traffic = default,
            Stalls = 0,
            SubscriptionCount = 0,
        };
    }
}
