using System.Formats.Tar;
using System.Text;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Archives;

/// <summary>Archives that are refused, in clear words, without a trace.</summary>
public sealed class SnapshotRefusalTests
{
    private static readonly byte[] Good = File.ReadAllBytes(Golden.PathOf("backup", "ORD", "stream.tar.s2"));

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("msgs/../../x.blk")]
    [InlineData("msgs/x.blk")]
    [InlineData("msgs/1.blk/2.blk")]
    [InlineData("obs/../meta.inf")]
    [InlineData("obs//meta.inf")]
    [InlineData("obs/a/b/meta.inf")]
    [InlineData("obs/a/other")]
    [InlineData("batches/x")]
    public void Names_that_should_not_be_there(string name) => Refused(With(name, "x"u8.ToArray())).ShouldBe($"unexpected content '{name}'");

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.Directory)]
    [InlineData(TarEntryType.Fifo)]
    public void What_is_no_plain_file(TarEntryType type)
    {
        var entry = new PaxTarEntry(type, "msgs/9.blk");
        if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink) entry.LinkName = "meta.inf";
        Refused(TestArchive.Pack([entry])).ShouldNotBeNull().ShouldContain("msgs/9.blk");
    }

    [Fact]
    public void Files_that_come_twice_or_in_no_order()
    {
        var files = TestArchive.Unpack(Good);
        Refused(TestArchive.Pack([.. files, files[0]])).ShouldBe("'meta.inf' comes twice");
        Refused(With("msgs/0.blk", [])).ShouldBe("'msgs/0.blk' comes behind block 1");
        Refused(TestArchive.Pack([("msgs/1.blk", Content("msgs/1.blk")), ("msgs/01.blk", Content("msgs/1.blk"))])).ShouldBe("'msgs/01.blk' comes behind block 1");
    }

    [Theory]
    [InlineData("meta.inf", "there is no meta.inf")]
    [InlineData("meta.sum", "there is no meta.sum")]
    [InlineData("obs/D1/meta.inf", "consumer 'D1' has no meta.inf")]
    [InlineData("obs/D1/meta.sum", "consumer 'D1' has no meta.sum")]
    public void What_lacks_something(string name, string error) => Refused(TestArchive.Pack(TestArchive.Unpack(Good).Where(file => file.Name != name))).ShouldBe(error);

    [Theory]
    [InlineData("meta.inf", "{", "meta.inf: unexpected end of JSON input")]
    [InlineData("meta.sum", "0123456789abcdef", "the checksum of meta.inf does not match")]
    [InlineData("obs/D1/meta.sum", "0123456789abcdef", "the checksum of consumer 'D1' does not match")]
    [InlineData("obs/D1/o.dat", "nonsense", "the state of consumer 'D1': no such file")]
    [InlineData("msgs/index.db", "nonsense", "msgs/index.db: only 8 bytes")]
    public void What_holds_nonsense(string name, string content, string error) => Refused(Replaced(name, Encoding.UTF8.GetBytes(content))).ShouldBe(error);

    [Fact]
    public void Another_streams_archive()
    {
        var meta = Encoding.UTF8.GetString(Content("meta.inf")).Replace("\"name\":\"ORD\"", "\"name\":\"OTHER\"");
        Refused(Replaced("meta.inf", Encoding.UTF8.GetBytes(meta))).ShouldBe("stream names do not match");
    }

    [Fact]
    public void A_snapshot_that_had_failed() => Refused(With("errors.txt", "disk on fire"u8.ToArray())).ShouldBe("the snapshot had failed: disk on fire");

    [Fact]
    public void A_damaged_block_unless_it_is_to_be_saved_from()
    {
        var block = Content("msgs/1.blk");
        block[1000] ^= 1;
        var archive = Replaced("msgs/1.blk", block);
        Refused(archive).ShouldNotBeNull().ShouldStartWith("msgs/1.blk at offset ");
        using var store = SnapshotTests.NewStore();
        using var reader = new SnapshotReader("ORD", store, SnapshotTests.Limits with { Salvage = true });
        reader.Push(archive).ShouldBeNull();
        reader.Finish(out var restored).ShouldBeNull();
        restored.ShouldNotBeNull().Report.LostCount.ShouldBe(1UL);
        store.State.Messages.ShouldBe(55UL);
    }

    [Fact]
    public void One_that_is_cut_off_anywhere()
    {
        for (var length = 0; length < Good.Length; length += 97) Refused(Good[..length]).ShouldBe("the archive is cut off", $"{length} bytes");
        Refused("NATSARC1"u8.ToArray()).ShouldNotBeNull();
        Refused(S2Encoder.EncodeAll("NATSARC1....."u8)).ShouldBe("an archive of version 2, which this server does not read");
    }

    [Fact]
    public void Sizes_that_lie_cost_nothing()
    {
        foreach (var size in new[] { "77777777777", "00400000000" })
        {
            var tar = S2Decoder.DecodeAll(TestArchive.Pack([("msgs/1.blk", new byte[100])]), int.MaxValue);
            var header = 0;
            while (tar[header + 156] != '0') header += 512;
            Encoding.ASCII.GetBytes(size).CopyTo(tar, header + 124);
            Seal(tar.AsSpan(header, 512));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var error = Refused(S2Encoder.EncodeAll(tar)).ShouldNotBeNull();
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(8 << 20);
            error.ShouldBeOneOf("'msgs/1.blk' of 8589934591 bytes, more than 67108864", "the archive is cut off");
        }
    }

    [Fact]
    public void More_than_is_allowed()
    {
        var limits = SnapshotTests.Limits with { MaxBytes = 5000 };
        Refused(Good, limits).ShouldBe("more than 5000 bytes");
        Refused(Good, SnapshotTests.Limits with { MaxFiles = 3 }).ShouldBe("more than 3 files");
        Refused(Good, SnapshotTests.Limits with { MaxConsumerBytes = 100 }).ShouldBe("consumers of more than 100 bytes");
        // A little that unpacks to a lot.
        Refused(S2Encoder.EncodeAll(new byte[50_000_000]), limits).ShouldBe("more than 5000 bytes");
    }

    [Fact]
    public void Damaged_compression_or_headers()
    {
        var changed = Good.ToArray();
        changed[^20] ^= 1;
        Refused(changed).ShouldNotBeNull().ShouldStartWith("s2: ");
        var tar = S2Decoder.DecodeAll(Good, int.MaxValue);
        tar[5] ^= 1;
        Refused(S2Encoder.EncodeAll(tar)).ShouldBe("an entry's header is damaged");
    }

    [Fact]
    public void The_first_error_stays()
    {
        using var store = SnapshotTests.NewStore();
        using var reader = new SnapshotReader("ORD", store, SnapshotTests.Limits);
        var error = reader.Push("no such stream at all"u8).ShouldNotBeNull();
        reader.Push(Good).ShouldBe(error);
        reader.Finish(out var restored).ShouldBe(error);
        restored.ShouldBeNull();
    }

    [Fact]
    public void A_disk_that_fails_leaves_nothing_either()
    {
        var disk = new SimulatedDisk();
        using (var restore = new StreamRestore(disk, "/streams/ORD", new FileStoreOptions { StreamId = 7 }, "ORD", SnapshotTests.Limits))
        {
            restore.Push(Good).ShouldBeNull();
            disk.Fail(DiskCall.Sync);
            Should.Throw<DiskException>(() => restore.Finish(out _, out _));
        }
        disk.Files.ShouldBeEmpty();
        disk.Exists("/streams/ORD").ShouldBeFalse();
    }

    /// <summary>Restores and returns the error; nothing may be left.</summary>
    private static string? Refused(byte[] archive, SnapshotLimits? limits = null)
    {
        var disk = new SimulatedDisk();
        string? error;
        using (var restore = new StreamRestore(disk, "/streams/ORD", new FileStoreOptions { StreamId = 7 }, "ORD", limits ?? SnapshotTests.Limits))
        {
            error = restore.Push(archive) ?? restore.Finish(out _, out _);
        }
        disk.Files.ShouldBeEmpty();
        disk.Exists("/streams/ORD").ShouldBeFalse();
        return error;
    }

    private static byte[] Content(string name) => TestArchive.Unpack(Good).Single(file => file.Name == name).Content;

    private static byte[] With(string name, byte[] content) => TestArchive.Pack([.. TestArchive.Unpack(Good), (name, content)]);

    private static byte[] Replaced(string name, byte[] content) =>
        TestArchive.Pack(TestArchive.Unpack(Good).Select(file => file.Name == name ? (name, content) : file));

    /// <summary>Makes a tar header's sum right again.</summary>
    private static void Seal(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var one in header) sum += one;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
    }
}
