using System.Net;
using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>A server as a whole: what it begins with, what it refuses to begin with, how it ends.</summary>
public sealed class ServerLifeTests
{
    [Fact]
    [Upstream("server_test.go", "TestStartupAndShutdown")]
    [Upstream("server_test.go", "TestSemanticVersion")]
    [Upstream("server_test.go", "TestInfoServerNameDefaultsToPK")]
    [Upstream("server_test.go", "TestRandomPorts")]
    [Upstream("server_test.go", "TestNilMonitoringPort")]
    public async Task AFreshServerIsEmpty()
    {
        Defaults.Version.ShouldMatch(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$");
        await using var server = await TestServer.StartAsync();
        (server.ClientCount, server.RouteConnectionCount, server.PeerCount, server.Accounts.Global.Subscriptions.Count).ShouldBe((0, 0, 0, 0));
        server.Name.ShouldBe(server.Id);
        server.ClientEndPoint!.Port.ShouldNotBeOneOf(0, 4222);
        server.MonitoringUrl.ShouldBeNull();
        await using var monitored = await Monitored.StartAsync();
        monitored.MonitoringUrl!.Port.ShouldBeGreaterThan(0);
    }

    [Fact]
    [Upstream("server_test.go", "TestConcurrentShutdown")]
    public async Task ManyMayStopItAtOnce()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await Wait.For("all who stop it", Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            await server.DisposeAsync();
            return server.Stopped.IsCompleted;
        }))));
        server.Stopped.IsCompletedSuccessfully.ShouldBeTrue();
        await client.ExpectClosedAsync();
    }

    [Fact]
    [Upstream("server_test.go", "TestNoDeadlockOnStartFailure")]
    public async Task AListenerThatCannotBeBoundEndsTheStart()
    {
        await using var first = await TestServer.StartAsync(o => o with { Cluster = TestServer.Member("a").Cluster });
        var start = TestServer.StartAsync(o => o with { Cluster = TestServer.Member("b").Cluster, Port = first.ClientEndPoint!.Port });
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(() => start.WaitAsync(Wait.Default, TestContext.Current.CancellationToken));
        await first.DisposeAsync();
        await using var again = await TestServer.StartAsync(o => o with { Port = first.ClientEndPoint!.Port });
    }

    [Fact]
    [Upstream("server_test.go", "TestInfoServerNameIsSettable")]
    [Upstream("server_test.go", "TestClientAdvertiseConnectURL")]
    [Upstream("server_test.go", "TestGetConnectURLs")]
    [Upstream("server_test.go", "TestClientAdvertiseInCluster")]
    [Upstream("server/routes_test.go", "TestClientAdvertise")]
    public async Task ClientsOfOtherServersAreToldTheAdvertisedAddress()
    {
        await using var first = await NatsServer.StartAsync(TestServer.Member("test_server_name") with { ClientAdvertise = "nats.example.com:7777" });
        await using var client = await TestClient.ConnectAsync(first.ClientEndPoint!);
        client.Info.GetProperty("server_name").GetString().ShouldBe("test_server_name");
        client.Info.GetProperty("host").GetString().ShouldBe("nats.example.com");
        client.Info.GetProperty("port").GetInt32().ShouldBe(7777);
        await using var second = await NatsServer.StartAsync(TestServer.Member("s2", "C", first.ClusterEndPoint!.Port) with { ClientAdvertise = "nats.example.com" });
        var named = $"nats.example.com:{second.ClientEndPoint!.Port}";
        await Wait.Until("the other's address", () => UrlsOf(client).Contains(named), () => string.Join(',', UrlsOf(client)));
        UrlsOf(client).ShouldBe(["nats.example.com:7777", named], ignoreOrder: true);
        await using var everywhere = await NatsServer.StartAsync(TestServer.Member("s3", "C", first.ClusterEndPoint!.Port) with { Host = "0.0.0.0" });
        await Wait.Until("a third address", () => UrlsOf(client).Count > 2);
        foreach (var url in UrlsOf(client).Where(url => !url.StartsWith("nats.", StringComparison.Ordinal)))
        {
            var address = IPEndPoint.Parse(url).Address;
            (IPAddress.IsLoopback(address), address.Equals(IPAddress.Any)).ShouldBe((false, false), url);
        }
    }

    [Theory]
    [InlineData("client_advertise: \"addr:::123\"", "ClientAdvertise")]
    [InlineData("server_name: \"my server\"", "server name cannot contain spaces")]
    [InlineData("cluster { port: -1, name: \"my cluster\" }", "cluster name cannot contain spaces")]
    [InlineData("gateway { port: -1, name: \"my gateway\" }", "gateway name cannot contain spaces")]
    [InlineData("lame_duck_duration: 40s\nlame_duck_grace_period: 50s", "should be strictly lower")]
    [InlineData("gateway { port: 7222, gateways: [ { name: B, url: \"nats://127.0.0.1:7223\" } ] }", "has no name")]
    [InlineData("gateway { name: A, gateways: [ { name: B, url: \"nats://127.0.0.1:7223\" } ] }", "no port specified")]
    [InlineData("gateway { name: A, port: 7222, gateways: [ { url: \"nats://127.0.0.1:7223\" } ] }", "has no name")]
    [InlineData("gateway { name: A, port: 7222, gateways: [ { name: B } ] }", "has no URL")]
    [Upstream("server_test.go", "TestClientAdvertiseErrorOnStartup")]
    [Upstream("server_test.go", "TestServerClusterAndGatewayNameNoSpace")]
    [Upstream("server_test.go", "TestLameDuckOptionsValidation")]
    [Upstream("server_test.go", "TestServerValidateGatewaysOptions")]
    public void WhatContradictsItselfIsRefusedBeforeTheStart(string config, string error) =>
        Should.Throw<Exception>(() => OptionsValidator.Validate(ConfigLoader.LoadText(config, CommandLine.Checks).Options)).Message.ShouldContain(error);

    [Fact]
    [Upstream("server_test.go", "TestMaxConnections")]
    [Upstream("server_test.go", "TestMaxConnectionsPreventsAll")]
    [Upstream("server_test.go", "TestMaxSubscriptions")]
    public async Task LimitsOfConnectionsAndSubscriptionsHold()
    {
        await using var one = await TestServer.FromConfigAsync("max_connections: 1\nmax_subscriptions: 2");
        using var first = await RawClient.OpenAsync(one.ClientEndPoint!);
        using var second = await RawClient.ConnectAsync(one.ClientEndPoint!);
        (await second.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n");
        await first.SendAsync("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
        await first.ExpectAsync("-ERR 'maximum subscriptions exceeded'\r\n");
        await first.FlushAsync();
        foreach (var none in new[] { "0", "-1" })
        {
            await using var closed = await TestServer.FromConfigAsync($"max_connections: {none}");
            using var nobody = await RawClient.ConnectAsync(closed.ClientEndPoint!);
            (await nobody.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n", customMessage: none);
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task FailedAttemptsAreErrorsOnceInAWhile(int attempt, bool isError)
    {
        using var log = new CapturedLog();
        var nobody = TestServer.Member("s1", "C", 1) with { Logging = new LoggingOptions { ConnectErrorReports = 3 } };
        nobody = nobody with { Cluster = nobody.Cluster with { ConnectRetries = 10 } };
        await using var server = await NatsServer.StartAsync(nobody, log);
        var text = $"Error trying to connect to route (attempt {attempt}): ";
        await Wait.Until($"attempt {attempt}", () => log.Contains(text), () => string.Join('\n', log.Lines));
        log.Lines.Where(line => line.Contains(text, StringComparison.Ordinal)).ShouldAllBe(line => line.StartsWith("Error ", StringComparison.Ordinal) == isError);
    }

    [Fact]
    [Upstream("server_test.go", "TestServerAuthBlockAndSysAccounts")]
    public async Task ASystemAccountOfItsOwnOpensNoDoor()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            authorization { users = [ { user: "u", password: "pass"} ] }
            accounts { $SYS: { users: [ { user: admin, password: pwd } ] } }
            """);
        await using var known = await server.ConnectAsync(new TestClientOptions { User = "u", Password = "pass" });
        using var unknown = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await unknown.ReadInfoAsync();
        await unknown.SendAsync("CONNECT {}\r\n");
        (await unknown.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Fact]
    [Upstream("server_test.go", "TestServerConfigLastLineComments")]
    public async Task ACommentMayFollowTheLastBrace()
    {
        await using var server = await TestServer.FromConfigAsync("{\n  \"listen\":  \"0.0.0.0:4222\"\n}\n# wibble\n");
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
    }

    [Fact]
    [Upstream("server_test.go", "TestServerClientURL")]
    public async Task TheClientUrlHasBracketsWhereItMust()
    {
        await using var four = await TestServer.StartAsync();
        four.ClientUrl.ToString().ShouldBe($"nats://127.0.0.1:{four.ClientEndPoint!.Port}/");
        await using var six = await TestServer.StartAsync(o => o with { Host = "::1" });
        six.ClientUrl.ToString().ShouldBe($"nats://[::1]:{six.ClientEndPoint!.Port}/");
        new HostAndPort("host.com", 12345).ToString().ShouldBe("host.com:12345");
        new HostAndPort("2000::1", 12345).ToString().ShouldBe("[2000::1]:12345");
    }

    [Fact]
    [Upstream("server_test.go", "TestServerLogsConfigurationFile")]
    public async Task TheConfigurationFileIsNamedInTheLog()
    {
        using var folder = new TemporaryFolder();
        using var log = new CapturedLog();
        var file = folder.Write("nats.conf", "port: -1");
        await using var server = await NatsServer.StartAsync(TestServer.Parse("port: -1") with { ConfigFile = file }, log);
        log.Contains($"Using configuration file: {file}").ShouldBeTrue();
    }

    [Fact]
    [Upstream("server_test.go", "TestProcessCommandLineArgs")]
    public void TheFirstArgumentsDecide()
    {
        var run = CommandLine.Parse(["-a", "127.0.0.1", "-p", "9090"]).ShouldBeOfType<CliRequest.Run>().Source.Load().Options;
        (run.Host, run.Port).ShouldBe(("127.0.0.1", 9090));
        CommandLine.Parse(["version"]).ShouldBeOfType<CliRequest.ShowVersion>();
        CommandLine.Parse(["help"]).ShouldBeOfType<CliRequest.ShowHelp>();
        CommandLine.Parse(["foo", "-p", "9090"]).ShouldBeOfType<CliRequest.Fail>();
    }

    [Fact]
    public async Task RoutesThatAreNotVerifiedAreWarnedOf()
    {
        using var certificates = new TestCertificates();
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(
            TestServer.Parse($"cluster {{ name: C, listen: \"127.0.0.1:-1\"\n{certificates.Block("insecure: true")} }}"), log);
        log.Contains("Warning TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!").ShouldBeTrue();
    }

    private static List<string> UrlsOf(TestClient client) =>
        client.Info.TryGetProperty("connect_urls", out var urls) ? [.. urls.EnumerateArray().Select(url => url.GetString()!)] : [];
}
