using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Tests.Support;

/// <summary>
/// How what a server says is compared with a recording of 2.14.5: which keys of INFO vary from run to run, and which a
/// version does not have.
/// </summary>
public sealed class GoldenDialect
{
    /// <summary>Values that differ from server to server; the key must be there.</summary>
    private static readonly string[] Varying = ["server_id", "client_id", "go", "port"];

    /// <summary>Keys that depend on how a server was built or is configured for others; neither value nor presence counts.</summary>
    private static readonly string[] Optional = ["nonce", "git_commit", "xkey"];

    private readonly string[] _unknown;
    private readonly bool _hasConnectInfo;

    private GoldenDialect(bool hasConnectInfo, params string[] unknown)
    {
        _hasConnectInfo = hasConnectInfo;
        _unknown = unknown;
    }

    /// <summary>The version recorded, and ours.</summary>
    public static GoldenDialect Current { get; } = new(hasConnectInfo: true);

    /// <summary>Debian's: no second INFO after the first PONG, fewer keys.</summary>
    public static GoldenDialect Debian29 { get; } = new(hasConnectInfo: false, "version", "api_lvl", "connect_info", "remote_account");

    /// <summary>
    /// The operations in a text as they are compared, one entry each: a message with its payload, INFO with sorted
    /// keys. Left out are the server's PINGs, which come when they come, and what the version does not say.
    /// </summary>
    public List<string> Operations(string text)
    {
        var operations = new List<string>();
        var at = 0;
        while (at < text.Length)
        {
            var length = OperationLength(text, at);
            var operation = text.Substring(at, length);
            at += length;
            if (operation is "PING\r\n") continue;
            if (!operation.StartsWith("INFO {", StringComparison.Ordinal)) operations.Add(operation);
            else if (Info(operation) is { } info) operations.Add(info);
        }
        return operations;
    }

    /// <summary>Length of the operation that begins at a place; what is cut off counts as one.</summary>
    private static int OperationLength(string text, int at)
    {
        var end = text.IndexOf("\r\n", at, StringComparison.Ordinal);
        if (end < 0) return text.Length - at;
        var line = text[at..end];
        var length = end + 2 - at;
        if (line.StartsWith("MSG ", StringComparison.Ordinal) || line.StartsWith("HMSG ", StringComparison.Ordinal))
        {
            length += int.Parse(line.Split(' ')[^1]) + 2;
        }
        return Math.Min(length, text.Length - at);
    }

    private string? Info(string operation)
    {
        JsonObject info;
        try
        {
            info = JsonNode.Parse(operation["INFO ".Length..])!.AsObject();
        }
        catch (JsonException)
        {
            // Not all of it is here yet; in a finished conversation it is a difference worth showing.
            return operation;
        }
        if (!_hasConnectInfo && info.ContainsKey("connect_info")) return null;
        foreach (var key in _unknown.Concat(Optional)) info.Remove(key);
        foreach (var key in Varying.Where(info.ContainsKey)) info[key] = "*";
        return "INFO " + string.Join(", ", info.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
    }
}
