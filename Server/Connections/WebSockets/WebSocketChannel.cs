using System.Buffers;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// WebSocket frames over another channel. Plain frames are taken apart in the caller's buffer; what does not fit a
/// call (compressed messages mostly) waits in a rented one, so that a silent connection holds none.
/// </summary>
public sealed partial class WebSocketChannel : ByteChannel
{
    private const string TooLarge = "maximum payload exceeded";
    private const int RawBufferSize = 32 * 1024;

    /// <summary>Reads that may bring no plain byte before others have their turn.</summary>
    private const int MaxBarrenReads = 16;

    private readonly ByteChannel _below;
    private readonly WebSocketMode _mode;
    private readonly FrameReader _reader;
    private MessageInflater? _inflater;
    private byte[]? _raw;
    private int _rawStart;
    private int _rawEnd;
    private bool _mayHoldMore;
    private bool _ended;
    private string? _fault;

    /// <param name="below">Carries the frames.</param>
    /// <param name="mode">What the handshake came to.</param>
    public WebSocketChannel(ByteChannel below, WebSocketMode mode)
    {
        _below = below;
        _mode = mode;
        _reader = new FrameReader(mode.RequiresMask, mode.Compression);
    }

    public override bool HasBuffered => _ended || _mayHoldMore || _rawEnd > _rawStart || _below.HasBuffered;

    public override string? Fault => _fault ?? _below.Fault;

    private bool IsInflating => _inflater is { IsActive: true };

    public override int Receive(Span<byte> buffer)
    {
        _mayHoldMore = false;
        for (var barren = 0; barren < MaxBarrenReads; barren++)
        {
            if (IsInflating && Inflate(buffer) is > 0 and var inflated) return inflated;
            if (_ended) return _fault is null ? 0 : Failed;
            var count = _rawEnd > _rawStart ? ReadRaw(buffer)
                : IsInflating ? RefillRaw()
                : ReadInPlace(buffer);
            if (count != 0) return count;
        }
        _mayHoldMore = true;
        return WouldBlock;
    }

    public override void Closing(CloseReason reason)
    {
        _closePayload ??= CloseFrame.Create(CloseFrame.StatusFor(reason), reason.Text());
        _below.Closing(reason);
    }

    protected override void Dispose(bool disposing)
    {
        SayGoodbye();
        ReleaseRaw();
        ReleaseStage();
        _inflater?.Dispose();
        _below.Dispose();
    }

    /// <summary>Reads the channel below into the caller's buffer and moves payloads to its front.</summary>
    /// <returns>Plain bytes; 0: none came of it, or the end; else what hinders the channel below.</returns>
    private int ReadInPlace(Span<byte> buffer)
    {
        ReleaseRaw();
        var received = _below.Receive(buffer);
        if (received <= 0) return EndOr(received);
        var source = buffer[..received];
        var position = 0;
        var count = 0;
        while (Step(source, ref position, out var payload) is var found && !IsLast(found))
        {
            if (found != FrameEvent.Data) continue;
            if (_reader.IsCompressed)
            {
                KeepRaw(source[(position - payload.Length)..]);
                FeedRaw(payload.Length);
                break;
            }
            payload.CopyTo(buffer[count..]);
            count += payload.Length;
        }
        return count;
    }

    /// <summary>Goes on with what waits in the rented buffer.</summary>
    private int ReadRaw(Span<byte> buffer)
    {
        var count = 0;
        while (_rawEnd > _rawStart && count < buffer.Length && !_ended)
        {
            // No more than fits, whatever of it turns out to be payload.
            var source = _raw.AsSpan(_rawStart, Math.Min(_rawEnd - _rawStart, buffer.Length - count));
            var position = 0;
            var found = Step(source, ref position, out var payload);
            if (found == FrameEvent.Data && _reader.IsCompressed)
            {
                _rawStart += position - payload.Length;
                FeedRaw(payload.Length);
                return count;
            }
            _rawStart += position;
            payload.CopyTo(buffer[count..]);
            count += payload.Length;
        }
        return count;
    }

    /// <summary>Reads more of a compressed message.</summary>
    private int RefillRaw()
    {
        _raw ??= ArrayPool<byte>.Shared.Rent(RawBufferSize);
        var received = _below.Receive(_raw);
        if (received <= 0)
        {
            ReleaseRaw();
            return EndOr(received);
        }
        _rawStart = 0;
        _rawEnd = received;
        return 0;
    }

    private int EndOr(int received)
    {
        if (received == 0) _ended = true;
        return received;
    }

    private static bool IsLast(FrameEvent found) => found is FrameEvent.NeedMore or FrameEvent.Close or FrameEvent.Fault;

    /// <summary>Reads to the next event; control frames are dealt with.</summary>
    private FrameEvent Step(Span<byte> source, ref int position, out Span<byte> payload)
    {
        var found = _reader.Next(source, ref position, out payload);
        switch (found)
        {
            case FrameEvent.Ping:
                AnswerPing(_reader.Control);
                break;
            case FrameEvent.Close:
                var fault = CloseFrame.Answer(_reader.Control, out var answer);
                if (fault.Length > 0) Refuse(fault);
                _closePayload ??= answer;
                _ended = true;
                break;
            case FrameEvent.Fault:
                Refuse(_reader.Fault);
                break;
        }
        return found;
    }

    private void Refuse(string fault)
    {
        _closePayload = CloseFrame.Create(CloseFrame.ProtocolError, fault);
        Fail(fault);
    }

    private void Fail(string fault)
    {
        _fault = fault;
        _ended = true;
    }

    private int Inflate(Span<byte> buffer)
    {
        try
        {
            var count = _inflater!.Read(buffer);
            _mayHoldMore = count > 0;
            return count;
        }
        catch (InvalidDataException error)
        {
            Fail(_inflater!.IsTooLarge ? TooLarge : "flate: corrupt input: " + error.Message);
            _inflater.Dispose();
            return 0;
        }
    }

    /// <summary>Hands the next bytes of the rented buffer to the inflater.</summary>
    private void FeedRaw(int length)
    {
        _inflater ??= new MessageInflater(_mode.MessageLimit);
        if (!_inflater.Feed(_raw.AsMemory(_rawStart, length), _reader.EndsMessage))
        {
            Fail(TooLarge);
            _inflater.Dispose();
        }
        _rawStart += length;
    }

    private void KeepRaw(ReadOnlySpan<byte> rest)
    {
        _raw = ArrayPool<byte>.Shared.Rent(Math.Max(rest.Length, RawBufferSize));
        rest.CopyTo(_raw);
        _rawStart = 0;
        _rawEnd = rest.Length;
    }

    private void ReleaseRaw()
    {
        if (_raw is not null) ArrayPool<byte>.Shared.Return(_raw);
        _raw = null;
        _rawStart = _rawEnd = 0;
    }
}
