using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Primitives.S2;

/// <summary>What klauspost/compress made of known inputs, and inputs of our own.</summary>
internal static class S2Samples
{
    private static readonly JsonElement Vectors = Golden.Json("vectors", "s2.json");

    public static IEnumerable<string> Names => Vectors.GetProperty("vectors").EnumerateArray().Select(vector => vector.GetProperty("name").GetString()!);

    public static IEnumerable<JsonElement> InvalidBlocks => Vectors.GetProperty("invalid_blocks").EnumerateArray();

    public static byte[] Data(string name)
    {
        var vector = Vector(name);
        return vector.TryGetProperty("data_hex", out var hex) ? Convert.FromHexString(hex.GetString()!) : vector.GetProperty("data_base64").GetBytesFromBase64();
    }

    /// <summary>Encodings of a vector whose name begins with <paramref name="prefix"/>.</summary>
    public static IEnumerable<(string Kind, byte[] Bytes)> Encodings(string name, string prefix) =>
        Vector(name).EnumerateObject().Where(field => field.Name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(field => (field.Name, field.Value.GetBytesFromBase64()));

    /// <summary>Inputs that reach every operation: near and far copies, repeats of every length, literals of every length.</summary>
    public static IEnumerable<byte[]> Inputs()
    {
        foreach (var name in Names) yield return Data(name);
        foreach (var size in new[] { 1, 15, 31, 32, 33, 59, 60, 61, 64, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 300_000 })
        {
            yield return new byte[size];
            yield return Noise(size, size);
            yield return Words(size, size);
        }
        yield return new byte[20_000_000];
        // A far repeat: the same noise, more than 64 KiB later.
        var noise = Noise(70_000, 1);
        yield return [.. noise, .. noise, .. noise.AsSpan(0, 100)];
        yield return [.. noise.AsSpan(0, 5000), .. Words(70_000, 2), .. noise.AsSpan(0, 5000)];
    }

    public static byte[] Noise(int size, int seed)
    {
        var data = new byte[size];
        new Random(seed).NextBytes(data);
        return data;
    }

    public static byte[] Words(int size, int seed)
    {
        var random = new Random(seed);
        string[] words = ["PUB ", "orders.eu.", "subject", "{\"id\":", "12", "},", "\r\n", "MSG ", "a"];
        var text = new StringBuilder();
        while (text.Length < size) text.Append(words[random.Next(words.Length)]);
        return Encoding.ASCII.GetBytes(text.ToString(0, size));
    }

    private static JsonElement Vector(string name) =>
        Vectors.GetProperty("vectors").EnumerateArray().Single(vector => vector.GetProperty("name").GetString() == name);
}
