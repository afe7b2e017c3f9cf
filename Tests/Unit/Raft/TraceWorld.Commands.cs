using System.Globalization;
using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Tests.Simulation.Raft;

namespace NatsAspire.Tests.Unit.Raft;

// The words of traces; ENGINEERING.md lists them.
internal sealed partial class TraceWorld
{
    private static readonly Dictionary<string, Action<TraceWorld, string[]>> Commands = new()
    {
        ["options"] = (world, words) => world.SetOptions(Arguments(words)),
        ["create"] = (world, words) => world.Create(words),
        ["campaign"] = (world, words) => world.Campaign(words[0]),
        ["elect"] = (world, words) => world.Elect(words[0]),
        ["deliver"] = (world, words) => world.Deliver(member => words.Length == 0 || words[0].Contains(member.Name)),
        ["drop"] = (world, words) => world._mail.RemoveAll(mail => words.Length == 0 || words[0].Contains(mail.To.Name)),
        ["wait"] = (world, words) => world.Wait(long.Parse(words[0], CultureInfo.InvariantCulture)),
        ["propose"] = (world, words) => world.Propose(words),
        ["forward"] = (world, words) => world.Turn(world.Member(words[0]), group => group.Forward(Encoding.Latin1.GetBytes(words[1]), world._now)),
        ["hold"] = (world, words) => world._heldDisks.Add(world.Member(words[0])),
        ["sync"] = (world, words) => world.Release(words[0]),
        ["cut"] = (world, words) => world.Cut(words[0], words[1]),
        ["heal"] = (world, _) => world._cuts.Clear(),
        ["crash"] = (world, words) => world.Member(words[0]).Crash(survivors: 0),
        ["restart"] = (world, words) => world.Start(world.Member(words[0]), words.Contains("damaged") ? RaftOrigin.Damaged : words.Contains("created") ? RaftOrigin.Created : RaftOrigin.Recovered, words.Contains("paused")),
        ["wipe"] = (world, words) => world.Member(words[0]).Wipe(RaftPeers.Of(Ids(words[1]))),
        ["state"] = (world, words) => world.ShowStates(words),
        ["peers"] = (world, words) => world.ShowPeers(words[0]),
        ["log"] = (world, words) => world.ShowLog(words[0]),
        ["entry"] = (world, words) => world.GiveEntry(words),
        ["vote"] = (world, words) => world.GiveVoteRequest(words),
        ["grant"] = (world, words) => world.GiveVote(words),
        ["ack"] = (world, words) => world.GiveAnswer(words),
        ["bytes"] = (world, words) => world.Turn(world.Member(words[0]), group => group.Receive(Enum.Parse<RaftMessageKind>(words[1]), Convert.FromHexString(words[2]), default, world._now)),
        ["proposal"] = (world, words) => world.Turn(world.Member(words[0]), group => group.Receive(RaftMessageKind.Proposal, Encoding.Latin1.GetBytes(words[2]), Encoding.ASCII.GetBytes($"$TO.{words[1]}"), world._now)),
        ["removal"] = (world, words) => world.Turn(world.Member(words[0]), group => group.Receive(RaftMessageKind.RemovePeer, BytesOf(Id(words[2])), Encoding.ASCII.GetBytes($"$TO.{words[1]}"), world._now)),
        ["ask"] = (world, words) => world.Ask(words),
        ["applylater"] = (world, words) => world.Member(words[0]).AppliesLater = true,
        ["apply"] = (world, words) => world.Apply(words[0]),
        ["snapshot"] = (world, words) => world.TakeSnapshot(words),
        ["saved"] = (world, words) => { world.Member(words[0]).FinishSnapshot(world._now); },
        ["pause"] = (world, words) => world.Turn(world.Member(words[0]), group => group.PauseApply(world._now)),
        ["resume"] = (world, words) => world.Turn(world.Member(words[0]), group => group.ResumeApply(world._now)),
        ["replay"] = (world, words) => world.Turn(world.Member(words[0]), group => world.Say($"{group.ReplaySnapshot(world._now)}")),
        ["observe"] = (world, words) => world.Turn(world.Member(words[0]), group => group.SetObserver(words[1] == "on", world._now)),
        ["ended"] = (world, words) => world.Turn(world.Member(words[0]), group => group.LeaderHasEnded(Id(words[1]), world._now)),
        ["call"] = (world, words) => world.Turn(world.Member(words[0]), group => group.CallFor(Id(words[1]), world._now)),
        ["late"] = (world, words) => world.Member(words[0]).Group.IsLate = words[1] == "on",
        ["setpeers"] = (world, words) => world.Turn(world.Member(words[0]), group => group.SetPeers(Ids(words[1]), world._now)),
        ["stop"] = (world, words) => world.Member(words[0]).Group.Stop(),
    };

