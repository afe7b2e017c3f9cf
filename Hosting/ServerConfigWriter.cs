using System.Text;

namespace NatsAspire.Hosting;

/// <summary>Writes the nats.conf of one server of a topology.</summary>
public static class ServerConfigWriter
{
    /// <param name="topology">Of which it is one.</param>
    /// <param name="server">Whose.</param>
    /// <param name="storeDirectory">Where its streams are; null: it has no JetStream.</param>
    public static string Write(NatsTopology topology, NatsServerSpec server, string? storeDirectory = null)
    {
        var text = new StringBuilder();
        text.Append($"server_name: {Quote(server.Name)}\n");
        text.Append($"listen: \"{NatsServerSpec.Host}:{server.ClientPort}\"\n");
        text.Append($"http: \"{NatsServerSpec.Host}:{server.MonitorPort}\"\n");
        if (storeDirectory is not null) text.Append($"jetstream {{ store_dir: {Quote(storeDirectory)} }}\n");
        if (topology.Servers.Count == 1) return text.ToString();
        text.Append("cluster {\n");
        text.Append($"  name: {Quote(topology.ClusterName)}\n");
        text.Append($"  listen: \"{NatsServerSpec.Host}:{server.RoutePort}\"\n");
        text.Append("  routes: [\n");
        foreach (var other in topology.Servers)
        {
            if (other != server) text.Append($"    \"{other.RouteUrl}\"\n");
        }
        text.Append("  ]\n}\n");
        return text.ToString();
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
