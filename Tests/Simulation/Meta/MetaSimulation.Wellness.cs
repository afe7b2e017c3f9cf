using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Groups;

namespace NatsAspire.Tests.Simulation.Meta;

// What must be true in the end: every assignment has its group and its leader, and nothing else is there.
internal sealed partial class MetaSimulation
{
    /// <summary>Why not everything has come to rest as it should; null: it has.</summary>
    private string? WhyUnwell() => WhyMetaIsUnwell() ?? _newest.Assignments.All.Select(WhyUnwell).FirstOrDefault(static why => why is not null) ?? _servers.Select(WhyMoreIsThere).FirstOrDefault(static why => why is not null);

    private string? WhyMetaIsUnwell()
    {
        foreach (var server in _servers)
        {
            if (server.Meta is not { } meta) return $"{server.Name} does not run: {server.Refusal}";
            if (!meta.HasRecovered) return $"{server.Name} has not recovered";
            if (WhyUnwell(server, meta.Group) is { } why) return why;
            if (meta.Group.Core.Members.Length != _servers.Count) return $"{server.Name} knows of {meta.Group.Core.Members.Length} servers";
            if (meta.Group.Core.AppliedIndex != _newest.Index) return $"{server.Name} has applied {meta.Group.Core.AppliedIndex} of {_newest.Index}";
        }
        return null;
    }

    private static string? WhyUnwell(MetaServer server, GroupHost group)
    {
        var core = group.Core;
        if (core.Leader.IsNone) return $"{group.Name} has no leader on {server.Name}";
        if (core.AppliedIndex != core.CommitIndex) return $"{server.Name} has applied {core.AppliedIndex} of {core.CommitIndex} of {group.Name}";
        return core.MayHaveForgotten ? $"{server.Name} doubts its {group.Name}" : null;
    }

    private string? WhyUnwell(AssignedStream stream)
    {
        var assignment = stream.Assignment;
        var wanted = (int)Math.Min(assignment.Configuration.Replicas, _servers.Count);
        if (assignment.Group.Peers.Count != wanted) return $"{TextOf(stream)} has {assignment.Group.Peers.Count} servers instead of {wanted}";
        var leaders = new Dictionary<string, int>();
        foreach (var server in _servers.Where(server => assignment.Group.IsMember(server.Id.ToString())))
        {
            if (server.Streams!.Find(stream.Name) is not { } host) return $"{server.Name} does not have {TextOf(stream)}";
            if (host.Record.Created != assignment.Created.UnixNanoseconds) return $"{server.Name} has another {stream.Name}";
            if (host.Configuration != assignment.Configuration) return $"{server.Name} has {stream.Name} as {host.Configuration.Description} instead of {assignment.Configuration.Description}";
            if (WhyUnwell(server, host.Group, assignment.Group, stream.Name) is { } why) return why;
            Count(leaders, stream.Name, host.Leads);
            if (WhyUnwell(server, host, stream, leaders) is { } consumers) return consumers;
        }
        return leaders.Where(one => one.Value != 1).Select(one => $"{one.Key} has {one.Value} leaders").FirstOrDefault();
    }

    private static string? WhyUnwell(MetaServer server, StreamHost host, AssignedStream stream, Dictionary<string, int> leaders)
    {
        foreach (var (name, consumer) in stream.Consumers)
        {
            if (!consumer.Assignment.Group.IsMember(server.Id.ToString())) continue;
            if (host.Consumers.Find(System.Text.Encoding.UTF8.GetBytes(name)) is not { } running) return $"{server.Name} does not have {name} of {TextOf(stream)}";
            if (WhyUnwell(server, running.Group, consumer.Assignment.Group, $"{stream.Name}>{name}") is { } why) return why;
            Count(leaders, $"{stream.Name}>{name}", running.Leads);
        }
        var surplus = host.Consumers.All.FirstOrDefault(one => !stream.Consumers.TryGetValue(one.Name, out var assigned) || !assigned.Assignment.Group.IsMember(server.Id.ToString()));
        return surplus is null ? null : $"{server.Name} has the consumer {surplus.Name} of {TextOf(stream)}";
    }

    private static void Count(Dictionary<string, int> leaders, string asset, bool leads) => leaders[asset] = leaders.GetValueOrDefault(asset) + (leads ? 1 : 0);

    private static string? WhyUnwell(MetaServer server, GroupHost? group, RaftGroupAssignment assigned, string asset)
    {
        if (assigned.Peers.Count < 2) return group is null ? null : $"{server.Name} has {asset} in {group.Name}, and is to have it alone";
        if (group is null) return $"{server.Name} has {asset} alone";
        if (group.Name != assigned.Name) return $"{server.Name} has {asset} in {group.Name} instead of {assigned.Name}";
        var members = new List<string>();
        foreach (var member in group.Core.Members) members.Add(member.ToString());
        if (!members.Order().SequenceEqual(assigned.Peers.Order())) return $"{asset} has the members {string.Join(',', members)} on {server.Name} instead of {string.Join(',', assigned.Peers)}";
        return WhyUnwell(server, group);
    }

    private string? WhyMoreIsThere(MetaServer server)
    {
        bool IsHere(AssignedStream? stream) => stream?.Assignment.Group.IsMember(server.Id.ToString()) == true;
        var assignments = _newest.Assignments;
        if (server.Streams!.Hosts.Keys.FirstOrDefault(name => !IsHere(assignments.Find(Account, name))) is { } ghost) return $"{server.Name} has {ghost}, which it is not to hold";
        // What a log named that was lost stays where it is, and is reported.
        if (server.Engine.Held.FirstOrDefault(held => assignments.Find(Account, held.Stream) is not null) is { Stream: not null } held) return $"{server.Name} has found {held.Stream}, and does not run it";
        HashSet<string> groups = ["_meta_"];
        foreach (var stream in assignments.All)
        {
            if (IsHere(stream)) groups.Add(stream.Assignment.Group.Name);
            groups.UnionWith(stream.Consumers.Values.Select(one => one.Assignment.Group).Where(group => group.IsMember(server.Id.ToString())).Select(group => group.Name));
        }
        if (server.Engine.Groups.Keys.FirstOrDefault(name => !groups.Contains(name)) is { } orphan) return $"{server.Name} runs {orphan}, which is nobody's";
        if (server.Engine.Held.Count > 0) return null;
        return server.Engine.Files.ListGroups().FirstOrDefault(name => !groups.Contains(name)) is { } left ? $"{server.Name} has {left} on its disk, which is nobody's" : null;
    }
}
