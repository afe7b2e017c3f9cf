namespace NatsAspire.Hosting;

/// <summary>In Kubernetes: every pod on the same ports, found by its name in DNS, passwords as variables of a secret.</summary>
/// <param name="space">Namespace.</param>
internal sealed class KubernetesSite(string space) : ServerSite
{
    public const string StorePath = "/data", CertificatePath = "/etc/nats-certs", PidFile = "/var/run/nats/nats.pid";

    /// <summary>nats-server's usual ports.</summary>
    public static readonly ServerPorts Ports = new(Client: 4222, Route: 6222, Monitor: 8222, Gateway: 7222, Leaf: 7422);

    /// <summary>Users whose passwords the configuration refers to.</summary>
    public SortedSet<string> Users { get; } = new(StringComparer.Ordinal);

    /// <summary>Variables with URLs of hubs, in which Kubernetes puts the password.</summary>
    public SortedDictionary<string, string> Urls { get; } = new(StringComparer.Ordinal);

    /// <summary>A cluster's name as DNS has it.</summary>
    public static string NameOf(NatsCluster cluster) => cluster.Name.ToLowerInvariant();

    public override string ServerName(NatsServerSpec server) => "$SERVER_NAME";

    public override (string Host, ServerPorts Ports) Listen(NatsServerSpec server) => ("0.0.0.0", Ports);

    public override string Address(NatsServerSpec server, Func<ServerPorts, int> port)
    {
        var name = NameOf(server.Cluster);
        return $"{name}-{IndexOf(server)}.{name}-headless.{space}.svc:{port(Ports)}";
    }

    public override string StoreDirectory(NatsServerSpec server) => StorePath;

    public override string Password(string user)
    {
        Users.Add(user);
        return "$" + TopologySecrets.VariableOf(user);
    }

    public override string LeafUrl(NatsServerSpec hub, string user)
    {
        Users.Add(user);
        var variable = $"NATS_HUB_URL_{IndexOf(hub)}";
        // Quotes within: the server reads a variable's value as it reads its configuration.
        Urls[variable] = $"\"nats-leaf://{user}:$({TopologySecrets.VariableOf(user)})@{Address(hub, ports => ports.Leaf)}\"";
        return "$" + variable;
    }

    public override (string Cert, string Key, string? Ca) Tls(TlsSpec tls) =>
        tls.Secret is null
            ? throw new TopologyException("tls needs a secret for manifests: name one of type kubernetes.io/tls, as \"secret\": \"nats-tls\".")
            : ($"{CertificatePath}/tls.crt", $"{CertificatePath}/tls.key", tls.Verify ? $"{CertificatePath}/ca.crt" : null);

    public override IEnumerable<string> Extra(NatsServerSpec server) =>
        [$"pid_file: {Quote(PidFile)}", "lame_duck_duration: \"30s\"", "lame_duck_grace_period: \"10s\""];

    private static int IndexOf(NatsServerSpec server) => server.Cluster.Servers.TakeWhile(other => other != server).Count();
}
