using System.Text;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>Which subjects are meant: all, one, or any of several patterns. Immutable.</summary>
public sealed class SubjectFilter
{
    /// <summary>Every subject.</summary>
    public static readonly SubjectFilter All = new([]);

    private readonly byte[][] _patterns;

    private SubjectFilter(byte[][] patterns) => _patterns = patterns;

    /// <summary>The patterns; empty: every subject.</summary>
    public IReadOnlyList<byte[]> Patterns => _patterns;

    public bool IsAll => _patterns.Length == 0;

    /// <summary>The one literal subject meant; null: there may be several.</summary>
    public byte[]? Literal => _patterns is [var only] && !SubjectRules.HasWildcard(only) ? only : null;

    /// <summary>A filter of patterns; none, or one that is <c>&gt;</c>, means all.</summary>
    public static SubjectFilter Of(params ReadOnlySpan<string> patterns)
    {
        var bytes = new byte[patterns.Length][];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = Encoding.UTF8.GetBytes(patterns[i]);
        return Of(bytes);
    }

    /// <summary>The same from bytes.</summary>
    public static SubjectFilter Of(IReadOnlyList<byte[]> patterns) =>
        patterns.Count == 0 || patterns.Any(pattern => pattern.Length == 0 || pattern.AsSpan().SequenceEqual(">"u8)) ? All : new SubjectFilter([.. patterns]);

    /// <summary>Whether a literal subject is meant.</summary>
    public bool Includes(ReadOnlySpan<byte> subject)
    {
        if (_patterns.Length == 0) return true;
        foreach (var pattern in _patterns)
        {
            if (SubjectRules.Matches(subject, pattern)) return true;
        }
        return false;
    }
}
