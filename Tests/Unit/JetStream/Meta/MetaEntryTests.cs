using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>Entries and snapshots of the meta log, against those that three real servers wrote.</summary>
public sealed class MetaEntryTests
{
    [Fact]
    public void Recorded_entries_are_read_and_written_byte_for_byte()
    {
        var seen = new Dictionary<EntryOperation, int>();
        foreach (var recorded in RecordedEntry.All().Where(entry => entry.Type == RecordedEntry.Normal))
        {
            MetaEntry.Decode(recorded.Data, out var entry).ShouldBeNull(recorded.From);
            seen[entry!.Operation] = seen.GetValueOrDefault(entry.Operation) + 1;
            // Two encoders may find other matches in a block; what it says is the same.
            if (entry.Operation == EntryOperation.AssignCompressedConsumer) Text(entry.Encode()).ShouldBe(Text(recorded.Data), recorded.From);
            else entry.Encode().ShouldBe(recorded.Data, recorded.From);
        }
        foreach (var operation in new[] { EntryOperation.AssignStream, EntryOperation.AssignConsumer, EntryOperation.RemoveStream, EntryOperation.RemoveConsumer, EntryOperation.UpdateStream, EntryOperation.AssignCompressedConsumer })
        {
            seen.GetValueOrDefault(operation).ShouldBeGreaterThan(0, operation.ToString());
        }
        seen.Values.Sum().ShouldBeGreaterThan(80);

        static string Text(byte[] entry) => Encoding.UTF8.GetString(S2Decoder.DecodeAll(entry.AsSpan(1), 1 << 20));
    }

    /// <summary>What we propose is what a Go server would have proposed: keys, order, what is left out, escapes.</summary>
    [Fact]
    public void Configurations_are_written_as_Go_writes_them()
    {
        var compared = 0;
        foreach (var recorded in RecordedEntry.All().Where(entry => entry.Type == RecordedEntry.Normal))
        {
            MetaEntry.Decode(recorded.Data, out var entry).ShouldBeNull();
            entry!.Stream?.Unsupported.ShouldBeNull(recorded.From);
            entry.Consumer?.Unsupported.ShouldBeNull(recorded.From);
            if (entry.Stream is { } stream) stream.WithConfiguration(stream.Configuration).ConfigurationJson.ToString().ShouldBe(stream.ConfigurationJson.ToString(), recorded.From);
            if (entry.Consumer is { } consumer) consumer.WithConfiguration(consumer.Configuration).ConfigurationJson.ToString().ShouldBe(consumer.ConfigurationJson.ToString(), recorded.From);
            compared++;
        }
        compared.ShouldBeGreaterThan(80);
    }

    [Fact]
    public void Recorded_snapshots_are_read_and_written_alike()
    {
        var snapshots = RecordedEntry.All().Where(entry => entry.Type == RecordedEntry.Snapshot).ToList();
        snapshots.Count.ShouldBeGreaterThan(1);
        foreach (var recorded in snapshots)
        {
            MetaSnapshot.Decode(recorded.Data, out var streams).ShouldBeNull(recorded.From);
            Json(MetaSnapshot.Encode(Unsorted(recorded.Data, streams))).ShouldBe(Json(recorded.Data), recorded.From);
        }
        snapshots.Max(snapshot => ConsumersIn(snapshot.Data)).ShouldBeGreaterThan(3);

        static string Json(byte[] snapshot) => Encoding.UTF8.GetString(S2Block.Decode(snapshot, 1 << 24));

        static int ConsumersIn(byte[] snapshot)
        {
            MetaSnapshot.Decode(snapshot, out var streams).ShouldBeNull();
            return streams.Sum(stream => stream.Consumers.Count);
        }
    }

    [Fact]
    public void No_streams_are_no_bytes()
    {
        MetaSnapshot.Encode(MetaAssignments.Empty).ShouldBeEmpty();
        MetaSnapshot.Decode([], out var streams).ShouldBeNull();
        streams.ShouldBeEmpty();
    }

    [Fact]
    public void A_consumer_in_a_snapshot_may_leave_out_its_stream()
    {
        const string Json = """[{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","stream":{"name":"S"},"group":{"name":"g","peers":["p"],"store":"file"},"sync":"s","Consumers":[{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","name":"C","stream":"","consumer":{"durable_name":"C"},"group":{"name":"c","peers":["p"],"store":"file"}}]}]""";
        MetaSnapshot.Decode(S2Block.Encode(Encoding.UTF8.GetBytes(Json)), out var streams).ShouldBeNull();
        streams.Single().Consumers["C"].Assignment.Stream.ShouldBe("S");
    }

