using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Server.Cli;

/// <summary>The file that tells a parent process on which ports a server listens.</summary>
internal sealed record PortsFile(
    [property: JsonPropertyName("nats")] string[]? Nats,
    [property: JsonPropertyName("monitoring")] string[]? Monitoring,
    [property: JsonPropertyName("cluster")] string[]? Cluster,
    [property: JsonPropertyName("websocket")] string[]? WebSocket)
{
    /// <summary>nats-server_PID.ports in the directory.</summary>
    public static string PathIn(string directory) => Path.Combine(directory, $"nats-server_{Environment.ProcessId}.ports");

    /// <summary>Writes it whole or not at all: readers poll for it.</summary>
    public static void Write(string directory, NatsServer server)
    {
        var ports = new PortsFile(
            server.ClientEndPoint is null ? null : [server.ClientUrl.ToString().TrimEnd('/')],
            server.MonitoringUrl is null ? null : [server.MonitoringUrl.ToString().TrimEnd('/')],
            server.ClusterEndPoint is { } cluster ? [$"nats://{NatsServer.Reachable(cluster)}"] : null,
            server.WebSocketUrl is { } webSocket ? [webSocket.ToString().TrimEnd('/')] : null);
        var path = PathIn(directory);
        var draft = path + ".tmp";
        File.WriteAllText(draft, JsonSerializer.Serialize(ports, PortsJson.Default.PortsFile));
        File.Move(draft, path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PortsFile))]
internal sealed partial class PortsJson : JsonSerializerContext;
