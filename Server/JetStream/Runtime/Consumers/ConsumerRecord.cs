using System.Buffers;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>What a consumer is, as it is kept.</summary>
/// <param name="Id">Its number within the stream; never given again.</param>
/// <param name="Created">Nanoseconds since 1970.</param>
/// <param name="Name">By which it is known.</param>
/// <param name="Configuration">As stored.</param>
internal sealed record ConsumerRecord(ulong Id, long Created, string Name, ConsumerConfiguration Configuration)
{
    /// <summary><c>{"id","created","name","config"}</c>.</summary>
    public byte[] Encode()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("id", Id);
            json.WriteNumber("created", Created);
            json.WriteString("name", Name);
            json.WritePropertyName("config");
            json.WriteRawValue(JetStreamJson.Write(Configuration));
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="CorruptStoreException">It is none.</exception>
    public static ConsumerRecord Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes.ToArray());
            var root = document.RootElement;
            var config = System.Text.Encoding.UTF8.GetBytes(root.GetProperty("config").GetRawText());
            if (ApiReader.ReadSingle(config, new ConsumerConfiguration(), ConsumerConfiguration.Read, out var configuration) is { } error) throw new CorruptStoreException($"A consumer's configuration: {error}");
            return new ConsumerRecord(root.GetProperty("id").GetUInt64(), root.GetProperty("created").GetInt64(), root.GetProperty("name").GetString() ?? "", configuration);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw new CorruptStoreException($"A consumer's record: {error.Message}", error);
        }
    }
}
