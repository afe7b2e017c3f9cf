namespace NatsAspire.Server.Subjects;

public sealed partial class SubjectTree<T>
{
    /// <summary>The subjects a pattern lets through, ascending by bytes. The tree must not be changed meanwhile; values may.</summary>
    /// <param name="pattern">A subject that may hold wildcards; empty or <c>&gt;</c>: all.</param>
    public Walker Walk(ReadOnlySpan<byte> pattern) => new(this, pattern);

    /// <summary>Goes down the tree along a pattern; its own stack, so that depth is no danger.</summary>
    public sealed class Walker
    {
        /// <summary>State of a walk in which everything below matches.</summary>
        private const int Everything = -1;
        private const int Nothing = -2;

        private readonly SubjectTree<T> _tree;
        private readonly byte[] _pattern;
        private readonly int _version;
        private readonly Stack<Step> _steps = new();
        private byte[] _path = new byte[64];
        private int _length;
        private bool _begun;

        internal Walker(SubjectTree<T> tree, ReadOnlySpan<byte> pattern)
        {
            _tree = tree;
            _pattern = pattern.ToArray();
            _version = tree.Version;
        }

        /// <summary>Id of the subject found.</summary>
        public int Id { get; private set; } = -1;

        /// <summary>The subject found; until the next move.</summary>
        public ReadOnlySpan<byte> Subject => _path.AsSpan(0, _length);

        /// <summary>Its value.</summary>
        public ref readonly T Value => ref _tree[Id];

        /// <summary>Goes to the next one; false: there is none.</summary>
        /// <exception cref="InvalidOperationException">The tree has been changed.</exception>
        public bool MoveNext()
        {
            if (_version != _tree.Version) throw new InvalidOperationException("The subjects have changed during a walk.");
            if (!_begun)
            {
                _begun = true;
                if (_tree._root != None && Enter(_tree._root, 0, _pattern.Length == 0 ? Everything : AtToken(0))) return true;
            }
            while (_steps.TryPop(out var step))
            {
                var node = new Node(_tree._heap.At(step.Node));
                if (step.Next >= node.Count) continue;
                var child = step.Next;
                var only = OnlyKey(step.State);
                if (only >= 0)
                {
                    child = node.IndexOf((byte)only);
                    if (child < 0) continue;
                }
                else if (child + 1 < node.Count)
                {
                    _steps.Push(step with { Next = child + 1 });
                }
                _length = step.Path;
                var state = Advance(step.State, [node.Key(child)]);
                if (state == Nothing) continue;
                Append([node.Key(child)]);
                if (Enter(node.Child(child), _length, state)) return true;
            }
            return false;
        }

        /// <summary>Takes a link in: true when a subject ends there that matches. A node's children come later.</summary>
        private bool Enter(int link, int path, int state)
        {
            _length = path;
            if (link < 0)
            {
                var suffix = _tree.Suffix(~link);
                if (!Ends(Advance(state, suffix))) return false;
                Append(suffix);
                Id = ~link;
                return true;
            }
            var node = new Node(_tree._heap.At(link));
            state = Advance(state, node.Prefix);
            if (state == Nothing) return false;
            Append(node.Prefix);
            _steps.Push(new Step(link, 0, _length, state));
            Id = node.Leaf;
            return Id >= 0 && Ends(state);
        }

        private void Append(ReadOnlySpan<byte> bytes)
        {
            if (_length + bytes.Length > _path.Length) Array.Resize(ref _path, Math.Max(_path.Length * 2, _length + bytes.Length));
            bytes.CopyTo(_path.AsSpan(_length));
            _length += bytes.Length;
        }

        /// <summary>The one byte that can follow; -1: several.</summary>
        private int OnlyKey(int state) => state >= 0 && state < _pattern.Length && !IsStar(state) ? _pattern[state] : -1;

        /// <summary>The state (a place in the pattern) after more bytes of a subject.</summary>
        private int Advance(int state, ReadOnlySpan<byte> bytes)
        {
            foreach (var one in bytes)
            {
                if (state < 0) return state;
                if (state < _pattern.Length && IsStar(state))
                {
                    if (one != (byte)'.') continue;
                    state++;
                }
                if (state >= _pattern.Length || _pattern[state] != one) return Nothing;
                state = AtToken(state + 1);
            }
            return state;
        }

        /// <summary>A full wildcard at the end is no place but a state of its own.</summary>
        private int AtToken(int state) =>
            state == _pattern.Length - 1 && _pattern[state] == (byte)'>' && BeginsToken(state) ? Everything : state;

        private bool Ends(int state) => state == Everything || state == _pattern.Length || (state == _pattern.Length - 1 && IsStar(state));

        private bool IsStar(int at) =>
            _pattern[at] == (byte)'*' && BeginsToken(at) && (at + 1 == _pattern.Length || _pattern[at + 1] == (byte)'.');

        private bool BeginsToken(int at) => at == 0 || _pattern[at - 1] == (byte)'.';

        private readonly record struct Step(int Node, int Next, int Path, int State);
    }
}
