using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

public class OptionsTests
{
    [Fact]
    [Upstream("opts_test.go", "TestConfigFile")]
    public void Every_simple_option_is_read()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("test.conf", ServerText);
        var options = ConfigLoader.Load(file).Options;
        options.ConfigFile.ShouldBe(file);
        options.ConfigDigest.ShouldBe("sha256:f10eacddb9ce83a6bdc79b42c851b9628d49cf8b3c6ba95b1ecf090307504948");
        (options.ServerName, options.Host, options.Port).ShouldBe(("testing_server", "127.0.0.1", 4242));
        (options.Authorization.Username, options.Authorization.Password, options.Authorization.Timeout).ShouldBe(("derek", "porkchop", TimeSpan.FromSeconds(1)));
        options.Logging.ShouldBe(new LoggingOptions
        {
            Trace = true,
            LogTime = false,
            Syslog = true,
            RemoteSyslog = "udp://foo.com:33",
            ConnectErrorReports = 86400,
            ReconnectErrorReports = 5,
        });
        options.Monitoring.ShouldBe(new MonitoringOptions { HttpPort = 8222, BasePath = "/nats", ProfilePort = 6543 });
        options.Limits.ShouldBe(new LimitOptions
        {
            MaxControlLine = 2048,
            MaxPayload = 65536,
            MaxConnections = 100,
            MaxSubscriptions = 1000,
            MaxPending = 10000000,
            PingInterval = TimeSpan.FromMinutes(1),
            MaxPingsOut = 3,
            WriteDeadline = TimeSpan.FromSeconds(3),
        });
        (options.PidFile, options.LameDuckDuration).ShouldBe(("/tmp/nats-server/nats-server.pid", TimeSpan.FromMinutes(4)));
        options.Metadata.ShouldBe(new Dictionary<string, string> { ["key1"] = "value1", ["key2"] = "value2" });
        options.FeatureFlags.ShouldBe(new Dictionary<string, bool> { ["feature"] = false, ["fix"] = true, ["revert_fix"] = true });
    }

    [Fact]
    [Upstream("opts_test.go", "TestDefaultOptions")]
    public void Nothing_written_means_the_defaults()
    {
        var options = OptionsBaseline.Apply(new ServerOptions { Host = "", Port = 0, Limits = new LimitOptions { MaxPayload = 0, MaxPingsOut = 0 } });
        options.ShouldBe(new ServerOptions
        {
            Limits = options.Limits,
            Logging = options.Logging,
            Authorization = options.Authorization,
            Cluster = options.Cluster,
            Monitoring = options.Monitoring,
            Accounts = options.Accounts,
            Mappings = options.Mappings,
            Tags = options.Tags,
            Metadata = options.Metadata,
            FeatureFlags = options.FeatureFlags,
            JetStream = options.JetStream,
            DefaultJetStreamDomains = options.DefaultJetStreamDomains,
            Gateway = options.Gateway,
            LeafNode = options.LeafNode,
            WebSocket = options.WebSocket,
            Mqtt = options.Mqtt,
            Operator = options.Operator,
        });
        (options.Host, options.Port, options.Monitoring.Host).ShouldBe(("0.0.0.0", 4222, null));
        options.Limits.ShouldBe(new LimitOptions());
        (options.Limits.MaxPayload, options.Limits.MaxControlLine, options.Limits.MaxConnections).ShouldBe((1 << 20, 4096, 65536));
        (options.Limits.MaxPending, options.Limits.MaxPingsOut, options.Limits.PingInterval).ShouldBe((64 << 20, 2, TimeSpan.FromMinutes(2)));
        (options.LameDuckDuration, options.LameDuckGracePeriod).ShouldBe((TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(10)));
        (options.Authorization.Timeout, options.Limits.WriteDeadline).ShouldBe((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)));
    }

    [Theory]
    [Upstream("opts_test.go", "TestDynamicPortOnListen")]
    [Upstream("opts_test.go", "TestListenPortOnlyConfig")]
    [Upstream("opts_test.go", "TestListenPortWithColonConfig")]
    [InlineData("listen: 10.0.1.22:-1\nhttp: -1\nhttps: :-1", "10.0.1.22", -1, null, -1, -1)]
    [InlineData("listen: 8922", "0.0.0.0", 8922, null, 0, 0)]
    [InlineData("listen: :8922", "0.0.0.0", 8922, null, 0, 0)]
    [InlineData("listen: \"[::1]:8922\"", "::1", 8922, null, 0, 0)]
    public void Addresses_are_split(string text, string host, int port, string? monitoringHost, int http, int https)
    {
        var options = Load(text);
        (options.Host, options.Port).ShouldBe((host, port));
        (options.Monitoring.Host, options.Monitoring.HttpPort, options.Monitoring.HttpsPort).ShouldBe((monitoringHost, http, https));
    }

    [Fact]
    [Upstream("opts_test.go", "TestListenConfig")]
    public void Each_listener_has_its_address()
    {
        var options = Load("listen: 10.0.1.22:4422\nhttp: 127.0.0.1:8422\nhttps: 127.0.0.1:9443\ncluster {\n listen: 127.0.0.1:4244\n name: \"abc\"\n}");
        (options.Host, options.Port).ShouldBe(("10.0.1.22", 4422));
        options.Monitoring.ShouldBe(new MonitoringOptions { Host = "127.0.0.1", HttpPort = 8422, HttpsPort = 9443 });
        (options.Cluster.Host, options.Cluster.Port, options.Cluster.Name).ShouldBe(("127.0.0.1", 4244, "abc"));
    }

    [Theory]
    [Upstream("opts_test.go", "TestMalformedListenAddress")]
    [Upstream("opts_test.go", "TestMalformedClusterAddress")]
    [Upstream("opts_test.go", "TestPanic")]
    [Upstream("opts_test.go", "TestLargeMaxControlLine")]
    [Upstream("opts_test.go", "TestTokenWithUserPass")]
    [Upstream("opts_test.go", "TestTokenWithUsers")]
    [Upstream("opts_test.go", "TestBadNkeyConfig")]
    [Upstream("opts_test.go", "TestNkeyWithPassConfig")]
    [InlineData("listen: 10.0.1.22:foo", "Parse error on line 1: 'Expected a top-level value to end with a new line, comment or EOF, but got 'f' instead.'")]
    [InlineData("cluster {\n listen: 266.0.0.1:foo\n}", "Parse error on line 2: 'Expected a map value terminator")]
    [InlineData("listen: '10.0.1.22:foo'", ":1:0: could not parse port \"foo\"")]
    [InlineData("cluster {\n listen: '266.0.0.1:foo'\n}", ":2:2: could not parse port \"foo\"")]
    [InlineData("port: \"this_string_trips_a_panic\"", ":1:0: interface conversion: interface {} is string, not int64")]
    [InlineData("max_control_line = 3000000000", "max_control_line value is too big")]
    [InlineData("authorization={\n user: user\n pass: password\n token: $2a$11$whatever\n}", "Cannot have a user/pass and token")]
    [InlineData("authorization={\n token: $2a$11$whatever\n users: [\n {user: test, password: test}\n ]\n}", "Can not have a token and a users array")]
    [InlineData("authorization {\n users = [ {nkey: \"Ufoo\"}]\n}", "Not a valid public nkey for a user")]
    [InlineData("authorization {\n users = [ {nkey: \"UDKTV7HZVYJFJN64LLMYQBUR6MTNNYCDC3LAZH4VHURW3GZLL3FULBXV\", pass: \"foo\"}]\n}",
        "Nkey users do not take usernames or passwords")]
    [InlineData("a: 1, port: 4222", "unknown field \"a\"")]
    public void Mistakes_are_named_with_their_place(string text, string message) =>
        Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(message);

    [Fact]
    [Upstream("opts_test.go", "TestLargeMaxPayload")]
    public void Payload_is_bounded()
    {
        Should.Throw<ConfigException>(() => Load("max_payload = 3000000000")).Message.ShouldContain("max_payload value is too big");
        OptionsValidator.FindError(Load("max_payload = 100000\nmax_pending = 50000"))
            .ShouldBe("max_payload (100000) cannot be higher than max_pending (50000)");
    }

    [Theory]
    [Upstream("opts_test.go", "TestParseWriteDeadline")]
    [Upstream("opts_test.go", "TestPingIntervalOld")]
    [Upstream("opts_test.go", "TestPingIntervalNew")]
    [InlineData("write_deadline: \"1s\"", 1, 120, "")]
    [InlineData("write_deadline: 2", 2, 120, ":1:0: invalid use of field \"write_deadline\": write_deadline should be converted to a duration\n")]
    [InlineData("ping_interval: 5", 10, 5, ":1:0: invalid use of field \"ping_interval\": ping_interval should be converted to a duration\n")]
    [InlineData("ping_interval: \"5m\"", 10, 300, "")]
    public void Bare_numbers_are_seconds_with_a_warning(string text, int deadline, int interval, string warnings)
    {
        var result = ConfigLoader.LoadText(text);
        result.Warnings.ShouldBe(warnings);
        result.Options.Limits.WriteDeadline.ShouldBe(TimeSpan.FromSeconds(deadline));
        result.Options.Limits.PingInterval.ShouldBe(TimeSpan.FromSeconds(interval));
        Should.Throw<ConfigException>(() => Load("write_deadline: \"1x\"")).Message
            .ShouldContain("error parsing write_deadline: time: unknown unit \"x\" in duration \"1x\"");
    }

    [Fact]
    [Upstream("opts_test.go", "TestWriteDeadlineConfigParsing")]
    [Upstream("opts_test.go", "TestMaxClosedClients")]
    [Upstream("opts_test.go", "TestSublistNoCacheConfig")]
    public void Limits_of_links_are_their_own()
    {
        var options = Load("leafnodes { write_deadline: 5s }\ngateway { write_deadline: 6s }\ncluster { write_deadline: 7s }\nwrite_deadline: 8s\nmax_closed_clients: 5\ndisable_sublist_cache: true");
        options.LeafNode.WriteDeadline.ShouldBe(TimeSpan.FromSeconds(5));
        options.Gateway.WriteDeadline.ShouldBe(TimeSpan.FromSeconds(6));
        options.Cluster.WriteDeadline.ShouldBe(TimeSpan.FromSeconds(7));
        options.Limits.WriteDeadline.ShouldBe(TimeSpan.FromSeconds(8));
        options.Limits.MaxClosedClients.ShouldBe(5);
        options.Limits.DisableSublistCache.ShouldBeTrue();
    }

    [Theory]
    [Upstream("opts_test.go", "TestWriteTimeoutConfigParsing")]
    [InlineData("default", WriteTimeoutPolicy.Default)]
    [InlineData("retry", WriteTimeoutPolicy.Retry)]
    [InlineData("close", WriteTimeoutPolicy.Close)]
    public void Write_timeout_is_a_policy(string text, WriteTimeoutPolicy policy)
    {
        var options = Load($"leafnodes {{ write_timeout: {text} }}\ngateway {{ write_timeout: {text} }}\ncluster {{ write_timeout: {text} }}\nwrite_timeout: {text}");
        new[] { options.LeafNode.WriteTimeout, options.Gateway.WriteTimeout, options.Cluster.WriteTimeout, options.WriteTimeout }
            .ShouldAllBe(found => found == policy);
    }

    [Theory]
    [Upstream("opts_test.go", "TestWebsocketPingIntervalConfig")]
    [InlineData("ping_interval: \"30s\"", 30)]
    [InlineData("ping_interval: 45", 45)]
    [InlineData("ping_interval: \"2m\"", 120)]
    [InlineData("", 0)]
    public void Websockets_may_have_their_own_ping_interval(string line, int seconds) =>
        Load($"websocket {{\n port: 8080\n {line}\n}}").WebSocket.PingInterval.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [Upstream("opts_test.go", "TestGetStorageSize")]
    [InlineData("1K", 1024L)]
    [InlineData("1M", 1048576L)]
    [InlineData("1G", 1073741824L)]
    [InlineData("1T", 1099511627776L)]
    [InlineData("", 0L)]
    [InlineData("1L", null)]
    [InlineData("TT", null)]
    public void Sizes_of_stores_may_be_quoted(string text, long? size)
    {
        var config = $"jetstream {{ max_mem: \"{text}\" }}";
        if (size is null) Should.Throw<ConfigException>(() => Load(config));
        else Load(config).JetStream.MaxMemory.ShouldBe(size);
    }

    [Fact]
    [Upstream("opts_test.go", "TestClusterNameAndGatewayNameConflict")]
    [Upstream("opts_test.go", "TestDefaultSentinel")]
    public void Options_are_checked_against_each_other()
    {
        const string text = "listen: 127.0.0.1:-1\ncluster {\n name: A\n listen: 127.0.0.1:-1\n}\ngateway {\n name: B\n listen: 127.0.0.1:-1\n}";
        OptionsValidator.FindError(Load(text)).ShouldBe("cluster name conflicts between cluster and gateway definitions");
        Load("default_sentinel: \"hello\"").Operator.DefaultSentinel.ShouldBe("hello");
    }
}
