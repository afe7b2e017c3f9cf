using System.Diagnostics;

namespace NatsAspire.Tests.Support;

/// <summary>Real programs that tests talk to. Absent ones make a test say so; with NATSASPIRE_REQUIRE_PEERS set, fail.</summary>
public static class Peers
{
    private const string DebianServer = "/usr/sbin/nats-server";

    /// <summary>Debian's nats-server 2.9.</summary>
    public static string GoServer() => Require(DebianServer, "Debian's nats-server (apt-get install nats-server)");

    /// <summary>
    /// A Go server from 2.10 on to form JetStream clusters with: the one that <c>NATS_SERVER_PEER</c> names, as <c>.ci/run</c>
    /// does. Where it names none, one of ours takes its place: Debian's is too old.
    /// </summary>
    public static string JetStreamPeer() => Environment.GetEnvironmentVariable("NATS_SERVER_PEER") is { Length: > 0 } path ? path : OurServer();

    /// <summary>
    /// Environment variables that a server's executable needs. Go servers of 2.10 have a race when they start: the sender
    /// of all Raft messages asks for the system account before it is there, and is mute until the server ends (seen in one
    /// start of fifty under load; 2.11 hands the account over). On one processor nobody runs between the two.
    /// </summary>
    public static IReadOnlyDictionary<string, string> VariablesOf(string executable) =>
        executable == Environment.GetEnvironmentVariable("NATS_SERVER_PEER") ? new Dictionary<string, string> { ["GOMAXPROCS"] = "1" } : new Dictionary<string, string>();

    /// <summary>Debian's Prometheus.</summary>
    public static string Prometheus() => Require("/usr/bin/prometheus", "Debian's Prometheus (apt-get install prometheus)");

    /// <summary>The folder of the node scripts, with the official client installed.</summary>
    public static string NodeClients()
    {
        var folder = Path.Combine(RepositoryRoot, "Tests", "Interop", "node");
        Require(Path.Combine(folder, "node_modules", "@nats-io", "transport-node", "package.json"), "the node clients (npm ci --prefix Tests/Interop/node)");
        return folder;
    }

    /// <summary>Debian's promtool.</summary>
    public static string Promtool() => Require("/usr/bin/promtool", "Debian's Prometheus (apt-get install prometheus)");

    /// <summary>Kubernetes' client, which needs no cluster for what is asked of it here.</summary>
    public static string Kubectl() => Require("/usr/bin/kubectl", "kubectl (apt-get install kubernetes-client)");

    /// <summary>A browser.</summary>
    public static string Chromium() => Require("/usr/bin/chromium", "Chromium (apt-get install chromium)");

    /// <summary>The repository's own nats-server, as this build made it.</summary>
    public static string OurServer() => Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "nats-server.exe" : "nats-server");

    /// <summary>The folder that holds NatsAspire.sln.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    private static string Require(string path, string what)
    {
        if (File.Exists(path)) return path;
        if (Environment.GetEnvironmentVariable("NATSASPIRE_REQUIRE_PEERS") is { Length: > 0 }) Assert.Fail($"Not installed: {what}.");
        Assert.Skip($"Not installed: {what}.");
        throw new UnreachableException();
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "NatsAspire.sln"))) directory = directory.Parent;
        return directory.FullName;
    }
}
