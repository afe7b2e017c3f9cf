namespace NatsAspire.Server.Primitives;

/// <summary>Checks of key texts beyond one kind of public key.</summary>
public static class NKeyText
{
    private const int SeedBytes = 36;
    private const byte SeedPrefix = 18 << 3;
    private static readonly NKeys.Kind[] PublicKinds = Enum.GetValues<NKeys.Kind>();

    /// <summary>Whether the text is a public key of any kind.</summary>
    public static bool IsPublic(string text) => PublicKinds.Any(kind => NKeys.IsPublicKey(text, kind));

    /// <summary>Whether the text is a seed of that kind: two prefixes, 32 bytes, CRC-16.</summary>
    public static bool IsSeed(string text, NKeys.Kind kind)
    {
        if (!TryDecodeBase32(text, out var raw) || raw.Length != SeedBytes) return false;
        var checksum = raw[^2] | (raw[^1] << 8);
        var isSeed = (raw[0] & 0xF8) == SeedPrefix && (byte)(((raw[0] & 7) << 5) | ((raw[1] & 0xF8) >> 3)) == (byte)kind;
        return isSeed && checksum == Crc16(raw.AsSpan(0, SeedBytes - 2));
    }

    private static bool TryDecodeBase32(string text, out byte[] raw)
    {
        var bytes = new List<byte>(SeedBytes);
        int bits = 0, count = 0;
        raw = [];
        foreach (var letter in text)
        {
            var digit = letter switch
            {
                >= 'A' and <= 'Z' => letter - 'A',
                >= '2' and <= '7' => letter - '2' + 26,
                _ => -1,
            };
            if (digit < 0) return false;
            bits = ((bits << 5) | digit) & 0xFFF;
            count += 5;
            if (count < 8) continue;
            count -= 8;
            bytes.Add((byte)(bits >> count));
        }
        raw = [.. bytes];
        return true;
    }

    private static ushort Crc16(ReadOnlySpan<byte> data)
    {
        ushort crc = 0;
        foreach (var value in data)
        {
            crc ^= (ushort)(value << 8);
            for (var bit = 0; bit < 8; bit++) crc = (ushort)((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
        }
        return crc;
    }
}
