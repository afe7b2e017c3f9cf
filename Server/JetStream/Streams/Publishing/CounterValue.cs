using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>What a counter's message holds: <c>{"val":"n"}</c>, n being a decimal number of any length (ADR-49).</summary>
public static class CounterValue
{
    /// <summary>Reads a counter's message.</summary>
    /// <returns>False when it is none.</returns>
    public static bool TryParse(ReadOnlySpan<byte> payload, out BigInteger value)
    {
        value = default;
        try
        {
            var reader = new Utf8JsonReader(payload);
            if (!JsonElement.TryParseValue(ref reader, out var parsed) || parsed.Value.ValueKind != JsonValueKind.Object) return false;
            return parsed.Value.TryGetProperty("val", out var text)
                && text.ValueKind == JsonValueKind.String
                && BigInteger.TryParse(text.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A counter's message.</summary>
    public static byte[] Format(BigInteger value) => Encoding.ASCII.GetBytes($"{{\"val\":\"{value.ToString(CultureInfo.InvariantCulture)}\"}}");
}
