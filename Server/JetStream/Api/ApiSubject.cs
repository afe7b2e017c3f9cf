namespace NatsAspire.Server.JetStream.Api;

/// <summary>
/// The subject of a request, taken apart. Names are slices of it; nothing is allocated.
/// <code>
/// "$JS.API." operation *( "." name ) [ "." tail ]
/// </code>
/// </summary>
public readonly ref struct ApiSubject
{
    private ApiSubject(ApiOperation operation, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> tail)
    {
        Operation = operation;
        First = first;
        Second = second;
        Tail = tail;
    }

    /// <summary>All subjects of the API.</summary>
    public static ReadOnlySpan<byte> Prefix => "$JS.API."u8;

    public ApiOperation Operation { get; }

    /// <summary>The stream; for requests about accounts their account.</summary>
    public ReadOnlySpan<byte> First { get; }

    /// <summary>The consumer; for requests about accounts' streams the stream.</summary>
    public ReadOnlySpan<byte> Second { get; }

    /// <summary>For a direct get the subject it is for; for the making of a named consumer its name and maybe a filter.</summary>
    public ReadOnlySpan<byte> Tail { get; }

    /// <summary>Takes a subject apart.</summary>
    /// <returns>False: no such request, which is answered with a bad request or not at all.</returns>
    public static bool TryParse(ReadOnlySpan<byte> subject, out ApiSubject parsed)
    {
        parsed = default;
        if (!subject.StartsWith(Prefix)) return false;
        var rest = subject[Prefix.Length..];
        foreach (var operation in ApiOperation.All)
        {
            var verb = operation.Verb;
            if (!rest.StartsWith(verb) || (rest.Length > verb.Length && rest[verb.Length] != '.')) continue;
            if (TryTakeNames(operation, rest.Length == verb.Length ? default : rest[verb.Length..], out parsed)) return true;
        }
        return false;
    }

    /// <summary>What follows the verb: each name behind a dot, none empty.</summary>
    private static bool TryTakeNames(ApiOperation operation, ReadOnlySpan<byte> rest, out ApiSubject parsed)
    {
        parsed = default;
        var first = operation.Names > 0 ? NameOf(rest) : default;
        if (!first.IsEmpty) rest = rest[(first.Length + 1)..];
        var second = operation.Names > 1 ? NameOf(rest) : default;
        if (!second.IsEmpty) rest = rest[(second.Length + 1)..];
        var names = (first.IsEmpty ? 0 : 1) + (second.IsEmpty ? 0 : 1);
        // Names may not be empty, and neither may what follows them.
        if (names != operation.Names || operation.HasTail != rest.Length >= 2 || (!operation.HasTail && !rest.IsEmpty)) return false;
        parsed = new ApiSubject(operation, first, second, operation.HasTail ? rest[1..] : default);
        return true;
    }

    /// <summary>The name between the dot that a text begins with and the next; empty: there is none.</summary>
    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty) return default;
        var end = rest[1..].IndexOf((byte)'.');
        return end < 0 ? rest[1..] : rest.Slice(1, end);
    }
}
