using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>
/// A consumer with its leader over messages in memory: what it proposes is applied at once or when the test says so; what
/// it sends is kept as text. Times are seconds from the beginning.
/// </summary>
internal sealed class LedConsumer : IConsumerEffects, IConsumerObserver, IDisposable
{
    public const long Second = 1_000_000_000;
    public const long Start = 1_700_000_000 * Second;

    public static readonly ConsumerConfiguration Pull = new()
    {
        Durable = "C",
        Name = "C",
        AckPolicy = AckPolicy.Explicit,
        AckWait = 30 * Second,
        MaxDeliver = -1,
        MaxAckPending = 1000,
        MaxWaiting = 512,
    };

    public static readonly ConsumerConfiguration Push = Pull with { DeliverSubject = "d", MaxWaiting = 0 };

    private readonly ConsumerLeaderOptions _options;
    private readonly Queue<byte[]> _uncommitted = [];
    private int _ids;

    public LedConsumer(ConsumerConfiguration configuration, int messages = 0, ConsumerLeaderOptions? options = null)
        : this(configuration, Enumerable.Repeat("a", messages), options)
    {
    }

    /// <param name="configuration">Valid.</param>
    /// <param name="subjects">Of messages that are there before.</param>
    /// <param name="options">Random numbers and ids are the test's.</param>
    public LedConsumer(ConsumerConfiguration configuration, IEnumerable<string> subjects, ConsumerLeaderOptions? options = null)
    {
        _options = (options ?? new ConsumerLeaderOptions { Stream = "S" }) with { Random = new Random(1), NewId = () => $"pin{++_ids}" };
        foreach (var subject in subjects) Publish(subject);
        Replica = new ConsumerReplica(configuration);
        Leader = new ConsumerLeader(Replica, Store, _options);
        Leader.Begin(Nanoseconds, this);
        if (Leader.IsPush) Listen(true);
        DoPump();
    }

    public MemoryMessageStore Store { get; } = new();

    public ConsumerReplica Replica { get; private set; }

    public ConsumerLeader Leader { get; private set; }

    /// <summary>Every entry proposed.</summary>
    public List<byte[]> Log { get; } = [];

    /// <summary>All that was sent since it was asked for last.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>All that was ever sent, with replies.</summary>
    public List<string> Trace { get; } = [];

    public List<ConsumerEvent> Events { get; } = [];

    public List<ulong> Released { get; } = [];

    /// <summary>Subjects nobody listens on.</summary>
    public HashSet<string> Deaf { get; } = [];

    /// <summary>Seconds since the beginning.</summary>
    public double Now
    {
        get => (Nanoseconds - Start) / (double)Second;
        set => Nanoseconds = Start + ((long)Math.Round(value * 1000) * (Second / 1000));
    }

    public long Nanoseconds { get; set; } = Start;

    public int Budget { get; set; } = 1_000_000;

    /// <summary>Interest is asked for so often.</summary>
    public int InterestAsked { get; private set; }

    public ConsumerFigures Figures => Leader.Describe(Nanoseconds, this);

    /// <summary>What was sent since it was asked for last, in one line.</summary>
    public string Take()
    {
        var text = string.Join(" ", Sent);
        Sent.Clear();
        return text;
    }

    public ulong Publish(string subject, string payload = "", string headers = "")
    {
        var message = new StoredMessage
        {
            Sequence = Store.State.LastSequence + 1,
            Timestamp = Nanoseconds,
            Subject = Encoding.UTF8.GetBytes(subject),
            Headers = headers.Length == 0 ? default : Encoding.UTF8.GetBytes($"NATS/1.0\r\n{headers}\r\n\r\n"),
            Payload = Encoding.UTF8.GetBytes(payload),
        };
        Store.Append(message);
        if (Leader is null || !Replica.Filter.Includes(message.Subject)) return message.Sequence;
        if (Leader.IsAwake) Leader.MessageAdded(message.Sequence);
        DoPump();
        return message.Sequence;
    }

    public void Remove(ulong sequence)
    {
        var buffer = new MessageBuffer();
        if (!Store.TryLoad(sequence, buffer)) return;
        Store.Remove(sequence, erase: false);
        if (Leader.IsAwake && Replica.Filter.Includes(buffer.Subject)) Leader.MessageRemoved(sequence, Nanoseconds, this);
        DoPump();
    }

    public void Purge(string? filter = null, ulong below = 0, ulong keep = 0)
    {
        Store.Purge(filter is null ? SubjectFilter.All : SubjectFilter.Of(filter), below, keep);
        Leader.MessagesRemoved(Nanoseconds, this);
        DoPump();
    }

    /// <summary>Asks for messages and tells what was sent.</summary>
    public string Ask(string request = "", string reply = "r")
    {
        Leader.Request(Encoding.UTF8.GetBytes(request), Encoding.UTF8.GetBytes(reply), Nanoseconds, this);
        DoPump();
        return Take();
    }

