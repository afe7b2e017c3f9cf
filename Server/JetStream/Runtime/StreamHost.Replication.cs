using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// A stream that several servers hold. What its leader judges goes to the group; every member applies what the group has
/// agreed on, and the leader acknowledges it then. The group's log is the stream's: its index is what the store has
/// applied.
/// </summary>
internal sealed partial class StreamHost : IGroupMachine
{
    /// <summary>Bytes of the group's log after which a checkpoint lets it go.</summary>
    private const long GroupCheckpointBytes = 8 << 20;

    /// <summary>Indexes of the group's log after which a checkpoint lets it go.</summary>
    private const ulong GroupCheckpointEntries = 65_536;

    /// <summary>Milliseconds after which a checkpoint lets go of whatever is there.</summary>
    private const long GroupCheckpointInterval = 120_000;

    private readonly LeadTasks _leadTasks = new();
    private GroupHost? _group;
    private GroupPlan? _plan;
    private ChangeObserver? _observer;
    private volatile bool _leads;
    private long _groupCheckpointDue;
    private byte[]? _checkpointSnapshot;

    /// <summary>It is this server that serves the stream. From any thread.</summary>
    public bool Leads => _leads;

    /// <summary>It takes turns already. In the mailbox of the API.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Its group; null: it is on this server alone. In the mailbox.</summary>
    public GroupHost? Group => _group;

    /// <summary>The servers that hold it. In the mailbox.</summary>
    public ClusterInfo? Cluster => _context.Cluster is not { } cluster ? null : _group is { } group ? cluster.Describe(group) : cluster.Alone();

    /// <summary>The same as it was a moment ago. From any thread.</summary>
    public ClusterInfo? ClusterShown => _context.Cluster is not { } cluster ? null : _group is { } group ? cluster.Describe(group.Status, group.Traffic) : cluster.Alone();

    /// <summary>It has all that its group has agreed on, or is on this server alone. From any thread.</summary>
    public bool IsCurrent => _group is not { } group || group.Status.IsCurrent;

    /// <summary>Has something done when this server leads the stream, at once if it does; never, if another does first. From any thread.</summary>
    public void WhenLeading(Action action) => AddTask(action, isAnyones: false);

    /// <summary>Has something done when the stream has a leader, at once if it does. From any thread.</summary>
    public void WhenLed(Action action) => AddTask(action, isAnyones: true);

    private void AddTask(Action action, bool isAnyones) => Post(() =>
    {
        _leadTasks.Add(action, isAnyones);
        if (_leads && !IsToBeShared) _leadTasks.Do();
        else if (_group is { Core.Leader: { IsNone: false } leader } group && leader != group.Core.Self) LeaveTasks();
    });

    /// <summary>The leader of a group that comes to an end here does not lead what this server has been assigned to.</summary>
    private void LeaveTasks()
    {
        if (_assigned is not { } plan || !IsElsewhere(plan)) _leadTasks.Leave();
    }

    /// <param name="hasSeed">The group was begun here, with what this server has.</param>
    private void BeginAsMember(bool hasSeed)
    {
        var group = _group!;
        ListenToSync();
        group.Start();
        _groupCheckpointDue = group.Now + GroupCheckpointInterval;
        if (_plan is { IsPreferred: true } && (hasSeed || group.Core.LastIndex == 0)) group.Core.CampaignImmediately(group.Now);
        Wake();
    }

    bool IGroupMachine.Apply(in CommittedEntry entry)
    {
        // The store has it from the last checkpoint.
        if (entry.Index <= _index) return true;
        var isDone = true;
        foreach (var one in entry)
        {
            if (one.Type == RaftEntryType.Normal)
            {
                ApplyEntry(entry.Index, one.Data);
                continue;
            }
            _replica.EndBatch();
            // The leader's whole state, for members that have nothing.
            if (one.Type == RaftEntryType.Snapshot && !_leads && _store.State.LastSequence == 0) isDone = BeginCatchup(one.Data, entry.Index);
        }
        _index = entry.Index;
        return isDone;
    }

