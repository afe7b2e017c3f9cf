using System.Globalization;
using System.Text;

namespace NatsAspire.Hosting;

/// <summary>Writes the nats.conf of one server of a topology.</summary>
public sealed class ServerConfigWriter
{
    private readonly NatsTopology _topology;
    private readonly NatsServerSpec _server;
    private readonly ServerSite _site;
    private readonly StringBuilder _text = new();
    private int _depth;

    private ServerConfigWriter(NatsTopology topology, NatsServerSpec server, ServerSite site)
    {
        _topology = topology;
        _server = server;
        _site = site;
    }

    private NatsCluster Cluster => _server.Cluster;

    /// <param name="topology">Of which it is one.</param>
    /// <param name="server">Whose.</param>
    /// <param name="site">Where it runs.</param>
    public static string Write(NatsTopology topology, NatsServerSpec server, ServerSite site) => new ServerConfigWriter(topology, server, site).Write();

    private string Write()
    {
        var (host, ports) = _site.Listen(_server);
        Line($"server_name: {_site.ServerName(_server)}");
        Line($"listen: {Quote($"{host}:{ports.Client}")}");
        Line($"http: {Quote($"{host}:{ports.Monitor}")}");
        if (Cluster.Spec.Tags.Count > 0) Line($"server_tags: [{string.Join(", ", Cluster.Spec.Tags.Select(Quote))}]");
        WriteTls();
        WriteJetStream();
        WriteAccounts();
        if (Cluster.IsMesh) WriteCluster(host, ports.Route);
        if (Cluster.Gateways.Count > 0) WriteGateway(host, ports.Gateway);
        if (Cluster.HasLeafNodes || Cluster.IsLeaf) WriteLeafNodes(host, ports.Leaf);
        foreach (var line in _site.Extra(_server)) Line(line);
        return _text.ToString();
    }

    private void WriteTls()
    {
        if (Cluster.Spec.Tls is not { } tls) return;
        var (cert, key, ca) = _site.Tls(tls);
        Open("tls");
        Line($"cert_file: {Quote(cert)}");
        Line($"key_file: {Quote(key)}");
        if (ca is not null) Line($"ca_file: {Quote(ca)}");
        if (tls.Verify) Line("verify: true");
        Close();
    }

    private void WriteJetStream()
    {
        if (Cluster.Spec.JetStream is not { } jetStream) return;
        Open("jetstream");
        Line($"store_dir: {Quote(_site.StoreDirectory(_server))}");
        if (jetStream.MaxMemory is { } memory) Line($"max_mem: {Bytes(memory)}");
        if (jetStream.MaxFile is { } file) Line($"max_file: {Bytes(file)}");
        if (jetStream.Domain is { } domain) Line($"domain: {Quote(domain)}");
        Close();
    }

    /// <summary>Where only the system account has users, everybody else needs no password.</summary>
    private void WriteAccounts()
    {
        Open("accounts");
        Line($"$SYS: {{ users: [ {{ user: {Quote(TopologySecrets.SystemUser)}, password: {_site.Password(TopologySecrets.SystemUser)} }} ] }}");
        foreach (var account in _topology.Spec.Accounts)
        {
            Open(Quote(account.Name) + ":");
            if (Cluster.Spec.JetStream is not null) Line($"jetstream: {(account.JetStream ?? true ? "enabled" : "disabled")}");
            Line("users: [");
            _depth++;
            WriteUser(new UserSpec { Name = TopologySecrets.ManagerOf(account) });
            foreach (var user in account.Users) WriteUser(user);
            _depth--;
            Line("]");
            Close();
        }
        Close();
        Line("system_account: \"$SYS\"");
    }

    private void WriteUser(UserSpec user)
    {
        var permissions = new List<string>();
        if (user.Publish.Count > 0) permissions.Add($"publish: [{string.Join(", ", user.Publish.Select(Quote))}]");
        if (user.Subscribe.Count > 0) permissions.Add($"subscribe: [{string.Join(", ", user.Subscribe.Select(Quote))}]");
        var rights = permissions.Count == 0 ? "" : $", permissions: {{ {string.Join(", ", permissions)} }}";
        Line($"{{ user: {Quote(user.Name)}, password: {_site.Password(user.Name)}{rights} }}");
    }

    private void WriteCluster(string host, int port)
    {
        Open("cluster");
        Line($"name: {Quote(Cluster.Name)}");
        Line($"listen: {Quote($"{host}:{port}")}");
        Advertise(ports => ports.Route);
        // Itself among them: a meta group that forms expects as many members as there are routes and servers of other
        // clusters. One less, and both halves of a super-cluster could be the majority.
        Line("routes: [");
        foreach (var one in Cluster.Servers) Line($"  {Quote($"nats-route://{_site.Address(one, ports => ports.Route)}")}");
        Line("]");
        Close();
    }

    private void WriteGateway(string host, int port)
    {
        Open("gateway");
        Line($"name: {Quote(Cluster.Name)}");
        Line($"listen: {Quote($"{host}:{port}")}");
        Advertise(ports => ports.Gateway);
        Line("gateways: [");
        foreach (var other in Cluster.Gateways)
        {
            var urls = other.Servers.Select(server => Quote($"nats://{_site.Address(server, ports => ports.Gateway)}"));
            Line($"  {{ name: {Quote(other.Name)}, urls: [{string.Join(", ", urls)}] }}");
        }
        Line("]");
        Close();
    }

    private void WriteLeafNodes(string host, int port)
    {
        Open("leafnodes");
        var leaves = _topology.Clusters.Where(cluster => cluster.Hub == Cluster).ToList();
        if (leaves.Count > 0)
        {
            Line($"listen: {Quote($"{host}:{port}")}");
            Advertise(ports => ports.Leaf);
            if (!_site.CompressesLeafNodes) Line("compression: off");
            Line("authorization: { users: [");
            foreach (var leaf in leaves)
            {
                var user = TopologySecrets.LeafUser(leaf);
                Line($"  {{ user: {Quote(user)}, password: {_site.Password(user)}{AccountOf(leaf)} }}");
            }
            Line("] }");
        }
        if (Cluster.Hub is { } hub)
        {
            var user = TopologySecrets.LeafUser(Cluster);
            Line("remotes: [");
            Line($"  {{ urls: [{string.Join(", ", hub.Servers.Select(server => _site.LeafUrl(server, user)))}]{AccountOf(Cluster)} }}");
            Line("]");
        }
        Close();
    }

    private void Advertise(Func<ServerPorts, int> port)
    {
        if (_site.Advertised(_server, port) is { } address) Line($"advertise: {Quote(address)}");
    }

    private static string AccountOf(NatsCluster leaf) => leaf.Spec.Account is { } account ? $", account: {Quote(account)}" : "";

    private static string Bytes(string size) => ByteSize.Parse(size)!.Value.ToString(CultureInfo.InvariantCulture);

    private static string Quote(string text) => ServerSite.Quote(text);

    private void Open(string block)
    {
        Line($"{block} {{");
        _depth++;
    }

    private void Close()
    {
        _depth--;
        Line("}");
    }

    private void Line(string text) => _text.Append(' ', _depth * 2).Append(text).Append('\n');
}