    [Fact]
    public void Half_a_snapshot_is_none()
    {
        var recorded = RecordedEntry.All().First(entry => entry.Type == RecordedEntry.Snapshot).Data;
        for (var length = 1; length < recorded.Length; length += 7)
        {
            MetaSnapshot.Decode(recorded.AsSpan(0, length), out var streams).ShouldNotBeNull();
            streams.ShouldBeEmpty();
        }
    }

    /// <summary>Text that HTML would understand, quotes, controls, separators of lines: as Go escapes them.</summary>
    [Fact]
    public void Texts_are_escaped_as_Go_escapes_them()
    {
        var stream = Made.Stream("S") with { Subject = "a<b>&\"\\\b\f\n\r\t\u0001\u007f\u2028é😀'+`" };
        var json = Encoding.UTF8.GetString(MetaEntry.AssignStream(stream).Encode());
        json.ShouldContain("\"subject\":\"a\\u003cb\\u003e\\u0026\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u007f\\u2028é😀'+`\"");
        MetaEntry.Decode(Encoding.UTF8.GetBytes(json), out var again).ShouldBeNull();
        again!.Stream!.Subject.ShouldBe(stream.Subject);
    }

    [Fact]
    public void Tokens_and_keys_of_clients_stay_out_of_the_log()
    {
        var client = AssignmentClient.Of(new ClientInfo { Account = "A", User = "u", Jwt = "secret", IssuerKey = "key", Alternates = ["C2"], RoundTrip = 5 });
        var json = Encoding.UTF8.GetString(MetaEntry.AssignStream(Made.Stream("S") with { Client = client }).Encode());
        json.ShouldNotContain("secret");
        json.ShouldNotContain("issuer_key");
        json.ShouldContain("""{"acc":"A","user":"u","rtt":5,"alts":["C2"]}""");
        client.ToClientInfo().ShouldBe(new ClientInfo { Account = "A", User = "u", RoundTrip = 5, Alternates = client.Alternates });
        (client with { Service = "B" }).ServiceAccount.ShouldBe("B");
    }

    [Fact]
    public void What_later_servers_add_around_a_configuration_is_kept()
    {
        const string Entry = "\0" + """{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","stream":{"name":"S"},"group":{"name":"g","peers":["a","b"],"store":"memory","scale_up":true,"desired":{"id":7}},"sync":"s","later":[1,2]}""" + "\n";
        MetaEntry.Decode(Encoding.UTF8.GetBytes(Entry), out var entry).ShouldBeNull();
        entry!.Stream!.Unsupported.ShouldBeNull();
        entry.Stream.Group.Storage.ShouldBe(StorageType.Memory);
        entry.Stream.Group.IsScaleUp.ShouldBeTrue();
        Encoding.UTF8.GetString(entry.Encode()).ShouldBe(Entry);
    }

    [Theory]
    [InlineData("""{"name":"S","strange":1}""", "unsupported - config error: unknown field \"strange\"")]
    [InlineData("""{"name":"S","metadata":{"_nats.req.level":"5"}}""", "unsupported - required API level: 5, current API level: 4")]
    [InlineData("""{"name":"S","metadata":{"_nats.req.level":"text"}}""", "unsupported - required API level: text, current API level: 4")]
    [InlineData("""{"name":"S","metadata":{"_nats.req.level":"4"}}""", null)]
    [InlineData("""{"name":"S","metadata":{}}""", null)]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterOfflineStreamAndConsumerStrictDecoding")]
    public void A_stream_that_is_not_understood_says_why_and_is_written_as_it_was(string configuration, string? reason)
    {
        var text = $$"""{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","stream":{{configuration}},"group":{"name":"g","peers":["a"],"store":"file"},"sync":"s"}""";
        MetaEntry.Decode([0, .. Encoding.UTF8.GetBytes(text), (byte)'\n'], out var entry).ShouldBeNull();
        entry!.Stream!.Unsupported.ShouldBe(reason);
        entry.Stream.Name.ShouldBe("S");
        Encoding.UTF8.GetString(entry.Encode().AsSpan(1)).ShouldBe(text + "\n");
    }

    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterOfflineStreamAndConsumerStrictDecoding")]
    public void A_consumer_that_is_not_understood_says_why()
    {
        const string Text = """{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","name":"C","stream":"S","consumer":{"durable_name":"C","strange":true},"group":{"name":"g","peers":["a"],"store":"file"}}""";
        MetaEntry.Decode([1, .. Encoding.UTF8.GetBytes(Text), (byte)'\n'], out var entry).ShouldBeNull();
        entry!.Consumer!.Unsupported.ShouldBe("unsupported - config error: unknown field \"strange\"");
        entry.Consumer.Configuration.Durable.ShouldBe("C");
    }

