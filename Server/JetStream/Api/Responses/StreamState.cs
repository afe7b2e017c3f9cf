using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>What a stream holds, as clients see it.</summary>
public sealed record StreamState
{
    [JsonPropertyName("messages"), JsonPropertyOrder(1)] public ulong Messages { get; init; }

    [JsonPropertyName("bytes"), JsonPropertyOrder(2)] public ulong Bytes { get; init; }

    /// <summary>Of the oldest message; the next one's when there is none.</summary>
    [JsonPropertyName("first_seq"), JsonPropertyOrder(3)] public ulong FirstSequence { get; init; }

    [JsonPropertyName("first_ts"), JsonPropertyOrder(4)] public ApiTime FirstTime { get; init; }

    [JsonPropertyName("last_seq"), JsonPropertyOrder(5)] public ulong LastSequence { get; init; }

    [JsonPropertyName("last_ts"), JsonPropertyOrder(6)] public ApiTime LastTime { get; init; }

    [JsonPropertyName("num_subjects"), JsonPropertyOrder(7), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long SubjectCount { get; init; }

    /// <summary>Messages by subject, if it was asked for; null: none.</summary>
    [JsonPropertyName("subjects"), JsonPropertyOrder(8)] public IReadOnlyDictionary<string, ulong>? Subjects { get; init; }

    [JsonPropertyName("num_deleted"), JsonPropertyOrder(9), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long DeletedCount { get; init; }

    /// <summary>Sequences between the ends without a message, if it was asked for.</summary>
    [JsonPropertyName("deleted"), JsonPropertyOrder(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public ValueList<ulong> Deleted { get; init; }

    /// <summary>What was acknowledged once and cannot be read any more; null: nothing.</summary>
    [JsonPropertyName("lost"), JsonPropertyOrder(11)] public LostMessages? Lost { get; init; }

    [JsonPropertyName("consumer_count"), JsonPropertyOrder(12)] public long Consumers { get; init; }

    /// <summary>The state of a store. Before the first message upstream shows zeros, unless the stream begins elsewhere.</summary>
    /// <param name="state">The store's.</param>
    /// <param name="consumers">Consumers of the stream.</param>
    public static StreamState Of(in StoreState state, long consumers) => new()
    {
        Messages = state.Messages,
        Bytes = state.Bytes,
        FirstSequence = state is { LastSequence: 0, FirstSequence: <= 1 } ? 0 : state.FirstSequence,
        FirstTime = ApiTime.FromUnixOrZero(state.FirstTimestamp),
        LastSequence = state.LastSequence,
        LastTime = ApiTime.FromUnixOrZero(state.LastTimestamp),
        SubjectCount = state.Subjects,
        DeletedCount = (long)Math.Min(state.Deleted, long.MaxValue),
        Consumers = consumers,
    };

    internal static StreamState Read(ref ApiReader reader, StreamState state)
    {
        if (!reader.Enter("StreamState")) return state;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "messages": state = state with { Messages = reader.ULong(state.Messages) }; break;
                case "bytes": state = state with { Bytes = reader.ULong(state.Bytes) }; break;
                case "first_seq": state = state with { FirstSequence = reader.ULong(state.FirstSequence) }; break;
                case "first_ts": state = state with { FirstTime = reader.Time() ?? state.FirstTime }; break;
                case "last_seq": state = state with { LastSequence = reader.ULong(state.LastSequence) }; break;
                case "last_ts": state = state with { LastTime = reader.Time() ?? state.LastTime }; break;
                case "num_subjects": state = state with { SubjectCount = reader.Long(state.SubjectCount, "int") }; break;
                case "subjects": state = state with { Subjects = reader.Counts() ?? state.Subjects }; break;
                case "num_deleted": state = state with { DeletedCount = reader.Long(state.DeletedCount, "int") }; break;
                case "deleted": state = state with { Deleted = reader.Numbers(state.Deleted) }; break;
                case "lost": state = state with { Lost = reader.Object(state.Lost, new LostMessages(), LostMessages.Read) }; break;
                case "consumer_count": state = state with { Consumers = reader.Long(state.Consumers, "int") }; break;
                default: reader.Unknown(); break;
            }
        }
        return state;
    }
}

/// <summary>Messages a store cannot read any more.</summary>
public sealed record LostMessages
{
    /// <summary>Their sequences.</summary>
    [JsonPropertyName("msgs"), JsonPropertyOrder(1)] public ValueList<ulong> Messages { get; init; }

    [JsonPropertyName("bytes"), JsonPropertyOrder(2)] public ulong Bytes { get; init; }

    internal static LostMessages Read(ref ApiReader reader, LostMessages lost)
    {
        if (!reader.Enter("LostStreamData")) return lost;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "msgs": lost = lost with { Messages = reader.Numbers(lost.Messages) }; break;
                case "bytes": lost = lost with { Bytes = reader.ULong(lost.Bytes) }; break;
                default: reader.Unknown(); break;
            }
        }
        return lost;
    }
}