    private void ApplyEntry(ulong index, ReadOnlySpan<byte> entry)
    {
        if (Fault is not null) return;
        var outcome = _leader is { } leader ? leader.Apply(entry, this, _observer) : _replica.Apply(entry, _observer);
        if (outcome is EntryOutcome.Unknown) throw new CorruptStoreException($"Entry {index} of stream {Configuration.Name} is none that this version knows.");
        if (outcome is EntryOutcome.Gap) throw new CorruptStoreException($"Entry {index} of stream {Configuration.Name} does not follow what is stored, which ends at {_store.State.LastSequence}.");
    }

    void IGroupMachine.LeaderChanged(PeerId leader, ulong term, bool leads)
    {
        // The group that it has left says goodbye as well.
        if (_isStopping || _group is not { } group) return;
        var isSelf = leader == group.Core.Self;
        // From the election on it answers for what the leader before has proposed; it judges when all of that is applied.
        if (isSelf && _leader is null) _leader = _context.Parts.Leader(_replica, _context.LeaderOptions with { IsReplicated = true });
        if (leads && !_leads) BeginToLead();
        else if (!leads && _leads) CeaseToLead();
        if (!isSelf && !leader.IsNone)
        {
            _hasNewLeader = true;
            DropPublishes();
            LeaveTasks();
        }
        if (!isSelf && _leader is { } former)
        {
            former.Dispose();
            _leader = null;
        }
        Wake();
    }

    private void BeginToLead()
    {
        _leads = true;
        _leader!.Start(_context.Now, this);
        _capture.Follow(Configuration.Subjects);
        MakeCopies();
        NudgeAll();
        _leadTasks.Do();
        AdviseOfGroup($"{AdvisorySubjects.StreamLeaderElected}.{Configuration.Name}", account => new StreamLeaderElectedAdvisory
        {
            Account = account,
            Stream = Configuration.Name,
            Leader = _context.Cluster!.ServerName,
            Replicas = _context.Cluster.MembersOf(_group!),
        });
    }

    /// <summary>What has been taken and not been agreed on is nobody's: publishers are not answered, and try again.</summary>
    private void CeaseToLead()
    {
        _leads = false;
        _capture.Follow([]);
        _consumers.EndLeadersOwn();
        StopCopies();
        StopSenders();
        DropPublishes();
    }

    private void DropPublishes()
    {
        if (_block is { } block) _publishes.Return(block);
        _block = null;
        while (_publishes.Take() is { } dropped) _publishes.Return(dropped);
    }

    void IGroupMachine.Recovered()
    {
        // Streams begin to serve when they are led; there is nothing to catch up with here.
    }

    void IGroupMachine.QuorumLost()
    {
        if (!TellsOfLostQuorum()) return;
        var replicas = _context.Cluster!.MembersOf(_group!);
        AdviseOfGroup($"{AdvisorySubjects.StreamQuorumLost}.{Configuration.Name}", account => new StreamQuorumLostAdvisory { Account = account, Stream = Configuration.Name, Replicas = replicas });
    }

    /// <summary>Logs it, unless that was done a moment ago.</summary>
    /// <param name="consumer">Whose quorum; null: the stream's own.</param>
    internal bool TellsOfLostQuorum(string? consumer = null)
    {
        if (!_context.Repeated.Admits($"quorum {Account.Name} {Configuration.Name} {consumer}")) return false;
        if (consumer is null) JetStreamLog.QuorumLost(_context.Log, Account.Name, Configuration.Name);
        else JetStreamLog.ConsumerQuorumLost(_context.Log, Account.Name, Configuration.Name, consumer);
        return true;
    }

    void IGroupMachine.Failed(Exception fault) => Fence(fault);

    /// <summary>When the group or a catch-up has something due, nanoseconds since 1970.</summary>
    private long? NextGroupTick()
    {
        if (_group is not { } group) return null;
        var wait = Math.Min(group.NextTick, _groupCheckpointDue) - group.Now;
        return Earlier(wait > 86_400_000 ? null : _context.Now + (Math.Max(0, wait) * 1_000_000), NextCatchupTick());
    }

    /// <summary>What the servers of the cluster are to each other; null: the server stands alone.</summary>
    internal ClusterView? View => _context.Cluster;

    /// <summary>Streams and consumers come and go by the word of the cluster.</summary>
    internal bool IsClustered => _context.Cluster is not null;

    /// <summary>The server's log.</summary>
    internal Microsoft.Extensions.Logging.ILogger Log => _context.Log;

    internal AssetParts Parts => _context.Parts;

