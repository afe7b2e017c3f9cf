using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// What subjects are: tokens apart by dots, none empty, no white space. <c>*</c> alone stands for one token,
/// <c>&gt;</c> alone at the end for one or more. Inside a longer token both are ordinary bytes.
/// </summary>
public static class SubjectRules
{
    private const byte Dot = (byte)'.';
    private const byte Star = (byte)'*';
    private const byte Greater = (byte)'>';

    /// <summary>Whether it may be subscribed to.</summary>
    public static bool IsValid(ReadOnlySpan<byte> subject)
    {
        if (subject.IsEmpty || subject.IndexOfAny(" \t\n\r\f"u8) >= 0) return false;
        while (true)
        {
            var token = NextToken(subject, out var rest, out var last);
            if (token.IsEmpty || (IsFull(token) && !last)) return false;
            if (last) return true;
            subject = rest;
        }
    }

    /// <summary>Whether it names one subject only: no empty token, no wildcard. White space is let pass, as upstream does.</summary>
    public static bool IsValidLiteral(ReadOnlySpan<byte> subject)
    {
        while (true)
        {
            var token = NextToken(subject, out subject, out var last);
            if (token.IsEmpty || IsStar(token) || IsFull(token)) return false;
            if (last) return true;
        }
    }

    /// <summary>Whether a token of it is a wildcard.</summary>
    public static bool HasWildcard(ReadOnlySpan<byte> subject)
    {
        if (subject.IndexOfAny(Star, Greater) < 0) return false;
        while (true)
        {
            var token = NextToken(subject, out var rest, out var last);
            if (IsStar(token) || IsFull(token)) return true;
            if (last) return false;
            subject = rest;
        }
    }

    /// <summary>Whether a message on <paramref name="literal"/> is for <paramref name="filter"/>; wildcards of the literal are ordinary bytes.</summary>
    public static bool Matches(ReadOnlySpan<byte> literal, ReadOnlySpan<byte> filter)
    {
        while (true)
        {
            var wanted = NextToken(filter, out var filterRest, out var filterLast);
            if (IsFull(wanted) && filterLast) return true;
            var token = NextToken(literal, out var literalRest, out var literalLast);
            if (!IsStar(wanted) && !wanted.SequenceEqual(token)) return false;
            if (filterLast || literalLast) return filterLast && literalLast;
            literal = literalRest;
            filter = filterRest;
        }
    }

    /// <summary>Whether every subject of <paramref name="subject"/> is one of <paramref name="filter"/>.</summary>
    public static bool IsSubsetMatch(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> filter)
    {
        while (true)
        {
            var wanted = NextToken(filter, out var filterRest, out var filterLast);
            if (IsFull(wanted) && filterLast) return true;
            var token = NextToken(subject, out var subjectRest, out var subjectLast);
            if (token.IsEmpty || wanted.IsEmpty || (IsFull(token) && subjectLast)) return false;
            if (IsStar(token) ? !IsStar(wanted) : !IsStar(wanted) && !wanted.SequenceEqual(token)) return false;
            if (filterLast || subjectLast) return filterLast && subjectLast;
            subject = subjectRest;
            filter = filterRest;
        }
    }

    /// <summary>Whether some subject is one of both.</summary>
    public static bool Collide(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        while (true)
        {
            var left = NextToken(a, out var leftRest, out var leftLast);
            var right = NextToken(b, out var rightRest, out var rightLast);
            if ((IsFull(left) && leftLast) || (IsFull(right) && rightLast)) return true;
            if (!IsStar(left) && !IsStar(right) && !left.SequenceEqual(right)) return false;
            if (leftLast || rightLast) return leftLast && rightLast;
            a = leftRest;
            b = rightRest;
        }
    }

    /// <summary>Tokens of a subject; 0 for an empty one.</summary>
    public static int CountTokens(ReadOnlySpan<byte> subject) => subject.IsEmpty ? 0 : subject.Count(Dot) + 1;

    /// <summary>The first token and what follows its dot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ReadOnlySpan<byte> NextToken(ReadOnlySpan<byte> subject, out ReadOnlySpan<byte> rest, out bool last)
    {
        var dot = subject.IndexOf(Dot);
        last = dot < 0;
        rest = last ? default : subject[(dot + 1)..];
        return last ? subject : subject[..dot];
    }

    internal static bool IsStar(ReadOnlySpan<byte> token) => token.Length == 1 && token[0] == Star;

    internal static bool IsFull(ReadOnlySpan<byte> token) => token.Length == 1 && token[0] == Greater;
}
