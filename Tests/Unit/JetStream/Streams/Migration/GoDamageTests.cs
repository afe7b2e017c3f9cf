using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Migration;

/// <summary>Damaged directories: what can be read is read, what cannot is named, nothing is changed.</summary>
public sealed class GoDamageTests
{
    private const string Blocks = "streams/PLAIN/msgs/";

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreBitRot")]
    public void A_flipped_bit_costs_one_message_which_is_named()
    {
        var whole = GoFolder.Load("plain", "PLAIN");
        using var before = GoStreamTests.Import(whole, "plain", "PLAIN", out _);
        var damaged = whole.Copy();
        // Somewhere in the payload of the tenth record.
        var offset = OffsetOf(whole.Files[Blocks + "1.blk"], 10);
        damaged.Files[Blocks + "1.blk"][offset + 60] ^= 0x10;
        using var after = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
        var missing = Missing(before, after);
        missing.Count.ShouldBe(1);
        GoExpectation.Sequences(stream.Report.Lost).ShouldBe(missing);
        stream.Report.Problems.ShouldContain(problem => problem.File == "msgs/1.blk" && problem.Offset == offset);
        after.State.LastSequence.ShouldBe(before.State.LastSequence);
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreCorruptionSetsHbitWithoutHeaders")]
    public void A_wrong_length_is_passed_over()
    {
        var whole = GoFolder.Load("plain", "PLAIN");
        using var before = GoStreamTests.Import(whole, "plain", "PLAIN", out _);
        foreach (var (at, value) in new[] { (3, (byte)0x80), (0, (byte)0xFF), (2, (byte)0x01), (20, (byte)0xFF) })
        {
            var damaged = whole.Copy();
            var offset = OffsetOf(whole.Files[Blocks + "1.blk"], 10);
            damaged.Files[Blocks + "1.blk"][offset + at] ^= value;
            using var after = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
            Missing(before, after).Count.ShouldBe(1, $"byte {at}: {stream.Report}");
            stream.Report.LostCount.ShouldBe(1UL);
        }
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreInvalidIndexesRebuilt")]
    [Upstream("filestore_test.go", "TestFileStoreRecoverFullStateDetectCorruptState")]
    public void A_damaged_index_is_done_without()
    {
        var whole = GoFolder.Load("plain", "PLAIN");
        var index = whole.Files[Blocks + "index.db"];
        foreach (var bytes in new[] { [], index[..10], index[..^3], [.. index[..40], (byte)~index[40], .. index[41..]], new byte[index.Length] })
        {
            var damaged = whole.Copy();
            damaged.Files[Blocks + "index.db"] = bytes;
            using var store = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
            GoStreamTests.Expected("plain", "PLAIN").ShouldBeHeldBy(store, $"{bytes.Length} bytes");
            stream.Report.Problems.ShouldHaveSingleItem().File.ShouldBe("msgs/index.db");
        }
    }

    [Fact]
    public void A_missing_block_is_named_with_what_it_held()
    {
        var whole = GoFolder.Load("plain", "PLAIN");
        using var before = GoStreamTests.Import(whole, "plain", "PLAIN", out _);
        foreach (var name in Named(whole, ".blk"))
        {
            var damaged = whole.Copy();
            damaged.Files.Remove(name);
            using var after = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
            stream.Report.Problems.ShouldContain(problem => "streams/PLAIN/" + problem.File == name && problem.What.Contains("missing"));
            after.State.LastSequence.ShouldBe(before.State.LastSequence);
            // Without the last block the index is not current; tombstones in it may bring some back, never take away.
            if (!name.EndsWith("3.blk", StringComparison.Ordinal)) GoExpectation.Sequences(stream.Report.Lost).ShouldBe(Missing(before, after));
        }
    }

    [Fact]
    public void Without_any_messages_files_it_is_said()
    {
        var damaged = GoFolder.Load("plain", "PLAIN");
        foreach (var name in damaged.Files.Keys.Where(name => name.StartsWith(Blocks, StringComparison.Ordinal)).ToList()) damaged.Files.Remove(name);
        using var store = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
        stream.Report.Problems.ShouldHaveSingleItem().What.ShouldBe("neither blocks nor an index are there");
    }

    [Fact]
    public void Swapped_blocks_are_taken_for_what_they_are()
    {
        var damaged = GoFolder.Load("plain", "PLAIN");
        var (first, second) = (damaged.Files[Blocks + "1.blk"], damaged.Files[Blocks + "2.blk"]);
        (damaged.Files[Blocks + "1.blk"], damaged.Files[Blocks + "2.blk"]) = (second, first);
        using var store = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
        GoStreamTests.Expected("plain", "PLAIN").ShouldBeHeldBy(store, "swapped");
        stream.Report.Problems.Select(problem => problem.What).ShouldBe(["this is block 2", "this is block 1"]);
    }

    [Fact]
    public void Blocks_of_another_stream_are_not_taken()
    {
        var damaged = GoFolder.Load("plain", "PLAIN");
        damaged.Files[Blocks + "2.blk"] = GoFolder.Load("plain", "CONS").Files["streams/CONS/msgs/1.blk"];
        using var store = GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream);
        stream.Report.Problems.ShouldContain(problem => problem.File == "msgs/2.blk");
        stream.Report.LostCount.ShouldBeGreaterThan(0UL);
        store.OfSubject("cons.0"u8).Messages.ShouldBe(0UL);
    }

    [Theory]
    [InlineData("meta.inf", "missing")]
    [InlineData("meta.inf", "empty")]
    public void Without_a_configuration_it_is_not_opened(string file, string how)
    {
        var damaged = GoFolder.Load("plain", "PLAIN");
        if (how == "missing") damaged.Files.Remove("streams/PLAIN/" + file);
        else damaged.Files["streams/PLAIN/" + file] = [];
        var report = new GoStoreReport();
        GoStream.Open(damaged, "PLAIN", keys: null, report).ShouldBeNull();
        report.Problems.ShouldHaveSingleItem().What.ShouldContain(how);
    }

    [Fact]
    public void A_wrong_sum_is_reported_and_another_streams_configuration_refused()
    {
        var damaged = GoFolder.Load("plain", "PLAIN");
        damaged.Files["streams/PLAIN/meta.sum"] = "0000000000000000"u8.ToArray();
        GoStreamTests.Import(damaged, "plain", "PLAIN", out var stream).Dispose();
        stream.Report.Problems.ShouldHaveSingleItem().ToString().ShouldBe("meta.sum at offset 0: it does not match meta.inf");
        damaged.Files["streams/PLAIN/meta.inf"] = GoFolder.Load("plain", "CONS").Files["streams/CONS/meta.inf"];
        var report = new GoStoreReport();
        GoStream.Open(damaged, "PLAIN", keys: null, report).ShouldBeNull();
        report.Problems[^1].What.ShouldBe("it belongs to stream 'CONS', not to 'PLAIN'");
    }

    [Theory]
    [InlineData("plain", "o.dat")]
    [InlineData("chacha", "o.dat")]
    [InlineData("plain", "meta.inf")]
    [InlineData("chacha", "meta.key")]
    public void A_damaged_consumer_harms_nobody_else(string folder, string file)
    {
        var damaged = GoFolder.Load(folder, "CONS");
        damaged.Files["streams/CONS/obs/EXP/" + file] = [1, 2, 3];
        using var store = GoStreamTests.Import(damaged, folder, "CONS", out var stream);
        GoStreamTests.Expected(folder, "CONS").ShouldBeHeldBy(store, file);
        stream.Report.Problems.ShouldContain(problem => problem.File.StartsWith("obs/EXP/", StringComparison.Ordinal));
        stream.Consumers.Where(consumer => consumer.Name == "EXP").ShouldAllBe(consumer => consumer.State == null);
        stream.Report.LostCount.ShouldBe(0UL);
    }

    [Theory]
    [InlineData("chacha")]
    [InlineData("aes-s2")]
    public void A_block_whose_key_is_damaged_is_named_and_the_others_are_read(string folder)
    {
        var whole = GoFolder.Load(folder, "PLAIN");
        using var before = GoStreamTests.Import(whole, folder, "PLAIN", out _);
        foreach (var name in Named(whole, ".key").Where(name => name.StartsWith(Blocks, StringComparison.Ordinal)))
        {
            var damaged = whole.Copy();
            damaged.Files[name][20] ^= 1;
            using var after = GoStreamTests.Import(damaged, folder, "PLAIN", out var stream);
            stream.Report.Problems.ShouldContain(problem => "streams/PLAIN/" + problem.File == name);
            Missing(before, after).ShouldNotBeEmpty();
        }
    }

    [Fact]
    public void Of_a_damaged_compressed_block_the_rest_of_the_stream_is_read()
    {
        var whole = GoFolder.Load("s2", "PLAIN");
        using var before = GoStreamTests.Import(whole, "s2", "PLAIN", out _);
        var name = Named(whole, ".blk").First(one => whole.Files[one].AsSpan().StartsWith("cmp"u8));
        var damaged = whole.Copy();
        damaged.Files[name][200] ^= 0x40;
        using var after = GoStreamTests.Import(damaged, "s2", "PLAIN", out var stream);
        stream.Report.Problems.ShouldContain(problem => problem.What.Contains("compressed content is damaged"));
        GoExpectation.Sequences(stream.Report.Lost).ShouldBe(Missing(before, after));
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreRecoverOnlyBlkFiles")]
    public void Unfinished_rewrites_and_strange_files_are_let_lie()
    {
        var files = GoFolder.Load("plain", "PLAIN");
        foreach (var name in new[] { "1.blk.tmp", "9.new", "x.blk", "-1.blk", "99999999999.blk", "2.fss", "x.idx" }) files.Files[Blocks + name] = [1, 2, 3];
        using var store = GoStreamTests.Import(files, "plain", "PLAIN", out var stream);
        GoStreamTests.Expected("plain", "PLAIN").ShouldBeHeldBy(store, "strange files");
        stream.Report.IsClean.ShouldBeTrue();
    }

    [Fact]
    public void A_purge_that_was_under_way_is_taken_as_done_when_its_block_is_there()
    {
        var files = GoFolder.Load("plain", "PLAIN");
        files.Files["streams/PLAIN/__new_msgs__/4.blk"] = Record(200, "PLAIN", 4);
        using var store = GoStreamTests.Import(files, "plain", "PLAIN", out _);
        (store.State.Messages, store.State.FirstSequence).ShouldBe((1UL, 200UL));
    }

    private static byte[] Record(ulong sequence, string stream, uint block)
    {
        var bytes = new byte[GoBlockFormat.LengthOf(1, 0, 1)];
        GoBlockFormat.Write(bytes, new StoredMessage { Sequence = sequence, Timestamp = 5, Subject = "a"u8, Payload = "b"u8 }, GoBlockFormat.KeyOf(stream, block));
        return bytes;
    }

    private static IEnumerable<string> Named(GoFolder files, string end) => files.Files.Keys.Where(name => name.EndsWith(end, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static int OffsetOf(byte[] block, int record)
    {
        var offset = 0;
        for (; record > 0; record--) offset += BitConverter.ToInt32(block, offset) & int.MaxValue;
        return offset;
    }

    private static List<ulong> Missing(IMessageStore before, IMessageStore after)
    {
        var (missing, buffer) = (new List<ulong>(), new MessageBuffer());
        for (var sequence = before.State.FirstSequence; sequence <= before.State.LastSequence; sequence++)
        {
            if (before.TryLoad(sequence, buffer) && !after.TryLoad(sequence, buffer)) missing.Add(sequence);
        }
        return missing;
    }
}