    [Fact]
    public void Old_servers_compressed_consumers_as_a_block()
    {
        var consumer = Made.Consumer("S", "C");
        var json = MetaEntry.AssignConsumer(consumer).Encode()[1..];
        MetaEntry.Decode([9, .. S2Block.Encode(json)], out var entry).ShouldBeNull();
        entry!.Consumer.ShouldBe(consumer);
    }

    [Fact]
    public void A_mirror_has_no_window_of_duplicates()
    {
        const string Text = """{"client":{"acc":"A"},"created":"2026-01-01T00:00:00Z","stream":{"name":"S","duplicate_window":120000000000,"mirror":{"name":"O"}},"group":{"name":"g","peers":["a"],"store":"file"},"sync":"s"}""";
        MetaEntry.Decode([0, .. Encoding.UTF8.GetBytes(Text)], out var entry).ShouldBeNull();
        entry!.Stream!.Configuration.DuplicateWindow.ShouldBe(0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0007{}")]
    [InlineData("\0{")]
    [InlineData("\0null")]
    [InlineData("\0{}")]
    [InlineData("\0[]")]
    [InlineData("\u0001{\"client\":{},\"group\":{}}")]
    [InlineData("\u0009nothing")]
    [InlineData("\0{\"client\":{\"acc\":\"A\"},\"created\":\"2026-01-01T00:00:00Z\",\"stream\":{\"name\":\"S\"},\"group\":{\"name\":\"g\",\"peers\":[\"a\"],\"store\":\"9\"},\"sync\":\"s\"}")]
    public void What_is_no_entry_is_refused(string text) => MetaEntry.Decode(Encoding.Latin1.GetBytes(text), out _).ShouldNotBeNull();

    [Fact]
    public void States_of_recorded_consumers_are_read_and_written_alike()
    {
        var states = RecordedEntry.All().Where(entry => entry is { Type: RecordedEntry.Normal, Data: [9, ..] }).Select(recorded =>
        {
            MetaEntry.Decode(recorded.Data, out var entry).ShouldBeNull();
            return entry!.Consumer!.State;
        }).OfType<RawJson>().ToList();
        states.Count.ShouldBeGreaterThan(1);
        foreach (var state in states)
        {
            ConsumerStateJson.Read(state, out var read).ShouldBeNull();
            ConsumerStateJson.Write(read).ToString().ShouldBe(state.ToString());
            ConsumerStateJson.ToBytes(state, out var bytes).ShouldBeNull();
            NatsAspire.Server.Storage.Migration.GoConsumerState.Read(bytes, out var again).ShouldBeNull();
            again.DeliveredStream.ShouldBe(read.DeliveredStream);
            again.Pending.Select(one => one.StreamSequence).ShouldBe(read.Pending.Select(one => one.StreamSequence));
            again.Redelivered.ShouldBe(read.Redelivered);
        }
    }

    [Fact]
    public void Results_are_written_and_read()
    {
        var failed = StreamAssignmentResult.Failed("A", "S", NatsAspire.Server.JetStream.Api.JetStreamErrors.JSInsufficientResourcesErr);
        Encoding.UTF8.GetString(failed.Encode()).ShouldBe("""{"account":"A","stream":"S","create_response":{"type":"io.nats.jetstream.api.v1.stream_create_response","error":{"code":503,"err_code":10023,"description":"insufficient resources"}}}""");
        StreamAssignmentResult.Decode(failed.Encode())!.Error.ShouldBe(NatsAspire.Server.JetStream.Api.JetStreamErrors.JSInsufficientResourcesErr);
        ConsumerAssignmentResult.Decode("{"u8).ShouldBeNull();
    }

    /// <summary>In the order of the recorded snapshot, which is that of Go's maps; ours is by name.</summary>
    private static IEnumerable<AssignedStream> Unsorted(byte[] snapshot, IReadOnlyList<AssignedStream> streams)
    {
        var json = Golden.ParseText(Encoding.UTF8.GetString(S2Block.Decode(snapshot, 1 << 24)));
        var at = 0;
        foreach (var stream in streams)
        {
            var names = json[at++].GetProperty("Consumers").EnumerateArray().Select(consumer => consumer.GetProperty("name").GetString()!).ToList();
            yield return stream with { Consumers = stream.Consumers.WithComparers(Comparer<string>.Create((left, right) => names.IndexOf(left).CompareTo(names.IndexOf(right)))) };
        }
    }
}
