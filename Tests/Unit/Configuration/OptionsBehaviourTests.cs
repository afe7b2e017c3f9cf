using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Options seen from outside: what a server with them does.</summary>
public sealed class OptionsBehaviourTests
{
    private const string First = "UDKTV7HZVYJFJN64LLMYQBUR6MTNNYCDC3LAZH4VHURW3GZLL3FULBXV";
    private const string Second = "UA3C5TBZYK5GJQJRWPMU6NFY5JNAEVQB2V2TUZFZDHFJFUYVKTTUOFKZ";

    [Theory]
    [InlineData("allow", "queue.dev", false)]
    [InlineData("allow", "", true)]
    [InlineData("allow", "bad", true)]
    [InlineData("deny", "", false)]
    [InlineData("deny", "queue.dev", true)]
    [Upstream("opts_test.go", "TestQueuePermissions")]
    public async Task APermissionMayBeForAQueue(string kind, string queue, bool refused)
    {
        await using var server = await TestServer.FromConfigAsync(
            $"no_auth_user: u\nauthorization {{ users [ {{ user: u, password: pwd, permissions: {{ sub: {{ {kind}: [\"foo.> *.dev\"] }} }} }} ] }}");
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync($"SUB foo.bar {queue} 1\r\nPING\r\n");
        (await client.ReadThroughAsync("PONG\r\n")).Contains("Permissions Violation for Subscription to \"foo.bar\"", StringComparison.Ordinal).ShouldBe(refused);
    }

