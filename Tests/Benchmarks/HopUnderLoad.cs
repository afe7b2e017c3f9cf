using System.Globalization;

namespace NatsAspire.Benchmarks;

/// <summary>How two servers are joined.</summary>
internal enum HopKind
{
    Route,
    Gateway,
    LeafToHub,
    HubToLeaf,
}

/// <summary>Two server processes, joined; what is published at one goes to subscribers at the other.</summary>
internal sealed class HopUnderLoad : IDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly List<ServerUnderLoad> _servers = [];

    /// <param name="path">The executable of both.</param>
    /// <param name="directory">Where configurations are written.</param>
    /// <param name="kind">How they are joined.</param>
    /// <param name="compression">What stands in the leafnodes block of both; empty: nothing.</param>
    public HopUnderLoad(string path, string directory, HopKind kind, string compression)
    {
        _folder = Directory.CreateDirectory(Path.Combine(directory, $"hop-{Guid.NewGuid():N}"));
        var (one, other) = (ServerUnderLoad.FreePort(), ServerUnderLoad.FreePort());
        var (near, far) = kind switch
        {
            HopKind.Route => (Route(one, other), Route(other, one)),
            HopKind.Gateway => (Gateway("A", one, "B", other), Gateway("B", other, "A", one)),
            HopKind.LeafToHub => (Leaf(other, compression), Hub(other, compression)),
            _ => (Hub(one, compression), Leaf(one, compression)),
        };
        Publishing = Start(path, "n0", near);
        Subscribing = Start(path, "n1", far);
        Publishing.Companions = [Subscribing];
        Publishing.SinkAddress = Subscribing.Address;
    }

    /// <summary>Where publishers are; what the other needs counts as its own.</summary>
    public ServerUnderLoad Publishing { get; }

    /// <summary>Where subscribers are.</summary>
    public ServerUnderLoad Subscribing { get; }

    public void Dispose()
    {
        foreach (var server in _servers) server.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>The block of a server that takes leaf nodes.</summary>
    public static string Hub(int port, string compression) => Text($"leafnodes {{ listen: \"127.0.0.1:{port}\", {compression} }}");

    private static string Leaf(int port, string compression) => Text($"leafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{port}\", {compression} }} ] }}");

    private static string Route(int own, int other) => Text($"cluster {{ name: C, listen: \"127.0.0.1:{own}\", routes: [ \"nats://127.0.0.1:{other}\" ] }}");

    private static string Gateway(string name, int own, string otherName, int other) =>
        Text($"gateway {{ name: {name}, listen: \"127.0.0.1:{own}\", gateways: [ {{ name: {otherName}, url: \"nats://127.0.0.1:{other}\" }} ] }}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private ServerUnderLoad Start(string path, string name, string block)
    {
        var file = Path.Combine(_folder.FullName, name + ".conf");
        File.WriteAllText(file, $"server_name: {name}\n{block}\n");
        var server = ServerUnderLoad.Start(path, "-c", file);
        _servers.Add(server);
        return server;
    }
}
