namespace NatsAspire.Server.Primitives;

/// <summary>Base32 of RFC 4648 without padding, as keys are written.</summary>
public static class Base32
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static string Encode(ReadOnlySpan<byte> data)
    {
        var text = new char[(data.Length * 8 + 4) / 5];
        int at = 0, bits = 0, count = 0;
        foreach (var value in data)
        {
            bits = (bits << 8 | value) & 0xFFF;
            for (count += 8; count >= 5; count -= 5) text[at++] = Alphabet[bits >> (count - 5) & 31];
        }
        if (count > 0) text[at] = Alphabet[bits << (5 - count) & 31];
        return new string(text);
    }

    /// <summary>False when a character is none of the alphabet's.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] data)
    {
        data = new byte[text.Length * 5 / 8];
        int at = 0, bits = 0, count = 0;
        foreach (var c in text)
        {
            var digit = Alphabet.IndexOf(c);
            if (digit < 0) return false;
            bits = (bits << 5 | digit) & 0xFFF;
            count += 5;
            if (count < 8) continue;
            count -= 8;
            data[at++] = (byte)(bits >> count);
        }
        return true;
    }
}
