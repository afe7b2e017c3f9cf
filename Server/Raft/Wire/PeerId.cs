using System.Buffers.Binary;
using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>A server in Raft's frames: the eight ASCII bytes of its name's <see cref="NodeHash"/>. All zero: nobody.</summary>
/// <param name="Value">The bytes, the first one lowest.</param>
public readonly record struct PeerId(ulong Value) : IComparable<PeerId>
{
    /// <summary>Bytes in a frame.</summary>
    public const int Length = NodeHash.Length;

    /// <summary>No server.</summary>
    public static PeerId None => default;

    /// <summary>Whether this is nobody.</summary>
    public bool IsNone => Value == 0;

    /// <summary>The id of the server with this name.</summary>
    public static PeerId Of(string serverName) => Parse(NodeHash.Of(serverName));

    /// <summary>Reads an id as it is written in JSON and logs.</summary>
    /// <exception cref="FormatException">Not eight ASCII characters.</exception>
    public static PeerId Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (text.Length != Length || !Ascii.IsValid(text)) throw new FormatException($"'{text}' is no peer's id: eight ASCII characters are.");
        Encoding.ASCII.GetBytes(text, bytes);
        return Read(bytes);
    }

    /// <summary>Reads an id.</summary>
    /// <returns>False: not exactly eight bytes, or nobody.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out PeerId id)
    {
        id = source.Length == Length ? Read(source) : None;
        return !id.IsNone;
    }

    /// <summary>Reads an id from the first eight bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer.</exception>
    public static PeerId Read(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt64LittleEndian(source));

    /// <summary>Writes the eight bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is less room.</exception>
    public void Write(Span<byte> target) => BinaryPrimitives.WriteUInt64LittleEndian(target, Value);

    /// <inheritdoc/>
    public int CompareTo(PeerId other) => BinaryPrimitives.ReverseEndianness(Value).CompareTo(BinaryPrimitives.ReverseEndianness(other.Value));

    /// <inheritdoc/>
    public override string ToString()
    {
        if (IsNone) return "";
        Span<byte> bytes = stackalloc byte[Length];
        Write(bytes);
        return Encoding.Latin1.GetString(bytes);
    }
}
