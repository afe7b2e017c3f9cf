using System.Buffers;
using System.Buffers.Binary;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Consumers;
using NatsAspire.Tests.Unit.JetStream.Meta;
using NatsAspire.Tests.Unit.JetStream.Streams;

namespace NatsAspire.Tests.Unit.JetStream.Replication;

/// <summary>Entries of logs that end too soon, or lie about what they hold: another server may send anything.</summary>
public sealed class DamagedEntryTests : IConsumerObserver
{
    private readonly ArrayBufferWriter<byte> _scratch = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterDecodeStreamMsgRejectsMalformed")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterDecodeBatchMsgRejectsMalformed")]
    public void AMessageIsReadWholeOrNotAtAll(bool isOfBatch)
    {
        var entry = new StreamMessageEntry
        {
            LastSequence = 12345,
            Timestamp = 67890,
            Subject = "ssssssssssssssssssss"u8,
            Reply = "rrrrrrrrrr"u8,
            Headers = "hhhhhhhhhh"u8,
            Payload = "bbbbbbbbbb"u8,
            IsSourced = true,
            BatchId = isOfBatch ? "batch"u8 : default,
            BatchSequence = isOfBatch ? 7UL : 0,
        };
        var target = new byte[entry.MaxLength];
        var whole = target.AsSpan(0, entry.Encode(target));
        StreamMessageEntry.TryDecode(whole, _scratch, out var read).ShouldBeTrue();
        (read.LastSequence, read.Timestamp, read.IsSourced, read.BatchSequence).ShouldBe((12345UL, 67890L, true, isOfBatch ? 7UL : 0));
        (read.Subject.SequenceEqual(entry.Subject) && read.Reply.SequenceEqual(entry.Reply) && read.Headers.SequenceEqual(entry.Headers) && read.Payload.SequenceEqual(entry.Payload)).ShouldBeTrue();
        read.BatchId.SequenceEqual(entry.BatchId).ShouldBeTrue();
        // Servers before the flags wrote none; then it has come from no source.
        StreamMessageEntry.TryDecode(whole[..^1], _scratch, out read).ShouldBeTrue();
        read.IsSourced.ShouldBeFalse();
        for (var length = 0; length < whole.Length - 1; length++) StreamMessageEntry.TryDecode(whole[..length], _scratch, out _).ShouldBeFalse($"{length} of {whole.Length} bytes");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterDecodeStreamMsgRejectOversizedLength")]
    public void APayloadIsNotLongerThanWhatThereIs()
    {
        var entry = new StreamMessageEntry { LastSequence = 1, Subject = "foo"u8, Payload = "hello"u8 };
        var target = new byte[entry.MaxLength];
        var whole = target.AsSpan(0, entry.Encode(target));
        StreamMessageEntry.TryDecode(whole, _scratch, out _).ShouldBeTrue();
        // Behind the operation, two numbers of 8 bytes, and three fields with their lengths.
        var length = whole.Slice(1 + 8 + 8 + 2 + 3 + 2 + 2, sizeof(uint));
        BinaryPrimitives.ReadUInt32LittleEndian(length).ShouldBe(5U);
        foreach (var lie in new uint[] { 7, int.MaxValue, 0x8000_0000, uint.MaxValue })
        {
            BinaryPrimitives.WriteUInt32LittleEndian(length, lie);
            StreamMessageEntry.TryDecode(whole, _scratch, out _).ShouldBeFalse($"{lie}");
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterDecodeUpdatesRejectMalformed")]
    public void WhatAConsumerHearsIsReadWholeOrNotAtAll()
    {
        var room = new byte[64];
        byte[][] entries =
        [
            ConsumerEntry.Acknowledged(room, 10, 20).ToArray(),
            ConsumerEntry.Delivered(room, 10, 20, 1, 1_700_000_000_000_000_000).ToArray(),
            ConsumerEntry.Skip(room, 10).ToArray(),
            ConsumerEntry.Reset(10, []),
        ];
        foreach (var entry in entries)
        {
            new ConsumerReplica(LedConsumer.Pull).Apply(entry, this).ShouldBeTrue();
            for (var length = 0; length < entry.Length; length++)
            {
                var replica = new ConsumerReplica(LedConsumer.Pull);
                replica.Apply(entry.AsSpan(0, length), this).ShouldBeFalse($"operation {entry[0]}, {length} of {entry.Length} bytes");
                replica.HasState.ShouldBeFalse();
            }
        }
        new ConsumerReplica(LedConsumer.Pull).Apply(ConsumerEntry.Reset(10, "reply"u8), this).ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterApplyEntriesRejectEmptyNormal")]
    public void AnEntryWithoutAnOperationIsNone()
    {
        new AppliedMeta().State.Apply([]).ShouldNotBeNull();
        MetaEntry.Decode([], out var entry).ShouldNotBeNull();
        entry.ShouldBeNull();
        using var store = new MemoryMessageStore();
        new StreamReplica(LedStream.Plain, store).Apply([]).ShouldBeFalse();
        new ConsumerReplica(LedConsumer.Pull).Apply([], this).ShouldBeFalse();
    }

    void IConsumerObserver.Released(ulong sequence) => Assert.Fail($"{sequence} was acknowledged");

    void IConsumerObserver.ReleasedThrough(ulong sequence)
    {
        // A skip or reset passes over what was never delivered.
    }
}
