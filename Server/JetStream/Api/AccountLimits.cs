using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>What an account may use, of one tier or altogether; -1: unlimited. Names and order are upstream's.</summary>
public sealed record AccountLimits
{
    /// <summary>Bytes.</summary>
    [JsonPropertyName("max_memory"), JsonPropertyOrder(1)] public long MaxMemory { get; init; } = -1;

    /// <summary>Bytes.</summary>
    [JsonPropertyName("max_storage"), JsonPropertyOrder(2)] public long MaxStorage { get; init; } = -1;

    [JsonPropertyName("max_streams"), JsonPropertyOrder(3)] public long MaxStreams { get; init; } = -1;

    /// <summary>Of each stream.</summary>
    [JsonPropertyName("max_consumers"), JsonPropertyOrder(4)] public long MaxConsumers { get; init; } = -1;

    /// <summary>Of each consumer.</summary>
    [JsonPropertyName("max_ack_pending"), JsonPropertyOrder(5)] public long MaxAckPending { get; init; } = -1;

    /// <summary>Bytes of each stream in memory; 0 is unlimited too.</summary>
    [JsonPropertyName("memory_max_stream_bytes"), JsonPropertyOrder(6)] public long MemoryMaxStreamBytes { get; init; } = -1;

    /// <summary>Bytes of each stream on disk; 0 is unlimited too.</summary>
    [JsonPropertyName("storage_max_stream_bytes"), JsonPropertyOrder(7)] public long StorageMaxStreamBytes { get; init; } = -1;

    /// <summary>Streams must say how large they may become.</summary>
    [JsonPropertyName("max_bytes_required"), JsonPropertyOrder(8)] public bool MaxBytesRequired { get; init; }
}