    private void SetOptions(Dictionary<string, string> given)
    {
        foreach (var (key, text) in given)
        {
            var value = int.Parse(text, CultureInfo.InvariantCulture);
            _options = key switch
            {
                "addpeers" => _options with { AddsHeardPeers = value != 0 },
                "threshold" => _options with { PauseThreshold = (ulong)value, ResumeThreshold = (ulong)value / 2 },
                "peerremove" => _options with { Timings = _options.Timings with { PeerRemove = value } },
                "window" => _options with { CatchUpWindow = value },
                "batch" => _options with { MaxBatchEntries = value },
                _ => throw new FormatException($"'{key}' is no option"),
            };
        }
    }

    // Its election is due; that of the others is not.
    private void Campaign(string name)
    {
        var member = Member(name);
        Turn(member, group => group.Campaign(_now));
        _now += 900;
        Turn(member, group => group.Tick(_now));
    }

    private void Elect(string name)
    {
        var before = _output.Length;
        Campaign(name);
        Deliver(static _ => true);
        _output.Length = before;
        Say($"{name} {Member(name).Group.State} in term {Member(name).Group.Term}{(Member(name).Group.Leads ? ", leads" : "")}");
    }

    private void Wait(long milliseconds)
    {
        var until = _now + milliseconds;
        while (_members.Where(member => member.IsRunning).OrderBy(member => member.Group.NextTick).FirstOrDefault() is { } next && next.Group.NextTick <= until)
        {
            _now = Math.Max(_now, next.Group.NextTick);
            Turn(next, group => group.Tick(_now));
        }
        _now = until;
    }

    private void Propose(string[] words) => Turn(Member(words[0]), group =>
    {
        foreach (var word in words[1..])
        {
            var result = group.Propose(group.Term, Encoding.Latin1.GetBytes(word), _now);
            if (result != RaftResult.Accepted) Say(result.ToString());
        }
    });

    private void Release(string name)
    {
        var member = Member(name);
        _heldDisks.Remove(member);
        Sync(member);
    }

    private void Cut(string from, string to)
    {
        foreach (var one in from)
        {
            foreach (var other in to)
            {
                _cuts.Add((one.ToString(), other.ToString()));
                _cuts.Add((other.ToString(), one.ToString()));
            }
        }
    }

    private void ShowStates(string[] words)
    {
        foreach (var member in words.Length == 0 ? _members : words.Select(Member))
        {
            var group = member.Group;
            Say($"{member.Name} {group.State} term {group.Term} vote {SimulatedMember.Letter(group.Vote)} leader {SimulatedMember.Letter(group.Leader)} last {group.LastTerm}:{group.LastIndex} commit {group.CommitIndex} applied {group.AppliedIndex} snapshot {group.SnapshotIndex} members {SimulatedMember.Letters(group.Members.ToArray())}/{group.ClusterSize}"
                + (group.Leads ? " leads" : "") + (group.IsChangingMembers ? " changing" : "") + (group.IsCatchingUp ? " catching-up" : "") + (group.IsObserver ? " observer" : "") + (group.MayHaveForgotten ? " forgetful" : "") + (group.IsCurrent(_now) ? " current" : ""));
        }
    }

    private void ShowPeers(string name)
    {
        foreach (var peer in Member(name).Group.GetPeers(_now))
            Say($"{SimulatedMember.Letter(peer.Id)}{(peer.IsCurrent ? " current" : "")} lag {peer.Lag} heard {(peer.Heard is { } heard ? $"{_now - heard} ms ago" : "never")}");
    }

    private void ShowLog(string name)
    {
        var group = Member(name).Group;
        Say(string.Join(' ', Enumerable.Range(0, (int)(group.LastIndex - group.SnapshotIndex) + 1).Select(i => $"{group.TermOf(group.SnapshotIndex + (ulong)i)}:{group.SnapshotIndex + (ulong)i}")));
    }

    // entry a from=b term=1 commit=0 previous=0:0 x y +c -c >a peers:abc snap:data [leaderterm=2] [catchup]
    private void GiveEntry(string[] words)
    {
        var member = Member(words[0]);
        var given = Arguments(words.Where(word => word.Contains('=') || word == "catchup").ToArray());
        var (term, index) = Place(given.GetValueOrDefault("previous", "0:0"));
        var header = new AppendEntryHeader(Id(given["from"]), Number(given, "term"), Number(given, "commit"), term, index);
        using var batch = new ProposalBatch(1 << 20);
        foreach (var word in words[1..].Where(word => !word.Contains('=') && word != "catchup")) AddEntry(batch, word);
        var frame = batch.Count == 0 ? Heartbeat(header) : batch.Close(header).ToArray();
        if (given.ContainsKey("leaderterm")) frame = [.. frame[..^1], .. Uvarint(Number(given, "leaderterm"))];
        var reply = Encoding.ASCII.GetBytes($"$TO.{given["from"]}");
        Turn(member, group =>
        {
            if (!given.ContainsKey("catchup")) group.Receive(RaftMessageKind.AppendEntry, frame, reply, _now);
            else group.ReceiveCatchUp(given["catchup"].Length > 0 ? (long)Number(given, "catchup") : member.CatchUpInbox?.Number ?? 0, frame, reply, _now);
        });
    }

