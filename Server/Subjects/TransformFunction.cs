using System.Globalization;
using System.Text.RegularExpressions;

namespace NatsAspire.Server.Subjects;

/// <summary>What a destination token of a transform does.</summary>
internal enum TransformKind
{
    /// <summary>The token stands as it is written.</summary>
    Literal,
    Wildcard,
    Partition,
    SplitFromLeft,
    SplitFromRight,
    SliceFromLeft,
    SliceFromRight,
    Split,
    Left,
    Right,
    Random,
}

/// <summary>A destination that cannot be: the message is upstream's.</summary>
public sealed class SubjectTransformException(string message) : Exception(message)
{
    internal static SubjectTransformException BadSubject() => new("invalid subject");

    internal static SubjectTransformException Destination(string problem, string token) =>
        new(token.Length == 0 ? $"invalid mapping destination: {problem}" : $"invalid mapping destination: {problem} in {token}");
}

/// <summary>
/// One destination token, read (ADR-30): <c>$2</c>, or a function in double braces such as
/// <c>{{partition(10,1,2)}}</c>; names in any case.
/// </summary>
/// <param name="Kind">What it does.</param>
/// <param name="Wildcards">Numbers of the source's wildcards it takes, from 1.</param>
/// <param name="Number">Length, position, or number of buckets.</param>
/// <param name="Text">Delimiter of a split.</param>
internal sealed partial record TransformFunction(TransformKind Kind, int[] Wildcards, int Number, string Text)
{
    private const string NotEnough = "not enough arguments passed to the function";
    private const string TooMany = "too many arguments passed to the function";
    private const string Invalid = "function argument is invalid or in the wrong format";
    private static readonly TransformFunction Literal = new(TransformKind.Literal, [], -1, "");

    /// <exception cref="SubjectTransformException">A function that is unknown or has wrong arguments.</exception>
    public static TransformFunction Parse(string token)
    {
        if (token.Length > 1 && token[0] == '$')
        {
            // Other subjects begin with $ as well, so what is no number stays as it is.
            return TryNumber(token[1..], out var index) ? new TransformFunction(TransformKind.Wildcard, [index], -1, "") : Literal;
        }
        if (!LooksLikeFunction(token)) return Literal;
        var call = Call().Match(token);
        if (!call.Success || !Enum.TryParse<TransformKind>(call.Groups["name"].Value, ignoreCase: true, out var kind)
            || kind == TransformKind.Literal)
        {
            throw SubjectTransformException.Destination("unknown function", token);
        }
        return ParseCall(kind, token, Comma().Split(call.Groups["arguments"].Value));
    }

    public static bool LooksLikeFunction(string token) =>
        token.Length > 4 && token.StartsWith("{{", StringComparison.Ordinal) && token.EndsWith("}}", StringComparison.Ordinal);

    private static TransformFunction ParseCall(TransformKind kind, string token, string[] arguments) => kind switch
    {
        TransformKind.Wildcard => ParseWildcard(token, arguments),
        TransformKind.Partition => new TransformFunction(
            kind, [.. arguments.Skip(1).Select(argument => ReadNumber(token, argument))], ReadNumber(token, arguments[0]), ""),
        TransformKind.Random => arguments.Length == 1
            ? new TransformFunction(kind, [], ReadNumber(token, arguments[0]), "")
            : throw SubjectTransformException.Destination(NotEnough, token),
        TransformKind.Split => ParseSplit(token, Two(token, arguments)),
        _ => new TransformFunction(kind, [ReadNumber(token, Two(token, arguments)[0])], ReadNumber(token, arguments[1]), ""),
    };

    private static TransformFunction ParseWildcard(string token, string[] arguments)
    {
        if (arguments.Length > 1) throw SubjectTransformException.Destination(TooMany, token);
        if (arguments[0].Length == 0) throw SubjectTransformException.Destination(NotEnough, token);
        return new TransformFunction(TransformKind.Wildcard, [ReadNumber(token, arguments[0])], -1, "");
    }

    private static TransformFunction ParseSplit(string token, string[] arguments)
    {
        if (arguments[1].AsSpan().IndexOfAny(' ', '.') >= 0) throw SubjectTransformException.Destination(Invalid, token);
        return new TransformFunction(TransformKind.Split, [ReadNumber(token, arguments[0])], -1, arguments[1]);
    }

    private static string[] Two(string token, string[] arguments) => arguments.Length switch
    {
        < 2 => throw SubjectTransformException.Destination(NotEnough, token),
        2 => arguments,
        _ => throw SubjectTransformException.Destination(TooMany, token),
    };

    private static int ReadNumber(string token, string argument) =>
        TryNumber(argument.Trim(' '), out var number) ? number : throw SubjectTransformException.Destination(Invalid, token);

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    [GeneratedRegex(@"^\{\{\s*(?<name>[A-Za-z]+)\s*\((?<arguments>.*)\)\s*\}\}$")]
    private static partial Regex Call();

    [GeneratedRegex(@",\s*")]
    private static partial Regex Comma();
}
