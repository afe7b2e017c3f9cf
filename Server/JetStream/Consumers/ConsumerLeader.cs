using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// What the leader of a consumer does: takes requests and acknowledgements, delivers, and does what is due. Pure: the
/// time is an argument (nanoseconds since 1970), everything else an effect. Belongs to the stream's mailbox.
/// </summary>
/// <remarks>
/// <para>The host calls <see cref="Begin"/> once, and <see cref="Pump"/> after whatever may have made something deliverable;
/// that costs nothing when there is nothing to do. It calls <see cref="Tick"/> when <see cref="NextTick"/> has come.</para>
/// <para>As long as it <see cref="IsAwake"/>, it must hear of every message that its filter lets through
/// (<see cref="MessageAdded"/>, <see cref="MessageRemoved"/>), at once; otherwise of none. So consumers at rest cost a
/// stream nothing, and an index of filters finds the others.</para>
/// </remarks>
public sealed partial class ConsumerLeader
{
    private readonly ConsumerReplica _replica;

    /// <summary>The replica, or where others must agree first, a copy that runs ahead of it.</summary>
    private readonly ConsumerReplica _state;
    private readonly IMessageStore _store;
    private readonly ConsumerLeaderOptions _options;
    private readonly byte[] _ackPrefix;

    /// <summary>No message below this one is to be delivered for the first time.</summary>
    private ulong _next;

    /// <summary>The last messages of subjects, with which a consumer begins that wants only these; null: they are through.</summary>
    private LastMessages? _lasts;
    private ulong _count;
    private bool _countKnown;

    /// <summary>False: there is no new message for it, as far as it has heard.</summary>
    private bool _mayHaveNew = true;
    private ulong _begin = 1;
    private long _lastDelivered;
    private long _lastAcked;
    private int _sampling;

    /// <param name="replica">Its own copy of the consumer.</param>
    /// <param name="store">The stream's messages.</param>
    /// <param name="options">What it must know of its server and stream.</param>
    public ConsumerLeader(ConsumerReplica replica, IMessageStore store, ConsumerLeaderOptions options)
    {
        _replica = replica;
        _state = options.IsReplicated ? replica.Copy() : replica;
        _store = store;
        _options = options;
        Name = replica.Configuration.Name ?? replica.Configuration.Durable ?? "";
        _ackPrefix = Encoding.UTF8.GetBytes($"$JS.ACK.{options.SubjectScope}{options.Stream}.{Name}.");
        // What an earlier leader here had in its queue is due again in its own time.
        _state.Pending?.DequeueAll();
        if (IsPush) _push = new PushState();
        else _requests = new WaitingRequests();
        _next = _state.Delivered.Stream + 1;
        (_lastDelivered, _lastAcked) = (replica.LastDelivered, replica.LastAcknowledged);
    }

    /// <summary>The consumer's name.</summary>
    public string Name { get; }

    public ConsumerConfiguration Configuration => _state.Configuration;

    public bool IsPush => Configuration.DeliverSubject is { Length: > 0 };

    /// <summary>Where it is by what it has proposed; the replica follows when that is agreed upon.</summary>
    internal ConsumerReplica State => _state;

    /// <summary>Whether it must hear of each message that its filter lets through, when it is added and when it is removed.</summary>
    public bool IsAwake { get; private set; }

    /// <summary>Nobody has used it for as long as it is to be kept then: it is to be deleted.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>Chooses where a new consumer begins, and takes up its work. Once, before anything else.</summary>
    public void Begin(long now, IConsumerEffects effects)
    {
        if (!_state.HasState)
        {
            _begin = ConsumerStart.Choose(Configuration, _state.Filter, _store, _options.KeepsOnePerSubject, out _lasts);
            if (_options.IsReplicated) Propose(ConsumerEntry.Skip(stackalloc byte[ConsumerEntry.MaxLength], _begin), effects);
            else Propose(ConsumerEntry.Reset(_begin, default), effects);
        }
        else if (!_options.IsReplicated) StreamIsWhole(effects);
        if (_options.IsReplicated) EndRequestsOfOthers(effects);
        _next = _state.Delivered.Stream + 1;
        if (Configuration.ReplayPolicy == ReplayPolicy.Original) _pace = new DeliveryPace { ReplayThrough = _store.State.LastSequence };
        Reconfigure(now);
        _lastUse = now;
        if (MustStayAwake) Wake();
    }