    private static void AddEntry(ProposalBatch batch, string word)
    {
        var (type, data) = word[0] switch
        {
            '+' => (RaftEntryType.AddPeer, BytesOf(Id(word[1..]))),
            '-' => (RaftEntryType.RemovePeer, BytesOf(Id(word[1..]))),
            '>' => (RaftEntryType.LeaderTransfer, BytesOf(Id(word[1..]))),
            _ when word.StartsWith("peers:", StringComparison.Ordinal) => (RaftEntryType.PeerState, RaftPeers.Of(Ids(word[6..])).Encode()),
            _ when word.StartsWith("snap:", StringComparison.Ordinal) => (RaftEntryType.Snapshot, Encoding.Latin1.GetBytes(word[5..])),
            _ => (RaftEntryType.Normal, Encoding.Latin1.GetBytes(word)),
        };
        batch.Add(type, data);
    }

    private static byte[] Heartbeat(in AppendEntryHeader header)
    {
        var frame = new byte[AppendEntry.HeaderLength + 1];
        AppendEntry.WriteHeader(frame, header, 0);
        return frame;
    }

    private static byte[] Uvarint(ulong value)
    {
        var bytes = new byte[SpanWriter.MaxVarintLength];
        return bytes[..AppendEntry.WriteLeaderTerm(bytes, value)];
    }

    private static byte[] BytesOf(PeerId id)
    {
        var bytes = new byte[PeerId.Length];
        id.Write(bytes);
        return bytes;
    }

    private void GiveVoteRequest(string[] words)
    {
        var given = Arguments(words);
        var (term, index) = Place(given.GetValueOrDefault("last", "0:0"));
        var frame = new VoteRequest(Number(given, "term"), term, index, Id(given["from"])).Write(new byte[VoteRequest.Length]).ToArray();
        Turn(Member(words[0]), group => group.Receive(RaftMessageKind.VoteRequest, frame, Encoding.ASCII.GetBytes($"$TO.{given["from"]}"), _now));
    }

    private void GiveVote(string[] words)
    {
        var given = Arguments(words);
        var frame = new VoteResponse(Number(given, "term"), Id(given["from"]), !given.ContainsKey("refused"), given.ContainsKey("empty")).Write(new byte[VoteResponse.Length]).ToArray();
        Turn(Member(words[0]), group => group.Receive(RaftMessageKind.VoteResponse, frame, default, _now));
    }

    private void GiveAnswer(string[] words)
    {
        var given = Arguments(words);
        var (term, index) = Place(given["at"]);
        var frame = new AppendEntryResponse(term, index, Id(given["from"]), !given.ContainsKey("failed")).Write(new byte[AppendEntryResponse.Length]).ToArray();
        Turn(Member(words[0]), group => group.Receive(RaftMessageKind.AppendEntryResponse, frame, given.ContainsKey("catchup") ? Encoding.ASCII.GetBytes($"$TO.{given["from"]}") : default, _now));
    }

    // ask a add b | remove b | stepdown [b] | size 5 | bootsize 5 | peers abc | sendsnapshot x | propose-in-term 1 x
    private void Ask(string[] words) => Turn(Member(words[0]), group => Say(words[1] switch
    {
        "add" => $"{group.ProposeAddPeer(Id(words[2]), _now)}",
        "remove" => $"{group.ProposeRemovePeer(Id(words[2]), _now)}",
        "stepdown" => $"{group.StepDown(words.Length > 2 ? Id(words[2]) : PeerId.None, _now)}",
        "size" => $"{group.AdjustClusterSize(int.Parse(words[2], CultureInfo.InvariantCulture), _now)}",
        "bootsize" => $"{group.AdjustBootClusterSize(int.Parse(words[2], CultureInfo.InvariantCulture), _now)}",
        "peers" => $"{group.ProposePeers(Ids(words[2]), _now)}",
        "sendsnapshot" => $"{group.SendSnapshot(Encoding.Latin1.GetBytes(words[2]), _now)}",
        "propose-in-term" => $"{group.Propose(ulong.Parse(words[2], CultureInfo.InvariantCulture), Encoding.Latin1.GetBytes(words[3]), _now)}",
        "campaign" => $"{group.CampaignImmediately(_now)}",
        "quorum" => $"{group.HasQuorum(_now)}",
        "processed" => $"{group.Processed(ulong.Parse(words[2], CultureInfo.InvariantCulture), ulong.Parse(words[3], CultureInfo.InvariantCulture), _now)}",
        _ => throw new FormatException($"'{words[1]}' cannot be asked"),
    }));

    private void Apply(string name)
    {
        var member = Member(name);
        member.AppliesLater = false;
        Turn(member, _ => { });
    }

    private void TakeSnapshot(string[] words)
    {
        var member = Member(words[0]);
        Turn(member, _ => Say($"{member.MakeSnapshot(words.Contains("force"), _now)}"));
        if (words.Contains("unsaved")) return;
        member.FinishSnapshot(_now);
        Turn(member, _ => { });
    }
}
