using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Trace events of ADR-41 in words.</summary>
internal static class TraceEvents
{
    /// <summary>What one server says it did, in its order.</summary>
    public static IEnumerable<TraceHop> Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var server = ServerPages.Child(document.RootElement, "server");
        var (name, cluster) = (ServerPages.Text(server, "name") ?? "?", ServerPages.Text(server, "cluster") ?? "");
        return [.. ServerPages.List(document.RootElement, "events").Select(one => new TraceHop(name, cluster, Describe(one), ServerPages.Text(one, "error")))];
    }

    private static string Describe(JsonElement one)
    {
        var who = (ServerPages.Text(one, "name"), Kind(ServerPages.Number(one, "kind")), ServerPages.Text(one, "acc")) switch
        {
            ({ Length: > 0 } name, var kind, { } account) => $"{kind} {name} ({account})",
            ({ Length: > 0 } name, var kind, null) => $"{kind} {name}",
            (_, var kind, { } account) => $"a {kind} ({account})",
            (_, var kind, _) => $"a {kind}",
        };
        return ServerPages.Text(one, "type") switch
        {
            "in" => $"came from {who}",
            "eg" => $"goes to {who}{(ServerPages.Text(one, "queue") is { } queue ? $", queue group {queue}" : "")}",
            "js" => $"is stored in stream {ServerPages.Text(one, "stream")}",
            "sm" => $"is mapped to {ServerPages.Text(one, "to")}",
            "si" => $"crosses into account {ServerPages.Text(one, "acc")} as {ServerPages.Text(one, "to")}",
            "se" => $"is exported to account {ServerPages.Text(one, "acc")}",
            var type => type ?? "did something unnamed",
        };
    }

    /// <summary>Kinds of connections, by upstream's numbers.</summary>
    private static string Kind(long kind) => kind switch { 0 => "client", 1 => "route", 2 => "gateway", 3 => "system", 4 => "leaf node", 5 => "JetStream", 6 => "account", _ => "connection" };
}
