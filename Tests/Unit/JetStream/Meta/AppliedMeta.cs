using System.Text;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>The assignments of a server, and in words what they asked of it.</summary>
internal sealed class AppliedMeta : IMetaEffects
{
    public AppliedMeta(string self = "n1", IMetaObserver? observer = null, bool isRecovered = true)
    {
        State = new MetaState(self, this, observer);
        if (!isRecovered) return;
        State.EndRecovery();
        Effects.Clear();
    }

    public MetaState State { get; }

    public List<string> Effects { get; } = [];

    /// <summary>Streams this server runs, and the groups they are in; what a runtime would make of the effects.</summary>
    public Dictionary<string, string> Running { get; } = [];

    public MetaAssignments Current => State.Current;

    /// <summary>All of it, as text that can be compared.</summary>
    public string Json => MetaSnapshot.Encode(Current) is { Length: > 0 } snapshot ? Encoding.UTF8.GetString(S2Block.Decode(snapshot, 1 << 28)) : "";

    public AppliedMeta Apply(params ReadOnlySpan<MetaEntry> entries)
    {
        foreach (var entry in entries) State.Apply(entry.Encode()).ShouldBeNull();
        return this;
    }

    /// <summary>Entries that have been read already.</summary>
    public AppliedMeta Replay(IEnumerable<MetaEntry> entries)
    {
        foreach (var entry in entries) State.Apply(entry);
        return this;
    }

    /// <summary>What was asked since the last time.</summary>
    public string[] Take()
    {
        string[] effects = [.. Effects];
        Effects.Clear();
        return effects;
    }

    public void PlaceStream(MetaChange<StreamAssignment> change)
    {
        Effects.Add($"place {change.After.Name} {change.Before?.Group.Name ?? "new"} -> {change.After.Group.Name} {change.Origin}{(change.After.RestoreState is null ? "" : " restore")}");
        Running[change.After.Name] = change.After.Group.Name;
    }

    public void StopStream(StreamAssignment stream, MetaStop reason)
    {
        Effects.Add($"stop {stream.Name} {reason}");
        Running.Remove(stream.Name);
    }

    public void RemoveStream(MetaRemoval<StreamAssignment> removal)
    {
        Effects.Add($"remove {removal.Request.Name} {removal.Known?.Group.Name ?? "unknown"} {(removal.IsMember ? "member" : "other")}{(removal.WasOffline ? " offline" : "")} {removal.Origin}");
        Running.Remove(removal.Request.Name);
        foreach (var consumer in Running.Keys.Where(name => name.StartsWith(removal.Request.Name + "/", StringComparison.Ordinal)).ToList()) Running.Remove(consumer);
    }

    public void PlaceConsumer(MetaChange<ConsumerAssignment> change)
    {
        Effects.Add($"place {change.After.Stream}/{change.After.Name} {change.Before?.Group.Name ?? "new"} -> {change.After.Group.Name} {change.Origin}{(change.After.State is null ? "" : " state")}");
        Running[$"{change.After.Stream}/{change.After.Name}"] = change.After.Group.Name;
    }

    public void StopConsumer(ConsumerAssignment consumer, MetaStop reason)
    {
        Effects.Add($"stop {consumer.Stream}/{consumer.Name} {reason}");
        Running.Remove($"{consumer.Stream}/{consumer.Name}");
    }

    public void RemoveConsumer(MetaRemoval<ConsumerAssignment> removal)
    {
        Effects.Add($"remove {removal.Request.Stream}/{removal.Request.Name} {removal.Known?.Group.Name ?? "unknown"} {(removal.IsMember ? "member" : "other")} {removal.Origin}");
        if (removal.Known is not null) Running.Remove($"{removal.Request.Stream}/{removal.Request.Name}");
    }

    public void PeerAdded(string peer) => Effects.Add($"peer added {peer}");

    public void PeerRemoved(string peer) => Effects.Add($"peer removed {peer}");

    public void RecoveryDone(bool isFirst) => Effects.Add(isFirst ? "recovered" : "caught up");
}
