using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>What becomes of a message that may ask for a trace.</summary>
public enum TraceVerdict
{
    /// <summary>It goes its way as any other.</summary>
    Untraced,

    /// <summary>It goes its way, and the servers further on are told not to trace it.</summary>
    Disabled,

    /// <summary>It was to be traced only, and cannot be: nothing happens.</summary>
    Dropped,

    /// <summary>It is traced, if its publisher may publish to the destination.</summary>
    Traced,
}

/// <summary>A message's wish to be traced, read and judged.</summary>
public sealed class TraceRequest
{
    /// <summary>Characters of a header's value that the log shows.</summary>
    private const int ShownLength = 128;

    private TraceRequest(TraceVerdict verdict, string? problem = null)
    {
        Verdict = verdict;
        Problem = problem;
    }

    public TraceVerdict Verdict { get; }

    /// <summary>What is wrong with it, for the log; null: nothing.</summary>
    public string? Problem { get; }

    /// <summary>Where the events go.</summary>
    public byte[] Destination { get; private init; } = [];

    /// <summary>Clients do not get the message.</summary>
    public bool IsOnly { get; private init; }

    /// <summary>This server's place on the message's way; null: the first.</summary>
    public string? Hop { get; private init; }

    /// <summary>Encodings the receiver of the events understands; null: none but JSON as it is.</summary>
    public string? AcceptEncoding { get; private init; }

    /// <summary>All headers of the message.</summary>
    public IReadOnlyDictionary<string, List<string>> Headers { get; private init; } = new Dictionary<string, List<string>>();

    /// <summary>Reads the headers of a message.</summary>
    /// <param name="header">Its block, or the beginning of one.</param>
    /// <param name="account">Its account; its msg_trace serves a traceparent.</param>
    /// <param name="isOrigin">This is the first server on its way: it decides about sampling and has no hop.</param>
    public static TraceRequest Read(ReadOnlySpan<byte> header, Account account, bool isOrigin)
    {
        if (TraceHeaders.Read(header, out var external) is not { } headers) return new TraceRequest(TraceVerdict.Untraced);
        var only = !external && First(TraceHeaders.Only)?.ToLowerInvariant() is "1" or "true" or "on";
        if (First(TraceHeaders.OriginAccount) is { } origin)
        {
            return new TraceRequest(
                only ? TraceVerdict.Dropped : TraceVerdict.Disabled,
                $"Message tracing disabled because of header \"{TraceHeaders.OriginAccount}\" with value=\"{Shown(origin)}\"");
        }
        var destination = external ? account.Options.TraceDestination : First(TraceHeaders.Destination);
        if (destination is null) return new TraceRequest(TraceVerdict.Untraced);
        if (external && isOrigin && !IsSample(account.Options.TraceSampling)) return new TraceRequest(TraceVerdict.Disabled);
        var subject = Encoding.UTF8.GetBytes(destination);
        if (!SubjectRules.IsValid(subject) || SubjectRules.HasWildcard(subject))
        {
            return new TraceRequest(only ? TraceVerdict.Dropped : TraceVerdict.Untraced, Invalid(destination));
        }
        return new TraceRequest(TraceVerdict.Traced)
        {
            Destination = subject,
            IsOnly = only,
            Hop = isOrigin ? null : First(TraceHeaders.Hop),
            AcceptEncoding = First("Accept-Encoding"),
            Headers = headers,
        };

        string? First(string name) => headers.TryGetValue(name, out var values) ? values[0] : null;
    }

    private static string Invalid(string destination) => $"Destination \"{Shown(destination)}\" is not valid, won't be able to trace events";

    private static string Shown(string value) => value.Length <= ShownLength ? value : value[..ShownLength] + "...";

    /// <summary>Sampling outside 1..99 takes all.</summary>
    private static bool IsSample(int sampling) => sampling is <= 0 or >= 100 || FastRandom.Next(100) < sampling;
}
