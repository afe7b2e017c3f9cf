using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>
/// A stream and a consumer written for nothing but being understood: lists that are walked, nothing remembered that can be
/// found out. What it sends must be what the real one sends.
/// </summary>
internal sealed partial class ConsumerModel
{
    private const long Second = LedConsumer.Second;

    public sealed record StoredOne(ulong Sequence, string Subject, long Time);

    public sealed class PendingOne(ulong sequence, ulong consumer, long since)
    {
        public ulong Sequence { get; } = sequence;

        public ulong Consumer { get; } = consumer;

        public long Since { get; set; } = since;
    }

    private sealed class RequestOne(string reply, long left, long expires, long heartbeat, bool noWait, long now)
    {
        public string Reply { get; } = reply;

        public long Left { get; set; } = left;

        public long Got { get; set; }

        public long Expires { get; } = expires == 0 ? long.MaxValue : now + expires;

        public long Heartbeat { get; } = heartbeat;

        public long HeartbeatDue { get; set; } = heartbeat == 0 ? long.MaxValue : now + heartbeat;

        public bool NoWait { get; } = noWait;
    }

    private readonly List<RequestOne> _requests = [];
    private readonly List<ulong> _queue = [];
    private List<ulong>? _lasts;
    private ulong _through;
    private long _unpauseAt;
    private long _heartbeatDue = long.MaxValue;
    private bool _listening;
    private bool _begun;

    public ConsumerModel(ConsumerConfiguration configuration, long now)
    {
        Configuration = configuration;
        Now = now;
    }

    public ConsumerConfiguration Configuration { get; private set; }

    public long Now { get; set; }

    public List<StoredOne> Messages { get; } = [];

    public ulong Last { get; private set; }

    public ulong First => Messages.Count == 0 ? Last + 1 : Messages[0].Sequence;

    public List<PendingOne> Pending { get; } = [];

    public SortedDictionary<ulong, ulong> Redelivered { get; } = [];

    public (ulong Consumer, ulong Stream) Delivered { get; private set; }

    public (ulong Consumer, ulong Stream) Floor { get; private set; }

    public HashSet<string> Deaf { get; } = [];

    public List<string> Trace { get; } = [];

    public int Waiting => _requests.Count;

    private bool IsPush => Configuration.DeliverSubject is not null;

    private bool CoversEarlier => Configuration.AckPolicy == AckPolicy.All;

    public ulong Left => (ulong)Messages.Count(IsAhead);

    public void Begin()
    {
        var start = Configuration.DeliverPolicy switch
        {
            DeliverPolicy.All => First,
            DeliverPolicy.New => Last + 1,
            DeliverPolicy.Last => Messages.LastOrDefault(one => Matches(one.Subject))?.Sequence ?? 0,
            DeliverPolicy.ByStartSequence => Configuration.StartSequence,
            _ => BeginWithLasts(),
        };
        start = Math.Max(start, First);
        Delivered = Floor = (0, start - 1);
        StartListening();
        _begun = true;
    }

    private ulong BeginWithLasts()
    {
        _through = Last;
        _lasts = [.. Messages.Where(one => Matches(one.Subject)).GroupBy(one => one.Subject).Select(group => group.Last().Sequence).Order()];
        if (_lasts.Count > 0) return _lasts[0];
        _lasts = null;
        return Last;
    }

    public void Publish(string subject)
    {
        Messages.Add(new StoredOne(++Last, subject, Now));
        if (_begun && Matches(subject)) Pump();
    }

    public void Remove(ulong sequence)
    {
        if (Messages.Find(one => one.Sequence == sequence) is not { } gone) return;
        Messages.Remove(gone);
        if (Matches(gone.Subject))
        {
            _lasts?.Remove(sequence);
            EndLasts();
            if (Pending.Exists(one => one.Sequence == sequence)) Gone(sequence);
            else Redelivered.Remove(sequence);
        }
        Pump();
    }

    public void Purge(string? filter, ulong below, int keep)
    {
        var hit = Messages.Where(one => (filter is null || one.Subject == filter) && (below == 0 || one.Sequence < below)).ToList();
        foreach (var one in hit.Take(Math.Max(0, hit.Count - keep))) Messages.Remove(one);
        _lasts?.RemoveAll(sequence => !Exists(sequence));
        EndLasts();
        foreach (var one in Pending.Where(one => !Exists(one.Sequence)).ToList())
        {
            if (one.Sequence >= First) Forget(one.Sequence);
            else Done(one.Sequence, one.Consumer);
        }
        foreach (var sequence in Redelivered.Keys.Where(sequence => !Exists(sequence) && !Pending.Exists(one => one.Sequence == sequence)).ToList()) Redelivered.Remove(sequence);
        if (First > Delivered.Stream + 1 && _lasts is null)
        {
            Delivered = (Delivered.Consumer, First - 1);
            if (Pending.Count == 0) Floor = (Floor.Consumer, First - 1);
        }
        Pump();
    }

    public void Ask(string reply, long batch, long expires, long heartbeat, bool noWait)
    {
        if (IsPush)
        {
            Status(reply, "409 Consumer is push based");
            Pump();
            return;
        }
        if (noWait)
        {
            var left = (long)Left + _queue.Count;
            if (left == 0 && expires == 0)
            {
                Status(reply, "404 No Messages");
                Pump();
                return;
            }
            if (left > 0)
            {
                Sweep(false);
                if (left < _requests.Sum(one => one.Left))
                {
                    Status(reply, "408 Requests Pending");
                    Pump();
                    return;
                }
            }
        }
        if (_requests.Count >= Configuration.MaxWaiting)
        {
            if (heartbeat == 0) Status(reply, "409 Exceeded MaxWaiting");
        }
        else _requests.Add(new RequestOne(reply, batch, expires, heartbeat, noWait, Now));
        Pump();
    }

