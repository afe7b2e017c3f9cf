using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// A member that got a snapshot fetches the messages it has not from the leader; the leader sends them. As long as it fetches it
/// cannot lead, and if its log is the newest nobody else can: when the leader does not answer it asks the other members, one
/// after the other, and those send what they have applied.
/// </summary>
internal sealed partial class StreamHost : ICatchupEffects
{
    /// <summary>Requests of members that are behind; catch-ups under way have tags above.</summary>
    private const long SyncTag = 0;

    /// <summary>Members that are served at a time.</summary>
    private const int MostSenders = 64;

    /// <summary>Messages and acknowledgements of catch-ups that may wait, and their bytes.</summary>
    private const int MostCatchupMessages = 300_000;
    private const long MostCatchupBytes = 128L << 20;

    private readonly Dictionary<long, SenderHost> _senders = [];
    private PublishQueue? _fetched;
    private Subscription? _syncRequests;
    private Subscription? _fetchInbox;
    private StreamCatchup? _catchup;
    private (StreamSnapshot? Snapshot, ulong Index) _target;
    private long _lastTag;
    private long _fetchTag;
    private bool _hasNewLeader;

    /// <summary>Catch-ups to the same snapshot that have failed one after the other.</summary>
    private int _fetchFailures;

    private bool HasOtherLeader => _group is { } group && !group.Core.Leader.IsNone && group.Core.Leader != group.Core.Self;

    private bool HasSource => HasOtherLeader || NextSource() is not null;

    bool IGroupMachine.ApplySnapshot(RaftSnapshot snapshot)
    {
        // What the store has of it or beyond it is newer than the snapshot.
        if (snapshot.Index <= _index) return true;
        return BeginCatchup(snapshot.Data.Span, snapshot.Index);
    }

    /// <returns>True: nothing is missing.</returns>
    private bool BeginCatchup(ReadOnlySpan<byte> data, ulong index)
    {
        if (!StreamSnapshot.TryDecode(data.ToArray(), out var snapshot)) throw new CorruptStoreException($"A snapshot of stream {Configuration.Name} cannot be read.");
        Fetch(snapshot!, index);
        _index = Math.Max(_index, index);
        if (_catchup!.State != CatchupState.Done) return false;
        _catchup = null;
        _checkpointWanted = true;
        return true;
    }

    private void Fetch(StreamSnapshot snapshot, ulong index)
    {
        if (_target.Index != index) _fetchFailures = 0;
        _target = (snapshot, index);
        _catchup = new StreamCatchup(_replica, snapshot, index, _group!.Core.Self.ToString(), _context.Cluster!.Slots);
        _catchup.Begin(HasSource, _context.Now, this);
    }

    void ICatchupEffects.Request(StreamSyncRequest request)
    {
        StopFetching();
        var inbox = Encoding.UTF8.GetBytes($"$JSC.R.{NodeHash.Of(UniqueId.Next())}");
        _fetched ??= new PublishQueue(MostCatchupMessages, MostCatchupBytes);
        _fetchTag = ++_lastTag;
        _fetchInbox = new Subscription(new CatchupEar(this, _fetchTag), inbox);
        _context.Traffic!.Subscribe(_fetchInbox);
        _context.Traffic.PublishInternal(Encoding.UTF8.GetBytes(_plan!.Sync), inbox, (request with { Of = NextSource() }).Encode(), _flush);
    }

    /// <summary>The member that is asked now; null: whoever leads.</summary>
    private string? NextSource()
    {
        if (_fetchFailures == 0 || _group is not { Core: var core }) return null;
        var turn = _fetchFailures % core.Members.Length;
        foreach (var member in core.Members)
        {
            if (member != core.Self && turn-- == 1) return member.ToString();
        }
        return null;
    }

    void ICatchupEffects.Acknowledge(ReadOnlySpan<byte> reply) => _context.Traffic!.PublishInternal(reply, default, default, _flush);

    void ICatchupEffects.Refuse(ReadOnlySpan<byte> reply, string reason) => _context.Traffic!.PublishInternal(reply, default, Encoding.UTF8.GetBytes(reason), _flush);

    /// <summary>What others sent meanwhile, and what is due.</summary>
    private void TurnCatchups()
    {
        if (_fetched?.Take() is { } block)
        {
            for (var offset = 0; block.TryRead(ref offset, out var message);) TakeCatchup(message);
            _fetched.Return(block);
        }
        var now = _context.Now;
        if (_catchup is { } catchup)
        {
            var mayGoOn = _hasNewLeader && catchup.State is (CatchupState.WaitsForLeader or CatchupState.WaitsToRetry);
            _hasNewLeader = false;
            if (mayGoOn || catchup.NextTick <= now) catchup.Tick(HasSource, now, this);
            EndCatchupIfOver();
        }
        foreach (var sender in _senders.Values.ToArray()) Send(sender, now);
    }

    private void TakeCatchup(in PublishedMessage message)
    {
        var now = _context.Now;
        if (message.Timestamp == SyncTag) TakeSyncRequest(message.Payload, message.Reply);
        else if (_senders.TryGetValue(message.Timestamp, out var sender))
        {
            if (CatchupAckSubject.TryGetSize(message.Subject, out var size)) sender.Sender.Acknowledged(size, message.Payload, now);
        }
        else if (_catchup is { } catchup && message.Timestamp == _fetchTag) catchup.Receive(message.Payload, message.Reply, now, this);
    }

