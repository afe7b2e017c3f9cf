using System.Globalization;
using System.Text;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Text in double quotes, what cannot be shown escaped, as errors quote it.</summary>
public static class QuotedText
{
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"", text.Length + 2);
        for (var index = 0; index < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, index, out var rune))
            {
                AppendLoneSurrogate(quoted, text[index++]);
                continue;
            }
            index += rune.Utf16SequenceLength;
            AppendRune(quoted, rune);
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>Bytes as quoted text; those that are not UTF-8 show as <c>\xff</c>.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes) => Quote(ConfigText.Decode(bytes));

    /// <summary>Several texts, each quoted, in brackets.</summary>
    public static string Quote(IEnumerable<string> texts) => $"[{string.Join(' ', texts.Select(Quote))}]";

    private static void AppendRune(StringBuilder quoted, Rune rune)
    {
        var named = rune.Value switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\a' => "\\a",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\v' => "\\v",
            _ => null,
        };
        if (named is not null) quoted.Append(named);
        else if (IsPrintable(rune)) quoted.Append(rune);
        else if (rune.Value < 0x80) quoted.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
        else if (rune.IsBmp) quoted.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        else quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
    }

    private static void AppendLoneSurrogate(StringBuilder quoted, char character)
    {
        if (ConfigText.TryGetRawByte(character, out var raw)) quoted.Append(CultureInfo.InvariantCulture, $"\\x{raw:x2}");
        else quoted.Append("\ufffd");
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse => false,
        UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator => false,
        UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        _ => true,
    };
}
