using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Simulation.Raft;

/// <summary>Messages as timelines and traces show them.</summary>
internal static class MessageText
{
    public static string Of(SimulatedMessage message)
    {
        if (message.Subject.StartsWith("$NRG.V.", StringComparison.Ordinal) && VoteRequest.TryRead(message.Frame, out var request))
            return $"vote request: term {request.Term}, last {request.LastTerm}:{request.LastIndex}";
        if (message.Subject.StartsWith("$NRG.AE.", StringComparison.Ordinal) && AppendEntry.TryRead(message.Frame, out var live))
            return Of(live);
        if (message.Subject.StartsWith("$NRG.CR.", StringComparison.Ordinal) && AppendEntry.TryRead(message.Frame, out var older))
            return "catch-up " + Of(older);
        if (VoteResponse.TryRead(message.Frame, out var vote))
            return $"vote: term {vote.Term}, {(vote.IsGranted ? "granted" : "refused")}{(vote.IsEmpty ? ", empty" : "")}";
        if (AppendEntryResponse.TryRead(message.Frame, out var response))
            return response.IsSuccess ? $"ack {response.Term}:{response.Index}" : message.Reply.Length > 0 ? $"asks for catch-up behind {response.Term}:{response.Index}" : $"refuses in term {response.Term}";
        return message.Subject.StartsWith("$NRG.P", StringComparison.Ordinal) ? "proposal" : message.Subject.StartsWith("$NRG.RP", StringComparison.Ordinal) ? "removal" : "empty answer";
    }

    private static string Of(in AppendEntry entry)
    {
        var entries = new List<string>();
        foreach (var one in entry) entries.Add(SimulatedMember.Show(one));
        var term = entry.LeaderTerm == 0 ? "" : $", leader term {entry.LeaderTerm}";
        var what = entry.IsHeartbeat ? "heartbeat" : $"entry {entry.PreviousIndex + 1} [{string.Join(' ', entries)}]";
        return $"{what}: term {entry.Term}{term}, commit {entry.Commit}, previous {entry.PreviousTerm}:{entry.PreviousIndex}";
    }
}
