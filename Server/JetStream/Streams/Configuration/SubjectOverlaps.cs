using System.Text;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>
/// Finds out whether subjects share a subject, by a tree of their tokens: pairs of all would take a second for a few
/// thousand.
/// </summary>
internal sealed class SubjectOverlaps
{
    private readonly Node _root = new();

    /// <summary>A set of these subjects.</summary>
    public static SubjectOverlaps Of(IEnumerable<string> subjects)
    {
        var overlaps = new SubjectOverlaps();
        foreach (var subject in subjects) overlaps.Add(subject);
        return overlaps;
    }

    /// <summary>The first subject that overlaps with a later one, and that one; null: none does.</summary>
    public static (string First, string Second)? FirstPair(ReadOnlySpan<string> subjects)
    {
        var later = new SubjectOverlaps();
        var first = -1;
        for (var i = subjects.Length - 1; i >= 0; i--)
        {
            if (later.Overlaps(subjects[i])) first = i;
            later.Add(subjects[i]);
        }
        if (first < 0) return null;
        foreach (var second in subjects[(first + 1)..])
        {
            if (Collide(subjects[first], second)) return (subjects[first], second);
        }
        return null;
    }

    /// <summary>Whether some subject is one of both.</summary>
    public static bool Collide(string left, string right) => SubjectRules.Collide(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));

    public void Add(string subject)
    {
        var node = _root;
        foreach (var token in subject.Split('.'))
        {
            node.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            if (!node.Children.TryGetValue(token, out var next)) node.Children.Add(token, next = new Node());
            node = next;
        }
        node.IsEnd = true;
    }

    /// <summary>Whether a subject of the set shares one with this.</summary>
    public bool Overlaps(string subject)
    {
        var tokens = subject.Split('.');
        var open = new Stack<(Node Node, int Token)>();
        open.Push((_root, 0));
        while (open.TryPop(out var at))
        {
            if (at.Token == tokens.Length)
            {
                if (at.Node.IsEnd) return true;
                continue;
            }
            if (at.Node.Children is not { } children) continue;
            var token = tokens[at.Token];
            if (token == ">" || children.ContainsKey(">")) return true;
            if (token == "*")
            {
                foreach (var child in children.Values) open.Push((child, at.Token + 1));
                continue;
            }
            if (children.TryGetValue(token, out var same)) open.Push((same, at.Token + 1));
            if (children.TryGetValue("*", out var any)) open.Push((any, at.Token + 1));
        }
        return false;
    }

    private sealed class Node
    {
        public Dictionary<string, Node>? Children;
        public bool IsEnd;
    }
}
