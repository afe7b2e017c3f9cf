using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Simulation.Raft;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever comes as a frame is read or refused; a member that gets it goes on, and stays what it must be.</summary>
public sealed class RaftFuzzTests
{
    private const int Mutations = 60_000;

    private static readonly byte[][] Frames =
        [.. File.ReadLines(Golden.PathOf("nrg", "raft-frames.jsonl")).Select(line => Convert.FromHexString(Golden.ParseText(line).GetProperty("hex").GetString()!)).Where(frame => frame.Length < 2_000)];

    /// <summary>What is read is what is there: written again, it is the same bytes.</summary>
    [Theory]
    [InlineData(1)]
    public void Frames_are_read_or_refused(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < Mutations; i++)
        {
            var frame = Mutate(random);
            if (AppendEntry.TryRead(frame, out var entry)) Rewrite(entry).AsSpan().SequenceEqual(frame.AsSpan(0, entry.Body.Length)).ShouldBeTrue($"seed {seed}, step {i}");
            if (VoteRequest.TryRead(frame, out var request)) request.Write(new byte[VoteRequest.Length]).SequenceEqual(frame).ShouldBeTrue();
            if (VoteResponse.TryRead(frame, out var vote)) vote.Write(new byte[VoteResponse.Length])[..16].SequenceEqual(frame.AsSpan(0, 16)).ShouldBeTrue();
            if (AppendEntryResponse.TryRead(frame, out var response)) response.Write(new byte[AppendEntryResponse.Length])[..24].SequenceEqual(frame.AsSpan(0, 24)).ShouldBeTrue();
            if (PeerState.TryRead(frame, out _, out var peers, out _)) (peers.Length * PeerId.Length).ShouldBeLessThan(frame.Length);
        }
    }

    /// <summary>A member that gets anything from anybody throws nothing, and never takes back what is committed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_member_survives_anything(int seed)
    {
        var random = new Random(seed);
        var disk = new MemberDisk(RaftPeers.Of(Id('a'), Id('b'), Id('c')));
        var options = new RaftOptions { Self = Id('a'), Group = "g", Seed = 1, AddsHeardPeers = false };
        var member = new SimulatedMember(Id('a'), options, static (one, start, effects) => new RaftGroup(one, start, effects), new Silent(), disk);
        member.Start(RaftOrigin.Created, (ulong)seed, paused: false, 0);
        ulong term = 0, commit = 0;
        for (var now = 1; now < 20_000; now++)
        {
            Step(member, random, now);
            member.EndTurn(now);
            member.Sync(disk.Last, now);
            member.Group.CommitIndex.ShouldBeGreaterThanOrEqualTo(commit);
            member.Group.Term.ShouldBeGreaterThanOrEqualTo(term);
            member.Group.CommitIndex.ShouldBeLessThanOrEqualTo(member.Group.LastIndex);
            (commit, term) = (member.Group.CommitIndex, member.Group.Term);
        }
        commit.ShouldBeGreaterThan(0UL, "something was committed, or nothing was tried");
    }

    // Half of what comes is well formed and near to what the member knows, so that it gets far.
    private static void Step(SimulatedMember member, Random random, long now)
    {
        var group = member.Group;
        var kind = (RaftMessageKind)random.Next(6);
        byte[] reply = random.Next(3) == 0 ? [] : "$TO.x"u8.ToArray();
        var frame = random.Next(2) == 0 ? Mutate(random) : Likely(group, random, kind);
        if (random.Next(4) == 0 && member.CatchUpInbox is { } inbox) group.ReceiveCatchUp(inbox.Number, frame, reply, now);
        else group.Receive(kind, frame, reply, now);
        if (random.Next(20) == 0) group.Tick(now);
        if (random.Next(50) == 0) group.Campaign(now);
    }

    private static byte[] Likely(RaftGroup group, Random random, RaftMessageKind kind)
    {
        var peer = Id((char)('b' + random.Next(3)));
        var (term, index) = (group.Term + (ulong)random.Next(2), group.LastIndex - Math.Min(group.LastIndex, (ulong)random.Next(3)) + (ulong)random.Next(2));
        var indexTerm = group.TermOf(index) ?? group.LastTerm;
        switch (kind)
        {
            case RaftMessageKind.VoteRequest:
                return new VoteRequest(term, indexTerm, index, peer).Write(new byte[VoteRequest.Length]).ToArray();
            case RaftMessageKind.VoteResponse:
                return new VoteResponse(term, peer, random.Next(2) == 0, random.Next(4) == 0).Write(new byte[VoteResponse.Length]).ToArray();
            case RaftMessageKind.AppendEntryResponse:
                return new AppendEntryResponse(indexTerm, index, peer, random.Next(2) == 0).Write(new byte[AppendEntryResponse.Length]).ToArray();
            default:
                using (var batch = new ProposalBatch(1024))
                {
                    batch.Add((RaftEntryType)random.Next(8), random.Next(3) == 0 ? "bbbbbbbb"u8 : "x"u8);
                    return batch.Close(new AppendEntryHeader(peer, term, (ulong)random.Next((int)index + 2), indexTerm, index)).ToArray();
                }
        }
    }

    private static PeerId Id(char letter) => PeerId.Parse(new string(letter, PeerId.Length));

    private static byte[] Mutate(Random random)
    {
        var frame = Frames[random.Next(Frames.Length)].ToArray();
        for (var changes = random.Next(4); changes > 0 && frame.Length > 0; changes--)
        {
            var at = random.Next(frame.Length);
            switch (random.Next(5))
            {
                case 0:
                    frame = frame[..at];
                    break;
                case 1:
                    frame = [.. frame[..at], (byte)random.Next(256), .. frame[at..]];
                    break;
                case 2:
                    frame[at] = random.Next(2) == 0 ? (byte)0xFF : (byte)0;
                    break;
                default:
                    frame[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
        return frame;
    }

    private static byte[] Rewrite(in AppendEntry entry)
    {
        var written = new byte[entry.Body.Length];
        AppendEntry.WriteHeader(written, new AppendEntryHeader(entry.Leader, entry.Term, entry.Commit, entry.PreviousTerm, entry.PreviousIndex), entry.Count);
        var at = AppendEntry.HeaderLength;
        foreach (var one in entry) at += AppendEntry.WriteEntry(written.AsSpan(at), one.Type, one.Data);
        return written;
    }

    private sealed class Silent : IMemberObserver
    {
        public bool IsRecording => false;

        public void Note(SimulatedMember? member, string what)
        {
        }

        public void Stored(SimulatedMember member, ulong index, ulong term, ReadOnlySpan<byte> frame)
        {
        }

        public void Applied(SimulatedMember member, ulong index, ulong term, ulong chain)
        {
        }

        public void SnapshotApplied(SimulatedMember member, ulong index, ulong chain)
        {
        }

        public void Removed(PeerId peer)
        {
        }

        public void Elected(SimulatedMember member)
        {
        }

        public void Sent(SimulatedMember member, SimulatedMessage message)
        {
        }
    }
}
