using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Migration;

/// <summary>The small formats in a Go server's files, against what it wrote itself.</summary>
public sealed class GoFormatTests
{
    [Fact]
    public void Records_have_the_recorded_hashes()
    {
        foreach (var vector in Golden.Json("vectors", "record-hash.json").EnumerateArray())
        {
            var (subject, headers, payload) = (Text(vector, "subject"), Text(vector, "hdr"), Text(vector, "msg"));
            var key = GoBlockFormat.KeyOf(vector.GetProperty("block_key").GetString()!);
            var record = new byte[GoBlockFormat.LengthOf(subject.Length, headers.Length, payload.Length)];
            var message = new StoredMessage { Sequence = vector.GetProperty("seq").GetUInt64(), Timestamp = vector.GetProperty("ts").GetInt64(), Subject = subject, Headers = headers, Payload = payload };
            GoBlockFormat.Write(record, message, key).ShouldBe(record.Length);
            Convert.ToHexStringLower(record[^8..]).ShouldBe(vector.GetProperty("hash64").GetString());
            GoBlockFormat.TryRead(record, key, out var read, out var length).ShouldBeTrue();
            (length, read.Sequence, read.Timestamp).ShouldBe((record.Length, message.Sequence, message.Timestamp));
            read.Headers.SequenceEqual(headers).ShouldBeTrue();
            read.Payload.SequenceEqual(payload).ShouldBeTrue();
        }
    }

    [Fact]
    public void Sets_of_sequences_are_read()
    {
        var vectors = Golden.Json("vectors", "avl-seqset.json");
        foreach (var vector in vectors.GetProperty("vectors").EnumerateArray())
        {
            var reader = new SpanReader(Convert.FromHexString(vector.GetProperty("hex").GetString()!));
            GoSequenceSet.TryRead(ref reader, out var set).ShouldBeTrue(vector.GetProperty("name").GetString());
            reader.IsAtEnd.ShouldBeTrue();
            var ranges = vector.GetProperty("ranges");
            var expected = ranges.ValueKind == JsonValueKind.Null ? [] : ranges.EnumerateArray().Select(range => new SequenceRange(range[0].GetUInt64(), range[1].GetUInt64())).ToArray();
            set.Ranges().ShouldBe(expected, vector.GetProperty("name").GetString());
        }
        foreach (var vector in vectors.GetProperty("invalid").EnumerateArray())
        {
            var reader = new SpanReader(Convert.FromHexString(vector.GetProperty("hex").GetString()!));
            GoSequenceSet.TryRead(ref reader, out _).ShouldBeFalse(vector.GetProperty("hex").GetString());
        }
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreConsumerEncodeDecodeRedelivered")]
    [Upstream("filestore_test.go", "TestFileStoreConsumerEncodeDecodePendingBelowStreamAckFloor")]
    public void Consumer_states_are_read()
    {
        foreach (var vector in Golden.Json("vectors", "consumer-state.json").EnumerateArray())
        {
            Check(Convert.FromHexString(vector.GetProperty("hex").GetString()!), vector.GetProperty("decoded"));
        }
        var files = GoFolder.Load("plain", "CONS");
        foreach (var file in Golden.Json("disk", "plain", "CONS.decoded.json").EnumerateObject().Where(one => one.Name.EndsWith("o.dat", StringComparison.Ordinal)))
        {
            Check(files.Files["streams/CONS/" + file.Name], file.Value.GetProperty("consumer_state").GetProperty("state"));
        }
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreBadConsumerState")]
    public void Consumer_states_that_are_none_are_refused()
    {
        GoConsumerState.Read("\x16\x02\x01\x03\x03\x03"u8, out _).ShouldNotBeNull();
        GoConsumerState.Read([], out _).ShouldBe("no such file");
        GoConsumerState.Read([22, 3, 0, 0, 0, 0, 0, 0], out _).ShouldBe("version 3 is not known");
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreMessageScheduleDecodeRejectsMalformed")]
    public void Timer_files_that_end_early_are_refused()
    {
        var ttl = GoFolder.Load("plain", "TTL").Files["streams/TTL/msgs/thw.db"];
        GoTimers.ReadExpiries(ttl, out _, out _).ShouldBeNull();
        for (var length = 0; length < ttl.Length; length++) GoTimers.ReadExpiries(ttl.AsSpan(0, length), out _, out _).ShouldNotBeNull();
        var schedules = GoFolder.Load("plain", "SCHED").Files["streams/SCHED/msgs/sched.db"];
        GoTimers.ReadSchedules(schedules, out var read, out _).ShouldBeNull();
        read.ShouldAllBe(one => one.Subject.Length > 0 && one.Next > 0);
        for (var length = 0; length < schedules.Length; length++) GoTimers.ReadSchedules(schedules.AsSpan(0, length), out _, out _).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("1-5", "", "1-5")]
    [InlineData("1-5", "1-5", "")]
    [InlineData("1-5", "0-9", "")]
    [InlineData("1-5,8-9", "3-8", "1-2,9-9")]
    [InlineData("1-9", "2-3,5-5", "1-1,4-4,6-9")]
    [InlineData("4-9", "1-4,9-12", "5-8")]
    [InlineData("1-2,4-5,7-8", "2-7", "1-1,8-8")]
    public void Ranges_without_others(string ranges, string removed, string expected) =>
        string.Join(',', Parse(ranges).Without(Parse(removed)).Select(range => $"{range.First}-{range.Last}")).ShouldBe(expected);

    private static IEnumerable<SequenceRange> Parse(string ranges) =>
        ranges.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(range => range.Split('-')).Select(ends => new SequenceRange(ulong.Parse(ends[0]), ulong.Parse(ends[1])));

    private static void Check(byte[] bytes, JsonElement expected)
    {
        GoConsumerState.Read(bytes, out var state).ShouldBeNull();
        state.DeliveredConsumer.ShouldBe(expected.GetProperty("delivered").GetProperty("consumer_seq").GetUInt64());
        state.AckFloorStream.ShouldBe(expected.GetProperty("ack_floor").GetProperty("stream_seq").GetUInt64());
        var pending = expected.TryGetProperty("pending", out var found) ? found.EnumerateObject()
            .Select(one => new GoPending(ulong.Parse(one.Name), one.Value.GetProperty("Sequence").GetUInt64(), one.Value.GetProperty("Timestamp").GetInt64())) : [];
        state.Pending.ShouldBe(pending.OrderBy(one => one.StreamSequence));
        var redelivered = expected.TryGetProperty("redelivered", out found) ? found.EnumerateObject()
            .Select(one => new GoRedelivered(ulong.Parse(one.Name), one.Value.GetUInt64())) : [];
        state.Redelivered.ShouldBe(redelivered.OrderBy(one => one.StreamSequence));
    }

    private static byte[] Text(JsonElement vector, string name) => System.Text.Encoding.Latin1.GetBytes(vector.GetProperty(name).GetString()!);
}
