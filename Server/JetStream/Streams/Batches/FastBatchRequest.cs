using System.Buffers.Text;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>What the reply subject of a message of a fast batch asks for (ADR-50).</summary>
/// <remarks>
/// <code>
/// reply     = *token "." batch id "." flow "." ("ok" | "fail") "." number "." operation ".$FI"
/// operation = 0 begin | 1 append | 2 append and commit | 3 commit | 4 ping
/// </code>
/// The number counts from 1. The flow is how many messages there may be to an acknowledgement.
/// </remarks>
internal readonly ref struct FastBatchRequest
{
    private const ushort DefaultFlow = 10;
    private const int Begin = 0;
    private const int Append = 1;
    private const int AppendAndCommit = 2;
    private const int CommitOnly = 3;
    private const int PingOnly = 4;

    /// <summary>How such reply subjects end.</summary>
    public static ReadOnlySpan<byte> Suffix => ".$FI"u8;

    public ReadOnlySpan<byte> Id { get; private init; }

    public ushort Flow { get; private init; }

    /// <summary>Messages that are lost do not end the batch.</summary>
    public bool GapsAreFine { get; private init; }

    public ulong Number { get; private init; }

    public bool Commits { get; private init; }

    /// <summary>There is no message, but the batch ends before it.</summary>
    public bool OnlyCommits { get; private init; }

    /// <summary>There is no message; what has come is to be told.</summary>
    public bool Pings { get; private init; }

    /// <summary>Reads a reply subject.</summary>
    /// <param name="reply">Ends with <see cref="Suffix"/>.</param>
    /// <param name="request">What it asks for; its spans lie in it.</param>
    public static bool TryParse(ReadOnlySpan<byte> reply, out FastBatchRequest request)
    {
        request = default;
        var rest = reply[..^Suffix.Length];
        if (!TryTakeLast(ref rest, out var operationText) || !TryNumber(operationText, out var operation) || operation > PingOnly) return false;
        if (!TryTakeLast(ref rest, out var numberText) || !TryNumber(numberText, out var number) || number is 0 or ulong.MaxValue) return false;
        var fits = operation switch
        {
            Begin => number == 1,
            Append => number > 1,
            CommitOnly => number > 1,
            _ => true,
        };
        if (!fits || !TryTakeLast(ref rest, out var gaps) || !(gaps.SequenceEqual("ok"u8) || gaps.SequenceEqual("fail"u8))) return false;
        if (!TryTakeLast(ref rest, out var flow) || !TryTakeLast(ref rest, out var id)) return false;
        request = new FastBatchRequest
        {
            Id = id,
            Flow = TryNumber(flow, out var messages) && messages > 0 ? (ushort)Math.Min(messages, ushort.MaxValue) : DefaultFlow,
            GapsAreFine = gaps.SequenceEqual("ok"u8),
            Number = number,
            Commits = operation is AppendAndCommit or CommitOnly,
            OnlyCommits = operation == CommitOnly,
            Pings = operation == PingOnly,
        };
        return true;
    }

    /// <summary>Takes the last token, which must have one before it.</summary>
    private static bool TryTakeLast(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> token)
    {
        token = default;
        var dot = rest.LastIndexOf((byte)'.');
        if (dot < 0) return false;
        token = rest[(dot + 1)..];
        rest = rest[..dot];
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out ulong number) =>
        Utf8Parser.TryParse(digits, out number, out var used) && used == digits.Length && digits[0] != '+';
}
