using System.Runtime.InteropServices;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// How far a consumer has come, as a state machine over the log of its operations: the leader proposes entries
/// (<see cref="ConsumerEntry"/>), every replica applies the same ones in the same order. No clock, disk or network;
/// belongs to one mailbox.
/// </summary>
/// <remarks>Applying again all entries since some earlier state leads to the same state.</remarks>
public sealed partial class ConsumerReplica
{
    private PendingMessages? _pending;

    /// <summary>By stream sequence, how often it was delivered again. Stays for a message that was given up until it leaves the stream.</summary>
    private Dictionary<ulong, ulong>? _redelivered;

    /// <param name="configuration">Valid, with defaults set.</param>
    public ConsumerReplica(ConsumerConfiguration configuration)
    {
        Configuration = configuration;
        Filter = FilterOf(configuration);
    }

    public ConsumerConfiguration Configuration { get; private set; }

    /// <summary>The subjects it is for.</summary>
    public SubjectFilter Filter { get; private set; }

    /// <summary>The last delivery. All messages up to its stream sequence were delivered or passed over.</summary>
    public SequencePair Delivered { get; private set; }

    /// <summary>Everything up to here is done.</summary>
    public SequencePair AckFloor { get; private set; }

    /// <summary>Messages that wait for an acknowledgement.</summary>
    public int AckPending => _pending?.Count ?? 0;

    /// <summary>Messages that were delivered more than once, and are not acknowledged.</summary>
    public int Redelivered => _redelivered?.Count ?? 0;

    /// <summary>False: nothing has been applied yet, nor where it begins.</summary>
    public bool HasState { get; private set; }

    /// <summary>How it stands without its leader, who alone knows of requests and times.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="pending">Messages of the stream behind those delivered.</param>
    public ConsumerFigures Describe(long now, ulong pending) => new()
    {
        Delivered = Delivered,
        AckFloor = AckFloor,
        LastDelivered = LastDelivered,
        LastAcknowledged = LastAcknowledged,
        AckPending = AckPending,
        Redelivered = Configuration.MaxDeliver == 1 ? 0 : Redelivered,
        Pending = pending,
        IsPaused = Configuration.PauseUntil?.UnixNanoseconds > now,
        PauseRemaining = Configuration.PauseUntil?.UnixNanoseconds is { } until && until > now ? until - now : 0,
    };

    internal bool AwaitsAcks => Configuration.AckPolicy != AckPolicy.None;

    internal bool AcksCoverEarlier => Configuration.AckPolicy is AckPolicy.All or AckPolicy.FlowControl;

    /// <summary>Null: none has been made yet.</summary>
    internal PendingMessages? Pending => _pending;

    /// <summary>Stream sequences that were delivered more than once.</summary>
    internal IEnumerable<ulong> RedeliveredSequences => _redelivered?.Keys ?? Enumerable.Empty<ulong>();

    /// <summary>How often a message was delivered again.</summary>
    internal ulong TimesRedelivered(ulong sequence) => _redelivered is null ? 0 : _redelivered.GetValueOrDefault(sequence);

    /// <summary>
    /// Whether a message that its filter lets through is still needed: not yet delivered, not acknowledged, or given up
    /// after too many deliveries, which keeps it.
    /// </summary>
    public bool Needs(ulong sequence)
    {
        if (_redelivered is not null && _redelivered.ContainsKey(sequence)) return true;
        if (sequence <= AckFloor.Stream) return false;
        return Configuration.AckPolicy != AckPolicy.Explicit || sequence > Delivered.Stream || (_pending is not null && _pending.Contains(sequence));
    }

    /// <summary>Goes by another configuration.</summary>
    /// <param name="configuration">Valid, and a legal update of the present one.</param>
    public void Update(ConsumerConfiguration configuration)
    {
        var before = Configuration;
        Configuration = configuration;
        if (before.FilterSubject != configuration.FilterSubject || before.FilterSubjects != configuration.FilterSubjects) Filter = FilterOf(configuration);
        if (_pending is not { } pending || (before.AckWait == configuration.AckWait && before.Backoff == configuration.Backoff)) return;
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id)) pending.SetTime(id, pending.Timestamp(id), DeadlineOf(pending.Sequence(id), pending.Timestamp(id)));
    }

    /// <summary>A copy that goes its own way.</summary>
    internal ConsumerReplica Copy()
    {
        var copy = new ConsumerReplica(Configuration) { Filter = Filter, Delivered = Delivered, AckFloor = AckFloor, HasState = HasState };
        if (_redelivered is not null) copy._redelivered = new Dictionary<ulong, ulong>(_redelivered);
        if (_pending is not { } pending) return copy;
        for (var id = pending.First; id != PendingMessages.None; id = pending.Next(id)) copy.Add(pending.Sequence(id), pending.ConsumerSequence(id), pending.Timestamp(id));
        return copy;
    }

    /// <summary>Gives back room that nothing is in.</summary>
    internal void Trim()
    {
        if (_pending is { Count: 0 }) _pending = null;
        if (_redelivered is { Count: 0 }) _redelivered = null;
    }

    /// <summary>How long an acknowledgement is waited for, nanoseconds; 0: for ever.</summary>
    /// <param name="timesRedelivered">Of the message.</param>
    internal long WaitAfter(ulong timesRedelivered)
    {
        var backoff = Configuration.Backoff.AsSpan();
        return backoff.IsEmpty ? Configuration.AckWait : backoff[(int)Math.Min(timesRedelivered, (ulong)backoff.Length - 1)];
    }

    private static SubjectFilter FilterOf(ConsumerConfiguration configuration)
    {
        if (!configuration.FilterSubjects.IsEmpty) return SubjectFilter.Of(configuration.FilterSubjects.AsSpan());
        return string.IsNullOrEmpty(configuration.FilterSubject) ? SubjectFilter.All : SubjectFilter.Of(configuration.FilterSubject);
    }

    private void Add(ulong sequence, ulong consumerSequence, long timestamp) =>
        (_pending ??= new PendingMessages()).Add(sequence, consumerSequence, timestamp, DeadlineOf(sequence, timestamp));

    private long DeadlineOf(ulong sequence, long timestamp)
    {
        var wait = WaitAfter(TimesRedelivered(sequence));
        return wait <= 0 ? long.MaxValue : (long)Int128.Clamp((Int128)timestamp + wait, long.MinValue, long.MaxValue);
    }

    private void CountRedelivery(ulong sequence, ulong times)
    {
        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_redelivered ??= [], sequence, out _);
        count = Math.Max(count, times);
    }
}
