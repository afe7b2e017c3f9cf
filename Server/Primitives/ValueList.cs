using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Primitives;

/// <summary>An immutable list that is equal to one with equal elements, so that records with lists compare by value. The default is empty.</summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
public readonly struct ValueList<T>(ImmutableArray<T> elements) : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    private readonly ImmutableArray<T> _elements = elements;

    public int Count => _elements.IsDefault ? 0 : _elements.Length;

    public bool IsEmpty => Count == 0;

    public T this[int index] => _elements[index];

    public ReadOnlySpan<T> AsSpan() => _elements.IsDefault ? default : _elements.AsSpan();

    public bool Equals(ValueList<T> other) => AsSpan().SequenceEqual(other.AsSpan());

    public override bool Equals(object? obj) => obj is ValueList<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var element in AsSpan()) hash.Add(element);
        return hash.ToHashCode();
    }

    public static bool operator ==(ValueList<T> left, ValueList<T> right) => left.Equals(right);

    public static bool operator !=(ValueList<T> left, ValueList<T> right) => !left.Equals(right);

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)(_elements.IsDefault ? [] : _elements)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"[{string.Join(", ", this)}]";
}

/// <summary>Makes lists.</summary>
public static class ValueList
{
    /// <summary>A list of copies.</summary>
    public static ValueList<T> Create<T>(ReadOnlySpan<T> elements) => new([.. elements]);
}
