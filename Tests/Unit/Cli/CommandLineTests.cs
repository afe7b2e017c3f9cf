using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _server;
    private readonly string _cluster;
    private readonly string _tls;
    private readonly string _certificate = Path.Combine(GoldenConfigurations.Files, "cert.pem");
    private readonly string _key = Path.Combine(GoldenConfigurations.Files, "key.pem");

    public CommandLineTests()
    {
        _server = _folder.Write("test.conf", SampleConfigurations.ServerText);
        _cluster = _folder.Write("srv_a.conf", SampleConfigurations.ClusterText);
        _tls = _folder.Write("tls.conf", $"tls {{ cert_file: '{_certificate}', key_file: '{_key}', timeout: 2 }}");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("-v", typeof(CliRequest.ShowVersion))]
    [InlineData("--version", typeof(CliRequest.ShowVersion))]
    [InlineData("version", typeof(CliRequest.ShowVersion))]
    [InlineData("-h", typeof(CliRequest.ShowHelp))]
    [InlineData("HELP", typeof(CliRequest.ShowHelp))]
    [InlineData("-help_tls", typeof(CliRequest.ShowTlsHelp))]
    [InlineData("foo", typeof(CliRequest.Fail))]
    [InlineData("-xxx foo", typeof(CliRequest.ShowHelp))]
    [InlineData("-sl quit=pid=foo", typeof(CliRequest.Fail))]
    [InlineData("-sl quit=1", typeof(CliRequest.SendSignal))]
    [InlineData("-t -c x", typeof(CliRequest.TestConfig))]
    [InlineData("-t", typeof(CliRequest.Fail))]
    [InlineData("-p 1", typeof(CliRequest.Run))]
    [InlineData("-js=false -p=-1 -- x", typeof(CliRequest.Fail))]
    [Upstream("opts_test.go", "TestConfigureOptions")]
    public void Arguments_ask_for_one_thing(string arguments, Type request) =>
        CommandLine.Parse(arguments.Split(' ')).ShouldBeOfType(request);

    [Theory]
    [InlineData("-p 1234", 1234)]
    [InlineData("-p=1234", 1234)]
    [InlineData("--port 1234", 1234)]
    [InlineData("--port=1234", 1234)]
    [InlineData("-p 1 -port 2", 2)]
    [InlineData("-port 1 -p 2", 2)]
    [InlineData("-p 0x10", 16)]
    [InlineData("-p 010", 8)]
    [InlineData("-p -1", -1)]
    [InlineData("-p 0", 4222)]
    public void Flag_is_written_in_many_ways(string arguments, int port) => Load(arguments.Split(' ')).Port.ShouldBe(port);

    [Theory]
    [InlineData("-p=", "invalid value \"\" for flag -p: parse error")]
    [InlineData("-p=99999999999999999999", "invalid value \"99999999999999999999\" for flag -p: value out of range")]
    [InlineData("---p", "bad flag syntax: ---p")]
    [InlineData("-=1", "bad flag syntax: -=1")]
    [InlineData("-DV=2", "invalid boolean value \"2\" for -DV: parse error")]
    [InlineData("-a", "flag needs an argument: -a")]
    public void Wrong_flag_is_explained(string argument, string error) =>
        CommandLine.Parse([argument]).ShouldBe(new CliRequest.ShowHelp(error));

    [Fact]
    [Upstream("opts_test.go", "TestRouteFlagOverride")]
    [Upstream("opts_test.go", "TestRouteFlagOverrideWithMultiple")]
    public void Routes_replace_those_of_the_file()
    {
        const string one = "nats-route://ruser:top_secret@127.0.0.1:8246";
        var options = Load("-c", _cluster, "-routes", one);
        options.ConfigDigest.ShouldBe("sha256:fe3c13f82637723989a9bbd0ad6d064b95d48971666af440d4196d9c0d3af979");
        options.Cluster.Routes.ShouldBe([new Uri(one)]);
        (options.Cluster.Host, options.Cluster.Port, options.Cluster.Name).ShouldBe(("127.0.0.1", 7244, "abc"));
        (options.Cluster.Username, options.Cluster.Password, options.Cluster.AuthTimeout).ShouldBe(("ruser", "top_secret", TimeSpan.FromSeconds(0.5)));
        const string other = "nats-route://ruser:top_secret@127.0.0.1:8266";
        Load("-c", _cluster, "-routes", $"{one}, {other}").Cluster.Routes.ShouldBe([new Uri(one), new Uri(other)]);
        Load("-c", _cluster, "-routes", "").Cluster.Routes.ShouldBeEmpty();
        Error("-routes", "nats://127.0.0.1:6223").ShouldBe("solicited routes require cluster capabilities, e.g. --cluster");
        Load("-cluster", "nats://127.0.0.1:6222", "-routes", "nats://127.0.0.1:6223").Cluster.Routes.ShouldBe([new Uri("nats://127.0.0.1:6223")]);
    }

    [Fact]
    [Upstream("opts_test.go", "TestClusterFlagsOverride")]
    public void Cluster_address_replaces_that_of_the_file()
    {
        var cluster = Load("-c", _cluster, "-cluster", "nats://ivan:p%40d@127.0.0.1:6222").Cluster;
        (cluster.Host, cluster.Port, cluster.Username, cluster.Password).ShouldBe(("127.0.0.1", 6222, "ivan", "p@d"));
        cluster.Routes.ShouldBe([new Uri("nats-route://ruser:top_secret@127.0.0.1:7246")]);
        cluster = Load("-c", _cluster, "--cluster_listen", "nats://127.0.0.1:-1").Cluster;
        (cluster.Port, cluster.Username, cluster.Password).ShouldBe((-1, null, null));
        Load("-c", _cluster, "-cluster", "").Cluster.Port.ShouldBe(0);
    }

    [Theory]
    [InlineData(":", "protocol")]
    [InlineData("nats://127.0.0.1", "port")]
    [InlineData("nats://127.0.0.1:xxx", "invalid port")]
    [InlineData("nats://ivan:127.0.0.1:6222", "colons")]
    [InlineData("nats://ivan@127.0.0.1:6222", "password")]
    public void Cluster_address_must_be_complete(string url, string error) => Error("-cluster", url, "-routes", "").ShouldContain(error);

    [Theory]
    [InlineData("", false, true, false, false)]
    [InlineData("-V=false", false, false, false, false)]
    [InlineData("-DV=false", false, false, false, false)]
    [InlineData("-DV", true, true, false, false)]
    [InlineData("-DVV", true, true, true, false)]
    [InlineData("-VV -T", false, true, true, true)]
    [InlineData("-D --logtime=true", true, true, false, true)]
    public void Logging_flags_go_before_the_file(string flags, bool debug, bool trace, bool verbose, bool time)
    {
        var logging = Load(["-c", _server, .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Logging;
        (logging.Debug, logging.Trace, logging.TraceVerbose, logging.LogTime).ShouldBe((debug, trace, verbose, time));
    }

    [Fact]
    [Upstream("opts_test.go", "TestMergeOverrides")]
    public void Flags_go_before_the_file()
    {
        var options = Load("-c", _server, "-p", "2222", "--pass", "porkchop", "-D", "-m", "8222", "--profile", "6789",
            "--no_advertise", "--connect_retries", "2", "-js", "-sd", "/store/dir");
        (options.ServerName, options.Host, options.Port).ShouldBe(("testing_server", "127.0.0.1", 2222));
        (options.Authorization.Username, options.Authorization.Password).ShouldBe(("derek", "porkchop"));
        (options.Logging.Debug, options.Logging.Trace, options.Logging.LogTime).ShouldBe((true, true, false));
        (options.Monitoring.HttpPort, options.Monitoring.ProfilePort).ShouldBe((8222, 6789));
        (options.Cluster.NoAdvertise, options.Cluster.ConnectRetries).ShouldBe((true, 2));
        (options.JetStream.Enabled, options.StoreDirectory).ShouldBe((true, "/store/dir"));
        (options.Limits.MaxPayload, options.Limits.MaxPingsOut).ShouldBe((65536, 3));
        options.ConfigDigest.ShouldBe("sha256:f10eacddb9ce83a6bdc79b42c851b9628d49cf8b3c6ba95b1ecf090307504948");
    }

    [Fact]
    public void Tls_flags_go_before_the_file()
    {
        Load("-c", _tls).Tls.ShouldNotBeNull().CertificateFile.ShouldBe(_certificate);
        Load("-c", _tls, "-tls=false").Tls.ShouldBeNull();
        Error("-c", _tls, "-tlsverify").ShouldBe("TLS Server certificate must be present and valid");
        Load("-c", _tls, "-tlsverify", "-tlscert", _certificate, "-tlskey", _key).Tls.ShouldNotBeNull().Verify.ShouldBeTrue();
        Error("-tls").ShouldBe("TLS Server certificate must be present and valid");
        Error("-tls", "-tlscert", _certificate).ShouldBe("TLS Server private key must be present and valid");
        Error("-tls", "-tlscert", _certificate, "-tlskey", "notfound.pem")
            .ShouldBe("error parsing X509 certificate/key pair: open notfound.pem: no such file or directory");
        Load("-tls", "-tlscert", _certificate, "-tlskey", _key).Tls.ShouldNotBeNull();
    }

    [Fact]
    [Upstream("opts_test.go", "TestEmptyConfig")]
    public void Empty_name_of_a_file_means_none() => Load("-c", "").ConfigFile.ShouldBeNull();

    private static ServerOptions Load(params string[] arguments) =>
        CommandLine.Parse(arguments).ShouldBeOfType<CliRequest.Run>().Source.Load().Options;

    private static string Error(params string[] arguments) => Should.Throw<CliException>(() => Load(arguments)).Message;
}
