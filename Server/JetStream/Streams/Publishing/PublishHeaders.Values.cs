using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>Values of headers.</summary>
public readonly ref partial struct PublishHeaders
{
    /// <summary>Digits of an increment. Ours: upstream adds numbers of any length.</summary>
    public const int MaxIncrementLength = 4096;

    /// <summary>What is meant by "never" in place of seconds.</summary>
    public const long NeverExpires = -1;

    /// <summary>The sequence of the stream's last message; null: any. What is no number is a sequence that never comes.</summary>
    public ulong? ExpectedLastSequence => ExpectedLastSequenceText.IsEmpty ? null : Sequence(ExpectedLastSequenceText) ?? ulong.MaxValue;

    /// <summary>The sequence of the subject's last message, 0 when it has none; null: any. What is no number is a sequence that never comes.</summary>
    public ulong? ExpectedLastSubjectSequence => ExpectedLastSubjectSequenceText.IsEmpty ? null : Sequence(ExpectedLastSubjectSequenceText) ?? ulong.MaxValue;

    /// <summary>The number within the batch; null: none, or no number.</summary>
    public ulong? BatchSequenceNumber => Sequence(BatchSequence);

    /// <summary>Whether anything is said of what the stream must hold.</summary>
    public bool HasExpectations =>
        !ExpectedStream.IsEmpty || !ExpectedLastMessageId.IsEmpty || !ExpectedLastSubject.IsEmpty || !ExpectedLastSequenceText.IsEmpty || !ExpectedLastSubjectSequenceText.IsEmpty;

    /// <summary>Reads a time to live.</summary>
    /// <param name="text">Seconds, a duration of at least one second, or <c>never</c>.</param>
    /// <param name="seconds">0: none; <see cref="NeverExpires"/>.</param>
    /// <returns>False when it is none of these.</returns>
    public static bool TryParseTtl(ReadOnlySpan<byte> text, out long seconds)
    {
        seconds = 0;
        if (text.IsEmpty) return true;
        if (Ascii.EqualsIgnoreCase(text, "never"u8))
        {
            seconds = NeverExpires;
            return true;
        }
        // A lone zero is a duration to upstream, and too short; other digits without a unit are seconds.
        if (!text.SequenceEqual("0"u8) && Sequence(text) is <= long.MaxValue and { } plain)
        {
            seconds = (long)plain;
            return true;
        }
        if (!GoDuration.TryParse(text, out var nanoseconds)) return false;
        seconds = nanoseconds / GoDuration.Second;
        return nanoseconds >= GoDuration.Second;
    }

    /// <summary>Reads a counter's increment: decimal digits after an optional sign.</summary>
    /// <param name="value">Null: there is none.</param>
    /// <returns>False when it is no number, or one of more than <see cref="MaxIncrementLength"/> digits.</returns>
    public bool TryGetIncrement(out BigInteger? value)
    {
        value = null;
        if (Increment.IsEmpty) return true;
        if (Increment.Length > MaxIncrementLength) return false;
        Span<char> digits = stackalloc char[Increment.Length];
        Encoding.Latin1.GetChars(Increment, digits);
        if (!BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return false;
        value = number;
        return true;
    }

    private static ulong? Sequence(ReadOnlySpan<byte> digits) =>
        !digits.IsEmpty && digits[0] is >= (byte)'0' and <= (byte)'9' && Utf8Parser.TryParse(digits, out ulong number, out var used) && used == digits.Length ? number : null;
}