    /// <summary>
    /// The stream holds all that it ever will of what was stored so far. If it has lost its end, with messages that are
    /// counted as delivered, what is not done is delivered again. A replicated stream may only be behind: the host says
    /// when it is not.
    /// </summary>
    public void StreamIsWhole(IConsumerEffects effects)
    {
        if (_state.Delivered.Consumer == 0 || _state.Delivered.Stream <= _store.State.LastSequence) return;
        Propose(ConsumerEntry.Reset(Math.Min(_state.AckFloor.Stream, _store.State.LastSequence) + 1, default), effects);
        Refilter();
    }

    /// <summary>Goes by another configuration, which the replica has been told of.</summary>
    /// <param name="before">The configuration until now.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Update(ConsumerConfiguration before, long now, IConsumerEffects effects)
    {
        if (!ReferenceEquals(_state, _replica)) _state.Update(_replica.Configuration);
        var configuration = Configuration;
        if (before.FilterSubject != configuration.FilterSubject || before.FilterSubjects != configuration.FilterSubjects)
        {
            Refilter();
            RecountLasts(effects);
        }
        if (before.DeliverSubject != configuration.DeliverSubject) RedeliverAll();
        if (before.InactiveThreshold != configuration.InactiveThreshold) _lastUse = now;
        Reconfigure(now);
        if (before.PauseUntil != configuration.PauseUntil) ReportPause(now, effects);
        _mayHaveNew = true;
    }

    /// <summary>Begins anew somewhere else, or at what is not done yet.</summary>
    /// <param name="sequence">First message; 0: the first that is not acknowledged.</param>
    /// <param name="reply">Where the request is answered, which stands in the log.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    /// <param name="begins">Where it begins.</param>
    /// <returns>Null, or why it may not, as upstream words it.</returns>
    public string? Reset(ulong sequence, ReadOnlySpan<byte> reply, long now, IConsumerEffects effects, out ulong begins)
    {
        begins = sequence == 0 ? _state.AckFloor.Stream + 1 : sequence;
        if (sequence != 0 && ConsumerStart.WhyNot(Configuration, sequence, _store) is { } refusal) return refusal;
        Propose(ConsumerEntry.Reset(begins, reply), effects);
        _next = begins;
        _lasts = null;
        _lastDelivered = 0;
        _lastAcked = 0;
        Refilter();
        Use(now);
        return null;
    }

    private void Propose(ReadOnlySpan<byte> entry, IConsumerEffects effects)
    {
        effects.Propose(entry);
        if (!ReferenceEquals(_state, _replica)) _state.Apply(entry, NoObserver.Instance);
    }

    /// <summary>What it has found out about new messages is void.</summary>
    private void Refilter()
    {
        _next = _state.Delivered.Stream + 1;
        _countKnown = false;
        _mayHaveNew = true;
    }

    private void Reconfigure(long now)
    {
        var configuration = Configuration;
        _sampling = SamplingOf(configuration.SampleFrequency);
        _threshold = ThresholdOf(configuration);
        _unpauseAt = configuration.PauseUntil is { } until && until.UnixNanoseconds > now ? until.UnixNanoseconds : 0;
        if (configuration.RateLimit > 0) (_pace ??= new DeliveryPace()).SetRate(configuration.RateLimit, _options.RateBurst, now);
        else _pace?.SetRate(0, 0, now);
        _push?.Reconfigure(configuration, now);
    }

    /// <summary>Per cent; 0: none.</summary>
    private static int SamplingOf(string? frequency) =>
        int.TryParse(frequency.AsSpan().TrimEnd('%'), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var percent) ? percent : 0;

    private sealed class NoObserver : IConsumerObserver
    {
        public static readonly NoObserver Instance = new();

        public void Released(ulong sequence)
        {
            // The replica that runs behind tells.
        }

        public void ReleasedThrough(ulong sequence)
        {
            // The replica that runs behind tells.
        }
    }
}
