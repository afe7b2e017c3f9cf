using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Security;

/// <summary>A list of subjects, some with a queue, that permissions are written in. Immutable.</summary>
public sealed class SubjectFilter
{
    private readonly Entry[] _entries;

    private SubjectFilter(Entry[] entries) => _entries = entries;

    /// <summary>Compiles <c>"subject"</c> and <c>"subject queue"</c> entries; null gives null: no list at all.</summary>
    /// <param name="subjects">The entries.</param>
    /// <param name="ignoresQueues">Every entry counts as if it had no queue.</param>
    /// <exception cref="ConfigurationValueException">An entry is not a subject with at most one queue.</exception>
    public static SubjectFilter? Compile(IReadOnlyList<string>? subjects, bool ignoresQueues = false) =>
        subjects is null ? null : new SubjectFilter([.. subjects.Select(ParseEntry).Select(entry => ignoresQueues ? entry with { Queue = null } : entry)]);

    /// <summary>True when an entry without a queue matches.</summary>
    public bool Matches(ReadOnlySpan<byte> subject)
    {
        foreach (var entry in _entries)
        {
            if (entry.Queue is null && SubjectRules.Matches(subject, entry.Subject)) return true;
        }
        return false;
    }

    /// <summary>True when every subject of <paramref name="pattern"/> is one of a single entry without a queue.</summary>
    public bool Covers(ReadOnlySpan<byte> pattern)
    {
        foreach (var entry in _entries)
        {
            if (entry.Queue is null && SubjectRules.IsSubsetMatch(pattern, entry.Subject)) return true;
        }
        return false;
    }

    /// <summary>True when an entry without a queue has subjects in common with <paramref name="filter"/>.</summary>
    public bool Overlaps(ReadOnlySpan<byte> filter)
    {
        foreach (var entry in _entries)
        {
            if (SubjectRules.Collide(filter, entry.Subject)) return true;
        }
        return false;
    }

    /// <summary>
    /// Whether an entry with a queue matches subject and queue; null when no entry with a queue matches the
    /// subject, so that the plain entries decide.
    /// </summary>
    public bool? MatchesQueue(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue)
    {
        bool? answer = null;
        foreach (var entry in _entries)
        {
            if (entry.Queue is null || !SubjectRules.Matches(subject, entry.Subject)) continue;
            if (QueueFits(queue, entry.Queue)) return true;
            answer = false;
        }
        return answer;
    }

    /// <summary>The same for entries that cover the whole of <paramref name="pattern"/>.</summary>
    public bool? CoversQueue(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> queue)
    {
        bool? answer = null;
        foreach (var entry in _entries)
        {
            if (entry.Queue is null || !SubjectRules.IsSubsetMatch(pattern, entry.Subject)) continue;
            if (QueueFits(queue, entry.Queue)) return true;
            answer = false;
        }
        return answer;
    }

    private static bool QueueFits(ReadOnlySpan<byte> queue, byte[] allowed) =>
        queue.SequenceEqual(allowed)
        || (SubjectRules.HasWildcard(allowed) && SubjectRules.IsSubsetMatch(queue, allowed));

    private static Entry ParseEntry(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length switch
        {
            1 => new Entry(Encoding.UTF8.GetBytes(parts[0]), null),
            2 => new Entry(Encoding.UTF8.GetBytes(parts[0]), Encoding.UTF8.GetBytes(parts[1])),
            _ => throw new ConfigurationValueException($"invalid subject-queue \"{text}\""),
        };
    }

    private readonly record struct Entry(byte[] Subject, byte[]? Queue);
}