    private void EndCatchupIfOver()
    {
        if (_catchup is not { IsOver: true } catchup) return;
        _catchup = null;
        StopFetching();
        if (catchup.State == CatchupState.Failed)
        {
            JetStreamLog.CatchupFailed(_context.Log, Account.Name, Configuration.Name, catchup.Failure ?? "");
            _fetchFailures++;
            Fetch(_target.Snapshot!, _target.Index);
            return;
        }
        _fetchFailures = 0;
        JetStreamLog.CaughtUp(_context.Log, Account.Name, Configuration.Name, _store.State.LastSequence);
        // Nothing of it is in the group's log: a crash must not find it half.
        _checkpointWanted = true;
        _group!.ResumeApplying();
    }

    private void StopFetching()
    {
        if (_fetchInbox is { } inbox) _context.Traffic!.Unsubscribe(inbox);
        _fetchInbox = null;
    }

    private void ListenToSync()
    {
        if (_plan is not { Sync.Length: > 0 } plan) return;
        _fetched ??= new PublishQueue(MostCatchupMessages, MostCatchupBytes);
        _syncRequests = new Subscription(new CatchupEar(this, SyncTag), Encoding.UTF8.GetBytes(plan.Sync));
        _context.Traffic!.Subscribe(_syncRequests);
    }

    private void StopListeningToSync()
    {
        if (_syncRequests is { } requests) _context.Traffic!.Unsubscribe(requests);
        _syncRequests = null;
        StopFetching();
        StopSenders();
    }

    internal void HearCatchup(in Message message, long tag)
    {
        // What does not fit is lost, and asked for again.
        if (_fetched!.TryAdd(message, tag) is not null) Wake();
    }

    private void TakeSyncRequest(ReadOnlySpan<byte> body, ReadOnlySpan<byte> reply)
    {
        if (_group is not { } group || reply.IsEmpty || _senders.Count >= MostSenders || StreamSyncRequest.Decode(body) is not { } request) return;
        var core = group.Core;
        if (!IsToAnswer(request, core)) return;
        switch (CatchupSender.Judge(request, core.LastIndex, core.AppliedIndex, _store.State.LastSequence))
        {
            case CatchupAnswer.Serve:
                foreach (var former in _senders.Values.Where(one => one.Sender.Peer == request.Peer).ToArray()) Stop(former);
                var sender = new SenderHost(this, ++_lastTag, reply.ToArray(), new CatchupSender(_store, request, _context.Cluster!.Window, _context.Now));
                _senders.Add(sender.Tag, sender);
                _context.Traffic!.Subscribe(sender.Acknowledgements);
                Send(sender, _context.Now);
                break;
            case CatchupAnswer.StepDown:
                core.StepDown(PeerId.None, group.Now);
                break;
        }
    }

    private bool IsToAnswer(StreamSyncRequest request, RaftGroup core)
    {
        if (request.Of is { } of && of != core.Self.ToString()) return false;
        // Who was elected has what a snapshot before it speaks of, and may need whoever asks in order to agree on anything.
        if (core.State == RaftState.Leader) return true;
        return request.Of is not null && _catchup is null && core.AppliedIndex >= request.MinApplied && _store.State.LastSequence >= request.LastSequence;
    }

    private void Send(SenderHost sender, long now)
    {
        if (sender.Sender.NextTick <= now) sender.Sender.Send(now, sender);
        if (sender.Sender.End == CatchupEnd.None)
        {
            if (sender.Sender.NextTick <= now) Wake();
            return;
        }
        // The replica has everything, and says so as soon as it is asked.
        if (sender.Sender.End == CatchupEnd.Complete) _group?.Core.Greet();
        if (sender.Sender.Refusal is { } refusal) JetStreamLog.CatchupRefused(_context.Log, Account.Name, Configuration.Name, refusal);
        Stop(sender);
    }

    private void Stop(SenderHost sender)
    {
        _senders.Remove(sender.Tag);
        _context.Traffic!.Unsubscribe(sender.Acknowledgements);
        sender.Sender.Dispose();
    }

    private void StopSenders()
    {
        foreach (var sender in _senders.Values.ToArray()) Stop(sender);
    }

    private long? NextCatchupTick()
    {
        long? next = _catchup?.NextTick;
        foreach (var sender in _senders.Values) next = Earlier(next, sender.Sender.NextTick);
        return next == long.MaxValue ? null : next;
    }

    /// <summary>One member that is served.</summary>
    private sealed class SenderHost : ICatchupSink
    {
        private readonly StreamHost _stream;
        private readonly byte[] _reply;
        private readonly byte[] _id;
        private readonly byte[] _subject;

        public SenderHost(StreamHost stream, long tag, byte[] reply, CatchupSender sender)
        {
            (_stream, Tag, _reply, Sender) = (stream, tag, reply, sender);
            _id = Encoding.ASCII.GetBytes(NodeHash.Of(UniqueId.Next()));
            _subject = new byte[CatchupAckSubject.MaxLength + _id.Length];
            Acknowledgements = new Subscription(new CatchupEar(stream, tag), [.. "$JSC.ACK."u8, .. _id, .. ".*"u8]);
        }

        public long Tag { get; }

        public CatchupSender Sender { get; }

        public Subscription Acknowledgements { get; }

        public void Send(ReadOnlySpan<byte> message, int tracked)
        {
            var length = tracked > 0 ? CatchupAckSubject.Format(_subject, _id, tracked) : 0;
            _stream._context.Traffic!.PublishInternal(_reply, _subject.AsSpan(0, length), message, _stream._flush);
        }
    }
}
