using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>Snapshots and restores over the API, of any server, as the <c>nats</c> CLI does them.</summary>
public static class SnapshotClient
{
    /// <summary>Takes a snapshot, each chunk acknowledged.</summary>
    /// <returns>The first answer and the archive.</returns>
    public static async Task<(JsonElement Answer, byte[] Archive)> SnapshotAsync(this TestClient client, string stream, int chunkSize = 16384)
    {
        var chunks = await client.SubscribeAsync($"snapshot.{Guid.NewGuid():N}");
        var answer = await AskAsync(client, $"$JS.API.STREAM.SNAPSHOT.{stream}", $$"""{"deliver_subject":"{{chunks.Subject}}","chunk_size":{{chunkSize}}}""");
        answer.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        using var archive = new MemoryStream();
        TestMessage chunk;
        while ((chunk = await chunks.NextAsync()).Payload.Length > 0)
        {
            archive.Write(chunk.Payload);
            if (chunk.Reply is { } reply) await client.PublishAsync(reply);
        }
        (chunk.Headers?.Status ?? "204").ShouldBe("204");
        await chunks.UnsubscribeAsync();
        return (answer, archive.ToArray());
    }

    /// <summary>Asks for a restore.</summary>
    /// <param name="client">Who asks.</param>
    /// <param name="stream">Of the stream to be made.</param>
    /// <param name="configuration">JSON.</param>
    /// <returns>Where the chunks are to be sent.</returns>
    public static async Task<string> BeginRestoreAsync(this TestClient client, string stream, string configuration)
    {
        var answer = await AskAsync(client, $"$JS.API.STREAM.RESTORE.{stream}", $$$"""{"config":{{{configuration}}},"state":{"messages":1,"bytes":1,"first_seq":1,"last_seq":1}}""");
        answer.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        return answer.GetProperty("deliver_subject").GetString()!;
    }

    /// <summary>Sends an archive; each chunk waits for the acknowledgement of the one before.</summary>
    /// <returns>The first answer with something in it: an error, or the last one.</returns>
    public static async Task<JsonElement> RestoreAsync(this TestClient client, string stream, string configuration, byte[] archive, int chunkSize = 16384)
    {
        var target = await client.BeginRestoreAsync(stream, configuration);
        foreach (var chunk in archive.Chunk(chunkSize))
        {
            if ((await client.SendChunkAsync(target, chunk)).Text is { Length: > 0 } early) return Golden.ParseText(early);
        }
        return Golden.ParseText((await client.SendChunkAsync(target, [])).Text);
    }

    /// <summary>Sends one chunk and waits for its answer.</summary>
    public static async Task<TestMessage> SendChunkAsync(this TestClient client, string target, byte[] chunk)
    {
        TestMessage? answer = null;
        // In a cluster the client's server may hear who takes the chunks a little later than the client does.
        await Wait.Until("somebody takes the chunk", async () =>
        {
            var inbox = await client.SubscribeAsync($"_INBOX.{Guid.NewGuid():N}");
            await inbox.UnsubscribeAsync(max: 1);
            await client.PublishAsync(target, chunk, inbox.Subject);
            answer = await inbox.NextAsync();
            return !answer.IsNoResponders;
        });
        return answer!;
    }

    /// <summary>The answer to a request, as JSON.</summary>
    public static async Task<JsonElement> AskAsync(this TestClient client, string subject, string payload = "") =>
        Golden.ParseText(Encoding.UTF8.GetString((await client.RequestAsync(subject, payload)).Payload));
}
