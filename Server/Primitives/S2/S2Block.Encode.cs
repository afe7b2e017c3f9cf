using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Primitives.S2;

/// <summary>Compression: one pass, a hash table of positions, greedy matches.</summary>
public static partial class S2Block
{
    /// <summary>Bits of the largest table of positions.</summary>
    private const int HashBits = 14;

    private const int MinHashBits = 8;
    private const ulong HashPrime = 227718039650203UL;

    /// <summary>Bytes at the end that are not looked up, so that eight can always be read.</summary>
    private const int Margin = 16;

    /// <summary>The longer nothing matches, the larger the steps: one more for each so many bytes.</summary>
    private const int SkipShift = 6;

    [ThreadStatic]
    private static int[]? _table;

    /// <returns>Bytes written; 0: it is no smaller that way.</returns>
    private static int EncodeBody(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var limit = WorthwhileLength(source.Length);
        if (source.Length < Margin * 2) return 0;
        var table = ClearTable(source.Length, out var shift);
        var (at, emitted, written, repeat) = (1, 0, 0, 0);
        while (at < source.Length - Margin)
        {
            var next = BinaryPrimitives.ReadUInt64LittleEndian(source[at..]);
            ref var slot = ref table[Hash(next, shift)];
            var candidate = slot;
            slot = at;
            if (repeat > 0 && Same(source, at, at - repeat)) candidate = at - repeat;
            else if (!Same(source, at, candidate))
            {
                at += 1 + ((at - emitted) >> SkipShift);
                continue;
            }
            var offset = at - candidate;
            var start = at;
            while (start > emitted && start > offset && source[start - 1] == source[start - offset - 1]) start--;
            if (written + start - emitted > limit) return 0;
            if (start > emitted) written += EmitLiteral(source[emitted..start], target[written..]);
            at = ExtendMatch(source, at + S2Format.MinCopy, offset);
            written += offset == repeat ? EmitRepeat(offset, at - start, target[written..]) : EmitCopy(offset, at - start, target[written..]);
            repeat = offset;
            emitted = at;
            if (written > limit) return 0;
            if (at < source.Length - Margin) table[Hash(BinaryPrimitives.ReadUInt64LittleEndian(source[(at - 2)..]), shift)] = at - 2;
        }
        if (written + source.Length - emitted > limit) return 0;
        return emitted < source.Length ? written + EmitLiteral(source[emitted..], target[written..]) : written;
    }

    /// <summary>This thread's table, as much of it as a block needs: clearing all of it would cost a short one most.</summary>
    /// <param name="length">Bytes of the block.</param>
    /// <param name="shift">Takes a hash of 32 bits to a place in the table.</param>
    private static Span<int> ClearTable(int length, out int shift)
    {
        var bits = Math.Clamp(BitOperations.Log2((uint)length) + 1, MinHashBits, HashBits);
        shift = 32 - bits;
        var table = (_table ??= new int[1 << HashBits]).AsSpan(0, 1 << bits);
        table.Clear();
        return table;
    }

    /// <summary>Saving less than this is not worth the reader's time.</summary>
    private static int WorthwhileLength(int length) => length - (length >> 5) - 5;

    /// <summary>Of six bytes: shorter matches rarely pay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Hash(ulong eight, int shift) => (int)(((eight << 16) * HashPrime) >> (32 + shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Same(ReadOnlySpan<byte> source, int first, int second) =>
        BinaryPrimitives.ReadUInt32LittleEndian(source[first..]) == BinaryPrimitives.ReadUInt32LittleEndian(source[second..]);

    private static int ExtendMatch(ReadOnlySpan<byte> source, int at, int offset) =>
        at + source[at..].CommonPrefixLength(source[(at - offset)..]);

    private static int EmitLiteral(ReadOnlySpan<byte> literal, Span<byte> target)
    {
        var number = literal.Length - 1;
        var bytes = number < S2Format.ShortLiteral ? 0 : number < 1 << 8 ? 1 : number < 1 << 16 ? 2 : number < 1 << 24 ? 3 : 4;
        target[0] = (byte)((bytes == 0 ? number : S2Format.ShortLiteral - 1 + bytes) << 2);
        for (var i = 0; i < bytes; i++) target[1 + i] = (byte)(number >> (8 * i));
        literal.CopyTo(target[(1 + bytes)..]);
        return 1 + bytes + literal.Length;
    }

    private static int EmitCopy(int offset, int length, Span<byte> target)
    {
        if (offset > ushort.MaxValue) return EmitFarCopy(offset, length, target);
        if (length > LongestCopy) return EmitLongCopy(offset, length, target);
        if (length < 12 && offset < 2048)
        {
            target[0] = (byte)(((offset >> 8) << 5) | ((length - S2Format.MinCopy) << 2) | S2Format.Copy1);
            target[1] = (byte)offset;
            return 2;
        }
        target[0] = (byte)(((length - 1) << 2) | S2Format.Copy2);
        BinaryPrimitives.WriteUInt16LittleEndian(target[1..], (ushort)offset);
        return 3;
    }

    private const int LongestCopy = 64;

    private static int EmitFarCopy(int offset, int length, Span<byte> target)
    {
        // What is left over for a repeat must not be shorter than a copy may be.
        var first = length <= LongestCopy ? length : Math.Min(LongestCopy, length - S2Format.MinCopy);
        target[0] = (byte)(((first - 1) << 2) | S2Format.Copy4);
        BinaryPrimitives.WriteUInt32LittleEndian(target[1..], (uint)offset);
        return first == length ? 5 : 5 + EmitRepeat(offset, length - first, target[5..]);
    }

    private static int EmitLongCopy(int offset, int length, Span<byte> target)
    {
        var first = offset < 2048 ? 8 : 60;
        var written = EmitCopy(offset, first, target);
        return written + EmitRepeat(offset, length - first, target[written..]);
    }

    private static int EmitRepeat(int offset, int length, Span<byte> target)
    {
        var written = 0;
        const int longest = (1 << 24) - 1 + S2Format.Repeat24Base;
        while (length > longest)
        {
            var part = Math.Min(longest, length - S2Format.MinCopy);
            written += EmitRepeat(offset, part, target[written..]);
            length -= part;
        }
        target = target[written..];
        if (length < S2Format.Repeat8Base + 1) return written + EmitRepeatTag(length - S2Format.MinCopy, 0, 0, target);
        if (length < 12 && offset < 2048) return written + EmitCopy(offset, length, target);
        if (length < S2Format.Repeat16Base + 4) return written + EmitRepeatTag(S2Format.Repeat8, length - S2Format.Repeat8Base, 1, target);
        return length < S2Format.Repeat24Base + 256
            ? written + EmitRepeatTag(S2Format.Repeat16, length - S2Format.Repeat16Base, 2, target)
            : written + EmitRepeatTag(S2Format.Repeat24, length - S2Format.Repeat24Base, 3, target);
    }

    private static int EmitRepeatTag(int field, int number, int bytes, Span<byte> target)
    {
        target[0] = (byte)((field << 2) | S2Format.Copy1);
        target[1] = 0;
        for (var i = 0; i < bytes; i++) target[2 + i] = (byte)(number >> (8 * i));
        return 2 + bytes;
    }
}
