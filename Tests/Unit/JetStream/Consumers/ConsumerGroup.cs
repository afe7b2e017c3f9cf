using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>
/// A consumer on several replicas over one log, without its consensus: what the leader proposes is agreed upon when the
/// test says so. The stream's messages are the same everywhere.
/// </summary>
internal sealed class ConsumerGroup : IConsumerEffects, IConsumerObserver, IDisposable
{
    private readonly ConsumerConfiguration _configuration;
    private readonly List<ConsumerReplica> _replicas = [];
    private readonly int[] _applied;
    private readonly List<byte[]> _log = [];
    private int _committed;
    private ConsumerAgreement _agreement = null!;

    public ConsumerGroup(ConsumerConfiguration configuration, int messages, int members = 3)
    {
        _configuration = configuration;
        for (var i = 0; i < members; i++) _replicas.Add(new ConsumerReplica(configuration));
        _applied = new int[members];
        for (var i = 0; i < messages; i++) Publish();
        Lead(0);
    }

    public MemoryMessageStore Store { get; } = new();

    public ConsumerLeader Leader { get; private set; } = null!;

    public int LeaderIndex { get; private set; }

    public int Members => _replicas.Count;

    public ConsumerReplica LeaderReplica => _replicas[LeaderIndex];

    public int Uncommitted => _log.Count - _committed;

    public IEnumerable<byte[]> Log => _log;

    public long Nanoseconds { get; set; } = LedConsumer.Start;

    /// <summary>What was sent since it was asked for last.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>Deliveries: what to acknowledge.</summary>
    public List<(ulong Sequence, ulong Consumer, ulong Delivered)> Deliveries { get; } = [];

    /// <summary>Called with each message delivered.</summary>
    public Action<ulong>? OnDelivery { get; set; }

    public List<ulong> Released { get; } = [];

    public string Take()
    {
        var text = string.Join(" ", Sent);
        Sent.Clear();
        return text;
    }

    public void Publish()
    {
        Store.Append(new StoredMessage { Sequence = Store.State.LastSequence + 1, Timestamp = Nanoseconds, Subject = "a"u8, Payload = "payload"u8 });
        if (Leader is null) return;
        if (Leader.IsAwake) Leader.MessageAdded(Store.State.LastSequence);
        Pump();
    }

    public void Ask(string request, string reply = "r")
    {
        Leader.Request(Encoding.UTF8.GetBytes(request), Encoding.UTF8.GetBytes(reply), Nanoseconds, _agreement);
        Pump();
    }

    public void Ack(ulong sequence, ulong consumer, ulong delivered = 1, string payload = "", string reply = "")
    {
        var subject = string.Create(CultureInfo.InvariantCulture, $"$JS.ACK.S.C.{delivered}.{sequence}.{consumer}.0.0");
        AckSubject.TryParse(Encoding.UTF8.GetBytes(subject), out var parsed).ShouldBeTrue();
        Leader.Acknowledge(parsed, Encoding.UTF8.GetBytes(payload), Encoding.UTF8.GetBytes(reply), Nanoseconds, _agreement);
        Pump();
    }

    public void Pass(double seconds)
    {
        Nanoseconds += (long)(seconds * LedConsumer.Second);
        if (Leader.NextTick <= Nanoseconds) Leader.Tick(Nanoseconds, _agreement);
        Pump();
    }

    public void Pump()
    {
        for (var turns = 0; !_agreement.IsCrowded && Leader.Pump(Nanoseconds, 100, _agreement); turns++) turns.ShouldBeLessThan(10_000);
    }

    /// <summary>Agrees upon entries: the leader applies them at once.</summary>
    public void Commit(int count = int.MaxValue)
    {
        _committed = (int)Math.Min(_log.Count, _committed + (long)count);
        for (; _applied[LeaderIndex] < _committed; _applied[LeaderIndex]++)
        {
            LeaderReplica.Apply(_log[_applied[LeaderIndex]], this).ShouldBeTrue();
            _agreement.Applied();
        }
    }

    public void Catch(int member)
    {
        for (; member != LeaderIndex && _applied[member] < _committed; _applied[member]++) _replicas[member].Apply(_log[_applied[member]], Unheard.Instance).ShouldBeTrue();
    }

    /// <summary>Another one leads; so much of what was not agreed upon is in its log, the rest is gone.</summary>
    public void FailOver(int leader, int surviving)
    {
        var end = Math.Min(_log.Count, _committed + surviving);
        _log.RemoveRange(end, _log.Count - end);
        _agreement.Dispose();
        Catch(leader);
        _committed = end;
        LeaderIndex = -1;
        Catch(leader);
        Lead(leader);
    }

    public void ShouldBeAlike(string because)
    {
        Commit();
        var expected = Encode(LeaderReplica);
        for (var i = 0; i < Members; i++)
        {
            Catch(i);
            Convert.ToHexString(Encode(_replicas[i])).ShouldBe(Convert.ToHexString(expected), because);
        }
        Convert.ToHexString(Encode(Leader.State)).ShouldBe(Convert.ToHexString(expected), because);
    }

    void IConsumerEffects.Propose(ReadOnlySpan<byte> entry) => _log.Add(entry.ToArray());

    void IConsumerEffects.Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        AckSubject.TryParse(reply, out var ack).ShouldBeTrue();
        (Text(message.Subject), Text(payload), message.Sequence).ShouldBe(("a", "payload", ack.StreamSequence));
        Sent.Add(string.Create(CultureInfo.InvariantCulture, $"{Text(subject)}<-{ack.StreamSequence}{(ack.Delivered == 1 ? "" : $"#{ack.Delivered}")}"));
        Deliveries.Add((ack.StreamSequence, ack.ConsumerSequence, ack.Delivered));
        OnDelivery?.Invoke(ack.StreamSequence);
    }

    void IConsumerEffects.Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers) =>
        Sent.Add($"{Text(subject)}<-[{Text(headers)["NATS/1.0 ".Length..].TrimEnd().Replace("\r\n", "|")}]");

    void IConsumerEffects.Confirm(ReadOnlySpan<byte> subject) => Sent.Add($"{Text(subject)}<-ok");

    void IConsumerEffects.Report(in ConsumerEvent consumerEvent) => Sent.Add($"event {consumerEvent.Kind}");

    bool IConsumerEffects.HasInterest(ReadOnlySpan<byte> subject) => true;

    void IConsumerObserver.Released(ulong sequence) => Released.Add(sequence);

    void IConsumerObserver.ReleasedThrough(ulong sequence) => Released.Add(sequence);

    public void Dispose()
    {
        _agreement.Dispose();
        Store.Dispose();
    }

    private void Lead(int member)
    {
        LeaderIndex = member;
        _agreement = new ConsumerAgreement(this, _configuration.AckPolicy);
        Leader = new ConsumerLeader(LeaderReplica, Store, new ConsumerLeaderOptions { Stream = "S", IsReplicated = true, Random = new Random(1) });
        Leader.Begin(Nanoseconds, _agreement);
        Pump();
    }

    private static byte[] Encode(ConsumerReplica replica)
    {
        var state = new ArrayBufferWriter<byte>();
        replica.Encode(state);
        return state.WrittenSpan.ToArray();
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private sealed class Unheard : IConsumerObserver
    {
        public static readonly Unheard Instance = new();

        public void Released(ulong sequence)
        {
            // Only the leader's replica is asked in these tests.
        }

        public void ReleasedThrough(ulong sequence)
        {
            // Only the leader's replica is asked in these tests.
        }
    }
}
