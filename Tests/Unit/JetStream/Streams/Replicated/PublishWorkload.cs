using System.Globalization;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>What publishers do to a stream, at random: much of it barely fits what the stream holds by then.</summary>
internal sealed class PublishWorkload(int seed)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, int> _batches = [];
    private int _ids;
    private int _replies;
    private int _batchNumber;

    /// <summary>A stream for it.</summary>
    public StreamConfiguration Configure()
    {
        var isCounter = _random.Next(6) == 0;
        var discardsNew = _random.Next(2) == 0;
        var perSubject = _random.Next(2) == 0 ? _random.Next(1, 5) : -1;
        return LedStream.Plain with
        {
            Subjects = new(["s.>"]),
            Discard = discardsNew ? DiscardPolicy.New : DiscardPolicy.Old,
            MaxMessages = _random.Next(2) == 0 ? _random.Next(3, 25) : -1,
            MaxBytes = _random.Next(3) == 0 ? _random.Next(200, 2000) : -1,
            MaxMessagesPerSubject = perSubject,
            DiscardNewPerSubject = discardsNew && perSubject > 0 && _random.Next(2) == 0,
            DuplicateWindow = _random.Next(3) == 0 ? 0 : _random.Next(1, 60) * LedStream.Second,
            AllowMessageCounter = isCounter,
            AllowRollup = !isCounter,
            AllowMessageTtl = _random.Next(2) == 0,
            AllowAtomicPublish = _random.Next(2) == 0,
            AllowMessageSchedules = !isCounter && _random.Next(3) == 0,
            SubjectTransform = _random.Next(4) == 0 ? new SubjectTransformConfiguration { Source = "s.*", Destination = "s.{{partition(3,1)}}.x" } : null,
            Republish = _random.Next(4) == 0 ? new RepublishConfiguration { Source = "s.>", Destination = "again.>" } : null,
        };
    }

    /// <summary>Chance by the hundred.</summary>
    public bool Happens(int percent) => _random.Next(100) < percent;

    public int Next(int limit) => _random.Next(limit);

    /// <summary>The next message.</summary>
    /// <param name="configuration">The stream's.</param>
    /// <param name="store">What it holds by then.</param>
    public (string Subject, string Headers, string Payload, string Reply) Message(StreamConfiguration configuration, IMessageStore store)
    {
        var subject = $"s.{_random.Next(_random.Next(3) == 0 ? 20 : 4)}";
        var headers = new List<string>();
        if (configuration.AllowMessageCounter && !Happens(5)) headers.Add($"Nats-Incr: {_random.Next(-3, 10)}");
        else if (Happens(60)) AddHeader(subject, headers, configuration, store);
        if (configuration.AllowAtomicPublish && Happens(30)) AddBatch(headers);
        var payload = configuration.AllowMessageCounter ? "" : new string('x', _random.Next(Happens(10) ? 300 : 20));
        return (subject, string.Join("\r\n", headers), payload, Happens(90) ? $"r{++_replies}" : "");
    }

    private void AddHeader(string subject, List<string> headers, StreamConfiguration configuration, IMessageStore store)
    {
        var state = store.State;
        var stored = configuration.SubjectTransform is null ? subject : "s.0.x";
        switch (_random.Next(12))
        {
            case 0 or 1 or 2:
                headers.Add($"Nats-Msg-Id: id{(Happens(60) ? ++_ids : Math.Max(0, _ids - _random.Next(6)))}");
                break;
            case 3:
                headers.Add($"Nats-Expected-Last-Sequence: {Near(state.LastSequence)}");
                break;
            case 4 or 5:
                headers.Add($"Nats-Expected-Last-Subject-Sequence: {Near(store.OfSubject(System.Text.Encoding.ASCII.GetBytes(stored)).LastSequence)}");
                break;
            case 6:
                var other = $"s.{_random.Next(4)}";
                headers.Add($"Nats-Expected-Last-Subject-Sequence: {Near(store.OfSubject(System.Text.Encoding.ASCII.GetBytes(other)).LastSequence)}");
                headers.Add($"Nats-Expected-Last-Subject-Sequence-Subject: {(Happens(20) ? "s.*" : other)}");
                break;
            case 7:
                headers.Add($"Nats-Expected-Last-Msg-Id: id{Math.Max(0, _ids - _random.Next(2))}");
                if (Happens(50)) headers.Add($"Nats-Msg-Id: id{++_ids}");
                break;
            case 8:
                headers.Add(Happens(80) ? "Nats-Rollup: sub" : "Nats-Rollup: all");
                break;
            case 9:
                headers.Add("Nats-TTL: 1h");
                break;
            case 10:
                headers.Add("Nats-Schedule: @at 2100-01-01T00:00:00Z");
                headers.Add("Nats-Schedule-Target: s.99");
                break;
            default:
                headers.Add($"Nats-Scheduler: s.{_random.Next(4)}");
                headers.Add("Nats-Schedule-Next: purge");
                break;
        }
    }

    private void AddBatch(List<string> headers)
    {
        var id = _batches.Count > 0 && Happens(80) ? _batches.Keys.ElementAt(_random.Next(_batches.Count)) : $"b{++_batchNumber}";
        var number = _batches[id] = _batches.GetValueOrDefault(id) + (Happens(97) ? 1 : 2);
        headers.Add($"Nats-Batch-Id: {id}");
        headers.Add($"Nats-Batch-Sequence: {number}");
        if (!Happens(35)) return;
        headers.Add(Happens(80) ? "Nats-Batch-Commit: 1" : "Nats-Batch-Commit: eob");
        _batches.Remove(id);
    }

    private string Near(ulong sequence) => (Happens(75) ? sequence : sequence + (ulong)_random.Next(3)).ToString(CultureInfo.InvariantCulture);
}
