using System.Buffers;
using System.Numerics;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// What the leader of a stream does with what clients publish: judges it, proposes entries, answers. Pure: the time is
/// an argument, everything else an effect. Belongs to the stream's mailbox.
/// </summary>
public sealed class StreamLeader
{
    private readonly StreamReplica _replica;
    private readonly PubAck _acks;
    private readonly ArrayBufferWriter<byte> _answer = new();

    /// <param name="replica">Its own copy of the stream.</param>
    /// <param name="domain">The server's domain; null: none.</param>
    public StreamLeader(StreamReplica replica, string? domain)
    {
        _replica = replica;
        _acks = new PubAck(replica.Configuration.Name, domain);
    }

    /// <summary>A client has published a message on one of the stream's subjects.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is now.</param>
    /// <param name="reply">Where the answer goes; empty: nowhere.</param>
    /// <param name="effects">What comes of it.</param>
    public void Publish(in StoredMessage message, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var admission = _replica.Propose(message, default, out var entry);
        _answer.ResetWrittenCount();
        var sequence = entry.LastSequence + 1;
        if (admission.Error is { } error) _acks.WriteFailure(_answer, error);
        else if (admission.Duplicate > 0) _acks.WriteDuplicate(_answer, admission.Duplicate);
        else
        {
            effects.Propose(entry);
            WriteAck(sequence, admission.Counter);
        }
        if (!reply.IsEmpty && !_replica.Configuration.NoAck) effects.Publish(reply, default, _answer.WrittenSpan);
    }

    /// <summary>When <see cref="Tick"/> has something to do, nanoseconds since 1970; null: never, as things are.</summary>
    public long? NextTick => _replica.NextExpiry;

    /// <summary>Does what is due.</summary>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Tick(long now, IStreamEffects effects) => _replica.ExpireAged(now);

    private void WriteAck(ulong sequence, BigInteger? counter)
    {
        if (counter is { } value) _acks.WriteCounter(_answer, sequence, System.Text.Encoding.ASCII.GetBytes(value.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        else _acks.Write(_answer, sequence);
    }
}
