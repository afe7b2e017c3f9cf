using System.Buffers.Text;
using System.Text;

namespace NatsAspire.Server.JetStream.Consumers.Delivery;

/// <summary>
/// The subject that a delivered message is acknowledged on; clients read from it what they know of the delivery (ADR-15).
/// <code>
/// "$JS.ACK." stream "." consumer "." numbers                                (version 1, 9 tokens)
/// "$JS.ACK." domain "." account "." stream "." consumer "." numbers [ ".…" ]  (version 2, 11 tokens or more)
/// numbers = delivered "." stream-sequence "." consumer-sequence "." timestamp "." pending
/// </code>
/// Both are understood; version 1 is written unless the feature <c>js_ack_fc_v2</c> is on.
/// </summary>
public readonly ref struct AckSubject
{
    /// <summary>Bytes of the numbers at most, dots between them.</summary>
    public const int MaxNumbersLength = (5 * 20) + 4;

    private const int Version1Tokens = 9;
    private const int Version2Tokens = 11;

    /// <summary>All subjects of acknowledgements.</summary>
    public static ReadOnlySpan<byte> Root => "$JS.ACK."u8;

    /// <summary>The stream's name.</summary>
    public ReadOnlySpan<byte> Stream { get; private init; }

    /// <summary>The consumer's name.</summary>
    public ReadOnlySpan<byte> Consumer { get; private init; }

    /// <summary>Deliveries of the message, this one included.</summary>
    public ulong Delivered { get; private init; }

    /// <summary>Of the message in the stream. What is no number is <see cref="ulong.MaxValue"/>, here and in the others: no message has it.</summary>
    public ulong StreamSequence { get; private init; }

    /// <summary>Of the delivery in the consumer.</summary>
    public ulong ConsumerSequence { get; private init; }

    /// <summary>When the message was stored, in nanoseconds since 1970.</summary>
    public long Timestamp { get; private init; }

    /// <summary>Messages that were left for the consumer.</summary>
    public ulong Pending { get; private init; }

    /// <summary>Takes a subject apart.</summary>
    /// <returns>False: it has not the tokens of either version.</returns>
    public static bool TryParse(ReadOnlySpan<byte> subject, out AckSubject parsed)
    {
        parsed = default;
        var tokens = subject.Count((byte)'.') + 1;
        if (!subject.StartsWith(Root) || (tokens != Version1Tokens && tokens < Version2Tokens)) return false;
        var rest = subject[Root.Length..];
        if (tokens != Version1Tokens)
        {
            TakeToken(ref rest);
            TakeToken(ref rest);
        }
        parsed = new AckSubject
        {
            Stream = TakeToken(ref rest),
            Consumer = TakeToken(ref rest),
            Delivered = (ulong)Number(TakeToken(ref rest)),
            StreamSequence = (ulong)Number(TakeToken(ref rest)),
            ConsumerSequence = (ulong)Number(TakeToken(ref rest)),
            Timestamp = Number(TakeToken(ref rest)),
            Pending = (ulong)Number(TakeToken(ref rest)),
        };
        return true;
    }

    /// <summary>What stands before the numbers in version 1, with its dot.</summary>
    public static byte[] Prefix(string stream, string consumer) => Encoding.UTF8.GetBytes($"$JS.ACK.{stream}.{consumer}.");

    /// <summary>What stands before the numbers in version 2, with its dot.</summary>
    /// <param name="domain">Null: the server has none.</param>
    /// <param name="accountHash">Eight characters that stand for the account's name.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="consumer">The consumer's name.</param>
    public static byte[] Prefix(string? domain, string accountHash, string stream, string consumer) =>
        Encoding.UTF8.GetBytes($"$JS.ACK.{domain ?? "_"}.{accountHash}.{stream}.{consumer}.");

    /// <summary>Writes the subject of a delivery.</summary>
    /// <param name="destination">Room for the prefix and <see cref="MaxNumbersLength"/> bytes.</param>
    /// <param name="prefix">Of either version.</param>
    /// <param name="delivered">Deliveries of the message, this one included.</param>
    /// <param name="streamSequence">Of the message in the stream.</param>
    /// <param name="consumerSequence">Of the delivery in the consumer.</param>
    /// <param name="timestamp">When the message was stored, in nanoseconds since 1970.</param>
    /// <param name="pending">Messages left for the consumer.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(
        Span<byte> destination, ReadOnlySpan<byte> prefix, ulong delivered, ulong streamSequence, ulong consumerSequence, long timestamp, ulong pending)
    {
        prefix.CopyTo(destination);
        var length = prefix.Length;
        length += Write(delivered, destination[length..]);
        destination[length++] = (byte)'.';
        length += Write(streamSequence, destination[length..]);
        destination[length++] = (byte)'.';
        length += Write(consumerSequence, destination[length..]);
        destination[length++] = (byte)'.';
        Utf8Formatter.TryFormat(timestamp, destination[length..], out var written);
        length += written;
        destination[length++] = (byte)'.';
        return length + Write(pending, destination[length..]);
    }

    private static int Write(ulong number, Span<byte> destination)
    {
        Utf8Formatter.TryFormat(number, destination, out var written);
        return written;
    }

    private static ReadOnlySpan<byte> TakeToken(scoped ref ReadOnlySpan<byte> rest)
    {
        var dot = rest.IndexOf((byte)'.');
        var token = dot < 0 ? rest : rest[..dot];
        rest = dot < 0 ? default : rest[(dot + 1)..];
        return token;
    }

    /// <summary>Digits; -1 for anything else. Too many of them wrap around, as upstream's do.</summary>
    private static long Number(ReadOnlySpan<byte> token)
    {
        if (token.IsEmpty) return -1;
        var number = 0L;
        foreach (var digit in token)
        {
            if (digit is < (byte)'0' or > (byte)'9') return -1;
            number = unchecked((number * 10) + (digit - '0'));
        }
        return number;
    }
}
