using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// Sending: whole frames are put together in a rented buffer and passed on from there. Answers to pings come from
/// the reading side, so this part has a lock.
/// </summary>
public sealed partial class WebSocketChannel
{
    /// <summary>Bytes of the caller that become one message.</summary>
    private const int MessageSize = SegmentPool.SegmentSize;

    /// <summary>Smaller messages are not worth compressing.</summary>
    private const int CompressionThreshold = 64;

    /// <summary>A peer that pings and does not read gets no more answers than fit here.</summary>
    private const int StageLimit = 256 * 1024;

    private const int BinaryMessage = FrameFormat.FinalBit | (int)WebSocketOpcode.Binary;
    private readonly Lock _sending = new();
    private byte[]? _stage;
    private int _stageStart;
    private int _stageEnd;
    private byte[]? _closePayload;

    public override bool HasUnsent => Volatile.Read(ref _stage) is not null || _below.HasUnsent;

    public override int Send(ReadOnlySpan<byte> data)
    {
        lock (_sending)
        {
            var result = DrainStage();
            if (result < 0 || data.IsEmpty) return result;
            var message = data[..Math.Min(data.Length, MessageSize)];
            StageMessage(message);
            return DrainStage() == Failed ? Failed : message.Length;
        }
    }

    private void AnswerPing(ReadOnlySpan<byte> payload)
    {
        lock (_sending)
        {
            if (_stageEnd - _stageStart > StageLimit) return;
            StageFrame(FrameFormat.FinalBit | (int)WebSocketOpcode.Pong, payload);
            // Failing here shows again where it can be told: at the next read or write.
            DrainStage();
        }
    }

    /// <summary>The close frame is the last one, if what came before it is gone.</summary>
    private void SayGoodbye()
    {
        lock (_sending)
        {
            if (_closePayload is null || DrainStage() < 0) return;
            StageFrame(FrameFormat.FinalBit | (int)WebSocketOpcode.Close, _closePayload);
            DrainStage();
        }
    }

    private void StageMessage(ReadOnlySpan<byte> message)
    {
        if (_mode.Compression && message.Length > CompressionThreshold)
        {
            var scratch = ArrayPool<byte>.Shared.Rent(MessageDeflater.MaxLength(message.Length));
            var length = MessageDeflater.Compress(message, scratch);
            if (length > 0) StageCompressed(scratch.AsSpan(0, length));
            ArrayPool<byte>.Shared.Return(scratch);
            if (length > 0) return;
        }
        var limit = _mode.FrameLimit > 0 ? _mode.FrameLimit : message.Length;
        for (; !message.IsEmpty; message = message[Math.Min(limit, message.Length)..])
        {
            StageFrame(BinaryMessage, message[..Math.Min(limit, message.Length)]);
        }
    }

    /// <summary>Only the first frame of a message carries its kind and the compressed bit.</summary>
    private void StageCompressed(ReadOnlySpan<byte> message)
    {
        var limit = _mode is { FrameLimit: > 0, SplitsCompressed: true } ? _mode.FrameLimit : message.Length;
        var first = (int)WebSocketOpcode.Binary | FrameFormat.CompressedBit;
        while (!message.IsEmpty)
        {
            var part = message[..Math.Min(limit, message.Length)];
            message = message[part.Length..];
            StageFrame(message.IsEmpty ? first | FrameFormat.FinalBit : first, part);
            first = (int)WebSocketOpcode.Continuation;
        }
    }

    private void StageFrame(int first, ReadOnlySpan<byte> payload)
    {
        var room = GrowStage(FrameFormat.MaxHeader + payload.Length);
        Span<byte> key = stackalloc byte[FrameFormat.KeyLength];
        if (_mode.Masks) RandomNumberGenerator.Fill(key);
        var header = FrameFormat.WriteHeader(room, first, payload.Length, _mode.Masks ? key : default);
        var body = room.Slice(header, payload.Length);
        payload.CopyTo(body);
        if (_mode.Masks) FrameFormat.Mask(body, MemoryMarshal.Read<uint>(key), 0);
        _stageEnd += header + payload.Length;
    }

    private Span<byte> GrowStage(int length)
    {
        if (_stage is null)
        {
            _stage = ArrayPool<byte>.Shared.Rent(length);
            _stageStart = _stageEnd = 0;
        }
        else if (_stage.Length - _stageEnd < length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_stageEnd - _stageStart + length, _stage.Length * 2));
            _stage.AsSpan(_stageStart, _stageEnd - _stageStart).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_stage);
            (_stage, _stageStart, _stageEnd) = (larger, 0, _stageEnd - _stageStart);
        }
        return _stage.AsSpan(_stageEnd);
    }

    /// <summary>Passes staged frames on.</summary>
    /// <returns>0, or what hinders the channel below.</returns>
    private int DrainStage()
    {
        while (_stageEnd > _stageStart)
        {
            var sent = _below.Send(_stage.AsSpan(_stageStart, _stageEnd - _stageStart));
            if (sent <= 0) return sent == Failed ? Failed : WouldBlock;
            _stageStart += sent;
        }
        ReleaseStage();
        if (!_below.HasUnsent) return 0;
        var drained = _below.Send(default);
        return drained >= 0 && _below.HasUnsent ? WouldBlock : drained;
    }

    private void ReleaseStage()
    {
        if (_stage is not null) ArrayPool<byte>.Shared.Return(_stage);
        _stage = null;
        _stageStart = _stageEnd = 0;
    }
}
