using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Runtime.Groups;

/// <summary>The file of a group: what it keeps, what earlier versions wrote, and what is refused.</summary>
public sealed class GroupStateTests
{
    private const int HeadLength = 25;
    private const string Path = "groups/G/state";
    private static readonly RaftPeers Members = RaftPeers.Of(PeerId.Of("a"), PeerId.Of("b"), PeerId.Of("c"));

    [Theory]
    [InlineData("")]
    [InlineData("A > S > c")]
    [InlineData("A > Ströme > größter")]
    public void WhatWasWrittenIsRead(string owner)
    {
        var read = GroupState.Decode(Path, StateOf(owner).Encode(null), null);
        ShouldBeStateOf(owner, read);
        read.ToStart().Origin.ShouldBe(RaftOrigin.Recovered);
    }

    [Fact]
    public void EarlierFormatsAreStillRead()
    {
        var third = StateOf("").Encode(null);
        // The second has nobody who was removed: the same without their number and ids.
        var removed = HeadLength + 4 + 8 + 8 + 1 + 8 + 4 + Members.Encode().Length;
        byte[] second = [.. third[..removed], .. third[(removed + 4 + (2 * 8))..]];
        second[8] = 2;
        ShouldBeStateOf("", GroupState.Decode(Path, WithChecksum(second), null), hasRemoved: false);
        // The first has no owner: without its length too.
        byte[] first = [.. second[..HeadLength], .. second[(HeadLength + 4)..]];
        first[8] = 1;
        ShouldBeStateOf("", GroupState.Decode(Path, WithChecksum(first), null), hasRemoved: false);
    }

    [Fact]
    public void WhoWasRemovedIsRememberedUntilItIsAMemberAgain()
    {
        var state = GroupState.Decode(Path, StateOf("A").Encode(null), null);
        GroupRecord.Replay(state, GroupRecord.Peers, Peers("abe", index: 14));
        state.ToStart().Removed.Order().ShouldBe(new[] { PeerId.Of("c"), PeerId.Of("d") }.Order());
        state = GroupState.Decode(Path, state.Encode(null), null);
        GroupRecord.Replay(state, GroupRecord.Peers, Peers("bcd", index: 15));
        state.ToStart().Removed.Order().ShouldBe(new[] { PeerId.Of("a"), PeerId.Of("e") }.Order());
    }

