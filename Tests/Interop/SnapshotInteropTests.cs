using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Streams.Archives;

namespace NatsAspire.Tests.Interop;

/// <summary>Archives and directories exchanged with Debian's nats-server 2.9.</summary>
public sealed class SnapshotInteropTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-snapshot-");
    private ServerProcess _go = null!;
    private TestClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _go = await ServerProcess.StartAsync(Peers.GoServer(), null, "-js", "-sd", _folder.FullName);
        _client = await TestClient.ConnectAsync(_go.ClientUrl);
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        if (_go is not null) await _go.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("purged")]
    [InlineData("first")]
    [InlineData("gaps")]
    [InlineData("tail")]
    [InlineData("hole")]
    [InlineData("blocks")]
    [Upstream("jetstream_test.go", "TestJetStreamSnapshotWithDeletedLastSeq")]
    public async Task What_we_write_it_restores_and_what_it_writes_then_we_restore(string what)
    {
        using var store = SnapshotTests.NewStore();
        SnapshotTests.Fill(store, what);
        var answer = await RestoreThereAsync(SnapshotTests.Write(store, chunk: 64 * 1024));
        answer.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        answer.GetProperty("created").GetString().ShouldBe(SnapshotTests.Created.ToString());
        using var copy = SnapshotTests.NewStore();
        var restored = SnapshotTests.Restore(await SnapshotThereAsync("S"), "S", copy, chunk: 10_000);
        SnapshotTests.Same(store, copy);
        restored.Consumers.ShouldHaveSingleItem().Name.ShouldBe(SnapshotTests.LongName);
    }

    [Fact]
    public async Task What_its_clients_made_we_restore_and_import()
    {
        await RequestAsync("$JS.API.STREAM.CREATE.IT", """{"name":"IT","subjects":["it.>"],"storage":"file","retention":"limits","max_msgs_per_subject":-1,"num_replicas":1}""");
        for (var i = 1; i <= 300; i++)
        {
            await _client.PublishAsync($"it.{i % 5}", $"message {i}", headers: i % 3 == 0 ? TestHeaders.Of(("X", $"{i}")) : null);
        }
        await _client.FlushAsync();
        foreach (var sequence in new[] { 1, 2, 50, 51, 100, 300 }) await RequestAsync("$JS.API.STREAM.MSG.DELETE.IT", $$"""{"seq":{{sequence}},"no_erase":{{(sequence % 2 == 0 ? "true" : "false")}}}""");
        await RequestAsync("$JS.API.CONSUMER.DURABLE.CREATE.IT.D", """{"stream_name":"IT","config":{"durable_name":"D","ack_policy":"explicit"}}""");
        using var store = SnapshotTests.NewStore();
        var restored = SnapshotTests.Restore(await SnapshotThereAsync("IT"), "IT", store, chunk: 1 << 20);
        restored.Consumers.ShouldHaveSingleItem().Name.ShouldBe("D");
        await CompareAsync("IT", store);
        (await _go.StopAsync()).ShouldBeInRange(0, 1);
        var report = new GoStoreReport();
        var stream = GoStream.Open(new GoDirectory(Path.Combine(_folder.FullName, "jetstream", "$G")), "IT", keys: null, report).ShouldNotBeNull(report.ToString());
        using var imported = SnapshotTests.NewStore();
        stream.Import(imported);
        report.LostCount.ShouldBe(0UL);
        SnapshotTests.Same(store, imported);
        stream.Consumers.ShouldHaveSingleItem().Name.ShouldBe("D");
    }

    [Fact]
    public async Task Backups_go_both_ways_over_the_API()
    {
        const string configuration = """{"name":"BOTH","subjects":["both.>"],"storage":"file","retention":"limits","max_msgs_per_subject":-1,"num_replicas":1}""";
        var folder = _folder.CreateSubdirectory("ours");
        await using var ours = await TestServer.StartAsync(options => options with { StoreDirectory = folder.FullName, JetStream = options.JetStream with { Enabled = true } });
        await using var here = await TestClient.ConnectAsync(ours.ClientEndPoint!);
        await RequestAsync("$JS.API.STREAM.CREATE.BOTH", configuration);
        for (var i = 1; i <= 3000; i++) await _client.PublishAsync($"both.{i % 11}", $"message {i} {new string('x', i % 300)}", headers: i % 4 == 0 ? TestHeaders.Of(("N", $"{i}")) : null);
        await _client.FlushAsync();
        foreach (var sequence in new[] { 1, 2, 1500, 2998 }) await RequestAsync("$JS.API.STREAM.MSG.DELETE.BOTH", $$"""{"seq":{{sequence}}}""");
        var original = await StateAsync(_client);

        // From there to here.
        var (_, archive) = await _client.SnapshotAsync("BOTH");
        (await here.RestoreAsync("BOTH", configuration, archive, 65536)).TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        (await StateAsync(here)).ShouldBe(original);
        (await here.RequestAsync("both.1", "another")).Text.ShouldContain("\"seq\":3001");

        // And back.
        var grown = await StateAsync(here);
        (_, archive) = await here.SnapshotAsync("BOTH");
        await RequestAsync("$JS.API.STREAM.DELETE.BOTH", "");
        (await _client.RestoreAsync("BOTH", configuration, archive, 65536)).TryGetProperty("error", out error).ShouldBeFalse(error.ToString());
        (await StateAsync(_client)).ShouldBe(grown);
        foreach (var sequence in new[] { 4, 1499, 2999, 3001 })
        {
            var (one, other) = (await MessageAsync(here, sequence), await MessageAsync(_client, sequence));
            other.ShouldBe(one);
        }
    }

    private static async Task<string> StateAsync(TestClient client)
    {
        var info = await client.AskAsync("$JS.API.STREAM.INFO.BOTH");
        var state = info.GetProperty("state");
        return $"{info.GetProperty("created")} " + string.Join(' ', new[] { "messages", "bytes", "first_seq", "first_ts", "last_seq", "last_ts", "num_deleted" }.Select(name => state.GetProperty(name).ToString()));
    }

    private static async Task<string> MessageAsync(TestClient client, int sequence) =>
        (await client.AskAsync("$JS.API.STREAM.MSG.GET.BOTH", $$"""{"seq":{{sequence}}}""")).GetProperty("message").GetRawText();

    private async Task CompareAsync(string stream, FileMessageStore store)
    {
        var state = (await RequestAsync($"$JS.API.STREAM.INFO.{stream}", "")).GetProperty("state");
        (store.State.Messages, store.State.Bytes, store.State.FirstSequence, store.State.LastSequence)
            .ShouldBe((state.GetProperty("messages").GetUInt64(), state.GetProperty("bytes").GetUInt64(), state.GetProperty("first_seq").GetUInt64(), state.GetProperty("last_seq").GetUInt64()));
        var buffer = new MessageBuffer();
        for (var sequence = store.State.FirstSequence; sequence <= store.State.LastSequence; sequence++)
        {
            var answer = await RequestAsync($"$JS.API.STREAM.MSG.GET.{stream}", $$"""{"seq":{{sequence}}}""");
            store.TryLoad(sequence, buffer).ShouldBe(answer.TryGetProperty("message", out var message), $"message {sequence}");
            if (message.ValueKind == JsonValueKind.Undefined) continue;
            Encoding.UTF8.GetString(buffer.Payload).ShouldBe(Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()));
            Encoding.UTF8.GetString(buffer.Headers).ShouldBe(message.TryGetProperty("hdrs", out var headers) ? Encoding.UTF8.GetString(headers.GetBytesFromBase64()) : "");
        }
    }

    private async Task<byte[]> SnapshotThereAsync(string stream)
    {
        var chunks = await _client.SubscribeAsync("snapshot.here");
        var answer = await RequestAsync($"$JS.API.STREAM.SNAPSHOT.{stream}", """{"deliver_subject":"snapshot.here","chunk_size":16384}""");
        answer.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        using var archive = new MemoryStream();
        while (await chunks.NextAsync() is { Payload.Length: > 0 } chunk)
        {
            archive.Write(chunk.Payload);
            if (chunk.Reply is { } reply) await _client.PublishAsync(reply);
        }
        await chunks.UnsubscribeAsync();
        return archive.ToArray();
    }

    private async Task<JsonElement> RestoreThereAsync(byte[] archive)
    {
        var config = Encoding.UTF8.GetString(JetStreamJson.Write(SnapshotTests.Configuration));
        var answer = await RequestAsync("$JS.API.STREAM.RESTORE.S", $$$"""{"config":{{{config}}},"state":{"messages":1,"bytes":1,"first_seq":1,"last_seq":1}}""");
        var target = answer.GetProperty("deliver_subject").GetString()!;
        foreach (var chunk in archive.Chunk(64 * 1024))
        {
            (await RequestBytesAsync(target, chunk)).ShouldBeEmpty();
        }
        return Golden.ParseText(Encoding.UTF8.GetString(await RequestBytesAsync(target, [])));
    }

    private async Task<JsonElement> RequestAsync(string subject, string payload) => Golden.ParseText((await _client.RequestAsync(subject, payload)).Text);

    private async Task<byte[]> RequestBytesAsync(string subject, byte[] payload)
    {
        var answers = await _client.SubscribeAsync($"answers.{Guid.NewGuid():N}");
        await _client.PublishAsync(subject, payload, answers.Subject);
        var answer = await answers.NextAsync();
        await answers.UnsubscribeAsync();
        return answer.Payload;
    }
}
