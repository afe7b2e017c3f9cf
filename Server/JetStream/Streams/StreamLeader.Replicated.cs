using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Where others must agree: messages are judged by what is proposed and not applied yet, and acknowledged when they are
/// applied. What is refused is told no earlier than what it was refused for has been agreed upon. A leader that is
/// replaced is disposed of, and with it all that it has not applied: nobody is told of that.
/// </summary>
public partial class StreamLeader
{
    /// <summary>Answers that wait for what was proposed before them.</summary>
    private const int MostAnswers = 16 << 10;

    /// <summary>Messages of a mirrored stream that are left out in one go.</summary>
    private const ulong MostSkipped = 10_000;

    private readonly Foresight? _foresight;
    private readonly Queue<WaitingAnswer> _answers = new();
    private Listener? _listener;
    private bool _isStarted;
    private bool _republishes;

    /// <summary>What is answered now has been agreed upon.</summary>
    private bool _isLanding;

    /// <summary>
    /// Takes messages from now on: the log of earlier leaders has been applied up to where this one's begins. A stream
    /// alone has no earlier leaders.
    /// </summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Start(long now, IStreamEffects effects)
    {
        _isStarted = true;
        _replica.Schedules?.Restart();
        if (_configuration.AllowBatchPublish) ResumeFastBatches(now, effects);
    }

    /// <summary>Publishers of fast batches hear how far these have come, and go on from there.</summary>
    private void ResumeFastBatches(long now, IStreamEffects effects)
    {
        foreach (var record in _replica.FastBatches?.All ?? [])
        {
            if (now - record.Timestamp >= Limits.Timeout || _fast.Count >= Limits.FastPerStream || !_options.BatchTotals.TryAddFast(Limits.FastTotal)) continue;
            var batch = new FastBatch(record.Id, record.GapsAreFine, record.Flow) { Deadline = now + Limits.Timeout };
            _fast.Add(record.Id, batch);
            batch.Resume(record.Number, record.Sequence, _fast.Count);
            _batchesDue = Math.Min(_batchesDue, batch.Deadline);
            if (!_configuration.NoAck) Tell(batch, batch.Acknowledged, record.Reply, effects);
        }
    }

    /// <summary>Messages that are proposed and not applied yet.</summary>
    public ulong InFlightMessages => _flight?.Messages ?? 0;

    /// <summary>
    /// Applies an entry of the log of a replicated stream, whoever has proposed it, acknowledges its message and
    /// publishes it again. From the moment on when this server leads, even before <see cref="Start"/>: who was not
    /// answered by the leader before is answered now.
    /// </summary>
    /// <param name="entry">Operation and body.</param>
    /// <param name="effects">What comes of it.</param>
    /// <param name="also">Hears of it too, first; null: nobody does.</param>
    public EntryOutcome Apply(ReadOnlySpan<byte> entry, IStreamEffects effects, IStreamObserver? also = null)
    {
        Reconfigure();
        (_listener ??= new Listener(this)).Attach(effects, also);
        var outcome = _replica.Apply(entry, _listener);
        _listener.Detach();
        Settle(effects);
        return outcome;
    }

    /// <summary>Proposes an entry that is no message: a purge, or the removal of a message.</summary>
    public void Propose(ReadOnlySpan<byte> entry, IStreamEffects effects)
    {
        _flight?.AddRemoval(RemovedBy(entry));
        effects.Propose(entry);
    }

    /// <summary>
    /// Stores a message of the mirrored stream under its own sequence and time; those left out are left out here too.
    /// </summary>
    /// <returns>False: it is to come again when some of what was proposed has been applied.</returns>
    public bool TakeMirrored(in StoredMessage message, IStreamEffects effects)
    {
        var last = _flight?.LastSequence ?? _replica.State.LastSequence;
        if (message.Sequence <= last) return true;
        var timestamp = Math.Max(message.Timestamp, _flight?.LastTimestamp ?? _replica.State.LastTimestamp);
        if (_flight is { } flight)
        {
            if (!_isStarted || flight.IsFull) return false;
            if (!LeaveOut(flight, last + 1, message.Sequence - 1, effects)) return false;
        }
        var entry = new StreamMessageEntry
        {
            LastSequence = message.Sequence - 1,
            Timestamp = timestamp,
            Subject = message.Subject,
            Headers = message.Headers,
            Payload = message.Payload,
            IsSourced = true,
        };
        _flight?.AddMirrored(message.Sequence, entry, _replica.SizeOf(entry, message.Subject));
        effects.Propose(entry);
        return true;
    }

