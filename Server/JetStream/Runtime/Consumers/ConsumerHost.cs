using System.Text;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>A consumer that runs: its leader, and what comes of it. In its stream's mailbox, but for what is said of interest.</summary>
internal sealed partial class ConsumerHost : IConsumerEffects, IConsumerObserver
{
    private readonly StreamConsumers _stream;
    private byte[]? _watched;
    private bool _mayListen;

    public ConsumerHost(StreamConsumers stream, ConsumerRecord record)
    {
        _stream = stream;
        Record = record;
        Key = Encoding.UTF8.GetBytes(record.Name);
        Replica = new ConsumerReplica(record.Configuration with { Name = record.Name });
    }

    public ConsumerRecord Record { get; private set; }

    public ConsumerConfiguration Configuration => Record.Configuration;

    public string Name => Record.Name;

    /// <summary>The name's bytes.</summary>
    public byte[] Key { get; }

    public ConsumerReplica Replica { get; }

    /// <summary>Null: it has not begun.</summary>
    public ConsumerLeader? Leader { get; private set; }

    /// <summary>It is waiting for its turn to deliver.</summary>
    public bool IsDue { get; set; }

    /// <summary>When it is to be woken at the latest, as the stream has noted; nanoseconds since 1970.</summary>
    public long Armed { get; set; } = long.MaxValue;

    /// <summary>Where the stream has noted that it hears of new messages; null: nowhere.</summary>
    public IReadOnlyList<Subscription>? Hears { get; set; }

    /// <summary>A reader who has more than he can read for now; null: nobody known.</summary>
    public Subscriber? Behind { get; set; }

    /// <summary>It is no more.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether it outlives the server.</summary>
    public bool IsKept => Group is null && _stream.IsLogged && !Configuration.MemoryStorage && !(Configuration.Direct && _stream.Host.IsClustered);

    /// <summary>Takes up its work, alone.</summary>
    public void Begin(long now)
    {
        Leader = new ConsumerLeader(Replica, _stream.Visible, _stream.LeaderOptions);
        Leader.Begin(now, this);
        WatchInterest(now);
        _leads = true;
    }

    /// <summary>Goes by another configuration.</summary>
    public void Update(ConsumerRecord record, long now)
    {
        var before = Replica.Configuration;
        Record = record;
        Replica.Update(record.Configuration with { Name = record.Name });
        if (Leader is null) return;
        Leader.Update(before, now, Effects);
        WatchInterest(now);
    }

    /// <summary>Ends: who waits is told.</summary>
    /// <param name="status">What.</param>
    /// <param name="withPending">With what they have not got.</param>
    public void End(string status, bool withPending)
    {
        if (IsOver) return;
        IsOver = true;
        _leads = false;
        Leader?.Stop(status, withPending, this);
        Watch(null);
    }

    /// <summary>Finds out whether anybody listens where it pushes to, if that may have changed.</summary>
    public void LookForInterest(long now)
    {
        if (_watched is null || Leader is null || !Interlocked.Exchange(ref _mayListen, false)) return;
        Leader.InterestChanged(Configuration.DeliverGroup is { Length: > 0 } group ? _stream.HasMember(_watched, group) : HasInterest(_watched), now);
    }

    public void Propose(ReadOnlySpan<byte> entry)
    {
        if (Group is { } group)
        {
            // What the group does not take is lost with this leader: its term is over.
            group.Propose(entry);
            return;
        }
        if (!Replica.Apply(entry, this)) throw new InvalidOperationException("The consumer has proposed an entry that it does not know.");
        _stream.Log(this, entry);
    }

    public void Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload) =>
        Behind = _stream.Send(subject, message.Subject, reply, headers, payload) ?? Behind;

    public void Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers) => _stream.Send(subject, subject, reply, headers, default);

    public void Confirm(ReadOnlySpan<byte> subject) => _stream.Confirm(subject);

    /// <summary>Says that it pauses, if it does, when it is made; who leads it later says nothing, as upstream.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    public void ReportPause(long now)
    {
        if (Configuration.PauseUntil is { } until && until.UnixNanoseconds > now) Report(new ConsumerEvent(ConsumerEventKind.Paused) { IsPaused = true, PauseUntil = until.UnixNanoseconds });
    }

    public void Report(in ConsumerEvent consumerEvent) => ConsumerReports.Add(_stream.Host, Record.Name, consumerEvent);

    public bool HasInterest(ReadOnlySpan<byte> subject) => _stream.HasInterest(subject);

    public void Released(ulong sequence) => _stream.Release(this, sequence);

    public void ReleasedThrough(ulong sequence) => _stream.ReleaseThrough(this, sequence);

    private void WatchInterest(long now)
    {
        var subject = Configuration.DeliverSubject is { Length: > 0 } deliver ? Encoding.UTF8.GetBytes(deliver) : null;
        Watch(subject);
        if (subject is null) return;
        Volatile.Write(ref _mayListen, true);
        LookForInterest(now);
    }

    private void Watch(byte[]? subject)
    {
        if (_watched is not null) _stream.Host.Account.Subscriptions.Unwatch(_watched, OnInterest);
        _watched = subject;
        if (subject is not null) _stream.Host.Account.Subscriptions.Watch(subject, OnInterest);
    }

    /// <summary>On whichever thread changes subscriptions.</summary>
    private void OnInterest()
    {
        if (!Interlocked.Exchange(ref _mayListen, true)) _stream.InterestMayHaveChanged(this);
    }
}
