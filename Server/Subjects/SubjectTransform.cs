using System.Buffers;
using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// Rewrites subjects that match a source into a destination (ADR-30). Compiled once, applied to bytes;
/// the only randomness is the caller's.
/// </summary>
public sealed class SubjectTransform
{
    private const int MaxTokens = 256;
    private readonly byte[] _source;
    private readonly int _sourceTokens;
    private readonly Step[] _steps;
    private readonly bool _hasFull;

    private SubjectTransform(string source, string destination, int sourceTokens, Step[] steps, bool hasFull)
    {
        Source = source;
        Destination = destination;
        _source = Encoding.UTF8.GetBytes(source);
        _sourceTokens = sourceTokens;
        _steps = steps;
        _hasFull = hasFull;
    }

    public string Source { get; }

    public string Destination { get; }

    /// <summary>Compiles a transform; null for an empty destination, which means none.</summary>
    /// <param name="source">Subject to match; empty: all.</param>
    /// <param name="destination">What it becomes.</param>
    /// <param name="strict">Only functions that can be undone, using every wildcard: what imports need.</param>
    /// <exception cref="SubjectTransformException">The two do not fit, or a function is wrong.</exception>
    public static SubjectTransform? Create(string source, string destination, bool strict = false)
    {
        if (destination.Length == 0) return null;
        if (source.Length == 0) source = ">";
        var from = Inspect(source);
        var to = Inspect(destination);
        if (!from.Valid || !to.Valid || to.Stars > 0 || from.HasFull != to.HasFull) throw SubjectTransformException.BadSubject();
        var wildcardAt = from.Tokens.Index().Where(token => token.Item == "*").Select(token => token.Index).ToArray();
        var steps = to.Tokens.Select(token => Compile(token, wildcardAt, from.Stars > 0 || from.HasFull, strict)).ToArray();
        if (strict && steps.Where(step => step.Kind == TransformKind.Wildcard).Sum(step => step.SourceTokens.Length) < from.Stars)
        {
            throw SubjectTransformException.Destination("not using all of the token wildcard(s)", destination);
        }
        return new SubjectTransform(source, destination, from.Tokens.Length, steps, to.HasFull);
    }

    /// <summary>The checks of a mapping's destination, which knows a few functions less than transforms.</summary>
    /// <returns>Upstream's error text, or null.</returns>
    public static string? ValidateMapping(string source, string destination)
    {
        try
        {
            CheckMappingTokens(destination);
            Create(source, destination);
            return null;
        }
        catch (SubjectTransformException error)
        {
            return error.Message;
        }
    }

    /// <summary>Whether the source matches a literal subject.</summary>
    public bool Matches(ReadOnlySpan<byte> subject) =>
        SubjectRules.IsValidLiteral(subject) && SubjectRules.Matches(subject, _source);

    /// <summary>Writes what a matching subject becomes.</summary>
    /// <returns>False when the subject is not valid or does not match.</returns>
    public bool TryTransform(ReadOnlySpan<byte> subject, IBufferWriter<byte> output, Random random)
    {
        if (!Matches(subject)) return false;
        Transform(subject, output, random);
        return true;
    }

    /// <summary>
    /// Writes what a subject becomes that is known to match the source, because a subscription to it did. Wildcards in
    /// it are tokens like others.
    /// </summary>
    public void Transform(ReadOnlySpan<byte> subject, IBufferWriter<byte> output, Random random)
    {
        Span<Range> tokens = stackalloc Range[MaxTokens];
        var count = SplitTokens(subject, tokens);
        for (var i = 0; i < _steps.Length; i++)
        {
            if (i > 0) output.Write("."u8);
            ref readonly var step = ref _steps[i];
            if (_hasFull && i == _steps.Length - 1) WriteRest(subject, tokens[..count], output);
            else if (step.Kind == TransformKind.Literal) output.Write(step.Literal);
            else if (step.Kind == TransformKind.Partition) WriteNumber(Bucket(step, subject, tokens[..count]), output);
            else if (step.Kind == TransformKind.Random) WriteNumber(step.Number <= 0 ? 0 : random.Next(step.Number), output);
            else TokenFunctions.Apply(step.Kind, subject[tokens[step.SourceTokens[0]]], step.Number, step.Text, output);
        }
    }

