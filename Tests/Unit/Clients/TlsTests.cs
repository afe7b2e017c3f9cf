using System.Security.Authentication;
using System.Security.Cryptography;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

public sealed class TlsTests : IDisposable
{
    private const string Connect = "CONNECT {\"verbose\":false,\"tls_required\":true}\r\nPING\r\n";
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    [Upstream("tls_test.go", "TestTLSConnection")]
    public async Task InfoThenHandshakeThenProtocol()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block());
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadThroughAsync("\r\n");
        info.ShouldContain("\"tls_required\":true");
        info.ShouldNotContain("tls_verify");
        await client.StartTlsAsync();
        await client.SendAsync(Connect);
        await client.ReadThroughAsync("PONG\r\n");
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task MessagesOfEverySizePassUnharmed(SslProtocols protocol)
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block());
        using var client = await OpenAsync(server, protocol);
        foreach (var size in new[] { 0, 1, 100, 16 * 1024, 70_000, 900_000 })
        {
            var payload = new string((char)('a' + size % 26), size);
            await client.SendAsync($"SUB s 1\r\nPUB s {size}\r\n{payload}\r\nUNSUB 1\r\nPING\r\n");
            (await client.ReadThroughAsync("PONG\r\n")).ShouldBe($"MSG s 1 {size}\r\n{payload}\r\nPONG\r\n");
        }
    }

    [Fact]
    public async Task ManyPublishersMeetASlowReaderInTls()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block());
        using var reader = await OpenAsync(server);
        await reader.SendAsync("SUB flood 1\r\nPING\r\n");
        await reader.ReadThroughAsync("PONG\r\n");
        var batch = string.Concat(Enumerable.Repeat($"PUB flood 1000\r\n{new string('x', 1000)}\r\n", 2000));
        var publishers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync(server)));
        await Task.WhenAll(publishers.Select(publisher => publisher.SendAsync(batch)));
        for (var i = 0; i < 4 * 2000; i++) await reader.ReadThroughAsync("MSG flood 1 1000\r\n");
        foreach (var publisher in publishers) publisher.Dispose();
    }

    [Fact]
    public async Task PlainTextWhereTlsIsRequiredIsRefused()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block());
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync("CONNECT {}\r\nPING\r\n");
        await client.ExpectClosedAsync();
        await Wait.Until("the connection is gone", () => server.ClientCount == 0);
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSConnectionTimeout")]
    public async Task AHandshakeThatNeverEndsIsCutOff()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block().Replace("timeout: 5", "timeout: 0.2"));
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 });
        await client.ExpectClosedAsync();
    }

    [Fact]
    [Upstream("tls_test.go", "TestClientTLSAndNonTLSConnections")]
    public async Task AllowNonTlsTakesBoth()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block() + "\nallow_non_tls: true");
        using var plain = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await plain.ReadInfoAsync();
        info.GetProperty("tls_available").GetBoolean().ShouldBeTrue();
        info.TryGetProperty("tls_required", out _).ShouldBeFalse();
        await plain.SendAsync("CONNECT {\"verbose\":false}\r\nPING\r\n");
        await plain.ExpectAsync("PONG\r\n");
        using var secure = await OpenAsync(server);
    }

    [Fact]
    [Upstream("client_test.go", "TestTLSClientHandshakeFirst")]
    public async Task HandshakeFirstSendsInfoInsideTls()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("handshake_first: true"));
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.StartTlsAsync();
        (await client.ReadThroughAsync("\r\n")).ShouldContain("\"tls_required\":true");
        await client.SendAsync(Connect);
        await client.ReadThroughAsync("PONG\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestTLSClientHandshakeFirstFallbackDelay")]
    public async Task HandshakeFirstFallsBackToInfo()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("handshake_first: 100ms"));
        using var first = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await first.StartTlsAsync();
        await first.ReadThroughAsync("\r\n");
        using var second = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        (await second.ReadThroughAsync("\r\n")).ShouldContain("\"tls_required\":true");
        await second.StartTlsAsync();
        await second.SendAsync(Connect);
        await second.ReadThroughAsync("PONG\r\n");
    }

    [Fact]
    [Upstream("tls_test.go", "TestTLSClientCertificate")]
    [Upstream("test/tls_test.go", "TestTLSVerifyClientCertificate")]
    public async Task VerifyWantsACertificateOfTheAuthority()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("verify: true"));
        using var known = await OpenAsync(server, certificate: _certificates.Issue("client", "CN=client"));
        using var nobody = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        (await nobody.ReadThroughAsync("\r\n")).ShouldContain("\"tls_verify\":true");
        await ShouldBeRefusedAsync(nobody, null);
        using var others = new TestCertificates();
        using var stranger = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await stranger.ReadThroughAsync("\r\n");
        await ShouldBeRefusedAsync(stranger, others.Issue("client", "CN=client"));
    }

    [Theory]
    [InlineData("cn", "CN=bob,OU=team,O=acme", "CN=bob,OU=team,O=acme")]
    [InlineData("order", "CN=bob,OU=team,O=acme", "O=acme, OU=team, CN=bob")]
    [InlineData("mail", "CN=ignored", "bob@acme.com")]
    [InlineData("dns", "CN=ignored", "bob.acme.com")]
    [InlineData("uri", "CN=ignored", "spiffe://acme/bob")]
    [Upstream("tls_test.go", "TestTLSClientAuthWithRDNSequence")]
    [Upstream("tls_test.go", "TestTLSClientCertificateSANsBasedAuth")]
    [Upstream("test/tls_test.go", "TestTLSClientCertificateCNBasedAuth")]
    [Upstream("test/tls_test.go", "TestTLSClientAuthWithRDNSequenceReordered")]
    [Upstream("test/tls_test.go", "TestTLSClientSVIDAuth")]
    [Upstream("test/tls_test.go", "TestTLSClientCertificateHasUserID")]
    [Upstream("test/tls_test.go", "TestTLSClientCertificateNoSubjectWithSANAuth")]
    public async Task VerifyAndMapTakesTheUserFromTheCertificate(string kind, string subject, string user)
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            {{_certificates.Block("verify_and_map: true")}}
            authorization { users = [ { user: "{{user}}", permissions: { publish: "only.this" } }, { user: other, password: x } ] }
            """);
        var certificate = _certificates.Issue("client", subject, kind switch
        {
            "mail" => names => names.AddEmailAddress(user),
            "dns" => names => names.AddDnsName(user),
            "uri" => names => names.AddUri(new Uri(user)),
            _ => null,
        });
        using var client = await OpenAsync(server, certificate: certificate);
        await client.SendAsync("PUB not.this 0\r\n\r\n");
        await client.ReadThroughAsync("Permissions Violation for Publish to \"not.this\"");
        using var unknown = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await unknown.ReadThroughAsync("\r\n");
        await unknown.StartTlsAsync(_certificates.Issue("nobody", "CN=nobody"));
        await unknown.SendAsync("CONNECT {\"user\":\"other\",\"pass\":\"x\"}\r\n");
        await unknown.ReadThroughAsync("-ERR 'Authorization Violation'");
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSClientCertificateTLSAuthMultipleOptions")]
    public async Task OfManyNamesInACertificateTheOneThatIsAUserCounts()
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            {{_certificates.Block("verify: true\nverify_and_map: true")}}
            authorization {
              permissions { publish { allow: ["public.>"] }, subscribe { allow: ["public.>"] } }
              users [
                { user: "CN=www.nats.io" }
                { user: "*.app.nats.prod", permissions { publish { allow: [">"] }, subscribe { allow: [">"] } } }
                { user: "root@app.nats.dev", permissions { publish { allow: ["public.>", "sandbox.>"] }, subscribe { allow: ["public.>", "sandbox.>"] } } }
              ]
            }
            """);
        using var plain = await OpenAsync(server, certificate: _certificates.Issue("plain", "CN=www.nats.io", names => { names.AddDnsName("app.nats.dev"); names.AddDnsName("*.app.nats.dev"); }));
        using var dev = await OpenAsync(server, certificate: _certificates.Issue("dev", "CN=www.nats.io", names => { names.AddDnsName("app.nats.dev"); names.AddEmailAddress("admin@app.nats.dev"); names.AddEmailAddress("root@app.nats.dev"); }));
        using var prod = await OpenAsync(server, certificate: _certificates.Issue("prod", "CN=www.nats.io", names => { names.AddDnsName("app.nats.prod"); names.AddDnsName("*.app.nats.prod"); }));
        server.Clients.Clients.Select(client => client.UserName).Order(StringComparer.Ordinal).ShouldBe(["*.app.nats.prod", "CN=www.nats.io", "root@app.nats.dev"]);
        await dev.SendAsync("PUB foo.bar 2\r\nhi\r\nSUB foo.> 1\r\nSUB sandbox.> 2\r\nPING\r\n");
        var refused = await dev.ReadThroughAsync("PONG\r\n");
        refused.ShouldContain("Permissions Violation for Publish to \"foo.bar\"");
        refused.ShouldContain("Permissions Violation for Subscription to \"foo.>\"");
        refused.ShouldNotContain("sandbox");
        await plain.SendAsync("SUB sandbox.> 1\r\nSUB public.> 2\r\nPING\r\n");
        (await plain.ReadThroughAsync("PONG\r\n")).ShouldContain("Permissions Violation for Subscription to \"sandbox.>\"");
        await prod.SendAsync("SUB > 1\r\nPUB hello 2\r\nhi\r\nPING\r\n");
        (await prod.ReadThroughAsync("PONG\r\n")).ShouldContain("MSG hello 1 2\r\nhi\r\n");
        await dev.SendAsync("PUB sandbox.foo.bar 2\r\nhi\r\nPUB public.foo.bar 2\r\nhi\r\n");
        await dev.ReadThroughAsync("MSG sandbox.foo.bar 2 2\r\nhi\r\n");
        await prod.ReadThroughAsync("MSG sandbox.foo.bar 1 2\r\nhi\r\n");
        await plain.ReadThroughAsync("MSG public.foo.bar 2 2\r\nhi\r\n");
    }

    [Fact]
    [Upstream("tls_test.go", "TestTLSPinnedCertsClient")]
    public async Task OnlyPinnedKeysConnect()
    {
        using var pinned = _certificates.Issue("pinned", "CN=pinned");
        var hash = Convert.ToHexStringLower(SHA256.HashData(pinned.PublicKey.ExportSubjectPublicKeyInfo()));
        await using var server = await TestServer.FromConfigAsync(_certificates.Block($"verify: true, pinned_certs: [\"{hash}\"]"));
        using var client = await OpenAsync(server, certificate: pinned);
        using var other = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await other.ReadThroughAsync("\r\n");
        await ShouldBeRefusedAsync(other, _certificates.Issue("other", "CN=other"));
        await server.ReloadAsync(TestServer.Parse(_certificates.Block($"verify: true, pinned_certs: [\"{new string('a', 64)}\"]")));
        await Wait.Until("the one that is pinned no more is gone", () => server.ClientCount == 0);
    }

    [Fact]
    public async Task TheNameAskedForChoosesTheCertificate()
    {
        using var first = _certificates.Issue("one", "CN=one", names => names.AddDnsName("one.test"));
        using var second = _certificates.Issue("two", "CN=two", names => names.AddDnsName("two.test"));
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            tls { timeout: 5, certs: [
              { cert_file: "{{_certificates["one.pem"]}}", key_file: "{{_certificates["one.key"]}}" }
              { cert_file: "{{_certificates["two.pem"]}}", key_file: "{{_certificates["two.key"]}}" } ] }
            """);
        foreach (var (host, subject) in new[] { ("one.test", "CN=one"), ("two.test", "CN=two"), ("else.test", "CN=one") })
        {
            using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
            await client.ReadThroughAsync("\r\n");
            await client.StartTlsAsync(host: host);
            client.Ssl.RemoteCertificate!.Subject.ShouldBe(subject, host);
        }
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSStressConnect")]
    [Upstream("test/tls_test.go", "TestAllowNonTLSReload")]
    [Upstream("client_test.go", "TestTLSClientHandshakeFirstFallbackDelayAndAllowNonTLS")]
    public async Task ManyConnectAtOnceWhicheverWayIsOpen()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("handshake_first: true") + "\nallow_non_tls: true");
        using (var plain = await RawClient.ConnectAsync(server.ClientEndPoint!))
        {
            await plain.SendAsync("CONNECT {}\r\nPING\r\n");
            (await plain.ReadToCloseAsync()).ShouldBe("", "a handshake must come first, whatever else is allowed");
        }
        await server.ReloadAsync(TestServer.Parse(_certificates.Block("handshake_first: 25ms") + "\nallow_non_tls: true\nping_interval: 20s"));
        await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            if (i % 3 == 0)
            {
                using var plain = await RawClient.ConnectAsync(server.ClientEndPoint!);
                var info = await plain.ReadInfoAsync();
                (info.GetProperty("tls_available").GetBoolean(), info.TryGetProperty("tls_required", out _)).ShouldBe((true, false));
                await plain.SendAsync("CONNECT {\"verbose\":false}\r\nPING\r\n");
                await plain.ExpectAsync("PONG\r\n");
                return;
            }
            using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
            if (i % 3 == 1) await client.ReadThroughAsync("\r\n");
            await client.StartTlsAsync();
            await client.SendAsync(Connect);
            await client.ReadThroughAsync("PONG\r\n");
        }));
        await Wait.Until("all are gone", () => server.ClientCount == 0);
        server.Clients.Closed.ToList().Count(client => client.Last.Tls is not null).ShouldBe(20);
    }

    [Theory]
    [InlineData("not tls\r\n", "Debug", "TLS handshake error")]
    [InlineData("", "Debug", "TLS handshake timeout")]
    [Upstream("client_test.go", "TestTLSClientHandshakeProbeErrorsLogAsDebug")]
    [Upstream("client_test.go", "TestTLSHandshakeTimerTimeoutLogLevel")]
    public async Task ProbesOfTheListenerAreNoErrors(string sent, string level, string text)
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(_certificates.Block().Replace("timeout: 5", "timeout: 0.3")), log);
        using var probe = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await probe.ReadInfoAsync();
        await probe.SendAsync(sent);
        await probe.ExpectClosedAsync();
        await Wait.Until("the line", () => log.Contains(text), () => string.Join('\n', log.Lines));
        log.Lines.Single(line => line.Contains(text, StringComparison.Ordinal)).ShouldStartWith(level);
    }

    [Fact]
    [Upstream("test/tls_test.go", "TestTLSBadAuthError")]
    [Upstream("test/tls_test.go", "TestTLSAuthorizationShortTimeout")]
    [Upstream("test/tls_test.go", "TestTLSClientCertificateCheckWithAllowedConnectionTypes")]
    public async Task InsideTlsCredentialsAreAskedForAsWithout()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block() + "\nauthorization { user: derek, password: foo, timeout: 0.3 }");
        foreach (var (sent, answer) in new[] { ("CONNECT {\"user\":\"derek\",\"pass\":\"NOT_THE_PASSWORD\"}\r\n", "-ERR 'Authorization Violation'\r\n"), ("", "-ERR 'Authentication Timeout'\r\n") })
        {
            using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
            await client.ReadThroughAsync("\r\n");
            await client.StartTlsAsync();
            await client.SendAsync(sent);
            (await client.ReadToEndAsync()).ShouldBe(answer);
        }
        await using var mapping = await TestServer.FromConfigAsync(_certificates.Block("verify_and_map: true") + "\nauthorization { users = [ {user: \"CN=derek\", allowed_connection_types: [ WEBSOCKET ]} ] }");
        using var mapped = await TlsRawClient.ConnectAsync(mapping.ClientEndPoint!);
        await mapped.ReadThroughAsync("\r\n");
        await mapped.StartTlsAsync(_certificates.Issue("derek", "CN=derek"));
        await mapped.SendAsync(Connect);
        (await mapped.ReadToEndAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("server_test.go", "TestTLSMinVersionConfig")]
    public async Task TheMinimumVersionChangesWithAReload()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("min_version: \"1.3\""));
        foreach (var wrong in new[] { "1.0", "1.1", "1.4" }) Should.Throw<Exception>(() => TestServer.Parse(_certificates.Block($"min_version: \"{wrong}\"")), wrong);
        await server.ReloadAsync(TestServer.Parse(_certificates.Block("min_version: \"1.2\"")));
        using var old = await OpenAsync(server, SslProtocols.Tls12);
        using var modern = await OpenAsync(server, SslProtocols.Tls13);
    }

    [Fact]
    public async Task MinimumVersionHolds()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("min_version: \"1.3\""));
        using var modern = await OpenAsync(server, SslProtocols.Tls13);
        using var old = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await old.ReadThroughAsync("\r\n");
        await Should.ThrowAsync<Exception>(() => old.StartTlsAsync(protocols: SslProtocols.Tls12));
    }

    [Fact]
    [Upstream("tls_test.go", "TestTLSConnectionRate")]
    public async Task HandshakesPerSecondAreLimited()
    {
        await using var server = await TestServer.FromConfigAsync(_certificates.Block("connection_rate_limit: 2"));
        using var first = await OpenAsync(server);
        using var second = await OpenAsync(server);
        using var third = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await third.ReadThroughAsync("Connection throttling is active. Please try again later.");
    }

    private static async Task<TlsRawClient> OpenAsync(
        NatsServer server, SslProtocols protocol = SslProtocols.None, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate = null)
    {
        var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync(certificate, protocol);
        await client.SendAsync(Connect);
        await client.ReadThroughAsync("PONG\r\n");
        return client;
    }

    /// <summary>With TLS 1.3 the client learns of the refusal only when it reads.</summary>
    private static async Task ShouldBeRefusedAsync(TlsRawClient client, System.Security.Cryptography.X509Certificates.X509Certificate2? certificate)
    {
        try
        {
            await client.StartTlsAsync(certificate);
            await client.SendAsync(Connect);
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            return;
        }
        (await client.ReadToEndAsync()).ShouldBe("");
    }
}