    [Fact]
    [Upstream("opts_test.go", "TestMaxSubTokens")]
    public async Task SubjectsMayBeLimitedInTokens()
    {
        await using var server = await TestServer.FromConfigAsync("max_sub_tokens: 4");
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB a.b.c.d 1\r\nSUB a.b.c.d.e 2\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Subscription to \"a.b.c.d.e\", too many tokens'\r\n");
        await client.FlushAsync();
    }

    [Fact]
    [Upstream("opts_test.go", "TestNkeyUsersDefaultPermissionsConfig")]
    [Upstream("opts_test.go", "TestNkeyUsersWithPermsConfig")]
    [Upstream("nkey_test.go", "TestMixedClientConfig")]
    public async Task DefaultPermissionsAreForThoseWithoutTheirOwn()
    {
        const string config =
            $$"""
            authorization {
              default_permissions = { publish = "foo" }
              users = [ { user: "user", password: "pwd"}, { user: "other", password: "pwd", permissions = { subscribe = "bar" } }
                { nkey: "{{First}}" }, { nkey: "{{Second}}", permissions = { publish = "$SYS.>", subscribe = { deny = ["foo", "bar", "baz"] } } } ]
            }
            accounts { A { default_permissions = { publish = "foo" }, users = [ { user: "accuser", password: "pwd"}, { user: "accother", password: "pwd", permissions = { subscribe = "bar" } } ] } }
            """;
        var keys = TestServer.Parse(config).Authorization.Users.Where(user => user.NKey is not null).ToList();
        keys.Count.ShouldBe(2);
        (keys[0].Permissions, keys[1].Permissions!.Publish!.Allow![0], keys[1].Permissions!.Subscribe!.Allow).ShouldBe((null, "$SYS.>", null));
        keys[1].Permissions!.Subscribe!.Deny.ShouldBe(["foo", "bar", "baz"]);
        await using var server = await TestServer.FromConfigAsync(config);
        foreach (var (user, limited) in new[] { ("user", true), ("other", false), ("accuser", true), ("accother", false) })
        {
            using var client = await RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"pwd\"}}\r\n");
            await client.SendAsync("PUB foo 0\r\n\r\nPUB baz 0\r\n\r\nSUB baz 1\r\nPING\r\n");
            var answer = await client.ReadThroughAsync("PONG\r\n");
            answer.Contains("Publish to \"baz\"", StringComparison.Ordinal).ShouldBe(limited, user);
            answer.Contains("Subscription to \"baz\"", StringComparison.Ordinal).ShouldBe(!limited, user);
        }
    }

    [Fact]
    [Upstream("opts_test.go", "TestMultipleUsersConfig")]
    [Upstream("client_auth_test.go", "TestMultipleUserAuth")]
    [Upstream("client_auth_test.go", "TestTokenInConfig")]
    public async Task EveryUserOfTheListGetsIn()
    {
        await using var server = await TestServer.FromConfigAsync("authorization { users = [ {user: alice, password: foo}, {user: bob, password: bar} ] }");
        foreach (var (user, password) in new[] { ("alice", "foo"), ("bob", "bar") })
        {
            await using var client = await server.ConnectAsync(new TestClientOptions { User = user, Password = password });
            client.Infos.First().GetProperty("auth_required").GetBoolean().ShouldBeTrue();
        }
        await using var tokens = await TestServer.FromConfigAsync("authorization = { token: test, timeout: 5 }");
        await using var bearer = await tokens.ConnectAsync(new TestClientOptions { Token = "test" });
        bearer.Infos.First().GetProperty("auth_required").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("system_account: SYS", true)]
    [InlineData("", false)]
    [Upstream("client_auth_test.go", "TestClientConnectInfo")]
    public async Task AfterTheFirstPongAClientLearnsItsAccount(string config, bool systemIsSys)
    {
        await using var server = await TestServer.FromConfigAsync(
            config + "\naccounts { SYS: { users: [{ user: sys, password: pwd}] }, A: { users: [{ user: a, password: pwd}] } }");
        foreach (var (user, account) in new[] { ("a", "A"), ("sys", "SYS") })
        {
            foreach (var protocol in new[] { 0, 1 })
            {
                using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
                await client.ReadInfoAsync();
                await client.SendAsync($"CONNECT {{\"user\":\"{user}\",\"pass\":\"pwd\",\"verbose\":false,\"protocol\":{protocol}}}\r\nPING\r\n");
                await client.ExpectAsync("PONG\r\n");
                if (protocol == 1)
                {
                    var info = await client.ReadInfoAsync();
                    (info.GetProperty("connect_info").GetBoolean(), info.GetProperty("remote_account").GetString()).ShouldBe((true, account));
                    (info.TryGetProperty("acc_is_sys", out var isSystem) && isSystem.GetBoolean()).ShouldBe(account == "SYS" && systemIsSys);
                }
                await client.FlushAsync();
            }
        }
    }

    [Theory]
    [InlineData("max_payload = 3000000000")]
    [InlineData("max_payload = 100000\nmax_pending = 50000")]
    [Upstream("opts_test.go", "TestNewServerFromConfigFunctionality")]
    public async Task AServerDoesNotStartWithWhatCannotBe(string config) =>
        await Should.ThrowAsync<Exception>(() => TestServer.FromConfigAsync(config));

    [Fact]
    [Upstream("opts_test.go", "TestListenMonitoringDefault")]
    [Upstream("opts_test.go", "TestOptions_RandomPort")]
    [Upstream("opts_test.go", "TestDefaultAuthTimeout")]
    public async Task DefaultsFillIn()
    {
        var options = ConfigLoader.LoadText("host: \"127.0.0.1\"", CommandLine.Checks).Options;
        (options.Host, options.Monitoring.Host ?? options.Host).ShouldBe(("127.0.0.1", "127.0.0.1"));
        options.Authorization.Timeout.ShouldBe(TimeSpan.FromSeconds(2));
        using var certificates = new TestCertificates();
        ConfigLoader.LoadText(certificates.Block().Replace("timeout: 5", "timeout: 4"), CommandLine.Checks).Options.Authorization.Timeout.ShouldBe(TimeSpan.FromSeconds(5));
        await using var server = await NatsServer.StartAsync(options with { Port = Defaults.RandomPort });
        server.ClientEndPoint!.Port.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData("\"true\"", true, 0)]
    [InlineData("true", true, 0)]
    [InlineData("on", true, 0)]
    [InlineData("false", false, 0)]
    [InlineData("\"false\"", false, 0)]
    [InlineData("off", false, 0)]
    [InlineData("auto", true, 50)]
    [InlineData("auto_fallback", true, 50)]
    [InlineData("300ms", true, 300)]
    [Upstream("client_test.go", "TestTLSClientHandshakeFirstFallbackDelayConfigValues")]
    public void HandshakeFirstIsWrittenInManyWays(string value, bool first, int milliseconds)
    {
        using var certificates = new TestCertificates();
        var tls = TestServer.Parse(certificates.Block($"first: {value}")).Tls!;
        (tls.HandshakeFirst, tls.HandshakeFirstFallback).ShouldBe((first, TimeSpan.FromMilliseconds(milliseconds)));
    }

    [Theory]
    [InlineData("", "", "required")]
    [InlineData("allow_non_tls: true", "", "available")]
    [InlineData("allow_non_tls: true", "first: true", "required")]
    [InlineData("allow_non_tls: true", "first: 25ms", "available")]
    [Upstream("client_test.go", "TestTLSClientNoticeWithAllowNonTLS")]
    public async Task TheLogSaysWhetherTlsIsAMust(string config, string tls, string expected)
    {
        using var certificates = new TestCertificates();
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(config + "\n" + certificates.Block(tls)), log);
        log.Lines.Where(line => line.Contains(" for client connections |", StringComparison.Ordinal) && line.Contains("TLS ", StringComparison.Ordinal))
            .Single().ShouldStartWith($"Information TLS {expected} for client connections");
    }

    [Theory]
    [InlineData("addr:1234", "addr", 1234)]
    [InlineData("addr", "addr", 5678)]
    [InlineData("addr:-1", "addr", 5678)]
    [InlineData("addr:0", "addr", 5678)]
    [InlineData("addr:addr", null, 0)]
    [InlineData("", null, 0)]
    [Upstream("util_test.go", "TestParseHostPort")]
    public void AnAddressMayLackItsPort(string text, string? host, int port)
    {
        HostAndPort.TryParse(text, out var parsed).ShouldBe(host is not null);
        if (host is null) return;
        (parsed.Host, parsed.Port <= 0 ? 5678 : parsed.Port).ShouldBe((host, port));
    }

    [Fact]
    [Upstream("opts_test.go", "TestSublistNoCacheConfigOnAccounts")]
    public async Task TheCacheOfSubscriptionsMayBeSwitchedOff()
    {
        await using var server = await TestServer.FromConfigAsync($"disable_sublist_cache: true\nno_sys_acc = true\naccounts {{ synadia {{ users [ {{nkey : {First}}} ] }}, nats.io {{ users [ {{nkey : {Second}}} ] }} }}");
        server.Accounts.All.Count().ShouldBe(3);
        foreach (var account in server.Accounts.All)
        {
            account.Subscriptions.Match("foo"u8);
            account.Subscriptions.Statistics.CacheEntries.ShouldBe(0, account.Name);
        }
    }
}
