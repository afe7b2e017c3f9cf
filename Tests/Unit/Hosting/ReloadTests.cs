using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Other options for a running server, seen from its clients and peers.</summary>
public sealed class ReloadTests
{
    [Theory]
    [InlineData("port: 4333", "config reload not supported for Port")]
    [InlineData("max_pending: 2MB", "config reload not supported for MaxPending")]
    [InlineData("max_subscriptions: 7", "config reload not supported for MaxSubs")]
    [InlineData("cluster { name: C, listen: \"127.0.0.1:5999\" }", "config reload not supported for cluster port")]
    [InlineData("cluster { name: C, listen: \"127.0.0.2:-1\" }", "config reload not supported for cluster host")]
    [InlineData("lame_duck_duration: 40s", "config reload not supported for LameDuckDuration")]
    [Upstream("reload_test.go", "TestConfigReloadUnsupported")]
    [Upstream("reload_test.go", "TestConfigReloadClusterPortUnsupported")]
    [Upstream("reload_test.go", "TestConfigReloadClusterHostUnsupported")]
    [Upstream("reload_test.go", "TestConfigReloadMaxSubsUnsupported")]
    public async Task WhatNeedsARestartIsRefusedAndChangesNothing(string config, string error)
    {
        await using var server = await TestServer.FromConfigAsync("cluster { name: C, listen: \"127.0.0.1:-1\" }");
        var before = server.Options;
        var cluster = config.StartsWith("cluster", StringComparison.Ordinal) ? "" : "cluster { name: C, listen: \"127.0.0.1:-1\" }\n";
        var refused = await Should.ThrowAsync<ConfigurationValueException>(() => ReloadAsync(server, cluster + config + "\nmax_payload: 77", keepPort: !config.StartsWith("port", StringComparison.Ordinal)));
        refused.Message.ShouldContain(error);
        server.Options.ShouldBeSameAs(before);
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("max_payload").GetInt32().ShouldBe(1024 * 1024);
    }

