using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>
/// JSON that is kept as it came, byte for byte: what another server wrote goes back into the log unchanged, whatever this
/// one understands of it. Compared by bytes. The default is <c>null</c>.
/// </summary>
[JsonConverter(typeof(RawJsonConverter))]
public readonly struct RawJson(ReadOnlyMemory<byte> bytes) : IEquatable<RawJson>
{
    private readonly ReadOnlyMemory<byte> _bytes = bytes;

    /// <summary>One JSON value.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.IsEmpty ? "null"u8 : _bytes.Span;

    public bool Equals(RawJson other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is RawJson other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(RawJson left, RawJson right) => left.Equals(right);

    public static bool operator !=(RawJson left, RawJson right) => !left.Equals(right);

    public override string ToString() => Encoding.UTF8.GetString(Bytes);
}

/// <summary>Copies the bytes of a value.</summary>
internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override bool HandleNull => true;

    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray());
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Bytes, skipInputValidation: true);
}
