using System.CommandLine;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>What the command line of the application asks for; the same for both front ends.</summary>
internal sealed record AppHostOptions
{
    /// <summary>Name of the default topology's cluster.</summary>
    public const string ClusterName = "nats";

    private const int DefaultServers = 3;
    private const int DefaultTimeoutSeconds = 30;

    public required int Servers { get; init; }

    /// <summary>Client port of the first server; null: free ones.</summary>
    public required int? Port { get; init; }

    /// <summary>nats-server executable; null: this repository's.</summary>
    public required string? ServerPath { get; init; }

    /// <summary>Where configuration files go; null: a private directory.</summary>
    public required string? Directory { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required bool NoColor { get; init; }

    /// <summary>The topology they describe.</summary>
    /// <exception cref="TopologyException">Numbers or ports that cannot be.</exception>
    public NatsTopology ToTopology() => NatsTopology.Cluster(ClusterName, Servers, Port);

    /// <summary>Reads the command line and runs; prints help or what is wrong otherwise.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, Func<AppHostOptions, Task<int>> run)
    {
        var servers = new Option<int>("--servers", "-n") { Description = $"Servers in the cluster, 1 to {NatsTopology.MaxServers}.", DefaultValueFactory = _ => DefaultServers };
        var port = new Option<int?>("--port", "-p") { Description = "Client port of the first server; the others follow. Free ports when left out." };
        var server = new Option<string?>("--server") { Description = "Run this nats-server instead of the repository's own." };
        var directory = new Option<string?>("--dir") { Description = "Keep configuration files in this folder." };
        var timeout = new Option<int>("--timeout") { Description = "Seconds to wait until the mesh is whole.", DefaultValueFactory = _ => DefaultTimeoutSeconds };
        var noColor = new Option<bool>("--no-color") { Description = "Plain output. The NO_COLOR variable does the same." };
        var command = new RootCommand(
            """
            Runs a NATS cluster on this machine and prints where to connect. Ctrl+C stops all of it.

            Examples:
              dotnet run --project AppHost                              three servers on free ports
              dotnet run --project AppHost -- --servers 5               five
              dotnet run --project AppHost -- --port 4222               on 4222, 4223 and 4224
            """)
        { servers, port, server, directory, timeout, noColor };
        command.SetAction(parsed => run(new AppHostOptions
        {
            Servers = parsed.GetValue(servers),
            Port = parsed.GetValue(port),
            ServerPath = parsed.GetValue(server),
            Directory = parsed.GetValue(directory),
            Timeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
            NoColor = parsed.GetValue(noColor) || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 },
        }));
        return await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }
}
