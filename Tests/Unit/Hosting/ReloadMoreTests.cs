using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Hosting.Logging;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Reloads of one option after another, and those that must fail.</summary>
public sealed class ReloadMoreTests
{
    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadNoConfigFile")]
    [Upstream("reload_test.go", "TestConfigReloadUnsupportedHotSwapping")]
    [Upstream("reload_test.go", "TestConfigReloadInvalidConfig")]
    [Upstream("reload_test.go", "TestConfigReloadValidate")]
    public async Task AReloadThatFailsChangesNothing()
    {
        const string users = "no_auth_user: a\nauthorization { users [ {user: a, password: a}, {user: b, password: b} ] }";
        await using var server = await TestServer.FromConfigAsync(users);
        var (before, loaded) = (server.Options, server.OptionsLoadedAt);
        await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync());
        (await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync(TestServer.Parse("listen: \"127.0.0.1:9999\"", anyPort: false)))).Message.ShouldContain("not supported");
        server.OptionsSource = () => TestServer.Parse("listen: [ what");
        await Should.ThrowAsync<ConfigException>(() => server.ReloadAsync());
        (await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync(TestServer.Parse(users.Replace("{user: a, password: a}, ", "", StringComparison.Ordinal))))).Message.ShouldStartWith("no_auth_user:");
        (server.Options, server.OptionsLoadedAt).ShouldBe((before, loaded));
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReload")]
    [Upstream("reload_test.go", "TestConfigReloadAndVarz")]
    [Upstream("reload_test.go", "TestConfigReloadConnectErrReports")]
    public async Task ManyOptionsAtOnce()
    {
        using var certificates = new TestCertificates();
        const string cluster = "cluster { name: abc, listen: \"127.0.0.1:-1\"";
        await using var server = await TestServer.FromConfigAsync(cluster + " }");
        var loaded = server.OptionsLoadedAt;
        server.Varz().MaxConnections.ShouldBe(65536);
        await Wait.Until("the clock to go on", () => TimeProvider.System.GetUtcNow() > loaded);
        await server.ReloadAsync(TestServer.Parse(
            $$"""
            trace: true, debug: true, logtime: true, logtime_utc: true, connect_error_reports: 2, reconnect_error_reports: 3
            authorization { user: tyler, password: T0pS3cr3t, timeout: 2 }
            max_control_line: 512, ping_interval: 5, ping_max: 1, write_deadline: 3s, max_payload: 1024, max_connections: 10
            server_metadata { key1: value1, key2: value2 }
            {{cluster}}, no_advertise: true, ping_interval: 20s, ping_max: 8 }
            {{certificates.Block("verify: true")}}
            """));
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadInfoAsync();
        info.GetProperty("tls_required").GetBoolean().ShouldBeTrue();
        info.GetProperty("tls_verify").GetBoolean().ShouldBeTrue();
        info.GetProperty("auth_required").GetBoolean().ShouldBeTrue();
        info.GetProperty("max_payload").GetInt32().ShouldBe(1024);
        var options = server.Options;
        (options.Logging.Trace, options.Logging.Debug, options.Logging.LogTime, options.Logging.LogTimeUtc).ShouldBe((true, true, true, true));
        (options.Logging.ConnectErrorReports, options.Logging.ReconnectErrorReports).ShouldBe((2, 3));
        (options.Cluster.NoAdvertise, options.Cluster.PingInterval, options.Cluster.MaxPingsOut).ShouldBe((true, TimeSpan.FromSeconds(20), 8));
        (options.Limits.MaxControlLine, options.Limits.PingInterval, options.Limits.MaxPingsOut, options.Limits.WriteDeadline)
            .ShouldBe((512, TimeSpan.FromSeconds(5), 1, TimeSpan.FromSeconds(3)));
        options.Metadata.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}={pair.Value}").ShouldBe(["key1=value1", "key2=value2"]);
        server.OptionsLoadedAt.ShouldBeGreaterThan(loaded);
        var varz = server.Varz();
        (varz.MaxConnections, varz.ConfigLoadTime).ShouldBe((10, server.OptionsLoadedAt));
    }

    [Theory]
    [InlineData("", "authorization { user: u, password: p }", "", "\"user\":\"u\",\"pass\":\"p\"")]
    [InlineData("", "authorization { token: t }", "", "\"auth_token\":\"t\"")]
    [InlineData("authorization { token: old }", "authorization { token: t }", "\"auth_token\":\"old\"", "\"auth_token\":\"t\"")]
    [Upstream("reload_test.go", "TestConfigReloadEnableUserAuthentication")]
    [Upstream("reload_test.go", "TestConfigReloadEnableTokenAuthentication")]
    [Upstream("reload_test.go", "TestConfigReloadRotateTokenAuthentication")]
    public async Task WhoCannotShowTheNewCredentialsMustGo(string before, string after, string old, string fresh)
    {
        await using var server = await TestServer.FromConfigAsync(before);
        using var client = await OpenAsync(server, old);
        await server.ReloadAsync(TestServer.Parse(after));
        (await client.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        using var refused = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await refused.SendAsync($"CONNECT {{\"verbose\":false{(old.Length > 0 ? "," : "")}{old}}}\r\n");
        (await refused.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        using var admitted = await OpenAsync(server, fresh);
    }

    [Theory]
    [InlineData("authorization { user: u, password: p }", "\"user\":\"u\",\"pass\":\"p\"")]
    [InlineData("authorization { token: t }", "\"auth_token\":\"t\"")]
    [Upstream("reload_test.go", "TestConfigReloadDisableUserAuthentication")]
    [Upstream("reload_test.go", "TestConfigReloadDisableTokenAuthentication")]
    public async Task WithoutAuthenticationAllStay(string before, string credentials)
    {
        await using var server = await TestServer.FromConfigAsync(before);
        using var client = await OpenAsync(server, credentials);
        await server.ReloadAsync(TestServer.Parse(""));
        await client.FlushAsync();
        using var other = await RawClient.OpenAsync(server.ClientEndPoint!);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadMaxConnectionsPreventAll")]
    public async Task NoConnectionsAtAllMeansNone()
    {
        await using var server = await TestServer.FromConfigAsync("");
        using var one = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var two = await RawClient.OpenAsync(server.ClientEndPoint!);
        await server.ReloadAsync(TestServer.Parse("max_connections: 0"));
        foreach (var client in new[] { one, two }) (await client.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n");
        using var three = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await three.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n");
    }

    [Theory]
    [InlineData("me:1", "me", 1)]
    [InlineData("me", "me", 0)]
    [InlineData("me:-1", "me", 0)]
    [InlineData("", "127.0.0.1", 0)]
    [Upstream("reload_test.go", "TestConfigReloadClientAdvertise")]
    public async Task TheAdvertisedAddressChanges(string advertised, string host, int port)
    {
        await using var server = await TestServer.FromConfigAsync("client_advertise: \"other:99\"");
        await server.ReloadAsync(TestServer.Parse(advertised.Length > 0 ? $"client_advertise: \"{advertised}\"" : ""));
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadInfoAsync();
        (info.GetProperty("host").GetString(), info.GetProperty("port").GetInt32()).ShouldBe((host, port > 0 ? port : server.ClientEndPoint!.Port));
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRotateTLSMultiCert")]
    public async Task SeveralCertificatesAreExchanged()
    {
        using var certificates = new TestCertificates();
        certificates.Issue("one", "CN=one");
        certificates.Issue("two", "CN=two");
        string Config(string first, string second, string more = "") =>
            $$"""tls { timeout: 5, {{more}} certs: [ { cert_file: "{{certificates[first + ".pem"]}}", key_file: "{{certificates[first + ".key"]}}" }, { cert_file: "{{certificates[second + ".pem"]}}", key_file: "{{certificates[second + ".key"]}}" } ], ca_file: "{{certificates["ca.pem"]}}" }""";
        await using var server = await TestServer.FromConfigAsync(Config("one", "two"));
        using var stays = await TlsOpenAsync(server);
        stays.Ssl.RemoteCertificate!.Subject.ShouldBe("CN=one");
        await server.ReloadAsync(TestServer.Parse(Config("two", "one")));
        using var fresh = await TlsOpenAsync(server);
        fresh.Ssl.RemoteCertificate!.Subject.ShouldBe("CN=two");
        await stays.SendAsync("SUB foo 1\r\nPUB foo 5\r\nhello\r\n");
        await stays.ReadThroughAsync("MSG foo 1 5\r\nhello\r\n");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadLogging")]
    public async Task TheLogMovesAndTraceComesAndGoes()
    {
        using var folder = new TemporaryFolder();
        string Config(string file, bool trace) => $"log_file: \"{folder.Path}/{file}\"\ndebug: {(trace ? "true" : "false")}\ntrace: {(trace ? "true" : "false")}";
        using var logs = new NatsLoggerProvider(TestServer.Parse(Config("before.log", false)).Logging);
        await using (var server = await NatsServer.StartAsync(TestServer.Parse(Config("before.log", false)), logs))
        {
            await TrafficAsync(server);
            await server.ReloadAsync(TestServer.Parse(Config("on.log", true)));
            await TrafficAsync(server);
            await server.ReloadAsync(TestServer.Parse(Config("after.log", false)));
            await TrafficAsync(server);
            var refused = await Should.ThrowAsync<ConfigurationValueException>(() => server.ReloadAsync(TestServer.Parse(Config("missing/x.log", false) + "\nmax_payload: 77")));
            refused.Message.ShouldStartWith($"error opening file: open {folder.Path}/missing/x.log:");
            server.Options.Limits.MaxPayload.ShouldBe(1024 * 1024);
        }
        logs.Dispose();
        foreach (var (file, traced) in new[] { ("before.log", false), ("on.log", true), ("after.log", false) })
        {
            var text = await File.ReadAllTextAsync($"{folder.Path}/{file}");
            (text.Contains("[TRC]"), text.Contains("[DBG]"), text.Contains("MSG_PAYLOAD")).ShouldBe((traced, traced, traced), text);
        }
        (await File.ReadAllTextAsync($"{folder.Path}/on.log")).ShouldContain("[INF] Reloaded server configuration");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadAccountNKeyUsers")]
    public async Task KeysMoveBetweenAccounts()
    {
        string Key(byte value) => NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey([.. Enumerable.Repeat(value, 32)]));
        var (derek, ivan) = (Key(1), Key(2));
        await using var server = await TestServer.FromConfigAsync($"accounts {{ synadia {{ users = [ {{nkey: {derek}}} ] }}, nats.io {{ users = [ {{nkey: {ivan}}} ] }} }}");
        (await AccountOfAsync(server, 1)).ShouldBe("synadia");
        (await AccountOfAsync(server, 2)).ShouldBe("nats.io");
        await server.ReloadAsync(TestServer.Parse($"authorization {{ users = [ {{nkey: {ivan}}} ] }}\naccounts {{ nats.io {{ users = [ {{nkey: {derek}}} ] }} }}"));
        (await AccountOfAsync(server, 1)).ShouldBe("nats.io");
        (await AccountOfAsync(server, 2)).ShouldBe("$G");
        server.Accounts.Find("synadia")!.Options.Users.ShouldBeEmpty();
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadAccountWithNoChanges")]
    [Upstream("reload_test.go", "TestConfigReloadDefaultSystemAccount")]
    [Upstream("reload_test.go", "TestConfigReloadAccounts")]
    public async Task TheSystemAccountGoesOnThroughReloads()
    {
        const string accounts = "accounts { $SYS { users [ {user: sys, password: pwd} ] }, ACC { users [ {user: usr, password: pwd} ] }";
        await using var server = await TestServer.FromConfigAsync(accounts + ", GONE { users [ {user: notused, password: soon} ] } }");
        await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "pwd" });
        var events = await system.SubscribeAsync("$SYS.ACCOUNT.ACC.CONNECT");
        await system.FlushAsync();
        var subscriptions = server.Accounts.System!.Subscriptions.Count;
        for (var i = 0; i < 3; i++)
        {
            await using (await server.ConnectAsync(new TestClientOptions { User = "usr", Password = "pwd", Name = $"c{i}" }))
            {
                (await events.NextAsync()).Text.ShouldContain($"\"name\":\"c{i}\"");
                (await system.RequestAsync("$SYS.REQ.ACCOUNT.ACC.CONNZ")).Text.ShouldContain("\"num_connections\":1");
            }
            await Wait.Until("the end of the client", () => server.ClientCount == 1);
            await server.ReloadAsync(TestServer.Parse(accounts + " }"));
            await Wait.Until("the same subscriptions", () => server.Accounts.System!.Subscriptions.Count == subscriptions, () => $"{server.Accounts.System!.Subscriptions.Count}, before {subscriptions}");
        }
        server.Accounts.Find("GONE")!.Options.Users.ShouldBeEmpty();
        events.TryTake().ShouldBeNull();
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadWithSysAccountOnly")]
    public async Task WhereOnlyTheSystemHasUsersAnybodyElseStaysThroughAReload()
    {
        const string config = "accounts { $SYS { users [ {user: system, pass: password}, {user: system2, pass: password2} ] } }";
        await using var server = await TestServer.FromConfigAsync(config);
        await using var client = await server.ConnectAsync();
        await server.ReloadAsync(TestServer.Parse(config));
        await client.FlushAsync();
        server.Clients.Clients.Single().Account!.Name.ShouldBe("$G");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadAccountServicesImportExport")]
    public async Task ServicesChangeUnderRequestorsThatStay()
    {
        static string Config(string exports, string imports) =>
            $$"""
            accounts {
              synadia { users [{user: derek, password: foo}], exports = [ {service: "pub.request"}, {service: "pub.special.request", accounts: [nats.io]} {{exports}} ] }
              nats.io { users [{user: ivan, password: bar}], imports = [ {service: {account: "synadia", subject: "pub.special.request"}, to: "foo"}, {{imports}} ] }
            }
            """;
        await using var server = await TestServer.FromConfigAsync(Config("", """{service: {account: "synadia", subject: "pub.request"}, to: "bar"}"""));
        await using var derek = await server.ConnectAsync(new TestClientOptions { User = "derek", Password = "foo" });
        await using var ivan = await server.ConnectAsync(new TestClientOptions { User = "ivan", Password = "bar" });
        using var stop = new CancellationTokenSource();
        foreach (var subject in new[] { "pub.special.request", "pub.request", "pub.special.request.new" })
        {
            var requests = await derek.SubscribeAsync(subject);
            _ = Task.Run(async () =>
            {
                await foreach (var request in requests.Messages.ReadAllAsync()) await derek.PublishAsync(request.Reply!, subject);
            });
        }
        await derek.FlushAsync();
        (await ivan.RequestAsync("foo")).Text.ShouldBe("pub.special.request");
        (await ivan.RequestAsync("bar")).Text.ShouldBe("pub.request");
        (await ivan.RequestAsync("baz")).IsNoResponders.ShouldBeTrue();
        await server.ReloadAsync(TestServer.Parse(Config(
            ", {service: \"pub.special.request.new\", accounts: [nats.io]}", """{service: {account: "synadia", subject: "pub.special.request.new"}, to: "baz"}""")));
        (await ivan.RequestAsync("foo")).Text.ShouldBe("pub.special.request");
        (await ivan.RequestAsync("bar")).IsNoResponders.ShouldBeTrue();
        (await ivan.RequestAsync("baz")).Text.ShouldBe("pub.special.request.new");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadNoPanicOnShutdown")]
    public async Task AReloadMayMeetTheEnd()
    {
        for (var i = 0; i < 20; i++)
        {
            var server = await TestServer.FromConfigAsync("accounts { A { users: [{user: A, password: pwd}] } }");
            var stop = Task.Run(async () => await server.DisposeAsync());
            try
            {
                await server.ReloadAsync(TestServer.Parse("accounts { A { users: [{user: A, password: pwd}, {user: B, password: pwd}] } }"));
            }
            catch (ObjectDisposedException)
            {
                await Wait.Until("the end that came first", () => server.Stopped.IsCompleted);
            }
            await stop;
        }
    }

    private static async Task<string?> AccountOfAsync(NatsServer server, byte seed)
    {
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var nonce = (await client.ReadInfoAsync()).GetProperty("nonce").GetString()!;
        byte[] secret = [.. Enumerable.Repeat(seed, 32)];
        var signature = Convert.ToBase64String(Ed25519.Sign(secret, System.Text.Encoding.UTF8.GetBytes(nonce)));
        await client.SendAsync($"CONNECT {{\"verbose\":false,\"nkey\":\"{NKeys.Encode(NKeys.Kind.User, Ed25519.PublicKey(secret))}\",\"sig\":\"{signature}\"}}\r\nPING\r\n");
        await client.ExpectAsync("PONG\r\n");
        var name = server.Clients.Clients.Single().Account?.Name;
        client.Dispose();
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
        return name;
    }

    private static async Task TrafficAsync(NatsServer server)
    {
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\nPUB foo 3\r\nbar\r\n");
        await client.ExpectAsync("MSG foo 1 3\r\nbar\r\n");
        client.Dispose();
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
    }

    private static Task<RawClient> OpenAsync(NatsServer server, string credentials) =>
        RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false{(credentials.Length > 0 ? "," : "")}{credentials}}}\r\n");

    private static async Task<TlsRawClient> TlsOpenAsync(NatsServer server)
    {
        var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync();
        await client.SendAsync("CONNECT {\"verbose\":false}\r\nPING\r\n");
        await client.ReadThroughAsync("PONG\r\n");
        return client;
    }
}
