using System.Globalization;
using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Trace events of ADR-41 in words.</summary>
internal static class TraceEvents
{
    /// <summary>
    /// What all servers say they did, each one's in its order, and servers along the message's way: each tells by which hop
    /// of which server it was reached ("1", then "1.2"), the first by none.
    /// </summary>
    public static IReadOnlyList<TraceHop> Read(IEnumerable<string> reports)
    {
        var read = new List<(int[] Way, List<TraceHop> Hops)>();
        foreach (var report in reports)
        {
            using var document = JsonDocument.Parse(report);
            var way = WayTo(document.RootElement);
            read.Add((way, HopsOf(document.RootElement, way.Length)));
        }
        return [.. read.OrderBy(one => one.Way, Comparer<int[]>.Create((one, other) => one.AsSpan().SequenceCompareTo(other))).SelectMany(one => one.Hops)];
    }

    /// <summary>Whether a server has told of all that was sent on: each says to how many others it sent the message.</summary>
    public static bool IsComplete(IReadOnlyList<string> reports)
    {
        var expected = 1L;
        foreach (var report in reports)
        {
            using var document = JsonDocument.Parse(report);
            expected += ServerPages.Number(document.RootElement, "hops");
        }
        return reports.Count >= expected;
    }

    private static int[] WayTo(JsonElement report)
    {
        var headers = ServerPages.Child(ServerPages.Child(report, "request"), "header");
        var hop = ServerPages.List(headers, "Nats-Trace-Hop").Select(one => one.GetString()).FirstOrDefault() ?? "";
        return [.. hop.Split('.', StringSplitOptions.RemoveEmptyEntries).Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out var number) ? number : 0)];
    }

    private static List<TraceHop> HopsOf(JsonElement report, int depth)
    {
        var server = ServerPages.Child(report, "server");
        var (name, cluster) = (ServerPages.Text(server, "name") ?? "?", ServerPages.Text(server, "cluster") ?? "");
        return [.. ServerPages.List(report, "events").Select(one =>
            new TraceHop(name, cluster, depth, ServerPages.Text(one, "type") ?? "", Kind(ServerPages.Number(one, "kind")), Describe(one), ServerPages.Text(one, "error")))];
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
