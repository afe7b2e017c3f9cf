using System.Buffers;
using NatsAspire.Server.JetStream.Api;
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
        if (_publishes.TryAdd(message, _context.Now) is not { } fullness)
        {
            Refuse(message, batch);
            return;
        }
        if (fullness >= CrowdedAt) batch.ProducerShouldStall = true;
        Wake();
    }

    private void Refuse(in Message message, FlushBatch batch)
    {
        if (_context.Repeated.Admits($"ingest {Account.Name} {Configuration.Name}")) JetStreamLog.PublishesRefused(_context.Log, Account.Name, Configuration.Name);
        if (message.Reply.IsEmpty) return;
        var answer = new ArrayBufferWriter<byte>();
        new PubAck(Configuration.Name, _context.Domain).WriteFailure(answer, JetStreamErrors.JSStreamTooManyRequests);
        Account.PublishInternal(message.Reply, default, answer.WrittenSpan, batch);
    }

    private void TakePublishes()
    {
        if (_block is null)
        {
            _block = _publishes.Take();
            _blockOffset = 0;
        }
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

    /// <returns>False: too much is under way.</returns>
    private bool Judge(in PublishedMessage published)
    {
        if (Fault is not null)
        {
            AnswerFault(published.Reply);
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
        return _leader!.Publish(message, published.Reply, this);
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
