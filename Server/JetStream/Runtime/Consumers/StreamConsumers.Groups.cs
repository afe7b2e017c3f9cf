using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Consumers of a stream that several servers hold: each has a group of its own.</summary>
internal sealed partial class StreamConsumers
{
    private readonly List<ConsumerHost> _grouped = [];

    /// <summary>Consumers that the stream had when it was alone, until they have groups.</summary>
    private readonly Dictionary<string, ConsumerHost> _former = new(StringComparer.Ordinal);

    /// <summary>When a group has something due, nanoseconds since 1970; null: none has.</summary>
    private long? NextGroupTick
    {
        get
        {
            var wait = long.MaxValue;
            foreach (var consumer in _grouped) wait = Math.Min(wait, consumer.Group!.NextTick - consumer.Group.Now);
            return wait > 86_400_000 ? null : Host.Now + (Math.Max(0, wait) * 1_000_000);
        }
    }

    /// <summary>Whether this server serves a consumer. From any thread.</summary>
    public bool Serves(ReadOnlySpan<byte> name) => _names.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var consumer) && consumer.Leads;

    /// <summary>Consumers that count and that this server serves. From any thread.</summary>
    public int Led => _names.Values.Count(consumer => consumer.Leads && IsLimitable(consumer));

    /// <summary>Whether this server has something of a consumer.</summary>
    public bool IsThere(string name, long created, string group)
    {
        var known = Find(System.Text.Encoding.UTF8.GetBytes(name)) ?? _former.GetValueOrDefault(name);
        return known?.Record.Created == created || Host.HasGroup(group) || Host.FindGroups(ConsumerHost.OwnerOf(Host, name, created)).Count > 0;
    }

    /// <summary>Has a consumer as it is assigned.</summary>
    /// <param name="record">What it is; its number counts for nothing.</param>
    /// <param name="plan">Who holds it.</param>
    /// <param name="state">Where it is to be, unless it has come further; empty: nowhere.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <exception cref="CorruptStoreException">Its group cannot be trusted; it is not there.</exception>
    /// <exception cref="Storage.Disk.DiskException">The disk failed; it is not there.</exception>
    public ConsumerHost Place(ConsumerRecord record, GroupPlan plan, ReadOnlyMemory<byte> state, long now)
    {
        var known = Find(System.Text.Encoding.UTF8.GetBytes(record.Name));
        if (known is not null && known.Record.Created == record.Created)
        {
            if (IsStale(known, plan))
            {
                Dismiss(known);
                return PlaceMember(record, plan, state);
            }
            known.Plan = plan;
            if (known.Configuration != record.Configuration) Update(known, record.Configuration, now);
            if (Host.Group is not null) Regroup(known);
            return known;
        }
        // Another one had the name.
        if (known is not null) Delete(known);
        return Host.Group is null ? PlaceAlone(record, plan, state, now) : PlaceMember(record, plan, state);
    }

    /// <summary>It is a member of a group that others have begun, and has nothing to give to it.</summary>
    private static bool IsStale(ConsumerHost consumer, GroupPlan plan) => consumer.Group is { } group && group.Name != plan.Name && !plan.IsAlone && !plan.IsPreferred;

    private ConsumerHost PlaceAlone(ConsumerRecord record, GroupPlan plan, ReadOnlyMemory<byte> state, long now)
    {
        var consumer = Create(record.Name, record.Configuration, now, record.Created, state);
        consumer.Plan = plan;
        return consumer;
    }

    private ConsumerHost PlaceMember(ConsumerRecord record, GroupPlan plan, ReadOnlyMemory<byte> state)
    {
        var consumer = new ConsumerHost(this, record with { Id = ++_lastId }) { Plan = plan };
        var isFormer = _former.Remove(record.Name, out var former) && former.Record.Created == record.Created && former.Replica.HasState;
        if (isFormer) state = former!.EncodeState();
        if (!state.IsEmpty) consumer.Replica.Decode(state.Span);
        Add(consumer);
        try
        {
            if (!isFormer && consumer.FoundGroup is { } found) consumer.Rejoin(found);
            else consumer.Join(isFormer && (plan.IsAlone || plan.IsPreferred) ? consumer.Seed : null);
        }
        catch
        {
            Drop(consumer);
            throw;
        }
        _grouped.Add(consumer);
        return consumer;
    }

    /// <summary>
    /// A consumer goes from the group it is in, if any, to the one it is assigned to. A replica may lack what its group agreed
    /// on last, so it leaves a group of several only when it has become the only member.
    /// </summary>
    private void Regroup(ConsumerHost consumer)
    {
        var plan = consumer.Plan!;
        if (consumer.IsInPlace)
        {
            consumer.Group!.Members.Assign(plan.Peers, consumer.Group.Now);
            return;
        }
        // What was found of the group it is assigned to is later than the one it was placed in.
        if (consumer.Group is { Fault: null } group && !Host.FindGroups(consumer.Owner).Contains(plan.Name))
        {
            group.Members.Assign([Host.Self], group.Now);
            if (!consumer.IsGathered) return;
        }
        GoInPlace(consumer);
    }

    private void GoInPlace(ConsumerHost consumer)
    {
        var seed = consumer.Seed;
        var former = consumer.Group is null ? null : consumer.LeaveGroupAlone();
        if (former is null) consumer.EndAlone();
        Forget(consumer);
        consumer.Join(seed);
        if (!_grouped.Contains(consumer)) _grouped.Add(consumer);
        if (former is not null) Host.DeleteGroup(former);
        foreach (var found in Host.FindGroups(consumer.Owner)) Host.DeleteGroup(found);
        Follow();
    }

    /// <summary>Others hold a consumer from now on.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="peers">They.</param>
    public void Dismiss(string name, IReadOnlyList<Raft.Wire.PeerId> peers)
    {
        _former.Remove(name);
        if (Find(System.Text.Encoding.UTF8.GetBytes(name)) is not { } consumer) return;
        if (consumer.Group is { Fault: null } group) group.Members.Leave(peers, group.Now);
        else Dismiss(consumer);
    }

    private void Dismiss(ConsumerHost consumer)
    {
        consumer.End("409 Leadership Change", withPending: true);
        LeaveGroup(consumer, isDeleted: true);
        Drop(consumer);
        if (consumer.IsKept) ProposeRemoval(consumer);
        Follow();
    }

    /// <summary>The stream is shared: consumers that were found with it wait for the groups they are assigned to.</summary>
    public void KeepFormer()
    {
        foreach (var consumer in _byId.Values.ToList())
        {
            _former[consumer.Name] = consumer;
            Drop(consumer);
        }
    }

    /// <summary>Those that waited were not assigned again.</summary>
    public void ForgetFormer() => _former.Clear();

    /// <summary>The stream is alone no more: nobody is served until groups have leaders.</summary>
    public void EndAlone()
    {
        EndLeadersOwn();
        foreach (var consumer in _byId.Values)
        {
            consumer.EndAlone();
            Forget(consumer);
        }
        // The checkpoint has it.
        _lazy.ResetWrittenCount();
        _lazySince = 0;
    }

    /// <summary>The stream is shared from now on, so each consumer has a group.</summary>
    public void JoinGroups()
    {
        foreach (var consumer in _byId.Values.Where(consumer => consumer.Plan is not null).ToList()) Regroup(consumer);
    }

    /// <summary>Some are held together with other servers.</summary>
    public bool HasGroups => _grouped.Count > 0;

    /// <summary>Names of the groups of those that are held together with other servers.</summary>
    public IReadOnlyList<string> GroupNames => [.. _grouped.Select(static consumer => consumer.Group!.Name)];

    /// <summary>This server has everything of every consumer, and nobody else can serve one; one whose group failed has nothing more to give.</summary>
    public bool AreLedHere => _grouped.TrueForAll(consumer => consumer.Group! is { Fault: not null } || (consumer.Leads && consumer.Group!.Members.IsSettled));

    /// <summary>This server is to hold all of them alone.</summary>
    public void Gather(Raft.Wire.PeerId self)
    {
        foreach (var consumer in _grouped) consumer.Group!.Members.Assign([self], consumer.Group.Now);
    }

    /// <summary>Others are to hold all of them, and this server none.</summary>
    public void Leave(IReadOnlyList<Raft.Wire.PeerId> peers)
    {
        foreach (var consumer in _grouped) consumer.Group!.Members.Leave(peers, consumer.Group.Now);
    }

    /// <summary>The stream is alone again, and keeps what consumers do in its own log.</summary>
    /// <returns>Names of the groups they had.</returns>
    public IReadOnlyList<string> LeaveGroups()
    {
        EndLeadersOwn();
        List<string> groups = [];
        foreach (var consumer in _grouped)
        {
            groups.Add(consumer.LeaveGroupAlone());
            Forget(consumer);
        }
        _grouped.Clear();
        return groups;
    }

    /// <summary>Takes up the work of all, alone.</summary>
    public void BeginAlone(long now)
    {
        foreach (var consumer in _byId.Values) Begin(consumer, now);
        RemoveAcknowledged();
    }

    /// <summary>What members of groups said meanwhile.</summary>
    public void BeginGroups(long now)
    {
        var (left, moves) = (false, false);
        foreach (var consumer in _grouped)
        {
            consumer.BeginTurn(now);
            left |= consumer.HasLeft;
            moves |= !consumer.IsInPlace && consumer.IsGathered;
        }
        if (left) foreach (var consumer in _grouped.Where(consumer => consumer.HasLeft).ToList()) Dismiss(consumer);
        if (moves) foreach (var consumer in _grouped.Where(consumer => !consumer.IsInPlace && consumer.IsGathered).ToList()) GoInPlace(consumer);
    }

    /// <summary>Sends what was proposed to groups.</summary>
    public void EndGroups()
    {
        foreach (var consumer in _grouped) consumer.EndTurn();
    }

    /// <summary>This server leads a consumer from now on, or does no longer.</summary>
    public void LeadershipChanged(ConsumerHost consumer)
    {
        consumer.Armed = long.MaxValue;
        if (consumer.Leads) Schedule(consumer);
        else Forget(consumer);
        Follow();
    }

    /// <summary>Leaves the lead of all to others.</summary>
    public void MakeWay()
    {
        foreach (var consumer in _grouped) consumer.Group!.MakeWay();
    }

    /// <summary>They may be led here again.</summary>
    public void TakePart()
    {
        foreach (var consumer in _grouped) consumer.Group!.TakePart();
    }

    private IEnumerable<string> SubjectsOfLed()
    {
        var stream = Host.Configuration.Name;
        foreach (var consumer in _byId.Values.Where(consumer => consumer.Leads))
        {
            yield return $"$JS.ACK.{stream}.{consumer.Name}.>";
            yield return $"$JS.ACK.*.*.{stream}.{consumer.Name}.>";
            yield return $"$JS.FC.{stream}.{consumer.Name}.>";
            yield return $"$JS.FC.*.*.{stream}.{consumer.Name}.>";
        }
    }

    private void LeaveGroup(ConsumerHost consumer, bool isDeleted)
    {
        if (consumer.Group is not { } group) return;
        consumer.LeaveGroup();
        _grouped.Remove(consumer);
        if (isDeleted) Host.DeleteGroup(group.Name);
        else Host.CloseGroup(group);
    }

    /// <summary>A consumer that nobody has used for long goes; where a cluster decides, it is asked.</summary>
    private void Abandon(ConsumerHost consumer)
    {
        if (!Host.IsClustered || IsLeadersOwn(consumer))
        {
            Delete(consumer);
            return;
        }
        if (consumer.IsGoing) return;
        consumer.IsGoing = true;
        Host.AskForRemoval(consumer.Name);
    }

    /// <summary>Every member removes what the consumers' logs say is needed no more, each by itself.</summary>
    private void RemoveUnneededHere()
    {
        foreach (var sequence in _unneeded) _store.Remove(sequence, erase: false);
        _unneeded.Clear();
    }
}
