using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>Source-generated JSON of the meta log, byte for byte as Go's encoder writes it.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata, Converters = [typeof(TextListConverter)])]
[JsonSerializable(typeof(StreamAssignment))]
[JsonSerializable(typeof(ConsumerAssignment))]
[JsonSerializable(typeof(SnapshotStream[]))]
[JsonSerializable(typeof(StreamState))]
[JsonSerializable(typeof(StreamAssignmentResult))]
[JsonSerializable(typeof(ConsumerAssignmentResult))]
[JsonSerializable(typeof(StreamConfiguration))]
[JsonSerializable(typeof(ConsumerConfiguration))]
internal sealed partial class MetaJson : JsonSerializerContext
{
    public static MetaJson Compact { get; } = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = GoJsonEncoder.Instance,
        Converters = { new TextListConverter() },
    });

    /// <summary>A document as it goes into the log.</summary>
    public static byte[] Write<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(document, type);
}

/// <summary>Lists of texts, both ways; null is an empty one.</summary>
internal sealed class TextListConverter : JsonConverter<ValueList<string>>
{
    public override bool HandleNull => true;

    public override ValueList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null) return [];
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("A list is expected.");
        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.String) throw new JsonException("A text is expected.");
            texts.Add(reader.GetString()!);
        }
        return [.. texts];
    }

    public override void Write(Utf8JsonWriter writer, ValueList<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var text in value.AsSpan()) writer.WriteStringValue(text);
        writer.WriteEndArray();
    }
}
