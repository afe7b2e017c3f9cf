using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>
/// Takes frames apart, wherever the bytes are split. Payloads are unmasked where they lie; what is kept between
/// calls is a header's and a control frame's worth of bytes.
/// </summary>
/// <param name="requiresMask">Frames that are not masked are refused: the reader is a server.</param>
/// <param name="compression">permessage-deflate was negotiated.</param>
internal sealed class FrameReader(bool requiresMask, bool compression)
{
    private const int FixedHeader = 2;
    private readonly byte[] _header = new byte[FrameFormat.MaxHeader];
    private readonly byte[] _control = new byte[FrameFormat.MaxControlPayload];
    private int _headerCount;
    private int _headerLength = FixedHeader;
    private int _controlCount;
    private bool _inPayload;
    private bool _betweenMessages = true;
    private long _length;
    private long _offset;
    private uint _key;

    /// <summary>The message of the last <see cref="FrameEvent.Data"/> is compressed.</summary>
    public bool IsCompressed { get; private set; }

    /// <summary>The last <see cref="FrameEvent.Data"/> was the end of its message.</summary>
    public bool EndsMessage { get; private set; }

    /// <summary>Payload of the last control frame.</summary>
    public ReadOnlySpan<byte> Control => _control.AsSpan(0, _controlCount);

    /// <summary>How the peer broke the protocol.</summary>
    public string Fault { get; private set; } = "";

    private WebSocketOpcode Opcode => (WebSocketOpcode)(_header[0] & FrameFormat.OpcodeBits);

    private bool IsControl => Opcode >= WebSocketOpcode.Close;

    private bool IsFinal => (_header[0] & FrameFormat.FinalBit) != 0;

    /// <summary>Reads on to the next event.</summary>
    /// <param name="data">Bytes received; payloads in it are unmasked in place.</param>
    /// <param name="position">Where to begin; moved behind what was used.</param>
    /// <param name="payload">With <see cref="FrameEvent.Data"/>: the piece, within <paramref name="data"/>, maybe empty.</param>
    public FrameEvent Next(Span<byte> data, ref int position, out Span<byte> payload)
    {
        payload = default;
        if (!_inPayload)
        {
            if (!ReadHeader(data, ref position)) return Fault.Length > 0 ? FrameEvent.Fault : FrameEvent.NeedMore;
            BeginPayload();
        }
        else if (position == data.Length) return FrameEvent.NeedMore;
        return IsControl ? ReadControl(data, ref position) : ReadData(data, ref position, out payload);
    }

    private bool ReadHeader(ReadOnlySpan<byte> data, ref int position)
    {
        while (_headerCount < _headerLength)
        {
            if (position == data.Length) return false;
            _header[_headerCount++] = data[position++];
            if (_headerCount != FixedHeader) continue;
            Fault = CheckStart();
            if (Fault.Length > 0) return false;
            _headerLength = FixedHeader + LengthBytes() + ((_header[1] & FrameFormat.MaskBit) != 0 ? FrameFormat.KeyLength : 0);
        }
        _length = ReadLength();
        if (_length >= 0) return true;
        Fault = "invalid 64-bit payload length";
        return false;
    }

    private int LengthBytes() => (_header[1] & FrameFormat.LengthBits) switch
    {
        FrameFormat.Length16 => sizeof(ushort),
        FrameFormat.Length64 => sizeof(ulong),
        _ => 0,
    };

    private long ReadLength() => (_header[1] & FrameFormat.LengthBits) switch
    {
        FrameFormat.Length16 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(FixedHeader)),
        FrameFormat.Length64 => BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(FixedHeader)),
        var length => length,
    };

    /// <summary>Checks the first two bytes; texts are upstream's, they travel in the close frame.</summary>
    private string CheckStart()
    {
        var isCompressed = (_header[0] & FrameFormat.CompressedBit) != 0;
        if ((_header[0] & FrameFormat.ReservedBits) != 0) return "RSV2 and RSV3 must be clear";
        if (isCompressed && !compression) return "compressed frame received without negotiated permessage-deflate";
        if (requiresMask && (_header[1] & FrameFormat.MaskBit) == 0) return "mask bit missing";
        switch (Opcode)
        {
            case WebSocketOpcode.Close or WebSocketOpcode.Ping or WebSocketOpcode.Pong:
                if ((_header[1] & FrameFormat.LengthBits) > FrameFormat.MaxControlPayload)
                {
                    return $"control frame length bigger than maximum allowed of {FrameFormat.MaxControlPayload} bytes";
                }
                if (!IsFinal) return "control frame does not have final bit set";
                return isCompressed ? "control frame must not be compressed" : "";
            case WebSocketOpcode.Text or WebSocketOpcode.Binary:
                return _betweenMessages ? "" : "new message started before final frame for previous message was received";
            case WebSocketOpcode.Continuation:
                return _betweenMessages || isCompressed ? "invalid continuation frame" : "";
            default:
                return $"unknown opcode {(int)Opcode}";
        }
    }

    private void BeginPayload()
    {
        _inPayload = true;
        _offset = 0;
        _controlCount = 0;
        _key = (_header[1] & FrameFormat.MaskBit) == 0
            ? 0
            : MemoryMarshal.Read<uint>(_header.AsSpan(_headerLength - FrameFormat.KeyLength));
        if (IsControl) return;
        if (Opcode != WebSocketOpcode.Continuation) IsCompressed = (_header[0] & FrameFormat.CompressedBit) != 0;
        _betweenMessages = IsFinal;
    }

    private FrameEvent ReadData(Span<byte> data, ref int position, out Span<byte> payload)
    {
        payload = data.Slice(position, (int)Math.Min(_length - _offset, data.Length - position));
        if (_key != 0) FrameFormat.Mask(payload, _key, _offset);
        position += payload.Length;
        _offset += payload.Length;
        EndsMessage = IsFinal && _offset == _length;
        if (_offset == _length) EndFrame();
        else if (payload.IsEmpty) return FrameEvent.NeedMore;
        return FrameEvent.Data;
    }

    private FrameEvent ReadControl(Span<byte> data, ref int position)
    {
        var piece = data.Slice(position, (int)Math.Min(_length - _offset, data.Length - position));
        piece.CopyTo(_control.AsSpan(_controlCount));
        position += piece.Length;
        _controlCount += piece.Length;
        _offset += piece.Length;
        if (_offset < _length) return FrameEvent.NeedMore;
        if (_key != 0) FrameFormat.Mask(_control.AsSpan(0, _controlCount), _key, 0);
        EndFrame();
        return Opcode switch
        {
            WebSocketOpcode.Ping => FrameEvent.Ping,
            WebSocketOpcode.Pong => FrameEvent.Pong,
            _ => FrameEvent.Close,
        };
    }

    private void EndFrame()
    {
        _inPayload = false;
        _headerCount = 0;
        _headerLength = FixedHeader;
    }
}
