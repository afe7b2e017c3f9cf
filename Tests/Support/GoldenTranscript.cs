using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Tests.Support;

/// <summary>A conversation recorded with a real server: our server must say the same.</summary>
public sealed class GoldenTranscript
{
    private static readonly string[] InfoKeysThatVary =
        ["server_id", "client_id", "nonce", "git_commit", "go", "xkey", "port"];

    private readonly JsonElement[] _steps;

    private GoldenTranscript(JsonElement[] steps) => _steps = steps;

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "Golden", "client");

    public static GoldenTranscript Load(string file)
    {
        var root = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file))).RootElement;
        return new GoldenTranscript([.. root.GetProperty("transcript").EnumerateArray()]);
    }

    /// <summary>The configuration the recording server had.</summary>
    public static string ServerConfig(string key) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "index.json"))).RootElement
            .GetProperty("server_configs").GetProperty(key).GetString()!;

    /// <summary>Says the client's part and compares what the server says.</summary>
    /// <param name="server">The server under test.</param>
    /// <param name="beforeStep">Called before each step of the server's, to do what another connection did then.</param>
    public async Task ReplayAsync(IPEndPoint server, Func<int, Task>? beforeStep = null)
    {
        using var client = await RawClient.ConnectAsync(server);
        var expected = new StringBuilder();
        var closes = false;
        for (var i = 0; i < _steps.Length; i++)
        {
            if (beforeStep is not null) await beforeStep(i);
            var step = _steps[i];
            if (step.TryGetProperty("event", out _))
            {
                closes = true;
                continue;
            }
            var data = step.GetProperty("data").GetString()!;
            if (step.GetProperty("dir").GetString() == "S")
            {
                expected.Append(data);
                await ReadUntilAsync(client, Lines(expected.ToString()).Count);
            }
            else if (!client.IsClosed)
            {
                await SendAsync(client, data);
            }
        }
        var rest = closes ? await client.ReadToCloseAsync() : client.Pending;
        Lines(rest).ShouldBe(Lines(expected.ToString()));
    }

    /// <summary>What a server that closes early has not read is refused; that is no difference.</summary>
    private static async Task SendAsync(RawClient client, string data)
    {
        try
        {
            await client.SendAsync(data);
        }
        catch (System.Net.Sockets.SocketException)
        {
            await client.ReadMoreAsync(Wait.Default);
        }
    }

    private static async Task ReadUntilAsync(RawClient client, int lines)
    {
        while (Lines(client.Pending).Count < lines && await client.ReadMoreAsync(Wait.Default))
        {
        }
    }

    /// <summary>Protocol lines without the server's own PINGs, which come when they come, and with INFO brought to a standard form.</summary>
    private static List<string> Lines(string text) =>
        [.. text.Split("\r\n").Where(line => line is not ("PING" or "")).Select(line => line.StartsWith("INFO {", StringComparison.Ordinal) ? Normalize(line) : line)];

    private static string Normalize(string line)
    {
        JsonObject info;
        try
        {
            info = JsonNode.Parse(line[5..])!.AsObject();
        }
        catch (JsonException)
        {
            return line;
        }
        foreach (var key in InfoKeysThatVary) info.Remove(key);
        return "INFO " + string.Join(", ", info.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"));
    }
}
