using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Sends recorded requests to a server of ours and compares its answers with those of 2.14.5, volatile fields aside.</summary>
internal sealed class ApiReplay(NatsServer server) : IAsyncDisposable
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(150);

    private readonly Dictionary<string, TestClient> _clients = [];
    private readonly MemoryStream _archive = new();
    private TestSubscription? _chunks;
    private string _restoring = "";

    /// <summary>Accounts as the recording's server had them.</summary>
    public static string Config(string storeDirectory) => $$"""
        server_name: s1
        jetstream { store_dir: "{{storeDirectory}}", max_mem: 256MB, max_file: 1GB, domain: hub, limits { max_request_batch: 250, max_ack_pending: 50000 } }
        accounts {
          A { users [{user: a, password: a}], jetstream: enabled }
          L { users [{user: l, password: l}], jetstream { max_mem: 1048576, max_file: 2097152, max_streams: 3, max_consumers: 2, max_ack_pending: 100,
              mem_max_stream_bytes: 512000, disk_max_stream_bytes: 1048576, max_bytes_required: true } }
          N { users [{user: n, password: n}] }
          T { users [{user: t, password: t}], jetstream: enabled }
          SYS { users [{user: sys, password: sys}] }
        }
        system_account: SYS
        """;

    /// <summary>What differs, in words; null: nothing does.</summary>
    public async Task<string?> CompareAsync(GoldenCall call)
    {
        var client = await ClientOf(call.Account);
        if (call.Label.StartsWith("fast batch publish", StringComparison.Ordinal)) return await CompareFastBatchAsync(client, call);
        if (call.Label == "snapshot") _chunks = await client.SubscribeAsync("snap.deliver");
        if (call.Label == "snapshot chunks as received") return await CompareChunksAsync(client, call);
        if (call.Label == "restore: acks of chunks then final response") return await CompareRestoreAsync(client, call);
        if (call.Label == "restore of garbage: final response") return await CompareGarbageAsync(client);
        var inbox = await client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        var headers = call.Headers.Length == 0 ? null : TestHeaders.Parse(call.Headers);
        await client.PublishAsync(call.Subject, call.Payload, inbox.Subject, headers);
        var isSilent = call.Response.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined && call.Responses.Count == 0;
        var expected = isSilent ? [] : call.Responses.Count > 0 ? call.Responses : [call.Response];
        for (var i = 0; i < expected.Count; i++)
        {
            TestMessage answer;
            try
            {
                answer = await inbox.NextAsync(TimeSpan.FromSeconds(2));
            }
            catch (TimeoutException)
            {
                return $"answer {i + 1} of {expected.Count} did not come";
            }
            if (Compare(expected[i], answer, call.Volatile) is { } difference) return difference;
            if (call.Label is "restore" or "restore garbage start") _restoring = JsonDocument.Parse(answer.Payload).RootElement.GetProperty("deliver_subject").GetString()!;
        }
        if (!isSilent) return null;
        using var limit = new CancellationTokenSource(Silence);
        try
        {
            var unexpected = await inbox.Messages.ReadAsync(limit.Token);
            return unexpected.IsNoResponders ? null : $"an answer where there was none: {unexpected.Text}";
        }
        catch (Exception nothing) when (nothing is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            return null;
        }
    }

    /// <summary>The recording has the replies of what was published, in the order it was: prefix, id, flow, gap, sequence, operation.</summary>
    private static async Task<string?> CompareFastBatchAsync(TestClient client, GoldenCall call)
    {
        var answers = await client.SubscribeAsync("_INBOX.golden.fast.>");
        foreach (var sent in call.Sent)
        {
            var reply = sent.StartsWith("(uuid", StringComparison.Ordinal) ? $"_INBOX.golden.fast.{new string('z', 70)}.10.ok.1.0.$FI" : sent.Split(' ')[0];
            await client.PublishAsync(sent.Contains("stream P", StringComparison.Ordinal) ? "p.f" : $"q.f.{reply.Split('.')[^3]}", "fast-n", reply);
        }
        var expected = call.Responses.Select(response => (Subject: response.GetProperty("subject").GetString()!, Data: response.GetProperty("data").GetString()!)).ToHashSet();
        while (expected.Count > 0)
        {
            var answer = await answers.NextAsync(TimeSpan.FromSeconds(2));
            if (!expected.Remove((answer.Subject, answer.Text))) return $"{answer.Subject}: {answer.Text}";
        }
        return null;
    }

    /// <summary>Whole chunks with somewhere to acknowledge them, the rest without, and the end. How many there are depends on compression.</summary>
    private async Task<string?> CompareChunksAsync(TestClient client, GoldenCall call)
    {
        var number = 0;
        while (await _chunks!.NextAsync() is var chunk)
        {
            if (chunk.Payload.Length == 0) return chunk.Headers?.Status == "204" && chunk.Reply is null && call.Responses.Count > 2 ? null : "the end is another";
            await _archive.WriteAsync(chunk.Payload);
            number++;
            if (chunk.Payload.Length == 1024 && chunk.Reply?.EndsWith($".1024.{number}", StringComparison.Ordinal) != true) return $"chunk {number} with reply {chunk.Reply}";
            if (chunk.Payload.Length < 1024 && chunk.Reply is not null) return $"the last chunk with reply {chunk.Reply}";
            if (chunk.Reply is not null) await client.PublishAsync(chunk.Reply);
        }
        return null;
    }

    private async Task<string?> CompareRestoreAsync(TestClient client, GoldenCall call)
    {
        var inbox = await client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
        await client.PublishAsync(_restoring, _archive.ToArray(), inbox.Subject);
        if ((await inbox.NextAsync()).Text is { Length: > 0 } error) return error;
        await client.PublishAsync(_restoring, "", inbox.Subject);
        return Compare(call.Response, await inbox.NextAsync(), call.Volatile);
    }

    private async Task<string?> CompareGarbageAsync(TestClient client)
    {
        var answer = await client.RequestAsync(_restoring, "garbage garbage");
        if (!answer.Text.Contains("10062", StringComparison.Ordinal)) return answer.Text;
        return (await client.RequestAsync(_restoring)).IsNoResponders ? null : "somebody still listens";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values) await client.DisposeAsync();
    }

    private async Task<TestClient> ClientOf(string account)
    {
        if (_clients.TryGetValue(account, out var client) && !client.Closed.IsCompleted) return client;
        var user = account.ToLowerInvariant();
        return _clients[account] = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });
    }

    private static string? Compare(JsonElement expected, TestMessage actual, IReadOnlySet<string> changing)
    {
        if (!changing.Contains("hdr") && expected.TryGetProperty("hdr", out var header) && header.GetString() is { Length: > 0 } text && Lines(text) is var wanted
            && Lines(actual.Headers is null ? "" : Encoding.UTF8.GetString(actual.Headers.ToBytes())) is var got && !wanted.SequenceEqual(got))
        {
            return $"headers\n  {string.Join(" | ", wanted)}\n  {string.Join(" | ", got)}";
        }
        if (!expected.TryGetProperty("json", out var json)) return null;
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(actual.Text);
        }
        catch (JsonException)
        {
            return $"no JSON: {actual.Text}";
        }
        var left = Flatten(JsonNode.Parse(json.GetRawText()), changing);
        var right = Flatten(node, changing);
        var differences = left.Keys.Union(right.Keys).Where(key => left.GetValueOrDefault(key) != right.GetValueOrDefault(key)).Order(StringComparer.Ordinal)
            .Select(key => $"{key}: {left.GetValueOrDefault(key) ?? "nothing"} became {right.GetValueOrDefault(key) ?? "nothing"}").ToList();
        return differences.Count == 0 ? null : string.Join("; ", differences);
    }

    /// <summary>Lines of a header block without those that are never the same.</summary>
    private static List<string> Lines(string block) =>
        [.. block.Split("\r\n").Where(line => !line.StartsWith("Nats-Time-Stamp:", StringComparison.Ordinal))];

    private static Dictionary<string, string> Flatten(JsonNode? node, IReadOnlySet<string> changing)
    {
        var flat = new Dictionary<string, string>();
        Walk(node, "", "json");
        return flat;

        void Walk(JsonNode? at, string path, string general)
        {
            if (changing.Contains(general)) return;
            switch (at)
            {
                case JsonObject fields:
                    foreach (var (name, value) in fields) Walk(value, $"{path}/{name}", $"{general}.{name}");
                    if (fields.Count == 0) flat[path] = "{}";
                    break;
                case JsonArray items:
                    for (var i = 0; i < items.Count; i++) Walk(items[i], $"{path}/{i}", $"{general}[]");
                    if (items.Count == 0) flat[path] = "[]";
                    break;
                default:
                    flat[path] = at?.ToJsonString() ?? "null";
                    break;
            }
        }
    }
}