    /// <returns>False: there are more than may be left out in one go.</returns>
    private bool LeaveOut(InFlight flight, ulong first, ulong last, IStreamEffects effects)
    {
        if (first > last) return true;
        if (_options.ProposesRanges)
        {
            effects.Propose(JsonEntry.Encode(EntryOperation.DeleteRange, new DeleteRangeEntry { First = first, Count = last - first + 1 }, EntryJson.Default.DeleteRangeEntry));
            flight.AddMirrored(last, new StreamMessageEntry { LastSequence = last - 1 }, 0);
            return true;
        }
        var end = Math.Min(last, first + MostSkipped - 1);
        for (var sequence = first; sequence <= end; sequence++)
        {
            var entry = new StreamMessageEntry { LastSequence = sequence - 1 };
            flight.AddMirrored(sequence, entry, 0);
            effects.Propose(entry);
        }
        return end == last;
    }

    private bool MayJudge(in StoredMessage message, bool isFast)
    {
        if (!_isStarted || _answers.Count >= MostAnswers) return false;
        if (isFast) return _foresight!.IsClear(message, 0, 0);
        var headers = new PublishHeaders(message.Headers);
        return headers.BatchId.IsEmpty ? IsClear(message) : MayJudgeBatch(message, headers);
    }

    /// <summary>Until its commit, a batch only waits here.</summary>
    private bool MayJudgeBatch(in StoredMessage message, in PublishHeaders headers)
    {
        if (_flight!.IsEmpty || !headers.HasBatchCommit) return true;
        var size = 0L;
        var count = 0;
        if (_atomic.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(headers.BatchId, out var batch))
        {
            for (; count < batch.Count; count++)
            {
                var staged = batch.At(count, 0, message.Timestamp);
                if (!_foresight!.IsClear(staged, count, size)) return false;
                size += (long)_foresight!.SizeOf(staged);
            }
        }
        return _foresight!.IsClear(message, count, size);
    }

    private void ProposePlain(in StoredMessage message, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var admission = _replica.Propose(message, reply, out var entry, isSourced: false, _flight);
        if (admission.Error is null && admission.Duplicate == 0)
        {
            Dispatch(entry, admission.Change?.After, effects);
            return;
        }
        if (_configuration.NoAck) return;
        _answer.ResetWrittenCount();
        if (admission.Error is { } error) _acks.WriteFailure(_answer, error);
        else _acks.WriteDuplicate(_answer, admission.Duplicate);
        Answer(reply, effects);
    }

    /// <summary>Appends a message to the log, and remembers it until it is applied.</summary>
    private void Dispatch(in StreamMessageEntry entry, CounterState? counter, IStreamEffects effects)
    {
        var flight = _flight!;
        var subject = _replica.StoredSubjectOf(entry.Subject, flight.LastSequence + 1);
        flight.Add(entry, subject, _replica.SizeOf(entry, subject), counter);
        effects.Propose(entry);
    }

    /// <summary>Sends what has been written, behind everything that is proposed.</summary>
    private void Answer(ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (reply.IsEmpty) return;
        if (MayAnswer()) effects.Publish(reply, default, _answer.WrittenSpan);
        else _answers.Enqueue(new WaitingAnswer(_flight!.Added, reply.ToArray(), [], _answer.WrittenSpan.ToArray()));
    }

    /// <summary>Whether all is agreed upon that an answer made now speaks of.</summary>
    internal virtual bool MayAnswer() => _flight is null || _isLanding || _flight.Landed == _flight.Added;

    /// <summary>Whether a message can be judged by what is under way as by what is there.</summary>
    internal virtual bool IsClear(in StoredMessage message) => _foresight!.IsClear(message, isSourced: false);

    /// <summary>Sends answers that have waited long enough.</summary>
    private void Settle(IStreamEffects effects)
    {
        if (_flight is not { } flight) return;
        flight.Settle();
        while (_answers.TryPeek(out var next) && next.After <= flight.Landed)
        {
            _answers.Dequeue();
            effects.Publish(next.Reply, next.Headers, next.Payload);
        }
    }

    private void Storing(in StreamMessageEntry entry, ulong sequence) =>
        _republishes = _republisher is { } republisher && republisher.Prepare(entry, sequence, _replica.Store);

    private void Stored(in StreamMessageEntry entry, ulong sequence, IStreamEffects effects)
    {
        if (_republishes) _republisher!.Publish(entry, sequence, effects);
        _republishes = false;
        _isLanding = true;
        if (entry.Reply.EndsWith(FastBatchRequest.Suffix) && FastBatchRequest.TryParse(entry.Reply, out var request)) FastStored(request, sequence, entry.Reply, effects);
        else if (!entry.Reply.IsEmpty && !_configuration.NoAck) Acknowledge(entry, sequence, effects);
        _isLanding = false;
        Settle(effects);
    }

