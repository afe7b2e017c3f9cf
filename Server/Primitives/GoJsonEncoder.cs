using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace NatsAspire.Server.Primitives;

/// <summary>
/// Escapes in JSON what Go's encoder escapes, and as it does: quotes, backslashes and control characters in their short
/// forms, characters of HTML and line separators as four small hexadecimal digits. What is written becomes equal bytes
/// whoever writes them.
/// </summary>
internal sealed class GoJsonEncoder : JavaScriptEncoder
{
    private const int LongestEscape = 6;

    /// <summary>Of text beyond ASCII only U+2028 and U+2029 are escaped, which begin with E2 in UTF-8.</summary>
    private static readonly SearchValues<byte> Suspicious = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(control => (byte)control), (byte)'"', (byte)'\\', (byte)'<', (byte)'>', (byte)'&', 0xE2, 0xC0, 0xC1, 0xF5, 0xFF]);

    private GoJsonEncoder()
    {
    }

    public static GoJsonEncoder Instance { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => LongestEscape;

    public override bool WillEncode(int unicodeScalar) =>
        unicodeScalar < 0x20 || unicodeScalar is '"' or '\\' or '<' or '>' or '&' or '\u2028' or '\u2029';

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var rest = new ReadOnlySpan<char>(text, textLength);
        for (var i = 0; i < rest.Length; i++)
        {
            // Lone surrogates are no text: whoever writes them puts U+FFFD in their place.
            if (WillEncode(rest[i]) || char.IsSurrogate(rest[i])) return i;
        }
        return -1;
    }

    public override int FindFirstCharacterToEncodeUtf8(ReadOnlySpan<byte> utf8Text)
    {
        if (utf8Text.IndexOfAny(Suspicious) < 0 && Ascii.IsValid(utf8Text)) return -1;
        return base.FindFirstCharacterToEncodeUtf8(utf8Text);
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var target = new Span<char>(buffer, bufferLength);
        var letter = unicodeScalar switch
        {
            '"' => '"',
            '\\' => '\\',
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => '\0',
        };
        if (letter != '\0')
        {
            numberOfCharactersWritten = 2;
            return new ReadOnlySpan<char>(['\\', letter]).TryCopyTo(target);
        }
        return target.TryWrite(CultureInfo.InvariantCulture, $"\\u{unicodeScalar:x4}", out numberOfCharactersWritten);
    }
}
