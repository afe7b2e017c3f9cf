using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Support;

/// <summary>A conversation recorded with a real server: a server under test must say the same.</summary>
public sealed partial class GoldenTranscript
{
    private readonly Step[] _steps;

    private GoldenTranscript(string name, Step[] steps)
    {
        Name = name;
        _steps = steps;
    }

    public static string Folder => Golden.PathOf("client");

    /// <summary>Its file name without extension.</summary>
    public string Name { get; }

    /// <summary>Whether the server ends the conversation.</summary>
    public bool EndsByServer => _steps.Any(step => step.IsClose);

    public static GoldenTranscript Load(string file)
    {
        var root = Golden.Json("client", file);
        return new GoldenTranscript(Path.GetFileNameWithoutExtension(file), [.. root.GetProperty("transcript").EnumerateArray().Select(Step.Read)]);
    }

    /// <summary>The configuration the recording server had.</summary>
    public static string ServerConfig(string key) => Golden.Json("client", "index.json").GetProperty("server_configs").GetProperty(key).GetString()!;

    /// <summary>The same with free ports, for a server that is started as a process.</summary>
    public static string ServerConfigOnFreePorts(string key) => LoopbackPort().Replace(ServerConfig(key), "127.0.0.1:-1");

    /// <summary>Every transcript with the key of its server's configuration; "" for those that keep no single conversation.</summary>
    public static IEnumerable<(string File, string Config)> All()
    {
        var seen = new HashSet<string>();
        foreach (var entry in Golden.Json("client", "index.json").GetProperty("transcripts").EnumerateArray())
        {
            var file = entry.GetProperty("file").GetString()!;
            var config = entry.TryGetProperty("server_config", out var key) ? key.GetString()! : "";
            if (seen.Add(file)) yield return (file, config);
        }
    }

    /// <summary>
    /// Says the client's part, each time after the server has said as much as it had by then in the recording, and
    /// compares all that it said. Nothing may follow: seen by the close where there is one, else by a PING.
    /// </summary>
    /// <param name="server">The server under test.</param>
    /// <param name="dialect">Null: <see cref="GoldenDialect.Current"/>.</param>
    /// <param name="others">What other parties did then: called before each step with its number and the connection.</param>
    /// <param name="normalize">Brings an operation to a form in which what chance decides is gone.</param>
    /// <param name="isAnsweredBeside">What is delivered are answers of a thread beside the connection's: before or after what that says.</param>
    public async Task ReplayAsync(
        IPEndPoint server, GoldenDialect? dialect = null, Func<int, RawClient, Task>? others = null, Func<string, string>? normalize = null, bool isAnsweredBeside = false)
    {
        dialect ??= GoldenDialect.Current;
        using var client = await RawClient.ConnectAsync(server);
        var expected = new StringBuilder();
        for (var i = 0; i < _steps.Length; i++)
        {
            if (others is not null) await others(i, client);
            var step = _steps[i];
            if (step.IsClose) continue;
            if (step.IsServer)
            {
                expected.Append(step.Data);
                await ReadOperationsAsync(client, dialect, dialect.Operations(expected.ToString()).Count);
            }
            else
            {
                await SayAsync(client, step.Data);
            }
        }
        var said = await FinishAsync(client, dialect, expected);
        Compared(said).ShouldBe(Compared(expected.ToString()), Name);

        List<string> Compared(string text) => SortedPerMessage(
            dialect.Operations(text).Select(normalize ?? (operation => operation)).OrderBy(operation => isAnsweredBeside && Delivery().IsMatch(operation)));
    }

    /// <summary>
    /// Brings the deliveries of one message to several subscriptions of the connection into an order: upstream's own
    /// order hangs on a Go map where there are queue groups.
    /// </summary>
    private static List<string> SortedPerMessage(IEnumerable<string> operations)
    {
        var sorted = new List<string>();
        var ofSameMessage = 0;
        foreach (var operation in operations)
        {
            var isSame = sorted.Count > 0 && Delivery().IsMatch(operation) && WithoutSid(sorted[^1]) == WithoutSid(operation);
            ofSameMessage = isSame ? ofSameMessage + 1 : 1;
            sorted.Add(operation);
            sorted.Sort(sorted.Count - ofSameMessage, ofSameMessage, StringComparer.Ordinal);
        }
        return sorted;
    }

    private static string WithoutSid(string operation) => Delivery().Replace(operation, "$1");

    private async Task<string> FinishAsync(RawClient client, GoldenDialect dialect, StringBuilder expected)
    {
        if (EndsByServer) return await client.ReadToCloseAsync();
        expected.Append("PONG\r\n");
        await SayAsync(client, "PING\r\n");
        await ReadOperationsAsync(client, dialect, dialect.Operations(expected.ToString()).Count);
        return client.Pending;
    }

    /// <summary>A server that has closed reads no more; to have said it in vain is no difference.</summary>
    private static async Task SayAsync(RawClient client, string data)
    {
        if (client.IsClosed) return;
        try
        {
            await client.SendAsync(data);
        }
        catch (SocketException)
        {
            // What it said before it closed may still wait to be read.
            while (await client.ReadMoreAsync(Wait.Default))
            {
            }
        }
    }

    private static async Task ReadOperationsAsync(RawClient client, GoldenDialect dialect, int count)
    {
        while (dialect.Operations(client.Pending).Count < count || !client.Pending.EndsWith("\r\n", StringComparison.Ordinal))
        {
            if (!await client.ReadMoreAsync(Wait.Default)) return;
        }
    }

    [GeneratedRegex(@"^(H?MSG [^ ]+ )[^ ]+")]
    private static partial Regex Delivery();

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex LoopbackPort();

    /// <summary>A turn in the conversation.</summary>
    /// <param name="IsServer">The server's; else the client's.</param>
    /// <param name="IsClose">The server closes.</param>
    /// <param name="Data">The bytes, one character each.</param>
    private sealed record Step(bool IsServer, bool IsClose, string Data)
    {
        public static Step Read(JsonElement step) => new(
            step.GetProperty("dir").GetString() == "S",
            step.TryGetProperty("event", out _),
            step.TryGetProperty("data", out var data) ? data.GetString()! : "");
    }
}