    /// <param name="kind">ack, nak, delay, wpi, term</param>
    public void Ack(string kind, ulong sequence, ulong consumer, ulong delivered, long delay, string reply)
    {
        if (Configuration.AckPolicy == AckPolicy.None) return;
        var one = Pending.Find(waiting => waiting.Sequence == sequence);
        var answers = true;
        switch (kind)
        {
            case "ack" or "term":
                answers = sequence <= Delivered.Stream;
                if (!answers) break;
                if (CoversEarlier)
                {
                    if (sequence > Floor.Stream && consumer > Floor.Consumer) Done(sequence, Math.Min(consumer, Delivered.Consumer));
                }
                else if (one is not null) Done(sequence, one.Consumer);
                else Redelivered.Remove(sequence);
                if (kind == "term") Event("Terminated", sequence, delivered, "why");
                break;
            case "nak" or "delay" when one is not null && consumer > Floor.Consumer && consumer <= Delivered.Consumer:
                Event("Naked", sequence, delivered, "");
                if (kind == "nak") Expire(one);
                else
                {
                    _queue.Remove(sequence);
                    one.Since = Now + delay - Wait(sequence);
                }
                break;
            case "wpi" when one is not null:
                one.Since = Now;
                break;
        }
        if (answers && reply != "") Trace.Add($"{reply} ok");
        Pump();
    }

    public void Pass(long nanoseconds)
    {
        var end = Now + nanoseconds;
        while (Due() is var due && due <= end)
        {
            Now = Math.Max(Now, due);
            foreach (var one in Pending.Where(one => !_queue.Contains(one.Sequence) && Deadline(one) <= Now).OrderBy(one => one.Sequence).ToList()) Expire(one);
            Sweep(false);
            if (_listening && _heartbeatDue <= Now) Beat();
            if (_unpauseAt > 0 && _unpauseAt <= Now)
            {
                _unpauseAt = 0;
                Event("Paused", 0, 0, "");
            }
            SendAll();
        }
        Now = end;
        SendAll();
    }

    public void Update(ConsumerConfiguration configuration)
    {
        var before = Configuration;
        Configuration = configuration;
        _lasts?.RemoveAll(sequence => !Matches(Messages.Find(one => one.Sequence == sequence)!.Subject));
        EndLasts();
        if (configuration.PauseUntil != before.PauseUntil)
        {
            var until = configuration.PauseUntil!.Value.UnixNanoseconds;
            _unpauseAt = until > Now ? until : 0;
            Event("Paused", 0, 0, "");
        }
        Pump();
    }

    public void Listen(bool listening)
    {
        _listening = listening;
        if (listening) StartListening();
        Pump();
    }

    public void Reset(ulong sequence)
    {
        if (sequence != 0 && Configuration.DeliverPolicy is not (DeliverPolicy.All or DeliverPolicy.ByStartSequence)) return;
        if (sequence != 0 && sequence < Configuration.StartSequence) return;
        if (sequence == 0) sequence = Floor.Stream + 1;
        Delivered = Floor = (0, sequence - 1);
        Pending.Clear();
        Redelivered.Clear();
        _queue.Clear();
        _lasts = null;
        Pump();
    }

    /// <summary>Only what is written down stays, and times of it to the second.</summary>
    public void Restart()
    {
        _requests.Clear();
        _queue.Clear();
        _lasts = null;
        foreach (var one in Pending) one.Since = one.Since / Second * Second;
        _unpauseAt = Configuration.PauseUntil is { } until && until.UnixNanoseconds > Now ? until.UnixNanoseconds : 0;
        _listening = false;
    }

    private void StartListening()
    {
        _listening = IsPush;
        _heartbeatDue = Configuration.Heartbeat > 0 ? Now + Configuration.Heartbeat : long.MaxValue;
    }

    /// <summary>Does what is due now, and sends what may be sent.</summary>
    public void Pump() => Pass(0);

    private void SendAll()
    {
        var atLimit = false;
        while (CanSend())
        {
            while (_queue.Count > 0 && TryPutAway(_queue[0]))
            {
            }
            if (_queue.Count > 0)
            {
                var again = _queue[0];
                var times = Times(again) + 1;
                if (!Send(again, times + 1, () => _queue.Remove(again))) break;
                Redelivered[again] = times;
                Pending.Find(one => one.Sequence == again)!.Since = Now;
                continue;
            }
            if (Configuration.MaxAckPending > 0 && Pending.Count >= Configuration.MaxAckPending)
            {
                atLimit = true;
                break;
            }
            if (Messages.Find(IsAhead) is not { } next) break;
            if (!Send(next.Sequence, 1, () => _lasts?.Remove(next.Sequence))) break;
            if (Configuration.AckPolicy == AckPolicy.None) Floor = Delivered;
            else Pending.Add(new PendingOne(next.Sequence, Delivered.Consumer, Now));
            EndLasts();
        }
        if (!IsPush && !atLimit && _requests.Exists(one => one.NoWait)) Sweep(true);
    }

    private void EndLasts()
    {
        if (_lasts is not { Count: 0 }) return;
        _lasts = null;
        if (_through <= Delivered.Stream) return;
        Delivered = (Delivered.Consumer, _through);
        if (Pending.Count == 0) Floor = (Floor.Consumer, _through);
    }
}