    /// <summary>Twenty reloads, every other one refused, while messages flow: none is lost and nobody is closed.</summary>
    [Fact]
    public async Task MessagesFlowThroughReloads()
    {
        const string accounts = "accounts { A { users: [ { user: a, password: a } ], mappings: { old: new } } }\n";
        await using var server = await TestServer.FromConfigAsync(accounts);
        await using var publisher = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        await using var subscriber = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        var messages = await subscriber.SubscribeAsync("new");
        await subscriber.FlushAsync();
        var stop = false;
        var published = 0;
        var flow = Task.Run(async () =>
        {
            while (!Volatile.Read(ref stop))
            {
                await publisher.PublishAsync("old", $"{published++}");
                if (published % 100 == 0) await publisher.FlushAsync();
            }
            await publisher.FlushAsync();
        });
        for (var i = 0; i < 20; i++)
        {
            var before = messages.Count;
            if (i % 2 == 0) await ReloadAsync(server, accounts + $"max_control_line: {4096 + i}\nauthorization {{ timeout: {i + 1} }}");
            else await Should.ThrowAsync<ConfigurationValueException>(() => ReloadAsync(server, accounts + "max_pending: 5MB"));
            await Wait.Until("messages after the reload", () => messages.Count > before);
        }
        Volatile.Write(ref stop, true);
        await flow;
        await subscriber.FlushAsync();
        for (var i = 0; i < published; i++) (await messages.NextAsync()).Text.ShouldBe($"{i}");
        server.ClientCount.ShouldBe(2);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRotateUserAuthentication")]
    [Upstream("reload_test.go", "TestConfigReloadRotateUsersAuthentication")]
    public async Task AChangedPasswordEndsThoseWhoUsedTheOldOne()
    {
        const string before = "authorization { users: [ { user: a, password: one }, { user: b, password: same } ] }";
        await using var server = await TestServer.FromConfigAsync(before);
        using var a = await OpenAsync(server, "a", "one");
        using var b = await OpenAsync(server, "b", "same");
        await ReloadAsync(server, before.Replace("one", "two"));
        (await a.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        await b.FlushAsync();
        using var again = await OpenAsync(server, "a", "two");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadEnableUsersAuthentication")]
    [Upstream("reload_test.go", "TestConfigReloadDisableUsersAuthentication")]
    public async Task AuthenticationComesAndGoes()
    {
        await using var server = await TestServer.FromConfigAsync("");
        using var anonymous = await RawClient.OpenAsync(server.ClientEndPoint!);
        await ReloadAsync(server, "authorization { users: [ { user: a, password: a } ] }");
        (await anonymous.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        using var a = await OpenAsync(server, "a", "a");
        await ReloadAsync(server, "");
        await a.FlushAsync();
        using var other = await RawClient.OpenAsync(server.ClientEndPoint!);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadChangePermissions")]
    [Upstream("reload_test.go", "TestConfigReloadRevokesQueueSubscriptionWithQueueScopedDeny")]
    public async Task NewPermissionsHoldAtOnce()
    {
        static string Config(string permissions) => $"authorization {{ users: [ {{ user: a, password: a, permissions: {{ {permissions} }} }}, {{ user: b, password: b }} ] }}";
        await using var server = await TestServer.FromConfigAsync(Config("publish: \"p.>\", subscribe: \"s.>\""));
        using var a = await OpenAsync(server, "a", "a");
        await a.SendAsync("SUB s.x 1\r\nSUB s.x q 2\r\nSUB s.y 3\r\nPUB p.x 0\r\n\r\n");
        await a.FlushAsync();
        await ReloadAsync(server, Config("publish: \"q.>\", subscribe: { allow: \"s.>\", deny: [ \"s.x\" ] }"));
        var told = await a.ReadThroughAsync("(sid \"1\")'\r\n") + a.Pending;
        await a.SendAsync("PUB p.x 0\r\n\r\nPUB q.x 0\r\n\r\nPING\r\n");
        told += await a.ReadThroughAsync("PONG\r\n");
        told.ShouldContain("-ERR 'Permissions Violation for Subscription to \"s.x\" (sid \"1\")'");
        told.ShouldContain("-ERR 'Permissions Violation for Publish to \"p.x\"'");
        told.ShouldNotContain("q.x");
        using var b = await OpenAsync(server, "b", "b");
        await b.SendAsync("PUB s.x 1\r\n1\r\nPUB s.y 1\r\n2\r\n");
        await a.ExpectAsync("MSG s.y 3 1\r\n2\r\n");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadAccountStreamsImportExport")]
    [Upstream("reload_test.go", "TestConfigReloadAccountUsers")]
    public async Task ImportsChangeUnderSubscriptionsThatStay()
    {
        static string Config(string exports, string imports) =>
            $$"""accounts { A { users: [ { user: a, password: a } ], exports: [ {{exports}} ] }, B { users: [ { user: b, password: b } ], imports: [ {{imports}} ] } }""";
        await using var server = await TestServer.FromConfigAsync(Config("{ stream: one }", "{ stream: { account: A, subject: one } }"));
        await using var a = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        await using var b = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "b", Password = "b" });
        var messages = await b.SubscribeAsync(">");
        await b.FlushAsync();
        await a.PublishAsync("one", "1");
        (await messages.NextAsync()).Subject.ShouldBe("one");
        await ReloadAsync(server, Config("{ stream: two }", "{ stream: { account: A, subject: two }, to: deux }"));
        await a.PublishAsync("one", "no more");
        await a.PublishAsync("two", "2");
        (await messages.NextAsync()).Subject.ShouldBe("deux");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadAccountMappings")]
    public async Task MappingsChange()
    {
        await using var server = await TestServer.FromConfigAsync("mappings { a: b }");
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        var messages = await client.SubscribeAsync("*");
        await client.PublishAsync("a");
        (await messages.NextAsync()).Subject.ShouldBe("b");
        await ReloadAsync(server, "mappings { a: c }");
        await client.PublishAsync("a");
        (await messages.NextAsync()).Subject.ShouldBe("c");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadMaxConnections")]
    [Upstream("reload_test.go", "TestConfigReloadMaxPayload")]
    [Upstream("reload_test.go", "TestConfigReloadMaxControlLineWithClients")]
    public async Task LimitsHoldForThoseConnectedToo()
    {
        await using var server = await TestServer.FromConfigAsync("");
        using var first = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var second = await RawClient.OpenAsync(server.ClientEndPoint!);
        await ReloadAsync(server, "max_connections: 1\nmax_payload: 10\nmax_control_line: 64");
        (await second.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n");
        await first.FlushAsync();
        await first.SendAsync("PUB x 11\r\n");
        (await first.ReadToCloseAsync()).ShouldEndWith("-ERR 'Maximum Payload Violation'\r\n");
        using var third = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await third.ReadInfoAsync()).GetProperty("max_payload").GetInt32().ShouldBe(10);
        await third.SendAsync("PUB " + new string('x', 100) + " 1\r\n1\r\n");
        (await third.ReadToCloseAsync()).ShouldContain("maximum control line exceeded");
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadEnableTLS")]
    [Upstream("reload_test.go", "TestConfigReloadRotateTLS")]
    [Upstream("reload_test.go", "TestConfigReloadDisableTLS")]
    public async Task CertificatesChangeForNewConnections()
    {
        using var certificates = new TestCertificates();
        certificates.Issue("second", "CN=second", names => names.AddDnsName("localhost"));
        await using var server = await TestServer.FromConfigAsync("");
        await ReloadAsync(server, certificates.Block());
        (await SubjectAsync(server)).ShouldBe("CN=server");
        await ReloadAsync(server, certificates.Block(name: "second"));
        (await SubjectAsync(server)).ShouldBe("CN=second");
        await ReloadAsync(server, "");
        using var plain = await RawClient.OpenAsync(server.ClientEndPoint!);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadClusterRoutes")]
    [Upstream("reload_test.go", "TestConfigReloadClusterRemoveSolicitedRoutes")]
    public async Task RoutesComeAndGo()
    {
        static string Config(string name, params NatsServer[] to) =>
            $"server_name: {name}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", routes: [ {string.Join(", ", to.Select(server => $"\"nats-route://127.0.0.1:{server.ClusterEndPoint!.Port}\""))} ] }}";
        await using var first = await TestServer.FromConfigAsync(Config("s1"));
        await using var second = await TestServer.FromConfigAsync(Config("s2"));
        await ReloadAsync(second, Config("s2", first));
        await Wait.Until("the route is there", () => first.PeerCount == 1 && second.PeerCount == 1);
        await ReloadAsync(second, Config("s2"));
        await Wait.Until("the route is gone", () => first.RouteConnectionCount == 0 && second.RouteConnectionCount == 0);
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadEnableClusterAuthorization")]
    public async Task RoutesAreAskedForTheirPasswordAnew()
    {
        static string Config(string name, string user, params NatsServer[] to) =>
            $"server_name: {name}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", {(user.Length > 0 ? $"authorization {{ user: {user}, password: p }}," : "")} routes: [ {string.Join(", ", to.Select(server => $"\"nats-route://{(user.Length > 0 ? user + ":p@" : "")}127.0.0.1:{server.ClusterEndPoint!.Port}\""))} ] }}";
        using var log = new CapturedLog();
        await using var first = await NatsServer.StartAsync(TestServer.Parse(Config("s1", "")));
        await using var second = await NatsServer.StartAsync(TestServer.Parse(Config("s2", "", first)), log);
        await Wait.Until("the mesh", () => first.PeerCount == 1 && second.PeerCount == 1);
        await ReloadAsync(first, Config("s1", "u"));
        await Wait.Until("the route is refused", () => first.RouteConnectionCount == 0);
        await ReloadAsync(second, Config("s2", "u", first));
        await Wait.Until("the mesh again", () => first.PeerCount == 1 && second.PeerCount == 1, () => string.Join('\n', log.Lines.TakeLast(60)), TimeSpan.FromSeconds(6));
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRoutePoolAndPerAccount")]
    public async Task ThePoolIsBuiltAnew()
    {
        static string Config(string name, int pool, params NatsServer[] to) =>
            $"server_name: {name}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", pool_size: {pool}, routes: [ {string.Join(", ", to.Select(server => $"\"nats-route://127.0.0.1:{server.ClusterEndPoint!.Port}\""))} ] }}";
        await using var first = await TestServer.FromConfigAsync(Config("s1", 3));
        await using var second = await TestServer.FromConfigAsync(Config("s2", 3, first));
        await Wait.Until("the mesh", () => first.RouteConnectionCount == 4 && second.RouteConnectionCount == 4);
        await ReloadAsync(first, Config("s1", 5));
        await ReloadAsync(second, Config("s2", 5, first));
        await Wait.Until("the wider mesh", () => first.RouteConnectionCount == 6 && second.RouteConnectionCount == 6 && first.PeerCount == 1);
    }

    private static async Task<string> SubjectAsync(NatsServer server)
    {
        using var client = await TlsRawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadThroughAsync("\r\n");
        await client.StartTlsAsync();
        return client.Ssl.RemoteCertificate!.Subject;
    }

    private static async Task<RawClient> OpenAsync(NatsServer server, string user, string password)
    {
        var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync($"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n");
        await client.ExpectAsync("PONG\r\n");
        return client;
    }

    private static Task ReloadAsync(NatsServer server, string config, bool keepPort = true) =>
        server.ReloadAsync(TestServer.Parse(config, keepPort));
}
