using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>What the command line said of a flag counts more than the file, at the start and after a reload.</summary>
public sealed class ReloadFlagsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("logtime", "", "", true)]
    [InlineData("logtime", "", "-T", true)]
    [InlineData("logtime", "", "-logtime", true)]
    [InlineData("logtime", "logtime: false", "", false)]
    [InlineData("logtime", "logtime: false", "-T", true)]
    [InlineData("logtime", "logtime: false", "-logtime", true)]
    [InlineData("logtime", "logtime: true", "", true)]
    [InlineData("logtime", "logtime: true", "-T=false", false)]
    [InlineData("logtime", "logtime: true", "-logtime=false", false)]
    [InlineData("debug", "", "", false)]
    [InlineData("debug", "", "-D", true)]
    [InlineData("debug", "debug: false", "-debug", true)]
    [InlineData("debug", "debug: true", "-D=false", false)]
    [InlineData("debug", "debug: true", "-debug=false", false)]
    [InlineData("trace", "", "", false)]
    [InlineData("trace", "", "-V", true)]
    [InlineData("trace", "trace: false", "-trace", true)]
    [InlineData("trace", "trace: true", "-V=false", false)]
    [InlineData("trace", "trace: true", "-trace=false", false)]
    [InlineData("syslog", "", "", false)]
    [InlineData("syslog", "", "-s", true)]
    [InlineData("syslog", "syslog: false", "-syslog", true)]
    [InlineData("syslog", "syslog: true", "-s=false", false)]
    [InlineData("syslog", "syslog: true", "-syslog=false", false)]
    [InlineData("no_advertise", "cluster { port: -1 }", "", false)]
    [InlineData("no_advertise", "cluster { port: -1 }", "-no_advertise", true)]
    [InlineData("no_advertise", "cluster { port: -1, no_advertise: false }", "", false)]
    [InlineData("no_advertise", "cluster { port: -1, no_advertise: false }", "-no_advertise", true)]
    [InlineData("no_advertise", "cluster { port: -1, no_advertise: true }", "", true)]
    [InlineData("no_advertise", "cluster { port: -1, no_advertise: true }", "-no_advertise=false", false)]
    [InlineData("debug+trace", "", "-DV", true)]
    [InlineData("debug+trace", "debug: false\ntrace: false", "-DV", true)]
    [InlineData("debug+trace", "debug: true\ntrace: true", "-DV=false", false)]
    [InlineData("trace+verbose", "trace_verbose: true", "", true)]
    [InlineData("verbose", "trace_verbose: true", "--VV=false", false)]
    [InlineData("verbose", "trace_verbose: false", "--VV=true", true)]
    [InlineData("jetstream", "", "", false)]
    [InlineData("jetstream", "", "--js", true)]
    [InlineData("jetstream", "jetstream: false", "", false)]
    [InlineData("jetstream", "jetstream: false", "--js", true)]
    [InlineData("jetstream", "jetstream: true", "", true)]
    [InlineData("jetstream", "jetstream: true", "--js=false", false)]
    [Upstream("reload_test.go", "TestConfigReloadBoolFlags")]
    public async Task FlagsOutlastReloads(string what, string config, string flag, bool expected)
    {
        string Text(string more) => $"listen: \"127.0.0.1:-1\"\nstore_dir: \"{_folder.Path}\"\n{config}\n{more}\n";
        var file = _folder.Write("nats.conf", Text(""));
        string[] arguments = ["-c", file, .. flag.Length > 0 ? new[] { flag } : []];
        var source = CommandLine.Parse(arguments).ShouldBeOfType<CliRequest.Run>().Source;
        Ask(what, source.Load().Options).ShouldBe(expected);
        await using var server = await NatsServer.StartAsync(source.Load().Options, cancellation: TestContext.Current.CancellationToken);
        Ask(what, server.Options).ShouldBe(expected);
        _folder.Write("nats.conf", Text("max_connections: 1000"));
        await server.ReloadAsync(source.Load().Options);
        (Ask(what, server.Options), server.Options.Limits.MaxConnections).ShouldBe((expected, 1000));
    }

    private static bool Ask(string what, ServerOptions options) => what switch
    {
        "logtime" => options.Logging.LogTime,
        "debug" => options.Logging.Debug,
        "trace" => options.Logging.Trace,
        "syslog" => options.Logging.Syslog,
        "no_advertise" => options.Cluster.NoAdvertise,
        "debug+trace" => options.Logging.Debug && options.Logging.Trace,
        "trace+verbose" => options.Logging.Trace && options.Logging.TraceVerbose,
        "verbose" => options.Logging.TraceVerbose,
        _ => options.JetStream.Enabled,
    };
}
