namespace NatsAspire.Server.Subjects;

public sealed partial class SubjectTree<T>
{
    /// <summary>Takes a subject out; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> subject)
    {
        var (grand, grandEdge) = (-1, 0);
        var (parent, edge, at) = (-1, 0, _root);
        while (at >= 0)
        {
            var node = new Node(_heap.At(at));
            if (!subject.StartsWith(node.Prefix)) return false;
            subject = subject[node.Prefix.Length..];
            if (subject.IsEmpty)
            {
                if (node.Leaf < 0) return false;
                FreeLeaf(node.Leaf);
                new NodeEditor(_heap.Edit(at)).SetLeaf(-1);
                Tighten(parent, edge, at);
                return true;
            }
            var child = node.IndexOf(subject[0]);
            if (child < 0) return false;
            (grand, grandEdge) = (parent, edge);
            (parent, edge, at) = (at, child, node.Child(child));
            subject = subject[1..];
        }
        if (at == None || !Suffix(~at).SequenceEqual(subject)) return false;
        FreeLeaf(~at);
        if (parent < 0)
        {
            _root = None;
            return true;
        }
        new NodeEditor(_heap.Edit(parent)).RemoveAt(edge);
        Tighten(grand, grandEdge, parent);
        return true;
    }

    /// <summary>After a removal: a node with one thing below is none any more, one with much room becomes smaller.</summary>
    private void Tighten(int parent, int edge, int at)
    {
        var node = new Node(_heap.At(at));
        if (node.Count == 0)
        {
            var leaf = node.Leaf;
            SetSuffix(leaf, node.Prefix.ToArray());
            SetLink(parent, edge, ~leaf);
            FreeNode(at);
        }
        else if (node.Count == 1 && node.Leaf < 0)
        {
            SetLink(parent, edge, Join(node, node.Child(0)));
            FreeNode(at);
        }
        else if (node.Capacity > Node.SmallestCapacity && node.Count <= node.Capacity / 4)
        {
            var smaller = CopyNode(at, node.Capacity / 2, 0);
            FreeNode(at);
            SetLink(parent, edge, smaller);
        }
    }

    /// <summary>The only child with its parent's prefix and its key put before its own.</summary>
    private int Join(Node parent, int child)
    {
        var below = child < 0 ? Suffix(~child) : new Node(_heap.At(child)).Prefix;
        byte[] whole = [.. parent.Prefix, parent.Key(0), .. below];
        if (child < 0)
        {
            SetSuffix(~child, whole);
            return child;
        }
        var joined = NewNode(new Node(_heap.At(child)).Capacity, whole);
        new NodeEditor(_heap.Edit(joined)).TakeChildren(new Node(_heap.At(child)));
        FreeNode(child);
        return joined;
    }
}