    private void Acknowledge(in StreamMessageEntry entry, ulong sequence, IStreamEffects effects)
    {
        _answer.ResetWrittenCount();
        if (!entry.BatchId.IsEmpty) _acks.WriteBatch(_answer, sequence, entry.BatchId, entry.BatchSequence);
        else if (_configuration.AllowMessageCounter && CounterValue.TryParse(entry.Payload, out var value)) _acks.WriteCounter(_answer, sequence, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
        else _acks.Write(_answer, sequence);
        effects.Publish(entry.Reply, default, _answer.WrittenSpan);
    }

    /// <summary>Another server, which judges this when it applies it, has proposed a message that is not stored.</summary>
    private void RefuseApplied(in StreamMessageEntry entry, IStreamEffects effects)
    {
        if (entry.Reply.IsEmpty || _configuration.NoAck) return;
        _answer.ResetWrittenCount();
        _acks.WriteFailure(_answer, Api.JetStreamErrors.JSStreamWrongLastMsgIDErrF.With(Encoding.UTF8.GetString(_replica.Dedupe.LastId.Span)));
        effects.Publish(entry.Reply, default, _answer.WrittenSpan);
    }

    /// <summary>
    /// Answers a request of flow control of a consumer that messages are copied from, when all that was taken of it before
    /// is agreed on: to some consumers that is an acknowledgement.
    /// </summary>
    /// <param name="reply">Of the request.</param>
    /// <param name="consumer">Last sequence of its deliveries that was taken.</param>
    /// <param name="stream">The same message's sequence in its stream.</param>
    /// <param name="effects">What comes of it.</param>
    public void AnswerFlowControl(ReadOnlySpan<byte> reply, ulong consumer, ulong stream, IStreamEffects effects)
    {
        var headers = Encoding.ASCII.GetBytes($"NATS/1.0\r\nNats-Last-Consumer: {consumer}\r\nNats-Last-Stream: {stream}\r\n\r\n");
        if (_flight is null || _flight.Landed == _flight.Added) effects.Publish(reply, headers, default);
        else _answers.Enqueue(new WaitingAnswer(_flight.Added, reply.ToArray(), headers, []));
    }

    /// <summary>Answers a request of flow control as upstream does: with what it has told of the last delivery.</summary>
    private static void AnswerFlowControl(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, IStreamEffects effects)
    {
        var stream = NumberOf(headers, "Nats-Last-Stream"u8);
        if (stream == 0)
        {
            effects.Publish(reply, default, default);
            return;
        }
        var consumer = NumberOf(headers, "Nats-Last-Consumer"u8);
        effects.Publish(reply, Encoding.ASCII.GetBytes($"NATS/1.0\r\nNats-Last-Consumer: {consumer}\r\nNats-Last-Stream: {stream}\r\n\r\n"), default);
    }

    private static ulong NumberOf(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> name) =>
        HeaderBlock.TryGet(headers, name, out var value) && ulong.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static ulong RemovedBy(ReadOnlySpan<byte> entry) =>
        JsonEntry.Decode(EntryOperation.DeleteMessage, entry, EntryJson.Default.DeleteMessageEntry)?.Sequence ?? 0;

    private readonly record struct WaitingAnswer(ulong After, byte[] Reply, byte[] Headers, byte[] Payload);

    private sealed class Listener(StreamLeader leader) : IStreamObserver
    {
        private IStreamEffects? _effects;
        private IStreamObserver? _also;

        public void Attach(IStreamEffects effects, IStreamObserver? also) => (_effects, _also) = (effects, also);

        public void Detach() => (_effects, _also) = (null, null);

        public void Storing(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject)
        {
            _also?.Storing(entry, sequence, subject);
            leader.Storing(entry, sequence);
        }

        public void Stored(in StreamMessageEntry entry, ulong sequence, ReadOnlySpan<byte> subject)
        {
            _also?.Stored(entry, sequence, subject);
            leader.Stored(entry, sequence, _effects!);
        }

        public void Refused(in StreamMessageEntry entry)
        {
            _also?.Refused(entry);
            leader.RefuseApplied(entry, _effects!);
        }

        public void FlowControlled(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers)
        {
            _also?.FlowControlled(reply, headers);
            AnswerFlowControl(reply, headers, _effects!);
        }

        public void Purged(PurgeStreamEntry entry, ulong count)
        {
            _also?.Purged(entry, count);
            leader._flight?.Removed(0);
        }

        public void Deleted(DeleteMessageEntry entry, bool wasThere)
        {
            _also?.Deleted(entry, wasThere);
            leader._flight?.Removed(entry.Sequence);
        }
    }
}
