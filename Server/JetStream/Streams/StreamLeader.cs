using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Expiry;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// What the leader of a stream does with what clients publish: judges it, proposes entries, answers; and what it does
/// when time passes. Pure: the time is an argument, everything else an effect. Belongs to the stream's mailbox.
/// </summary>
public partial class StreamLeader : IDisposable
{
    private readonly StreamReplica _replica;
    private readonly StreamLeaderOptions _options;
    private readonly PubAck _acks;
    private readonly ArrayBufferWriter<byte> _answer = new();

    /// <summary>What is proposed and not applied yet; null: a stream alone applies at once.</summary>
    private readonly InFlight? _flight;
    private StreamConfiguration _configuration;
    private Republisher? _republisher;

    /// <param name="replica">Its own copy of the stream.</param>
    /// <param name="domain">The server's domain; null: none.</param>
    public StreamLeader(StreamReplica replica, string? domain)
        : this(replica, new StreamLeaderOptions { Domain = domain })
    {
    }

    /// <param name="replica">Its own copy of the stream.</param>
    /// <param name="options">What it must know of its server.</param>
    public StreamLeader(StreamReplica replica, StreamLeaderOptions options)
    {
        _replica = replica;
        _options = options;
        _configuration = replica.Configuration;
        _acks = new PubAck(_configuration.Name, options.Domain);
        _markers = new DeleteMarkers(replica);
        if (options.IsReplicated)
        {
            replica.IsReplicated = true;
            _flight = new InFlight(replica);
            _foresight = new Foresight(replica, _flight);
            if (replica.MarksDeletes) _flight.FollowSubjects();
        }
        _republisher = Republisher.Of(_configuration);
        // What an earlier leader here has begun may have come to nothing.
        replica.Schedules?.Restart();
    }

    /// <summary>A client has published a message on one of the stream's subjects.</summary>
    /// <param name="message">Its sequence counts for nothing; its time is now.</param>
    /// <param name="reply">Where the answer goes; empty: nowhere.</param>
    /// <param name="effects">What comes of it.</param>
    /// <returns>
    /// False: nothing has been done, it is to come again, before any other message, when some of what was proposed has
    /// been applied (<see cref="Apply"/>). Never where others need not agree.
    /// </returns>
    public bool Publish(in StoredMessage message, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        if (MessageNormalizer.HasStatus(message.Headers)) return Publish(WithoutStatus(message), reply, effects);
        Reconfigure();
        var isFast = reply.EndsWith(FastBatchRequest.Suffix);
        if (_flight is not null && !MayJudge(message, isFast)) return false;
        if (isFast)
        {
            PublishFast(message, reply, effects);
            return true;
        }
        var headers = new PublishHeaders(message.Headers);
        if (!headers.BatchId.IsEmpty) PublishAtomic(message, headers, reply, effects);
        else if (_flight is null) PublishPlain(message, reply, effects);
        else ProposePlain(message, reply, effects);
        return true;
    }

    private static StoredMessage WithoutStatus(in StoredMessage message) => new()
    {
        Sequence = message.Sequence,
        Timestamp = message.Timestamp,
        Subject = message.Subject,
        Headers = MessageNormalizer.WithoutStatus(message.Headers),
        Payload = message.Payload,
    };

    private void PublishPlain(in StoredMessage message, ReadOnlySpan<byte> reply, IStreamEffects effects)
    {
        var admission = _replica.Propose(message, default, out var entry);
        _answer.ResetWrittenCount();
        var sequence = entry.LastSequence + 1;
        if (admission.Error is { } error) _acks.WriteFailure(_answer, error);
        else if (admission.Duplicate > 0) _acks.WriteDuplicate(_answer, admission.Duplicate);
        else
        {
            Commit(entry, effects);
            if (admission.Counter is { } value) _acks.WriteCounter(_answer, sequence, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
            else _acks.Write(_answer, sequence);
        }
        if (!reply.IsEmpty && !_configuration.NoAck) effects.Publish(reply, default, _answer.WrittenSpan);
    }

    /// <summary>Gives up what only this leader knows of. It must not be used any more.</summary>
    public void Dispose()
    {
        foreach (var batch in _atomic.Values) _options.BatchTotals.RemoveAtomic(batch.StagedBytes);
        foreach (var _ in _fast) _options.BatchTotals.RemoveFast();
        _atomic.Clear();
        _fast.Clear();
        _answers.Clear();
        GC.SuppressFinalize(this);
    }

    /// <summary>Appends a message to the log, and publishes it again where that is asked for.</summary>
    private void Commit(in StreamMessageEntry entry, IStreamEffects effects)
    {
        var again = _republisher is { } republisher && republisher.Prepare(entry, entry.LastSequence + 1, _replica.Store);
        effects.Propose(entry);
        if (again) _republisher!.Publish(entry, entry.LastSequence + 1, effects);
    }

    /// <summary>Goes by what the stream has become.</summary>
    private void Reconfigure()
    {
        if (ReferenceEquals(_configuration, _replica.Configuration)) return;
        _configuration = _replica.Configuration;
        _republisher = Republisher.Of(_configuration);
        if (_replica.MarksDeletes) _flight?.FollowSubjects();
        if (!_configuration.AllowAtomicPublish) EndAll(_atomic, batch => _options.BatchTotals.RemoveAtomic(batch.StagedBytes));
        if (!_configuration.AllowBatchPublish) EndAll(_fast, _ => _options.BatchTotals.RemoveFast());

        static void EndAll<T>(Dictionary<byte[], T> batches, Action<T> end)
        {
            foreach (var batch in batches.Values) end(batch);
            batches.Clear();
        }
    }
}
