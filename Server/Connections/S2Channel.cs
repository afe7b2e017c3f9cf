using System.Buffers;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Server.Connections;

/// <summary>
/// S2 compression over another channel. Each direction passes bytes as they are until it is switched, since two
/// servers agree on compression in the middle of a conversation and switch one after the other.
/// </summary>
public sealed class S2Channel(ByteChannel below) : ByteChannel
{
    private const int RawBufferSize = 64 * 1024;

    /// <summary>Bytes of the caller that become one chunk.</summary>
    private const int ChunkSize = SegmentPool.SegmentSize;

    /// <summary>Reads of the channel below that may bring no decoded byte before others have their turn.</summary>
    private const int MaxBarrenReads = 64;

    private S2Decoder? _decoder;
    private S2Encoder? _encoder;
    private byte[]? _raw;
    private int _rawStart;
    private int _rawEnd;
    private bool _mayHoldMore;
    private string? _fault;
    private volatile byte[]? _stage;
    private int _stageStart;
    private int _stageEnd;

    public override bool HasBuffered => _mayHoldMore || _rawEnd > _rawStart || _decoder is { HasDecoded: true } || below.HasBuffered;

    public override bool HasUnsent => _stage is not null || below.HasUnsent;

    public override string? Fault => _fault ?? below.Fault;

    /// <summary>What is received from here on is compressed. On the loop's thread.</summary>
    /// <param name="received">Bytes behind the switch that were read already.</param>
    public void StartReceiving(ReadOnlySpan<byte> received = default)
    {
        _decoder = new S2Decoder();
        if (received.IsEmpty) return;
        _raw = ArrayPool<byte>.Shared.Rent(Math.Max(received.Length, RawBufferSize));
        received.CopyTo(_raw);
        (_rawStart, _rawEnd) = (0, received.Length);
    }

    /// <summary>What is sent from here on is compressed. When nothing is queued to be sent, and nobody sends.</summary>
    /// <param name="effort">With none, chunks carry the bytes as they are.</param>
    public void StartSending(S2Effort effort = S2Effort.Fast) => _encoder = new S2Encoder(ChunkSize) { Effort = effort };

    /// <summary>The effort from the next chunk on. From any thread, once sending is switched.</summary>
    public void SetEffort(S2Effort effort) => _encoder!.Effort = effort;

    public override int Receive(Span<byte> buffer)
    {
        if (_decoder is null) return below.Receive(buffer);
        _mayHoldMore = false;
        for (var barren = 0; barren < MaxBarrenReads; barren++)
        {
            var count = TryDecode(buffer);
            if (count != 0) return count;
            _raw ??= ArrayPool<byte>.Shared.Rent(RawBufferSize);
            var received = below.Receive(_raw);
            if (received <= 0)
            {
                ReleaseRaw();
                return received == 0 && !_decoder.IsBetweenChunks ? Fail("s2: corrupt input: the stream ends within a chunk") : received;
            }
            (_rawStart, _rawEnd) = (0, received);
        }
        _mayHoldMore = true;
        return WouldBlock;
    }

    public override int Send(ReadOnlySpan<byte> data)
    {
        var drained = Drain();
        if (drained < 0) return drained;
        if (_encoder is null) return below.Send(data);
        if (data.IsEmpty) return 0;
        var part = data[..Math.Min(data.Length, ChunkSize)];
        var stage = ArrayPool<byte>.Shared.Rent(_encoder.MaxLength(part.Length));
        (_stageStart, _stageEnd) = (0, _encoder.Encode(part, stage));
        _stage = stage;
        return Drain() == Failed ? Failed : part.Length;
    }

    public override void Closing(CloseReason reason) => below.Closing(reason);

    protected override void Dispose(bool disposing)
    {
        Drain();
        ReleaseRaw();
        ReleaseStage();
        _decoder?.Dispose();
        below.Dispose();
    }

    /// <summary>Decodes what is there already.</summary>
    private int TryDecode(Span<byte> buffer)
    {
        if (_fault is not null) return Failed;
        try
        {
            var count = _decoder!.Decode(_raw.AsSpan(_rawStart, _rawEnd - _rawStart), buffer, out var consumed);
            _rawStart += consumed;
            if (_rawStart == _rawEnd) ReleaseRaw();
            return count;
        }
        catch (InvalidDataException error)
        {
            ReleaseRaw();
            return Fail(error.Message);
        }
    }

    private int Fail(string fault)
    {
        _fault = fault;
        return Failed;
    }

    /// <summary>Passes staged chunks on.</summary>
    /// <returns>0, or what hinders the channel below.</returns>
    private int Drain()
    {
        while (_stage is not null && _stageEnd > _stageStart)
        {
            var sent = below.Send(_stage.AsSpan(_stageStart, _stageEnd - _stageStart));
            if (sent <= 0) return sent == Failed ? Failed : WouldBlock;
            _stageStart += sent;
        }
        ReleaseStage();
        if (!below.HasUnsent) return 0;
        var drained = below.Send(default);
        return drained >= 0 && below.HasUnsent ? WouldBlock : drained;
    }

    private void ReleaseRaw()
    {
        if (_raw is not null) ArrayPool<byte>.Shared.Return(_raw);
        _raw = null;
        _rawStart = _rawEnd = 0;
    }

    private void ReleaseStage()
    {
        if (_stage is not null) ArrayPool<byte>.Shared.Return(_stage);
        _stage = null;
        _stageStart = _stageEnd = 0;
    }
}
