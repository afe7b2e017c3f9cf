using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// Copies messages of another stream into a mirror or a stream that sources. It asks the mailbox of an origin on this
/// server for a piece, stores it in its own, and asks again; at the end the origin tells it when there is more. One
/// piece is under way at a time. What is elsewhere is sent by a <see cref="ConsumerFeed"/>.
/// </summary>
internal sealed class SourceCopy
{
    private const int PieceBytes = 256 << 10;

    private readonly StreamHost _target;
    private readonly StreamSource _source;
    private readonly SubjectFilter _filter;
    private readonly CopyRewriter _rewriter;
    private StreamHost? _origin;
    private bool _isReading;
    private CopyBlock? _held;
    private int _heldOffset;
    private bool _hasMore;
    private bool _isToldOfMore;
    private bool _isAcknowledged;
    private bool _isOver;
    private ulong _next;
    private bool _isPlaced;

    /// <summary>Nothing has come yet: where it begins is the configuration's word, and means the end if that comes before.</summary>
    private bool _isFirst;

    private CopyStatus _status = CopyStatus.Unheard;
    private ConsumerFeed? _feed;
    private bool _isWoken;

    /// <param name="target">Whose mailbox this belongs to.</param>
    /// <param name="source">What to copy.</param>
    /// <param name="next">Sequence of the origin to begin with; null: as the configuration says.</param>
    public SourceCopy(StreamHost target, StreamSource source, ulong? next)
    {
        _target = target;
        _source = source;
        _filter = FilterOf(source);
        _rewriter = new CopyRewriter(source);
        _isFirst = next is null;
        (_next, _isPlaced) = next is { } known ? (known, true) : (Math.Max(1, source.StartSequence), source.StartTime is null);
    }

    /// <summary>How far it is, for people. From any thread.</summary>
    public StreamSourceInfo Describe(long now)
    {
        var status = Volatile.Read(ref _status);
        return new StreamSourceInfo
        {
            Name = _source.Name,
            External = _source.External,
            Lag = status.Lag,
            Active = status.HeardAt == 0 ? -1 : now - status.HeardAt,
            Error = status.Error,
            FilterSubject = _source.FilterSubject,
            SubjectTransforms = _source.SubjectTransforms,
        };
    }

    /// <summary>By which stored messages name it.</summary>
    public string IndexName => _source.IndexName;

    /// <summary>The origin's sequence that all before have been copied.</summary>
    public ulong Next => _next;

    /// <summary>It has what could not be stored yet. In the target's mailbox.</summary>
    public bool IsHeldUp => _held is not null;

    /// <summary>Goes on, if there is anything to go on with. In the target's mailbox.</summary>
    public void Nudge()
    {
        if (_isOver) return;
        if (!FindOrigin())
        {
            TakeFed();
            return;
        }
        if (_isReading) return;
        (_isReading, _hasMore) = (true, false);
        var origin = _origin!;
        var (next, start, isFirst) = (_next, _isPlaced ? null : _source.StartTime, _isFirst);
        origin.Post(() => Answer(origin, Read(origin, next, start?.UnixNanoseconds, isFirst)));
    }

    /// <summary>Copies no more. In the target's mailbox.</summary>
    public void Stop()
    {
        _isOver = true;
        _feed?.Dispose();
        _origin?.Unwatch(OnMore);
        _origin = null;
    }

    private static SubjectFilter FilterOf(StreamSource source) => source.SubjectTransforms.IsEmpty
        ? SubjectFilter.Of(source.FilterSubject ?? "")
        : SubjectFilter.Of([.. source.SubjectTransforms.Select(transform => transform.Source)]);

    /// <summary>The origin as it is now: it may have been deleted and made again.</summary>
    private bool FindOrigin()
    {
        var isHere = _source.Consumer is null && (_source.External is null || _source.External.ApiPrefix == _target.LocalApiPrefix);
        var origin = isHere ? _target.FindNeighbour(_source.Name) : null;
        // Where messages go when they are acknowledged, a consumer has to acknowledge them.
        _isAcknowledged = origin is { Configuration.Retention: not RetentionPolicy.Limits };
        if (_isAcknowledged) origin = null;
        if (origin is null && _status.Error is null && !MayBeElsewhere) Volatile.Write(ref _status, _status with { Error = JetStreamErrors.JSStreamNotFoundErr });
        if (ReferenceEquals(origin, _origin)) return origin is not null;
        _origin?.Unwatch(OnMore);
        // What was asked of the one before is not answered any more.
        (_origin, _isReading, _held) = (origin, false, null);
        if (origin is not null) EndFeed();
        origin?.Watch(OnMore);
        return origin is not null;
    }

    private bool MayBeElsewhere => _isAcknowledged || _source.External is not null || _source.Consumer is not null || _target.IsClustered;

