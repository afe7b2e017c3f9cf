using System.Buffers;
using System.Text;
using NatsAspire.Server.Clients;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>What clients publish.</summary>
internal sealed partial class StreamHost
{
    /// <summary>Of 100: a queue so full slows its publishers.</summary>
    private const int CrowdedAt = 5;

    /// <summary>Bytes of one batch of the log after which the next is begun.</summary>
    private const int LargestBatch = 1 << 20;

    private readonly PublishQueue _publishes;
    private PublishBlock? _block;
    private int _blockOffset;

    /// <summary>A message on one of its subjects; on its publisher's loop.</summary>
    public void Ingest(in Message message, FlushBatch batch)
    {
        if (_publishes.TryAdd(message, _context.Now, out var isFirst) is not { } fullness)
        {
            Refuse(message, batch);
            return;
        }
        if (fullness >= CrowdedAt) batch.ProducerShouldStall = true;
        if (isFirst && PublishesAreShort && message.HeaderLength == 0) batch.Touch(_atEndOfBatch);
        else Wake();
    }

    private void Refuse(in Message message, FlushBatch batch)
    {
        if (_context.Repeated.Admits($"ingest {Account.Name} {Configuration.Name}")) JetStreamLog.PublishesRefused(_context.Log, Account.Name, Configuration.Name);
        (message.Trace as StreamTrace)?.Fail(JetStreamErrors.JSStreamTooManyRequests.Description, batch);
        if (message.Reply.IsEmpty) return;
        var answer = new ArrayBufferWriter<byte>();
        new PubAck(Configuration.Name, _context.Domain).WriteFailure(answer, JetStreamErrors.JSStreamTooManyRequests);
        Account.PublishInternal(message.Reply, default, "NATS/1.0 429 Too Many Requests\r\n\r\n"u8, answer.WrittenSpan, batch);
    }

    private void TakePublishes()
    {
        if (_block is null) BeginBlock(_publishes.Take());
        if (_block is null) return;
        for (var before = _blockOffset; _block.TryRead(ref _blockOffset, out var published); before = _blockOffset)
        {
            if (!Judge(published))
            {
                // It comes again when more of what was proposed has been applied.
                _blockOffset = before;
                return;
            }
            if (_batch is null || _batch.Length < LargestBatch) continue;
            // The rest is for another turn, so that answers go out meanwhile.
            HandOver();
            Wake();
            return;
        }
        _publishes.Return(_block);
        _block = null;
    }

    private void BeginBlock(PublishBlock? block) => (_block, _blockOffset) = (block, 0);

    /// <returns>False: too much is under way.</returns>
    private bool Judge(in PublishedMessage published)
    {
        if (Fault is not null)
        {
            AnswerFault(published.Reply);
            published.Trace?.Fail(JetStreamErrors.JSInsufficientResourcesErr.Description, _flush);
            return true;
        }
        var message = new StoredMessage
        {
            Sequence = 0,
            Timestamp = published.Timestamp,
            Subject = published.Subject,
            Headers = published.Headers,
            Payload = published.Payload,
        };
        if (published.Trace is { } trace) return JudgeTraced(message, published.Reply, trace);
        return published.Headers.IsEmpty ? _leader!.Publish(message, published.Reply, this) : PublishInSpan(message, published.Reply);
    }

    /// <summary>The same, told to who listens to spans: from when the message came to when it was stored, or proposed to the replicas.</summary>
    private bool PublishInSpan(in StoredMessage message, ReadOnlySpan<byte> reply)
    {
        if (!MessageSpans.AreWanted) return _leader!.Publish(message, reply, this);
        var came = DateTimeOffset.UnixEpoch.AddTicks(message.Timestamp / TimeSpan.NanosecondsPerTick);
        var isDone = _leader!.Publish(message, reply, this);
        // One that comes again has its span then.
        if (isDone) MessageSpans.StartStore(message.Headers, message.Subject, message.Payload.Length, came, Account.Name, _context.Cluster?.ServerName, Configuration.Name)?.Dispose();
        return isDone;
    }

    /// <summary>The same, and what comes of it is told in its trace; a message that is only to be traced is not stored.</summary>
    private bool JudgeTraced(in StoredMessage message, ReadOnlySpan<byte> reply, StreamTrace trace)
    {
        // Those of batches are judged behind each other, when the last has come.
        var isOfBatch = reply.EndsWith(FastBatchRequest.Suffix) || !new PublishHeaders(message.Headers).BatchId.IsEmpty;
        var error = isOfBatch ? null : StreamTrace.ErrorOf(_replica.Propose(message, default, out _), message.Headers);
        var subject = Encoding.UTF8.GetString(_replica.StoredSubjectOf(message.Subject, _store.State.LastSequence + 1));
        var isUnwanted = error is null && _consumers.IsUnwanted(Encoding.UTF8.GetBytes(subject));
        if (!trace.IsOnly && !PublishInSpan(message, reply)) return false;
        if (error is null) trace.Finish(subject, isUnwanted, _flush);
        else trace.Fail(error, _flush);
        return true;
    }

    private void AnswerFault(ReadOnlySpan<byte> reply)
    {
        if (!reply.IsEmpty) Account.PublishInternal(reply, default, FailureAnswer(), _flush);
    }

    private ReadOnlySpan<byte> FailureAnswer()
    {
        var answer = new ArrayBufferWriter<byte>();
        new PubAck(Configuration.Name, _context.Domain).WriteFailure(answer, JetStreamErrors.JSInsufficientResourcesErr);
        return answer.WrittenSpan;
    }
}
