using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>
/// Bytes of a configuration as text without loss: a byte that is not UTF-8 becomes the lone surrogate U+DC00 + byte.
/// </summary>
internal static class ConfigText
{
    private const int EscapeBase = 0xDC00;
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var length = ValidPrefix(bytes);
            text.Append(Strict.GetString(bytes[..length]));
            bytes = bytes[length..];
            if (bytes.IsEmpty) break;
            text.Append((char)(EscapeBase + bytes[0]));
            bytes = bytes[1..];
        }
        return text.ToString();
    }

    public static byte[] Encode(string text)
    {
        var bytes = new List<byte>(text.Length);
        Span<byte> encoded = stackalloc byte[4];
        for (var index = 0; index < text.Length;)
        {
            if (TryGetRawByte(text[index], out var raw) && !Rune.TryGetRuneAt(text, index, out _))
            {
                bytes.Add(raw);
                index++;
                continue;
            }
            var rune = Rune.TryGetRuneAt(text, index, out var found) ? found : Rune.ReplacementChar;
            bytes.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
            index += rune.Utf16SequenceLength;
        }
        return [.. bytes];
    }

    /// <summary>Whether the character stands for a byte that was not UTF-8.</summary>
    public static bool TryGetRawByte(char character, out byte raw)
    {
        raw = unchecked((byte)character);
        return character is >= (char)(EscapeBase + 0x80) and <= (char)(EscapeBase + 0xFF);
    }

    /// <summary>Length of the character at the start, in bytes; what is no character has one byte.</summary>
    public static int DecodeRune(ReadOnlySpan<byte> bytes, out Rune rune)
    {
        var status = Rune.DecodeFromUtf8(bytes, out rune, out var length);
        return status == System.Buffers.OperationStatus.Done ? length : 1;
    }

    private static int ValidPrefix(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return bytes.Length;
        var length = 0;
        while (Rune.DecodeFromUtf8(bytes[length..], out _, out var consumed) == System.Buffers.OperationStatus.Done)
        {
            length += consumed;
        }
        return length;
    }
}
