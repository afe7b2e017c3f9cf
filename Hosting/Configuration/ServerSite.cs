namespace NatsAspire.Hosting;

/// <summary>Where a server runs: what its configuration says that differs between this machine and a Kubernetes cluster.</summary>
public abstract class ServerSite
{
    /// <summary>Its name, quoted, or a variable.</summary>
    public abstract string ServerName(NatsServerSpec server);

    /// <summary>Interface and ports it listens on.</summary>
    public abstract (string Host, ServerPorts Ports) Listen(NatsServerSpec server);

    /// <summary>host:port others reach it by.</summary>
    public abstract string Address(NatsServerSpec server, Func<ServerPorts, int> port);

    /// <summary>Where its streams are.</summary>
    public abstract string StoreDirectory(NatsServerSpec server);

    /// <summary>A user's password as the configuration has it: quoted, or a variable.</summary>
    public abstract string Password(string user);

    /// <summary>URL of a leaf node's hub, quoted or a variable, credentials in it.</summary>
    public abstract string LeafUrl(NatsServerSpec hub, string user);

    /// <summary>Certificate, key and authorities; the last null: none.</summary>
    public abstract (string Cert, string Key, string? Ca) Tls(TlsSpec tls);

    /// <summary>host:port that a server tells others of itself; null: what it listens on.</summary>
    public virtual string? Advertised(NatsServerSpec server, Func<ServerPorts, int> port) => null;

    /// <summary>Whether leaf nodes' connections are compressed, as servers do it by themselves.</summary>
    public virtual bool CompressesLeafNodes => true;

    /// <summary>Lines of its own, at the end of the top level.</summary>
    public virtual IEnumerable<string> Extra(NatsServerSpec server) => [];

    /// <summary>A text as a nats.conf holds it.</summary>
    public static string Quote(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}

/// <summary>On this machine: everything on loopback, streams below one folder.</summary>
/// <param name="directory">Of streams, a folder a server.</param>
/// <param name="passwords">By user.</param>
public class LocalSite(string directory, IReadOnlyDictionary<string, string> passwords) : ServerSite
{
    public override string ServerName(NatsServerSpec server) => Quote(server.Name);

    public override (string Host, ServerPorts Ports) Listen(NatsServerSpec server) => (NatsServerSpec.Host, server.Ports);

    public override string Address(NatsServerSpec server, Func<ServerPorts, int> port) => $"{NatsServerSpec.Host}:{port(server.Ports)}";

    public override string StoreDirectory(NatsServerSpec server) => Path.Combine(directory, server.Name);

    public override string Password(string user) => Quote(passwords[user]);

    public override string LeafUrl(NatsServerSpec hub, string user) =>
        Quote($"nats-leaf://{user}:{Uri.EscapeDataString(passwords[user])}@{Address(hub, ports => ports.Leaf)}");

    public override (string Cert, string Key, string? Ca) Tls(TlsSpec tls) =>
        (tls.CertFile ?? throw new TopologyException("tls names only a secret; a local run needs certFile and keyFile."), tls.KeyFile!, tls.CaFile);
}
