namespace NatsAspire.Hosting;

/// <summary>On this machine, for tests: servers reach each other through proxies, if there are any.</summary>
/// <param name="directory">Of streams, a folder a server.</param>
/// <param name="passwords">By user.</param>
/// <param name="links">The proxies; null: none.</param>
/// <param name="extra">More lines of a server's configuration.</param>
internal sealed class TestSite(string directory, IReadOnlyDictionary<string, string> passwords, ServerLinks? links, Func<NatsServerSpec, string>? extra)
    : LocalSite(directory, passwords)
{
    // Who dials must be understood by the proxy.
    public override bool CompressesLeafNodes => links is null;

    public override string Address(NatsServerSpec server, Func<ServerPorts, int> port) =>
        links is null ? base.Address(server, port) : $"{NatsServerSpec.Host}:{port(links.PortsOf(server.Name))}";

    public override string? Advertised(NatsServerSpec server, Func<ServerPorts, int> port) => links is null ? null : Address(server, port);

    public override IEnumerable<string> Extra(NatsServerSpec server) => extra is null ? [] : [extra(server)];
}