    /// <summary>What a stream elsewhere has sent.</summary>
    private void TakeFed()
    {
        if (!MayBeElsewhere || _held is not null) return;
        _feed ??= new ConsumerFeed(_target, new FeedRequest(_source, _target.CopyIdentity), OnFed);
        _hasMore = false;
        var block = _feed.Take(_next, _isPlaced);
        Volatile.Write(ref _status, _status with { HeardAt = _feed.HeardAt, Error = _feed.Error });
        if (block is null) return;
        (_held, _heldOffset) = (block, 0);
        GoOn();
    }

    /// <summary>It is on this server now.</summary>
    private void EndFeed()
    {
        _feed?.Dispose();
        _feed = null;
    }

    /// <summary>From any thread.</summary>
    private void OnFed()
    {
        if (Interlocked.Exchange(ref _isWoken, true)) return;
        _target.Post(() =>
        {
            Volatile.Write(ref _isWoken, false);
            _hasMore = true;
            Nudge();
        });
    }

    /// <summary>In the origin's mailbox. What has been said and not been heard yet need not be said again.</summary>
    private void OnMore()
    {
        if (Interlocked.Exchange(ref _isToldOfMore, true)) return;
        _target.Post(() =>
        {
            Volatile.Write(ref _isToldOfMore, false);
            _hasMore = true;
            Nudge();
        });
    }

    /// <summary>In the origin's mailbox.</summary>
    private CopyBlock Read(StreamHost origin, ulong next, long? startTime, bool isFirst)
    {
        var block = new CopyBlock();
        var message = new MessageBuffer();
        if (startTime is { } start) next = origin.Store.SequenceAt(start);
        // One that follows may not have all of it yet.
        if (isFirst && origin.Leads) next = Math.Min(next, origin.VisibleSequence + 1);
        while (block.Length < PieceBytes)
        {
            if (!origin.Store.TryLoadNext(_filter, next, message) || message.Sequence > origin.VisibleSequence)
            {
                block.IsEnd = true;
                next = Math.Max(next, origin.VisibleSequence + 1);
                break;
            }
            block.Add(message);
            next = message.Sequence + 1;
        }
        block.Next = next;
        block.Lag = block.IsEnd ? 0 : origin.Store.CountPending(_filter, next, lastPerSubject: false);
        return block;
    }

    private void Answer(StreamHost origin, CopyBlock block) => _target.Post(() =>
    {
        if (_isOver || !ReferenceEquals(origin, _origin)) return;
        _held = block;
        _heldOffset = 0;
        GoOn();
    });

    /// <summary>Stores what has been read and could not be stored yet, and reads on. In the target's mailbox.</summary>
    public void GoOn()
    {
        if (_isOver || _held is not { } block) return;
        // Without room it stays where it is until somebody nudges it.
        if (!HasRoomFor(block))
        {
            (_held, _isReading) = (null, false);
            _feed?.GiveUp();
        }
        if (_held is null || !TryTake(block)) return;
        (_held, _isReading) = (null, false);
        if (!block.IsEnd || _hasMore) Nudge();
    }

    private bool HasRoomFor(CopyBlock block)
    {
        if (_target.Fault is not null) return false;
        if (_target.FindNoRoom() is { } full)
        {
            Volatile.Write(ref _status, _status with { Lag = Math.Max(1, block.Lag), Error = full });
            return false;
        }
        return true;
    }

    /// <returns>False: too much is under way at the target.</returns>
    private bool TryTake(CopyBlock block)
    {
        for (var offset = _heldOffset; block.TryRead(ref offset, out var message); _heldOffset = offset)
        {
            if (message.Sequence < _next && _isPlaced && !_isFirst) continue;
            var isTaken = _target.Configuration.Mirror is not null
                ? _target.StoreMirrored(message, _rewriter.SubjectOf(message.Subject), _rewriter.MirroredHeadersOf(message))
                : _target.StoreSourced(message, _rewriter.SubjectOf(message.Subject), _rewriter.HeadersOf(message));
            if (!isTaken) return false;
            (_next, _isPlaced, _isFirst) = (message.Sequence + 1, true, false);
        }
        if (block.Next > 0) (_next, _isPlaced, _isFirst) = (_isFirst ? block.Next : Math.Max(_next, block.Next), true, false);
        foreach (var confirmation in block.Confirmations) _target.AnswerFlowControl(confirmation);
        if (_feed is not null && block.Length == 0) return true;
        Volatile.Write(ref _status, new CopyStatus(_target.Now, block.Lag, null));
        return true;
    }

    /// <param name="HeardAt">Nanoseconds since 1970; 0: never.</param>
    /// <param name="Lag">Messages still to come.</param>
    /// <param name="Error">Why nothing comes; null: it does.</param>
    private sealed record CopyStatus(long HeardAt, ulong Lag, ApiError? Error)
    {
        public static readonly CopyStatus Unheard = new(0, 0, null);
    }
}
