using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Archives;

/// <summary>Archives both ways: those of a Go server are read, ours are what it would write.</summary>
public sealed class SnapshotTests
{
    internal static readonly SnapshotLimits Limits = new() { MaxBytes = 1 << 30 };
    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    [Theory]
    [InlineData("ORD", 1)]
    [InlineData("ORD", 1000)]
    [InlineData("KV_bk", 1 << 20)]
    [InlineData("CMP", 1 << 20)]
    [InlineData("CMP", 7)]
    [Upstream("filestore_test.go", "TestFileStoreSnapshot")]
    public void Recorded_backups_are_restored_as_they_were(string name, int chunk)
    {
        using var store = NewStore();
        var restored = Restore(File.ReadAllBytes(Golden.PathOf("backup", name, "stream.tar.s2")), name, store, chunk);
        var expected = new GoExpectation(Golden.Json("backup", name, "expected.json"));
        expected.ShouldBeHeldBy(store, name);
        restored.Created.ToString().ShouldBe(expected.Info.GetProperty("created").GetString());
        restored.Report.IsClean.ShouldBeTrue();
        StreamConfiguration.ParseStored(JsonSerializer.SerializeToUtf8Bytes(expected.Info.GetProperty("config")), out var configuration).ShouldBeNull();
        restored.Configuration.ShouldBe(configuration with { Metadata = configuration.Metadata.AsStored() });
        restored.Consumers.Select(one => one.Name).ShouldBe(expected.Consumers.EnumerateArray().Select(one => one.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
        foreach (var consumer in restored.Consumers)
        {
            var info = expected.Consumers.EnumerateArray().Single(one => one.GetProperty("name").GetString() == consumer.Name);
            (consumer.State?.DeliveredStream ?? 0).ShouldBe(info.GetProperty("delivered").GetProperty("stream_seq").GetUInt64());
        }
    }

    [Fact]
    public void Chunks_as_a_server_sent_them_make_an_archive()
    {
        var chunks = Golden.Json("backup", "snapshot-transport.json").GetProperty("chunks").EnumerateArray()
            .Select(chunk => chunk.TryGetProperty("hex", out var hex) ? Convert.FromHexString(hex.GetString()!) : []);
        using var store = NewStore();
        using var reader = new SnapshotReader("ORD", store, Limits);
        foreach (var chunk in chunks) reader.Push(chunk).ShouldBeNull();
        reader.Finish(out var restored).ShouldBeNull();
        restored.ShouldNotBeNull().Configuration.Name.ShouldBe("ORD");
        new GoExpectation(Golden.Json("backup", "ORD", "expected.json")).ShouldBeHeldBy(store, "chunks");
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("purged")]
    [InlineData("first")]
    [InlineData("gaps")]
    [InlineData("tail")]
    [InlineData("hole")]
    [InlineData("blocks")]
    [InlineData("large")]
    public void Ours_are_read_by_ourselves_by_tar_and_as_a_directory(string what)
    {
        using var store = NewStore();
        Fill(store, what);
        var archive = Write(store, chunk: 8192);
        using (var copy = NewStore())
        {
            var restored = Restore(archive, "S", copy, chunk: 3001);
            Same(store, copy);
            restored.Created.ToString().ShouldBe("2026-11-21T01:28:27.74229893Z");
            restored.Consumers.ShouldHaveSingleItem().State.ShouldNotBeNull().DeliveredStream.ShouldBe(9UL);
        }
        var folder = GoFolder.Of(TestArchive.Unpack(archive).Select(file => ("streams/S/" + file.Name, file.Content)));
        var report = new GoStoreReport();
        var stream = GoStream.Open(folder, "S", keys: null, report).ShouldNotBeNull();
        using var imported = NewStore();
        stream.Import(imported);
        // A server keeps an empty block at least.
        report.IsClean.ShouldBe(what != "empty", report.ToString());
        Same(store, imported);
        stream.Consumers.ShouldHaveSingleItem().Name.ShouldBe(LongName);
    }

    [Fact]
    public void It_is_made_piece_by_piece()
    {
        using var store = NewStore();
        Fill(store, "blocks");
        var whole = Write(store, 1 << 20);
        Write(store, 1).ShouldBe(whole);
        whole.Length.ShouldBeGreaterThan(100_000);
    }

    [Fact]
    public void Messages_that_come_or_go_meanwhile_do_no_harm()
    {
        using var store = NewStore();
        Fill(store, "blocks");
        var before = store.State;
        var writer = new SnapshotWriter(Configuration, Created, store, [], Time);
        var archive = new List<byte>();
        var chunk = new byte[50_000];
        for (int count; (count = writer.Read(chunk)) > 0;)
        {
            archive.AddRange(chunk.AsSpan(0, count));
            Append(store, store.State.LastSequence + 1, 10);
            store.Remove(store.State.LastSequence / 2, erase: false);
        }
        using var copy = NewStore();
        Restore([.. archive], "S", copy, 100_000);
        copy.State.LastSequence.ShouldBe(before.LastSequence);
        copy.State.Messages.ShouldBeGreaterThan(before.Messages / 2);
    }

    [Fact]
    public void A_restore_keeps_its_store()
    {
        var disk = new SimulatedDisk();
        var options = new FileStoreOptions { StreamId = 7 };
        using (var restore = new StreamRestore(disk, "/streams/ORD", options, "ORD", Limits))
        {
            restore.Push(File.ReadAllBytes(Golden.PathOf("backup", "ORD", "stream.tar.s2"))).ShouldBeNull();
            restore.Finish(out _, out var kept).ShouldBeNull();
            kept.ShouldNotBeNull().Dispose();
        }
        using var store = FileMessageStore.Open(disk, "/streams/ORD", options);
        new GoExpectation(Golden.Json("backup", "ORD", "expected.json")).ShouldBeHeldBy(store, "after a restart");
    }

    internal static string LongName { get; } = new('c', 200);

    internal static ApiTime Created => ApiTime.Parse("2026-11-21T01:28:27.74229893Z", out var created) is null ? created : default;

    internal static StreamConfiguration Configuration { get; } = new()
    {
        Name = "S",
        Subjects = ["s.>"],
        MaxConsumers = -1,
        MaxMessages = -1,
        MaxBytes = -1,
        MaxMessagesPerSubject = -1,
        MaxMessageSize = -1,
        Storage = StorageType.File,
        Replicas = 1,
        DuplicateWindow = 120_000_000_000,
    };

    internal static FileMessageStore NewStore() => FileMessageStore.Open(new SimulatedDisk(), "/store", new FileStoreOptions { StreamId = 1 });

    internal static RestoredStream Restore(byte[] archive, string name, IMessageStore store, int chunk)
    {
        using var reader = new SnapshotReader(name, store, Limits);
        for (var at = 0; at < archive.Length; at += chunk) reader.Push(archive.AsSpan(at, Math.Min(chunk, archive.Length - at))).ShouldBeNull();
        reader.Finish(out var restored).ShouldBeNull();
        reader.Received.ShouldBe(archive.Length);
        return restored.ShouldNotBeNull();
    }

    internal static byte[] Write(IMessageStore store, int chunk)
    {
        var meta = Encoding.UTF8.GetBytes($$"""{"Created":"{{Created}}","Name":"{{LongName}}","durable_name":"{{LongName}}","ack_policy":"explicit"}""");
        var writer = new SnapshotWriter(Configuration, Created, store, [new SnapshotConsumer(LongName, meta, new byte[] { 22, 2, 3, 3, 9, 9, 0, 0 })], Time);
        var archive = new MemoryStream();
        var buffer = new byte[chunk];
        for (int count; (count = writer.Read(buffer)) > 0;) archive.Write(buffer, 0, count);
        writer.Read(buffer).ShouldBe(0);
        return archive.ToArray();
    }

    internal static void Fill(FileMessageStore store, string what)
    {
        if (what == "first") store.Compact(1_000_000);
        if (what != "empty") Append(store, store.State.FirstSequence, what == "blocks" ? 60_000 : 100, what == "large" ? 3_000_000 : 100);
        switch (what)
        {
            case "purged":
                store.Purge(SubjectFilter.All, 0, 0);
                break;
            case "gaps":
                for (ulong sequence = 1; sequence < 100; sequence += 3) store.Remove(sequence, erase: false);
                break;
            case "tail":
                for (ulong sequence = 90; sequence <= 100; sequence++) store.Remove(sequence, erase: false);
                break;
            case "hole":
                store.Skip(5_000_000, 5);
                Append(store, store.State.LastSequence + 1, 10);
                store.Skip(1_000_000, 9_000_000);
                break;
            case "blocks":
                for (ulong sequence = 5; sequence < 60_000; sequence += sequence % 2 == 0 ? 1UL : 500UL) store.Remove(sequence, erase: false);
                break;
        }
    }

    private static void Append(FileMessageStore store, ulong first, int count, int largest = 100)
    {
        var random = new Random((int)first);
        var payload = new byte[largest];
        random.NextBytes(payload);
        for (var sequence = first; sequence < first + (ulong)count; sequence++)
        {
            var size = sequence % 50 == 0 ? largest : random.Next(100);
            store.Append(new StoredMessage
            {
                Sequence = sequence,
                Timestamp = 1_000_000 + (long)sequence,
                Subject = Encoding.UTF8.GetBytes($"s.{sequence % 7}"),
                Headers = sequence % 3 == 0 ? "NATS/1.0\r\nA: b\r\n\r\n"u8 : default,
                Payload = payload.AsSpan(0, size),
            });
        }
    }

    internal static void Same(FileMessageStore expected, FileMessageStore actual)
    {
        actual.State.ShouldBe(expected.State);
        actual.Deleted().ShouldBe(expected.Deleted());
        var (one, other) = (new MessageBuffer(), new MessageBuffer());
        for (ulong next = 0; expected.TryLoadNext(SubjectFilter.All, next, one); next = one.Sequence + 1)
        {
            actual.TryLoad(one.Sequence, other).ShouldBeTrue();
            var same = other.Timestamp == one.Timestamp && other.Subject.SequenceEqual(one.Subject) && other.Headers.SequenceEqual(one.Headers) && other.Payload.SequenceEqual(one.Payload);
            same.ShouldBeTrue($"message {one.Sequence}");
        }
    }
}