    internal void CloseGroup(GroupHost group) => _context.CloseGroup!(group);

    internal void DeleteGroup(string group) => _context.DeleteGroup!(group);

    internal bool HasGroup(string group) => _context.HasGroup(group);

    internal IReadOnlyList<string> FindGroups(string owner) => _context.FindGroups(owner);

    /// <summary>This server among its peers.</summary>
    internal PeerId Self => _context.Self;

    internal GroupHost OpenGroup(GroupPlan plan, IGroupMachine machine, bool isInMemory, RaftSnapshot? seed) => _context.OpenGroup!(plan, this, machine, isInMemory, seed);

    /// <summary>Asks the cluster to remove a consumer.</summary>
    internal void AskForRemoval(string consumer) => _context.RemoveConsumer?.Invoke(Configuration.Name, consumer);

    private void BeginGroups()
    {
        if (_group is null) return;
        _group.BeginTurn();
        _consumers.BeginGroups(_context.Now);
    }

    private void EndGroups()
    {
        if (_group is null) return;
        _group.EndTurn();
        _consumers.EndGroups();
        // What has been agreed on just now is told in the next turn.
        if (!_outbox.IsEmpty) Wake();
    }

    /// <summary>Leaves the lead of the stream and of its consumers to others, and has said so when the task ends. From any thread.</summary>
    public Task MakeWayAsync()
    {
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            if (Fault is null && !_isStopping)
            {
                _group?.MakeWay();
                _consumers.MakeWay();
            }
            // What this turn says is on its way when the next one begins.
            Post(() => said.TrySetResult());
        });
        return said.Task;
    }

    /// <summary>The stream and its consumers may be led here again after <see cref="MakeWayAsync"/>. From any thread.</summary>
    public void TakePart() => Post(() =>
    {
        if (Fault is not null || _isStopping) return;
        _group?.TakePart();
        _consumers.TakePart();
    });

    /// <summary>Ends its part in the group: others lead, if they can.</summary>
    private void LeaveGroup()
    {
        if (_group is not { } group) return;
        StopListeningToSync();
        group.Core.StepDown(PeerId.None, group.Now);
        group.EndTurn();
        if (_leads) CeaseToLead();
    }

    private bool IsGroupCheckpointDue(RaftGroup core)
    {
        var isTime = _group!.Now >= _groupCheckpointDue;
        // Also when there is nothing to let go, or it would be time again at once.
        if (isTime) _groupCheckpointDue = _group.Now + GroupCheckpointInterval;
        if (core.AppliedIndex <= core.SnapshotIndex) return false;
        return isTime || WastesRoom || core.LogBytes >= GroupCheckpointBytes || core.AppliedIndex - core.SnapshotIndex >= GroupCheckpointEntries;
    }

    /// <summary>Says what became of purges and removals that were asked for.</summary>
    private sealed class ChangeObserver(StreamHost stream) : IStreamObserver
    {
        public void Storing(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject)
        {
            // The leader itself hears of it.
        }

        public void Stored(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject)
        {
            // The leader itself acknowledges it; where sources are, every member must know.
            if (!stream.Configuration.Sources.IsEmpty) stream.NotePosition(entry.Headers);
        }

        public void Refused(in StreamMessageEntry entry)
        {
            // The leader itself answers.
        }

        public void FlowControlled(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers)
        {
            // The leader itself answers.
        }

        public void Purged(PurgeStreamEntry entry, ulong count) => stream.AnswerChange(entry.Client, entry.Subject, entry.Reply, new StreamPurgeResponse(count));

        public void Deleted(DeleteMessageEntry entry, bool wasThere) => stream.AnswerChange(
            entry.Client,
            entry.Subject,
            entry.Reply,
            wasThere ? new SuccessResponse(ResponseTypes.MessageDelete) : ApiFailure.Of(ResponseTypes.MessageDelete, JetStreamErrors.JSStreamMsgDeleteFailedF.With("no message found")));
    }

    private void AnswerChange(ClientInfo? client, string subject, string reply, object response)
    {
        if (_leader is null || reply.Length == 0) return;
        var json = JetStreamJson.Write(response);
        _outbox.AddElsewhere(_context.Traffic!, Encoding.UTF8.GetBytes(reply), json);
        _context.Audit(_outbox, _context.Cluster!.ServerName, client, subject, null, json);
    }
}
