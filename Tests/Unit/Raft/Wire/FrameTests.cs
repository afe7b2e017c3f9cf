using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Raft.Wire;

public sealed class FrameTests
{
    private static readonly PeerId Leader = PeerId.Parse("leaderAB");

    [Fact]
    public void Frames_of_a_fixed_length_are_refused_at_any_other()
    {
        for (var length = 0; length < 64; length++)
        {
            var bytes = Enumerable.Repeat((byte)'x', length).ToArray();
            VoteRequest.TryRead(bytes, out _).ShouldBe(length == 32);
            VoteResponse.TryRead(bytes, out _).ShouldBe(length == 17);
            AppendEntryResponse.TryRead(bytes, out _).ShouldBe(length == 25);
            PeerId.TryRead(bytes, out _).ShouldBe(length == 8);
        }
    }

    [Fact]
    public void Nobody_neither_asks_nor_answers()
    {
        VoteRequest.TryRead(new byte[32], out _).ShouldBeFalse();
        VoteResponse.TryRead(new byte[17], out _).ShouldBeFalse();
        AppendEntryResponse.TryRead(new byte[25], out _).ShouldBeFalse();
        PeerId.TryRead(new byte[8], out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGAppendEntryEncode")]
    public void An_append_entry_reads_back()
    {
        byte[] frame = Frame(("one"u8.ToArray(), RaftEntryType.Normal), ([], RaftEntryType.Normal), (new byte[70_000], RaftEntryType.Snapshot));
        AppendEntry.TryRead(frame, out var entry).ShouldBeTrue();
        (entry.Leader, entry.Term, entry.Commit, entry.PreviousTerm, entry.PreviousIndex, entry.Count, entry.LeaderTerm).ShouldBe((Leader, 7UL, 3UL, 6UL, 4UL, 3, 300UL));
        entry.SenderTerm.ShouldBe(300UL);
        var lengths = new List<int>();
        foreach (var one in entry) lengths.Add(one.Data.Length);
        lengths.ShouldBe([3, 0, 70_000]);
        Should.Throw<OverflowException>(() => AppendEntry.WriteHeader(new byte[64], default, AppendEntry.MaxEntries + 1));
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGAppendEntryDecode")]
    [Upstream("raft_test.go", "TestNRGAppendEntryDecodeTruncatedEntryLength")]
    public void An_append_entry_that_is_cut_anywhere_is_refused()
    {
        var frame = Frame(("one"u8.ToArray(), RaftEntryType.Normal), ("two"u8.ToArray(), RaftEntryType.AddPeer));
        var whole = frame.Length - 2; // the leader's term takes two bytes; without it, it is an old server's frame
        for (var length = 0; length <= frame.Length; length++)
            AppendEntry.TryRead(frame.AsSpan(0, length), out _).ShouldBe(length == whole || length == frame.Length, $"{length} of {frame.Length} bytes");
    }

    [Fact]
    public void An_old_servers_append_entry_has_no_leader_term()
    {
        var frame = Frame(("one"u8.ToArray(), RaftEntryType.Normal))[..^2];
        AppendEntry.TryRead(frame, out var entry).ShouldBeTrue();
        (entry.LeaderTerm, entry.SenderTerm).ShouldBe((0UL, 7UL));
    }

    [Fact]
    public void What_later_servers_append_is_ignored()
    {
        byte[] frame = [.. Frame(("one"u8.ToArray(), RaftEntryType.Normal)), 1, 2, 3];
        AppendEntry.TryRead(frame, out var entry).ShouldBeTrue();
        (entry.LeaderTerm, entry.Count).ShouldBe((300UL, 1));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0x80000000u)]
    [InlineData(0xFFFFFFFFu)]
    public void Lengths_that_lie_are_refused(uint size)
    {
        var frame = Frame(("one"u8.ToArray(), RaftEntryType.Normal))[..^2];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(AppendEntry.HeaderLength), size);
        AppendEntry.TryRead(frame, out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGPeerStateDecodeTruncated")]
    public void Members_that_are_cut_are_refused()
    {
        var peers = Enumerable.Range(0, 3).Select(i => PeerId.Parse($"peer000{i}")).ToArray();
        var bytes = PeerState.Write(new byte[PeerState.LengthOf(3)], 5, peers, 2).ToArray();
        for (var length = 0; length < bytes.Length - 2; length++) PeerState.TryRead(bytes.AsSpan(0, length), out _, out _, out _).ShouldBeFalse();
        PeerState.TryRead(bytes.AsSpan(0, bytes.Length - 2), out _, out _, out var without).ShouldBeTrue();
        PeerState.TryRead(bytes, out var size, out var read, out var extension).ShouldBeTrue();
        (size, extension, without).ShouldBe((5, (ushort)2, (ushort)0));
        read.ShouldBe(peers);
        Enumerable.Repeat((byte)0xFF, 8).ToArray().CopyTo(bytes, 0);
        PeerState.TryRead(bytes, out _, out _, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("muchlonger")]
    [InlineData("schön123")]
    public void Ids_are_eight_ascii_characters(string text) => Should.Throw<FormatException>(() => PeerId.Parse(text));

    [Fact]
    public void Ids_are_sorted_as_text()
    {
        var ids = new[] { "zzzzzzz1", "aaaaaaab", "aaaaaaaa", "baaaaaaa" }.Select(PeerId.Parse).Order().Select(id => id.ToString());
        ids.ShouldBe(["aaaaaaaa", "aaaaaaab", "baaaaaaa", "zzzzzzz1"]);
        PeerId.None.ToString().ShouldBe("");
    }

    private static byte[] Frame(params (byte[] Data, RaftEntryType Type)[] entries)
    {
        var frame = new byte[AppendEntry.HeaderLength + entries.Sum(one => one.Data.Length + AppendEntry.EntryHeaderLength) + SpanWriter.MaxVarintLength];
        AppendEntry.WriteHeader(frame, new AppendEntryHeader(Leader, 7, 3, 6, 4), entries.Length);
        var at = AppendEntry.HeaderLength;
        foreach (var (data, type) in entries) at += AppendEntry.WriteEntry(frame.AsSpan(at), type, data);
        at += AppendEntry.WriteLeaderTerm(frame.AsSpan(at), 300);
        return frame[..at];
    }
}
