using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Raft.Wire;

/// <summary>Frames a cluster of 2.14.5 servers sent (golden/nrg), read and written again.</summary>
public sealed class GoldenFrameTests
{
    private static IEnumerable<JsonElement> Frames(params string[] kinds)
    {
        var frames = File.ReadLines(Golden.PathOf("nrg", "raft-frames.jsonl")).Select(Golden.ParseText).Where(one => kinds.Contains(Text(one, "kind"))).ToArray();
        frames.Length.ShouldBeGreaterThan(50);
        return frames;
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGSimpleElection")]
    public void Vote_requests()
    {
        foreach (var frame in Frames("vote_request"))
        {
            var bytes = Bytes(frame);
            VoteRequest.TryRead(bytes, out var request).ShouldBeTrue();
            var decoded = frame.GetProperty("decoded");
            request.ShouldBe(new VoteRequest(Number(decoded, "term"), Number(decoded, "last_term"), Number(decoded, "last_index"), PeerId.Parse(Text(decoded, "candidate"))));
            request.Write(new byte[VoteRequest.Length]).ToArray().ShouldBe(bytes);
            Text(frame, "subject").ShouldBe(System.Text.Encoding.UTF8.GetString(new RaftSubjects(Text(frame, "group")).Votes));
        }
    }

    [Fact]
    [Upstream("raft_test.go", "TestNRGVoteResponseEncoding")]
    public void Vote_responses()
    {
        foreach (var frame in Frames("vote_response"))
        {
            var bytes = Bytes(frame);
            VoteResponse.TryRead(bytes, out var response).ShouldBeTrue();
            var decoded = frame.GetProperty("decoded");
            response.ShouldBe(new VoteResponse(Number(decoded, "term"), PeerId.Parse(Text(decoded, "peer")), decoded.GetProperty("granted").GetBoolean(), decoded.GetProperty("empty").GetBoolean()));
            response.Write(new byte[VoteResponse.Length]).ToArray().ShouldBe(bytes);
        }
    }

    [Fact]
    public void Responses_to_append_entries()
    {
        foreach (var frame in Frames("append_entry_response"))
        {
            var bytes = Bytes(frame);
            AppendEntryResponse.TryRead(bytes, out var response).ShouldBeTrue();
            var decoded = frame.GetProperty("decoded");
            response.ShouldBe(new AppendEntryResponse(Number(decoded, "term"), Number(decoded, "index"), PeerId.Parse(Text(decoded, "peer")), decoded.GetProperty("success").GetBoolean()));
            response.Write(new byte[AppendEntryResponse.Length]).ToArray().ShouldBe(bytes);
        }
    }

    [Fact]
    public void Append_entries()
    {
        foreach (var frame in Frames("append_entry", "catchup_append_entry"))
        {
            var bytes = Bytes(frame);
            AppendEntry.TryRead(bytes, out var entry).ShouldBeTrue();
            var decoded = frame.GetProperty("decoded");
            entry.Leader.ToString().ShouldBe(Text(decoded, "leader"));
            (entry.Term, entry.Commit, entry.PreviousTerm, entry.PreviousIndex, entry.LeaderTerm)
                .ShouldBe((Number(decoded, "term"), Number(decoded, "commit"), Number(decoded, "pterm"), Number(decoded, "pindex"), Number(decoded, "lterm")));
            entry.Count.ShouldBe((int)Number(decoded, "n_entries"));
            var expected = decoded.TryGetProperty("entries", out var entries) && entries.ValueKind == JsonValueKind.Array ? entries.EnumerateArray().ToArray() : [];
            Rewrite(entry, expected).ShouldBe(bytes);
            entry.IsHeartbeat.ShouldBe(expected.Length == 0);
        }
    }

    private static byte[] Rewrite(in AppendEntry entry, JsonElement[] expected)
    {
        var written = new byte[entry.Frame.Length];
        AppendEntry.WriteHeader(written, new AppendEntryHeader(entry.Leader, entry.Term, entry.Commit, entry.PreviousTerm, entry.PreviousIndex), entry.Count);
        var (at, count) = (AppendEntry.HeaderLength, 0);
        foreach (var one in entry)
        {
            ((ulong)one.Type).ShouldBe(Number(expected[count], "type"));
            one.Data.Length.ShouldBe((int)Number(expected[count], "len"));
            at += AppendEntry.WriteEntry(written.AsSpan(at), one.Type, one.Type == RaftEntryType.PeerState ? Peers(one.Data, expected[count]) : one.Data);
            count++;
        }
        count.ShouldBe(expected.Length);
        at += AppendEntry.WriteLeaderTerm(written.AsSpan(at), entry.LeaderTerm);
        at.ShouldBe(written.Length);
        return written;
    }

    private static byte[] Peers(ReadOnlySpan<byte> data, JsonElement expected)
    {
        PeerState.TryRead(data, out var size, out var peers, out var extension).ShouldBeTrue();
        var decoded = expected.GetProperty("decoded");
        size.ShouldBe((int)Number(decoded, "cluster_size"));
        peers.Select(peer => peer.ToString()).ShouldBe(decoded.GetProperty("peers").EnumerateArray().Select(peer => peer.GetString()!));
        return PeerState.Write(new byte[PeerState.LengthOf(peers.Length)], size, peers, extension).ToArray();
    }

    [Fact]
    public void A_peers_id_is_the_hash_of_its_servers_name()
    {
        foreach (var vector in Golden.Json("vectors", "gethash.json").EnumerateArray())
            PeerId.Of(Text(vector, "name")).ToString().ShouldBe(Text(vector, "hash8"));
    }

    [Fact]
    public void Inboxes_look_like_those_of_Go_servers()
    {
        foreach (var frame in Frames("vote_request")) Matches(Text(frame, "reply"), RaftSubjects.Inbox(12345678901234567890));
        foreach (var frame in Frames("catchup_append_entry")) Matches(Text(frame, "subject"), RaftSubjects.CatchUpInbox(0));

        static void Matches(string recorded, byte[] made)
        {
            made.Length.ShouldBe(recorded.Length);
            System.Text.Encoding.ASCII.GetString(made)[..^8].ShouldBe(recorded[..^8]);
            made.All(one => one is (byte)'$' or (byte)'.' || char.IsAsciiLetterOrDigit((char)one)).ShouldBeTrue();
        }
    }

    private static byte[] Bytes(JsonElement frame) => Convert.FromHexString(Text(frame, "hex"));

    private static string Text(JsonElement element, string key) => element.GetProperty(key).GetString()!;

    private static ulong Number(JsonElement element, string key) => element.GetProperty(key).GetUInt64();
}
