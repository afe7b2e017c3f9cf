using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>What RS+, RS-, LS+ and LS- say.</summary>
internal readonly ref struct InterestLine
{
    public required ReadOnlySpan<byte> Origin { get; init; }

    public required ReadOnlySpan<byte> Account { get; init; }

    public required ReadOnlySpan<byte> Subject { get; init; }

    public required ReadOnlySpan<byte> Queue { get; init; }

    /// <summary>Members behind a queue; 1 where it is left out.</summary>
    public required int Weight { get; init; }

    /// <summary>The line tells it.</summary>
    public bool HasWeight { get; init; }

    /// <summary>Splits the arguments of a line.</summary>
    /// <param name="hasOrigin">They begin with the cluster of a leaf node.</param>
    /// <param name="hasAccount">The account comes before the subject.</param>
    /// <param name="hasWeight">A weight may stand behind the queue.</param>
    /// <param name="arguments">The line without its operation.</param>
    /// <param name="line">Its parts.</param>
    public static bool TryParse(bool hasOrigin, bool hasAccount, bool hasWeight, ReadOnlySpan<byte> arguments, out InterestLine line)
    {
        var origin = hasOrigin ? ControlLine.TakeToken(ref arguments) : default;
        var account = hasAccount ? ControlLine.TakeToken(ref arguments) : default;
        var subject = ControlLine.TakeToken(ref arguments);
        var queue = ControlLine.TakeToken(ref arguments);
        var weight = hasWeight ? ControlLine.TakeToken(ref arguments) : default;
        line = new InterestLine
        {
            Origin = origin,
            Account = account,
            Subject = subject,
            Queue = queue,
            Weight = weight.IsEmpty ? 1 : ControlLine.ParseSize(weight),
            HasWeight = !weight.IsEmpty,
        };
        var complete = !subject.IsEmpty && (!hasAccount || !account.IsEmpty) && (!hasOrigin || !origin.IsEmpty);
        return complete && line.Weight >= 0 && ControlLine.TakeToken(ref arguments).IsEmpty;
    }

    /// <summary>Writes what stands behind the account, to the end of the line.</summary>
    /// <param name="line">Takes it.</param>
    /// <param name="subject">Wanted, or no longer.</param>
    /// <param name="queue">The queue; null: none.</param>
    /// <param name="weight">Members behind the queue; 0: nobody is left, which is not told.</param>
    public static void Finish(ref ByteBuilder line, ReadOnlySpan<byte> subject, byte[]? queue, int weight)
    {
        line.Add(subject);
        if (queue is not null)
        {
            line.Add(" "u8);
            line.Add(queue);
            if (weight > 0)
            {
                line.Add(" "u8);
                line.Add(weight);
            }
        }
        line.Add("\r\n"u8);
    }

    /// <summary>What it is known by: all but the weight.</summary>
    public byte[] Key(bool hasOrigin) =>
        [hasOrigin ? (byte)'L' : (byte)'R', .. Origin, (byte)' ', .. Account, (byte)' ', .. Subject, (byte)' ', .. Queue];
}
