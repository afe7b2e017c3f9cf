using System.Globalization;
using System.Text;

namespace NatsAspire.Server.JetStream.Streams.Archives;

/// <summary>
/// Headers of tar entries (POSIX.1-2001), 512 bytes each; content behind them is filled up to whole 512 bytes. Two blocks
/// of zeros end an archive. An entry of type <c>x</c> holds attributes of the next one: <c>length key=value\n</c>.
/// </summary>
internal static class TarFormat
{
    public const int Block = 512;
    public const byte File = (byte)'0';
    public const byte OldFile = 0;
    public const byte Attributes = (byte)'x';

    private const int NameLength = 100;
    private const int SizeAt = 124;
    private const int SumAt = 148;
    private const int TypeAt = 156;
    private const int MagicAt = 257;
    private const int PrefixAt = 345;
    private const int PrefixLength = 155;

    /// <summary>Bytes that fill content up to whole blocks.</summary>
    public static int Padding(long length) => (int)(-length & (Block - 1));

    /// <summary>The header of a file, with attributes in front when its name needs them.</summary>
    public static byte[] Header(string name, long length, DateTimeOffset time)
    {
        if (Encoding.UTF8.GetByteCount(name) <= NameLength && Ascii.IsValid(name)) return Header(name, length, time, File);
        var attribute = Encoding.UTF8.GetBytes(Attribute("path", name));
        var content = new byte[attribute.Length + Padding(attribute.Length)];
        attribute.CopyTo(content, 0);
        return [.. Header("PaxHeaders.0/entry", attribute.Length, time, Attributes), .. content, .. Header("entry", length, time, File)];
    }

    /// <summary>Reads a header.</summary>
    /// <param name="header">512 bytes, not all zero.</param>
    /// <param name="name">With its prefix.</param>
    /// <param name="size">Bytes of content.</param>
    /// <param name="type">What it is.</param>
    /// <returns>False when it is damaged.</returns>
    public static bool TryRead(ReadOnlySpan<byte> header, out string name, out long size, out byte type)
    {
        (name, size, type) = ("", 0, header[TypeAt]);
        if (!TryOctal(header.Slice(SumAt, 8), out var sum) || sum != Sum(header) || !TryNumber(header.Slice(SizeAt, 12), out size)) return false;
        name = Text(header[..NameLength]);
        var isPosix = header.Slice(MagicAt, 6).SequenceEqual("ustar\0"u8);
        if (isPosix && header[PrefixAt] != 0) name = $"{Text(header.Slice(PrefixAt, PrefixLength))}/{name}";
        return true;
    }

    /// <summary>Reads the attributes that matter.</summary>
    /// <param name="content">Of an entry of type <see cref="Attributes"/>.</param>
    /// <param name="path">The name of the next entry; null: not said.</param>
    /// <param name="size">Its size; null: not said.</param>
    /// <returns>False when they are damaged, or say what changes the meaning of content.</returns>
    public static bool TryReadAttributes(ReadOnlySpan<byte> content, out string? path, out long? size)
    {
        (path, size) = (null, null);
        while (!content.IsEmpty)
        {
            var blank = content.IndexOf((byte)' ');
            if (blank <= 0 || !int.TryParse(content[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length)) return false;
            if (length <= blank + 1 || length > content.Length || content[length - 1] != '\n') return false;
            var attribute = content[(blank + 1)..(length - 1)];
            var equals = attribute.IndexOf((byte)'=');
            if (equals <= 0) return false;
            var (key, value) = (Encoding.UTF8.GetString(attribute[..equals]), Encoding.UTF8.GetString(attribute[(equals + 1)..]));
            if (key == "path") path = value;
            else if (key == "size")
            {
                if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
                size = number;
            }
            else if (key.StartsWith("GNU.sparse", StringComparison.Ordinal)) return false;
            content = content[length..];
        }
        return true;
    }

    private static byte[] Header(string name, long length, DateTimeOffset time, byte type)
    {
        var header = new byte[Block];
        Encoding.ASCII.GetBytes(name, header);
        Octal(header.AsSpan(NameLength, 8), 384);
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        Octal(header.AsSpan(SizeAt, 12), length);
        Octal(header.AsSpan(136, 12), Math.Max(0, time.ToUnixTimeSeconds()));
        header[TypeAt] = type;
        "ustar\000"u8.CopyTo(header.AsSpan(MagicAt));
        "nats"u8.CopyTo(header.AsSpan(265));
        "nats"u8.CopyTo(header.AsSpan(297));
        Octal(header.AsSpan(329, 8), 0);
        Octal(header.AsSpan(337, 8), 0);
        Octal(header.AsSpan(SumAt, 7), Sum(header));
        header[SumAt + 7] = (byte)' ';
        return header;
    }

    /// <summary>The length counts itself.</summary>
    private static string Attribute(string key, string value)
    {
        var rest = Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value) + " =\n".Length;
        var length = rest + rest.ToString(CultureInfo.InvariantCulture).Length;
        length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        return string.Create(CultureInfo.InvariantCulture, $"{length} {key}={value}\n");
    }

    private static void Octal(Span<byte> field, long value)
    {
        for (var at = field.Length - 2; at >= 0; at--, value >>= 3) field[at] = (byte)('0' + (value & 7));
    }

    private static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    /// <summary>Sizes that octal digits cannot tell are in binary, with the highest bit set.</summary>
    private static bool TryNumber(ReadOnlySpan<byte> field, out long value)
    {
        if (field[0] != 0x80) return TryOctal(field, out value);
        value = System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(field[4..]);
        return value >= 0 && !field[1..4].ContainsAnyExcept((byte)0);
    }

    private static bool TryOctal(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        field = field.Trim(" \0"u8);
        foreach (var digit in field)
        {
            if (digit is < (byte)'0' or > (byte)'7') return false;
            value = (value << 3) | (long)(digit - '0');
        }
        return !field.IsEmpty;
    }

    /// <summary>All bytes added up, the sum's own place as blanks.</summary>
    private static long Sum(ReadOnlySpan<byte> header)
    {
        long sum = 8 * ' ';
        for (var i = 0; i < Block; i++)
        {
            if (i is < SumAt or >= SumAt + 8) sum += header[i];
        }
        return sum;
    }
}
