using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>Three Go servers take what we write for the meta log, and we read what they write.</summary>
public sealed class MetaInteropTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-meta6-");
    private readonly List<ServerProcess> _servers = [];
    private readonly ConcurrentQueue<byte[]> _entries = [];
    private TestClient _client = null!;
    private TestClient _system = null!;

    public async ValueTask InitializeAsync()
    {
        var path = Peers.JetStreamPeer();
        var ports = new NatsAspire.Hosting.FreePorts().Take(3);
        for (var i = 0; i < 3; i++)
        {
            _servers.Add(await ServerProcess.StartAsync(path, $$"""
                server_name: n{{i + 1}}
                listen: "127.0.0.1:-1"
                jetstream { store_dir: "{{Path.Combine(_folder.FullName, $"n{i + 1}")}}", max_mem: 64MB, max_file: 256MB }
                cluster { name: C1, listen: "127.0.0.1:{{ports[i]}}", routes: [{{string.Join(", ", ports.Select(port => $"\"nats://127.0.0.1:{port}\""))}}] }
                accounts { A { users [{user: a, password: a}], jetstream: enabled }, SYS { users [{user: sys, password: sys}] } }
                system_account: SYS
                """));
        }
        _client = await TestClient.ConnectAsync(_servers[0].ClientUrl, new TestClientOptions { User = "a", Password = "a" });
        _system = await TestClient.ConnectAsync(_servers[0].ClientUrl, new TestClientOptions { User = "sys", Password = "sys" });
        await Wait.Until("a meta leader", async () => (await AskAsync("$JS.API.STREAM.NAMES", "")).TryGetProperty("total", out _), () => _servers[0].Output, Patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        if (_system is not null) await _system.DisposeAsync();
        foreach (var server in _servers) await server.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Go_servers_take_our_entries()
    {
        var stream = new StreamAssignment
        {
            Client = new AssignmentClient { Account = "A", Cluster = "C1", Server = "n1" },
            Created = ApiTime.From(TimeProvider.System.GetUtcNow()),
            Group = new RaftGroupAssignment { Name = "S-R3F-meta6abc", Peers = [NodeHash.Of("n1"), NodeHash.Of("n2"), NodeHash.Of("n3")], Cluster = "C1", Preferred = NodeHash.Of("n2") },
            Sync = "$JSC.SYNC.meta6abc",
        }.WithConfiguration(Checked(new StreamConfiguration { Name = "OURS", Subjects = ["ours.>"], Replicas = 3, Description = "<ours> & \"theirs\"" }));
        await ProposeAsync(MetaEntry.AssignStream(stream));
        var information = await UntilAsync("the stream", "$JS.API.STREAM.INFO.OURS", answer => answer.TryGetProperty("cluster", out var cluster) && cluster.TryGetProperty("leader", out _));
        information.GetProperty("config").GetProperty("description").GetString().ShouldBe("<ours> & \"theirs\"");
        information.GetProperty("config").GetProperty("num_replicas").GetInt32().ShouldBe(3);
        // Until the client's server has heard that the leader listens, and while another one leads, nobody answers.
        for (var i = 1; i <= 5; i++)
        {
            (await UntilAsync($"message {i}", "ours.x", answer => answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("seq", out _))).GetProperty("seq").GetInt32().ShouldBeGreaterThanOrEqualTo(i);
        }

        await ProposeAsync(MetaEntry.UpdateStream(stream.WithConfiguration(stream.Configuration with { MaxMessages = 7 })));
        await UntilAsync("the update", "$JS.API.STREAM.INFO.OURS", answer => answer.TryGetProperty("config", out var updated) && updated.GetProperty("max_msgs").GetInt32() == 7);

        var consumer = new ConsumerAssignment
        {
            Client = stream.Client,
            Created = stream.Created,
            Name = "C",
            Stream = "OURS",
            Group = stream.Group with { Name = "C-R3F-meta6abc" },
            State = new RawJson("""{"delivered":{"consumer_seq":2,"stream_seq":2},"ack_floor":{"consumer_seq":2,"stream_seq":2}}"""u8.ToArray()),
        }.WithConfiguration(new ConsumerConfiguration { Durable = "C", Name = "C", AckPolicy = AckPolicy.Explicit, AckWait = 30_000_000_000, MaxDeliver = -1, MaxAckPending = 1000, MaxWaiting = 512 });
        // 2.9 compresses otherwise.
        var isOld = _client.Info.GetProperty("version").GetString()!.StartsWith("2.9.", StringComparison.Ordinal);
        await ProposeAsync(isOld ? MetaEntry.AssignConsumer(consumer) : MetaEntry.AssignCompressedConsumer(consumer));
        await UntilAsync("the consumer", "$JS.API.CONSUMER.INFO.OURS.C", answer => answer.TryGetProperty("delivered", out var delivered) && delivered.GetProperty("stream_seq").GetInt32() == 2);

        await ProposeAsync(MetaEntry.RemoveConsumer(consumer with { State = null }));
        await UntilAsync("the consumer's end", "$JS.API.CONSUMER.INFO.OURS.C", answer => ErrorOf(answer) == 10014);
        await ProposeAsync(MetaEntry.RemoveStream(stream));
        await UntilAsync("the stream's end", "$JS.API.STREAM.INFO.OURS", answer => ErrorOf(answer) == 10059);
    }

    [Fact]
    public async Task We_read_the_entries_of_Go_servers_and_write_them_alike()
    {
        var frames = await _system.SubscribeAsync("$NRG.AE._meta_");
        await _system.FlushAsync();
        using var stop = new CancellationTokenSource();
        var reading = CollectAsync(frames, stop.Token);
        (await AskAsync("$JS.API.STREAM.CREATE.GO", """{"name":"GO","subjects":["go.>"],"num_replicas":3,"storage":"file"}""")).TryGetProperty("config", out _).ShouldBeTrue();
        (await AskAsync("$JS.API.CONSUMER.DURABLE.CREATE.GO.C", """{"stream_name":"GO","config":{"durable_name":"C","ack_policy":"explicit"}}""")).TryGetProperty("config", out _).ShouldBeTrue();
        (await AskAsync("$JS.API.STREAM.UPDATE.GO", """{"name":"GO","subjects":["go.>","went.>"],"num_replicas":3,"storage":"file"}""")).TryGetProperty("config", out _).ShouldBeTrue();
        (await AskAsync("$JS.API.STREAM.DELETE.GO", "")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await Wait.Until("the removal", () => _entries.Any(entry => entry[0] == (byte)EntryOperation.RemoveStream), timeout: Patience);
        await stop.CancelAsync();
        await reading;
        foreach (var bytes in _entries)
        {
            MetaEntry.Decode(bytes, out var entry).ShouldBeNull();
            entry!.Stream?.Unsupported.ShouldBeNull();
            entry.Consumer?.Unsupported.ShouldBeNull();
            Encoding.UTF8.GetString(entry.Encode()).ShouldBe(Encoding.UTF8.GetString(bytes));
        }
        _entries.Select(entry => (EntryOperation)entry[0]).Distinct().Order()
            .ShouldBe([EntryOperation.AssignStream, EntryOperation.AssignConsumer, EntryOperation.RemoveStream, EntryOperation.UpdateStream]);
    }

    private static StreamConfiguration Checked(StreamConfiguration stream)
    {
        StreamValidation.Check(stream.WithRequiredLevel(), new StreamEnvironment { Catalog = new NoStreams(), IsClustered = true }, pedantic: false, out var whole).ShouldBeNull();
        return whole;
    }

    private async Task CollectAsync(TestSubscription frames, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                Parse((await frames.NextAsync(TimeSpan.FromMilliseconds(500))).Payload);
            }
            catch (TimeoutException)
            {
                // Between two heartbeats.
                continue;
            }
        }
    }

    /// <summary>Entries of the upper layer in a frame of Raft's (clusterwire.md §4.2).</summary>
    private void Parse(byte[] frame)
    {
        var at = 42;
        for (var left = BinaryPrimitives.ReadUInt16LittleEndian(frame.AsSpan(40)); left > 0; left--)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(at));
            if (frame[at + 4] == 0) _entries.Enqueue(frame[(at + 5)..(at + 4 + size)]);
            at += 4 + size;
        }
    }

    private async Task ProposeAsync(MetaEntry entry)
    {
        await _system.PublishAsync("$NRG.P._meta_", entry.Encode());
        await _system.FlushAsync();
    }

    private async Task<JsonElement> AskAsync(string subject, string payload)
    {
        try
        {
            var answer = await _client.RequestAsync(subject, payload, timeout: TimeSpan.FromSeconds(5));
            return answer.Payload.Length == 0 ? default : JsonDocument.Parse(answer.Payload).RootElement;
        }
        catch (TimeoutException)
        {
            return JsonDocument.Parse("{}").RootElement;
        }
    }

    private async Task<JsonElement> UntilAsync(string what, string subject, Func<JsonElement, bool> condition)
    {
        JsonElement answer = default;
        await Wait.Until(what, async () =>
        {
            answer = await AskAsync(subject, "");
            return answer.ValueKind == JsonValueKind.Object && condition(answer);
        }, () => answer.ToString() + _servers[0].Output, Patience);
        return answer;
    }

    private static int ErrorOf(JsonElement answer) => answer.TryGetProperty("error", out var error) ? error.GetProperty("err_code").GetInt32() : 0;

    private sealed class NoStreams : IStreamCatalog
    {
        public IEnumerable<StreamConfiguration> Streams => [];

        public StreamConfiguration? Find(string name) => null;
    }
}