    private void WriteRest(ReadOnlySpan<byte> subject, ReadOnlySpan<Range> tokens, IBufferWriter<byte> output)
    {
        var first = Math.Min(_sourceTokens - 1, tokens.Length - 1);
        output.Write(subject[tokens[first].Start..]);
    }

    private static uint Bucket(in Step step, ReadOnlySpan<byte> subject, ReadOnlySpan<Range> tokens)
    {
        if (step.Number == 0) return 0;
        if (step.SourceTokens.Length == 0) return Fnv1a32.Hash(subject) % (uint)step.Number;
        var key = new ByteBuilder(64);
        foreach (var index in step.SourceTokens) key.Add(subject[tokens[index]]);
        return Fnv1a32.Hash(key.Written) % (uint)step.Number;
    }

    private static void WriteNumber(long number, IBufferWriter<byte> output)
    {
        var room = output.GetSpan(20);
        number.TryFormat(room, out var written);
        output.Advance(written);
    }

    /// <summary>Ranges of the tokens; the last range of a very long subject holds all that is left.</summary>
    private static int SplitTokens(ReadOnlySpan<byte> subject, Span<Range> tokens)
    {
        var count = 0;
        var start = 0;
        while (count < tokens.Length - 1 && subject[start..].IndexOf((byte)'.') is var dot and >= 0)
        {
            tokens[count++] = start..(start + dot);
            start += dot + 1;
        }
        tokens[count++] = start..subject.Length;
        return count;
    }

    private static Step Compile(string token, int[] wildcardAt, bool sourceHasWildcards, bool strict)
    {
        var function = TransformFunction.Parse(token);
        if (function.Kind == TransformKind.Literal) return new Step(function.Kind, [], -1, [], Encoding.UTF8.GetBytes(token));
        if (strict && sourceHasWildcards && function.Kind != TransformKind.Wildcard)
        {
            throw SubjectTransformException.Destination("the only mapping function allowed for import transforms is {{Wildcard()}}", token);
        }
        if (!sourceHasWildcards)
        {
            return function.Kind is TransformKind.Random or TransformKind.Partition
                ? new Step(function.Kind, [], function.Number, [], [])
                : throw SubjectTransformException.Destination("wildcard index out of range", token);
        }
        foreach (var wildcard in function.Wildcards)
        {
            if (wildcard > wildcardAt.Length)
            {
                throw SubjectTransformException.Destination("wildcard index out of range", $"{token}: [{wildcard}]");
            }
        }
        // Numbers below 1 name no wildcard; upstream takes the first token for them.
        var sources = function.Wildcards.Select(wildcard => wildcard < 1 ? 0 : wildcardAt[wildcard - 1]).ToArray();
        if (sources.Any(source => source >= MaxTokens)) throw SubjectTransformException.BadSubject();
        return new Step(function.Kind, sources, function.Number, Encoding.UTF8.GetBytes(function.Text), []);
    }

    private static void CheckMappingTokens(string destination)
    {
        if (destination.Length == 0) return;
        var ended = false;
        foreach (var token in destination.Split('.'))
        {
            if (token.Length == 0 || ended) throw SubjectTransformException.Destination("invalid transform", token);
            if (TransformFunction.LooksLikeFunction(token))
            {
                if (TransformFunction.Parse(token).Kind is TransformKind.Left or TransformKind.Right)
                {
                    throw SubjectTransformException.Destination("unknown function", token);
                }
                continue;
            }
            if (token == ">") ended = true;
            else if (token.AsSpan().IndexOfAny("\t\n\f\r ") >= 0) throw SubjectTransformException.Destination("invalid transform", "");
        }
    }

    private static (bool Valid, string[] Tokens, int Stars, bool HasFull) Inspect(string subject)
    {
        var tokens = subject.Split('.');
        var full = Array.IndexOf(tokens, ">");
        var valid = subject.Length > 0 && !tokens.Contains("") && (full < 0 || full == tokens.Length - 1);
        return (valid, tokens, tokens.Count(token => token == "*"), full >= 0);
    }

    private readonly record struct Step(TransformKind Kind, int[] SourceTokens, int Number, byte[] Text, byte[] Literal);
}