    /// <summary>Answers a delivery and tells what was sent.</summary>
    public string Ack(ulong stream, string payload = "", string reply = "", ulong? consumer = null, ulong delivered = 1)
    {
        var subject = string.Create(CultureInfo.InvariantCulture, $"$JS.ACK.S.C.{delivered}.{stream}.{consumer ?? stream}.0.0");
        AckSubject.TryParse(Encoding.UTF8.GetBytes(subject), out var parsed).ShouldBeTrue();
        Leader.Acknowledge(parsed, Encoding.UTF8.GetBytes(payload), Encoding.UTF8.GetBytes(reply), Nanoseconds, this);
        DoPump();
        return Take();
    }

    /// <summary>Lets time pass, does what is due then when it is due, and tells what was sent.</summary>
    public string Pass(double seconds)
    {
        PassExactly((long)Math.Round(seconds * 1000) * (Second / 1000));
        return Take();
    }

    public void PassExactly(long nanoseconds)
    {
        var end = Nanoseconds + nanoseconds;
        for (var turns = 0; Leader.NextTick is { } next && next <= end; turns++)
        {
            turns.ShouldBeLessThan(100_000, "there is no end of it");
            Nanoseconds = Math.Max(Nanoseconds, next);
            Leader.Tick(Nanoseconds, this);
            DoPump();
        }
        Nanoseconds = end;
        DoPump();
    }

    public void Listen(bool isListening)
    {
        Leader.InterestChanged(isListening, Nanoseconds);
        DoPump();
    }

    public void Update(Func<ConsumerConfiguration, ConsumerConfiguration> change)
    {
        var before = Replica.Configuration;
        Replica.Update(change(before));
        Leader.Update(before, Nanoseconds, this);
        DoPump();
    }

    public string? Reset(ulong sequence)
    {
        var error = Leader.Reset(sequence, default, Nanoseconds, this, out _);
        DoPump();
        return error;
    }

    /// <summary>Begins anew with what was stored.</summary>
    public void Restart()
    {
        var state = new ArrayBufferWriter<byte>();
        Replica.Encode(state);
        Replica = new ConsumerReplica(Replica.Configuration);
        Replica.Decode(state.WrittenSpan).ShouldBeNull();
        Leader = new ConsumerLeader(Replica, Store, _options);
        Leader.Begin(Nanoseconds, this);
    }

    /// <summary>Of a replicated consumer: what was proposed is agreed upon.</summary>
    public void Commit()
    {
        while (_uncommitted.TryDequeue(out var entry)) Replica.Apply(entry, this).ShouldBeTrue();
    }

    public void DoPump()
    {
        for (var turns = 0; Leader.Pump(Nanoseconds, Budget, this); turns++) turns.ShouldBeLessThan(1_000_000, "there is no end of it");
    }

    void IConsumerEffects.Propose(ReadOnlySpan<byte> entry)
    {
        Log.Add(entry.ToArray());
        if (_options.IsReplicated) _uncommitted.Enqueue(entry.ToArray());
        else Replica.Apply(entry, this).ShouldBeTrue();
    }

    /// <summary>As <c>r<-7:a#2</c>: to r went message 7 on subject a, its second delivery.</summary>
    void IConsumerEffects.Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        AckSubject.TryParse(reply, out var ack).ShouldBeTrue();
        ack.StreamSequence.ShouldBe(message.Sequence);
        ack.Timestamp.ShouldBe(message.Timestamp);
        LastReply = Text(reply);
        LastHeaders = Text(headers);
        LastPayload = Text(payload);
        Trace.Add($"{Text(subject)} {LastReply}");
        var again = ack.Delivered == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"#{ack.Delivered}");
        Sent.Add(string.Create(CultureInfo.InvariantCulture, $"{Text(subject)}<-{message.Sequence}{again}"));
    }

    public string LastReply { get; private set; } = "";

    public string LastHeaders { get; private set; } = "";

    public string LastPayload { get; private set; } = "";

    void IConsumerEffects.Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers)
    {
        var text = Text(headers);
        text.ShouldStartWith("NATS/1.0 ");
        text.ShouldEndWith("\r\n\r\n");
        LastStatusReply = Text(reply);
        Trace.Add(text.Contains("Heartbeat") ? $"{Text(subject)} heartbeat {text.Split("Nats-Last-Consumer: ")[1].Split('\r')[0]}" : $"{Text(subject)} {text.TrimEnd()}");
        Sent.Add($"{Text(subject)}<-[{text["NATS/1.0 ".Length..].TrimEnd().Replace("\r\n", "|")}]");
    }

    public string LastStatusReply { get; private set; } = "";

    void IConsumerEffects.Confirm(ReadOnlySpan<byte> subject)
    {
        Trace.Add($"{Text(subject)} ok");
        Sent.Add($"{Text(subject)}<-ok");
    }

    void IConsumerEffects.Report(in ConsumerEvent consumerEvent)
    {
        Trace.Add($"event {consumerEvent.Kind} {consumerEvent.StreamSequence} {consumerEvent.Deliveries} {consumerEvent.Reason}");
        Events.Add(consumerEvent);
    }

    bool IConsumerEffects.HasInterest(ReadOnlySpan<byte> subject)
    {
        InterestAsked++;
        return !Deaf.Contains(Text(subject));
    }

    void IConsumerObserver.Released(ulong sequence) => Released.Add(sequence);

    void IConsumerObserver.ReleasedThrough(ulong sequence) => ReleasedThrough = sequence;

    public ulong ReleasedThrough { get; private set; }

    public void Dispose() => Store.Dispose();

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
