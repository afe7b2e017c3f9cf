using System.CommandLine;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>What the command line of the application asks for; the same for both front ends.</summary>
internal sealed record AppHostOptions
{
    private const int DefaultServers = 3;
    private const int DefaultTimeoutSeconds = 30;

    /// <summary>Name of a built-in topology, or a file.</summary>
    public required string Topology { get; init; }

    /// <summary>Servers of each cluster of a built-in topology; null: three.</summary>
    public required int? Servers { get; init; }

    /// <summary>Client port of the first server; null: free ones.</summary>
    public required int? Port { get; init; }

    /// <summary>nats-server executable; null: this repository's.</summary>
    public required string? ServerPath { get; init; }

    /// <summary>Where ports, passwords, configurations and streams are kept; null: a private directory.</summary>
    public required string? Data { get; init; }

    /// <summary>Remove first what an earlier run left there.</summary>
    public required bool Clean { get; init; }

    /// <summary>Port of the console page; 0: a free one; null: no console.</summary>
    public required int? ConsolePort { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required bool NoColor { get; init; }

    /// <summary>The built-in runner, even where Aspire's packages restore.</summary>
    public required bool Local { get; init; }

    /// <summary>The topology they describe.</summary>
    /// <exception cref="TopologyException">There is none of that name, or numbers or ports that cannot be.</exception>
    public TopologySpec ToSpec()
    {
        if (ConsolePort is < 0 or > ushort.MaxValue) throw new TopologyException($"--console {ConsolePort} is no port: 1 to {ushort.MaxValue}, or 0 for a free one.");
        if (Timeout <= TimeSpan.Zero) throw new TopologyException($"--timeout {Timeout.TotalSeconds:0} leaves no time to start: at least 1 second.");
        if (BuiltInTopologies.Find(Topology, Servers ?? DefaultServers, Port) is { } known) return known;
        if (Servers is not null || Port is not null) throw new TopologyException("--servers and --port belong to built-in topologies; a file says both itself.");
        return TopologyFile.Read(Topology);
    }

    /// <summary>Reads the command line and runs; prints help or what is wrong otherwise.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, Func<AppHostOptions, Task<int>> run, Func<TopologySpec, PublishOptions, Task<int>> publish)
    {
        var topology = new Option<string>("--topology", "-t") { Description = $"{string.Join(", ", BuiltInTopologies.Names)}, or a JSON file (schema: Hosting/Topology/topology.schema.json).", DefaultValueFactory = _ => "cluster" };
        var servers = new Option<int?>("--servers", "-n") { Description = $"Servers of each cluster of a built-in topology, 1 to {NatsTopology.MaxServers}; {DefaultServers} when left out." };
        var port = new Option<int?>("--port", "-p") { Description = "Client port of the first server; the others follow. Free ports when left out." };
        var server = new Option<string?>("--server") { Description = "Run this nats-server instead of the repository's own." };
        var data = new Option<string?>("--data", "--dir") { Description = "Keep ports, passwords, configurations and streams in this folder, for the next run too." };
        var clean = new Option<bool>("--clean") { Description = "Forget first what an earlier run left in --data." };
        var console = new Option<int>("--console") { Description = "Port of the console page, on loopback. A free one when left out." };
        var noConsole = new Option<bool>("--no-console") { Description = "No console page." };
        var timeout = new Option<int>("--timeout") { Description = "Seconds to wait until all servers are joined.", DefaultValueFactory = _ => DefaultTimeoutSeconds };
        var local = new Option<bool>("--local") { Description = "The built-in runner and its console, even where the Aspire packages restore." };
        var noColor = new Option<bool>("--no-color") { Description = "Plain output. The NO_COLOR variable does the same." };
        var command = new RootCommand(
            """
            Runs NATS clusters on this machine and prints where to connect. Ctrl+C stops all of it.

            Examples:
              dotnet run --project AppHost                              three servers on free ports
              dotnet run --project AppHost -- --servers 5               five
              dotnet run --project AppHost -- --port 4222               on 4222, 4223 and 4224
              dotnet run --project AppHost -- --topology supercluster   two clusters, gateways, a leaf node
              dotnet run --project AppHost -- --data run1               streams, ports and passwords stay for the next run
              dotnet run --project AppHost -- publish --output k8s      manifests for Kubernetes; --helm: a Helm chart
            """)
        { topology, servers, port, server, data, clean, console, noConsole, timeout, local, noColor, PublishOptions.Command(publish) };
        command.SetAction(parsed => run(new AppHostOptions
        {
            Topology = parsed.GetValue(topology)!,
            Servers = parsed.GetValue(servers),
            Port = parsed.GetValue(port),
            ServerPath = parsed.GetValue(server),
            Data = parsed.GetValue(data),
            Clean = parsed.GetValue(clean),
            ConsolePort = parsed.GetValue(noConsole) ? null : parsed.GetValue(console),
            Timeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
            Local = parsed.GetValue(local),
            NoColor = parsed.GetValue(noColor) || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 },
        }));
        return await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
    }
}
