using System.Buffers;

namespace NatsAspire.Server.Protocol;

/// <summary>
/// Header blocks as bytes.
/// <code>
/// block = "NATS/1.0" [status] CRLF *( name ":" value CRLF ) CRLF
/// </code>
/// Names are compared as they are written, values without the blanks around them.
/// </summary>
public static class HeaderBlock
{
    private static ReadOnlySpan<byte> FirstLine => "NATS/1.0\r\n"u8;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>The value of the first header of that name.</summary>
    /// <param name="block">A whole block; empty: no headers.</param>
    /// <param name="name">Without the colon.</param>
    /// <param name="value">Without blanks around it.</param>
    public static bool TryGet(ReadOnlySpan<byte> block, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var found = Find(block, name, out _, out _, out var range);
        value = found ? block[range].Trim(" \t"u8) : default;
        return found;
    }

    /// <summary>Writes a block with one header set, and what follows it, as they go on the wire.</summary>
    /// <param name="bodyAndCrlf">A message's block (maybe none), payload and CRLF.</param>
    /// <param name="headerLength">Length of its block; 0: none.</param>
    /// <param name="name">Header to set; an earlier one of that name goes.</param>
    /// <param name="value">Its value.</param>
    /// <param name="output">Gets the new block, payload and CRLF.</param>
    /// <returns>Length of the new block.</returns>
    public static int Set(
        ReadOnlySpan<byte> bodyAndCrlf, int headerLength, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        var block = bodyAndCrlf[..headerLength];
        var length = 0;
        if (block.Length < FirstLine.Length + LineEnd.Length)
        {
            Write(FirstLine);
        }
        else
        {
            // Publishers may leave out the empty line, or even the end of the last header's.
            var lines = block.EndsWith("\r\n\r\n"u8) ? block[..^2] : block;
            if (Find(lines, name, out var start, out var end, out _))
            {
                Write(lines[..start]);
                lines = lines[end..];
            }
            Write(lines);
            if (!lines.IsEmpty && !lines.EndsWith(LineEnd)) Write(LineEnd);
        }
        Write(name);
        Write(": "u8);
        Write(value);
        Write(LineEnd);
        Write(LineEnd);
        output.Write(bodyAndCrlf[headerLength..]);
        return length;

        void Write(ReadOnlySpan<byte> part)
        {
            output.Write(part);
            length += part.Length;
        }
    }

    /// <summary>Finds a header's line (with its CRLF) and where in the block its value stands.</summary>
    private static bool Find(ReadOnlySpan<byte> block, ReadOnlySpan<byte> name, out int start, out int end, out Range value)
    {
        (start, end, value) = (0, 0, default);
        var at = block.IndexOf(LineEnd);
        while (at >= 0)
        {
            start = at + LineEnd.Length;
            var length = block[start..].IndexOf(LineEnd);
            if (length <= 0) return false;
            end = start + length + LineEnd.Length;
            var line = block.Slice(start, length);
            if (line.Length > name.Length && line[name.Length] == ':' && line.StartsWith(name))
            {
                value = (start + name.Length + 1)..(start + length);
                return true;
            }
            at = start + length;
        }
        return false;
    }
}