    [Fact]
    public void ALaterFormatIsRefused()
    {
        var file = StateOf("A").Encode(null);
        file[8] = 4;
        Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, WithChecksum(file), null)).Message.ShouldBe("groups/G/state at 4: no state of a group that this version knows.");
    }

    [Fact]
    public void AnyChangedByteIsNoticed()
    {
        var file = StateOf("A > S").Encode(null);
        for (var at = 0; at < file.Length; at++)
        {
            var changed = file.ToArray();
            changed[at] ^= 0x10;
            Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, changed, null), $"byte {at}").Message.ShouldContain(Path);
        }
    }

    [Fact]
    public void AnyMissingOrAddedByteIsNoticedThoughTheChecksumFits()
    {
        var file = StateOf("A > S").Encode(null);
        for (var length = HeadLength; length < file.Length; length++)
        {
            Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, WithChecksum(file[..length]), null), $"{length} bytes").Message.ShouldBe("groups/G/state ends early.");
        }
        Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, WithChecksum([.. file, 0]), null)).Message.ShouldBe("groups/G/state: 1 bytes too many.");
    }

    [Theory]
    [InlineData(StoreCipher.AesGcm)]
    [InlineData(StoreCipher.ChaCha20Poly1305)]
    public void WithAKeyNothingIsReadableWithoutIt(StoreCipher cipher)
    {
        using var sealer = new EntrySealer(KeysOf(cipher, "secret"));
        using var other = new EntrySealer(KeysOf(cipher, "other"));
        var file = StateOf("the owner's name").Encode(sealer);
        Encoding.UTF8.GetString(file).ShouldNotContain("owner");
        GroupState.ReadId(Path, file).ShouldBe(7UL);
        ShouldBeStateOf("the owner's name", GroupState.Decode(Path, file, sealer));
        Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, file, other));
        // It cannot be passed off as the state of another moment.
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(17), 10);
        Should.Throw<CorruptStoreException>(() => GroupState.Decode(Path, WithChecksum(file), sealer));
    }

    [Fact]
    public void RecordsOfTheLogGoOnFromIt()
    {
        var state = GroupState.Decode(Path, StateOf("A").Encode(null), null);
        GroupRecord.Replay(state, GroupRecord.Append, Frame(13));
        GroupRecord.Replay(state, GroupRecord.Append, Frame(14));
        GroupRecord.Replay(state, GroupRecord.Truncate, BitConverter.GetBytes(13UL));
        GroupRecord.Replay(state, GroupRecord.Doubt, [0]);
        state.Frames.Select(static frame => BinaryPrimitives.ReadUInt64LittleEndian(frame.AsSpan(32)) + 1).ShouldBe([11UL, 12UL, 13UL]);
        state.MayHaveForgotten.ShouldBeFalse();
        state.Position.ShouldBe(13UL);
        foreach (var (kind, payload) in new (byte, byte[])[] { (GroupRecord.Vote, [1]), (GroupRecord.Append, new byte[10]), (GroupRecord.Install, [9]), (77, []) })
        {
            Should.Throw<CorruptStoreException>(() => GroupRecord.Replay(state, kind, payload)).Message.ShouldStartWith("Record 14 of group 7 is of kind");
        }
    }

    private static GroupState StateOf(string owner) => new()
    {
        Id = 7,
        Owner = owner,
        Position = 9,
        Term = 3,
        Vote = PeerId.Of("b"),
        MayHaveForgotten = true,
        Peers = Members,
        Removed = [PeerId.Of("d"), PeerId.Of("e")],
        Snapshot = new RaftSnapshot(2, 10, Members with { Index = 4 }, "state"u8.ToArray()),
        Frames = { Frame(11), Frame(12) },
    };

    private static byte[] Peers(string names, ulong index)
    {
        var to = new ArrayBufferWriter<byte>();
        GroupState.Write(to, RaftPeers.Of([.. names.Select(static name => PeerId.Of(name.ToString()))]) with { Index = index });
        return to.WrittenSpan.ToArray();
    }

    private static void ShouldBeStateOf(string owner, GroupState read, bool hasRemoved = true)
    {
        read.Removed.Order().ShouldBe(hasRemoved ? new[] { PeerId.Of("d"), PeerId.Of("e") }.Order() : []);
        read.Id.ShouldBe(7UL);
        read.Owner.ShouldBe(owner);
        read.Position.ShouldBe(9UL);
        read.Term.ShouldBe(3UL);
        read.Vote.ShouldBe(PeerId.Of("b"));
        read.MayHaveForgotten.ShouldBeTrue();
        read.WasFound.ShouldBeTrue();
        read.Peers.Ids.ShouldBe(Members.Ids);
        read.Snapshot.ShouldNotBeNull();
        (read.Snapshot.Term, read.Snapshot.Index, read.Snapshot.Peers.Index).ShouldBe((2UL, 10UL, 4UL));
        read.Snapshot.Data.ToArray().ShouldBe("state"u8.ToArray());
        read.Frames.Count.ShouldBe(2);
        read.Frames[1].ShouldBe(Frame(12));
    }

    /// <summary>An entry as stored: only its place matters here.</summary>
    private static byte[] Frame(ulong index)
    {
        var frame = new byte[AppendEntry.HeaderLength + 5];
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(32), index - 1);
        return frame;
    }

    private static byte[] WithChecksum(byte[] file)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(file, Crc32C.Compute(file.AsSpan(4)));
        return file;
    }

    private static FileStoreOptions KeysOf(StoreCipher cipher, string secret) => new() { StreamId = 7, Key = new StoreKey(cipher, Encoding.UTF8.GetBytes(secret)) };
}
