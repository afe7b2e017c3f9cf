namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>
/// Finds out whether of several filters one covers another, by a tree of their tokens: pairs of all would take minutes for
/// as many as a request can hold.
/// </summary>
internal sealed class FilterCover
{
    private readonly Node _root = new();

    /// <summary>The cover of filters, of which one may be there twice.</summary>
    public static FilterCover Of(IEnumerable<string> filters)
    {
        var cover = new FilterCover();
        foreach (var filter in filters) cover.Add(filter.Split('.'));
        cover.MarkCovering();
        return cover;
    }

    /// <summary>Whether a filter of the set covers another one of it or is covered.</summary>
    public bool TouchesAnother(string filter)
    {
        var node = _root;
        foreach (var token in filter.Split('.')) node = node.Children![token];
        return node.Touches;
    }

    private void Add(string[] tokens)
    {
        var node = _root;
        foreach (var token in tokens)
        {
            node.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            if (!node.Children.TryGetValue(token, out var next)) node.Children.Add(token, next = new Node());
            node = next;
        }
        node.Touches |= node.Tokens is not null;
        node.Tokens = tokens;
    }

    private void MarkCovering()
    {
        var open = new Stack<Node>([_root]);
        while (open.TryPop(out var node))
        {
            if (node.Tokens is not null && FindCovering(node) is { } covering) (node.Touches, covering.Touches) = (true, true);
            foreach (var child in node.Children?.Values ?? Enumerable.Empty<Node>()) open.Push(child);
        }
    }

    /// <summary>Another filter that covers all of one; null: there is none.</summary>
    private Node? FindCovering(Node filter)
    {
        var tokens = filter.Tokens!;
        var open = new Stack<(Node Node, int Token)>([(_root, 0)]);
        while (open.TryPop(out var at))
        {
            if (at.Token == tokens.Length)
            {
                if (at.Node.Tokens is not null && at.Node != filter) return at.Node;
                continue;
            }
            if (at.Node.Children is not { } children) continue;
            var token = tokens[at.Token];
            if (children.TryGetValue(">", out var rest) && rest != filter) return rest;
            if (token == ">") continue;
            if (children.TryGetValue("*", out var any)) open.Push((any, at.Token + 1));
            if (token != "*" && children.TryGetValue(token, out var same)) open.Push((same, at.Token + 1));
        }
        return null;
    }

    private sealed class Node
    {
        public Dictionary<string, Node>? Children;
        public string[]? Tokens;
        public bool Touches;
    }
}
