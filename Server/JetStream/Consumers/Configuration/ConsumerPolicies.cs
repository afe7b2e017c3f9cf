using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>Where a consumer begins.</summary>
[JsonConverter(typeof(ConsumerPolicyConverter<DeliverPolicy>))]
public enum DeliverPolicy
{
    All,
    Last,
    New,
    ByStartSequence,
    ByStartTime,
    LastPerSubject,
}

/// <summary>What an acknowledgement covers.</summary>
[JsonConverter(typeof(ConsumerPolicyConverter<AckPolicy>))]
public enum AckPolicy
{
    None,

    /// <summary>The message and all before it.</summary>
    All,
    Explicit,

    /// <summary>As <see cref="All"/>, by the answers to flow control.</summary>
    FlowControl,
}

/// <summary>How fast what is there already is delivered.</summary>
[JsonConverter(typeof(ConsumerPolicyConverter<ReplayPolicy>))]
public enum ReplayPolicy
{
    Instant,

    /// <summary>In the time it was published in.</summary>
    Original,
}

/// <summary>Which of several waiting requests is served (ADR-42).</summary>
[JsonConverter(typeof(ConsumerPolicyConverter<PriorityPolicy>))]
public enum PriorityPolicy
{
    None,

    /// <summary>Those that ask for no more than a certain backlog.</summary>
    Overflow,

    /// <summary>One client until it goes.</summary>
    PinnedClient,

    /// <summary>The lowest priority first.</summary>
    Prioritized,
}

/// <summary>Names of consumers' policies in JSON.</summary>
internal static class ConsumerPolicyNames
{
    private static readonly string[] DeliverNames = TokensOf<DeliverPolicy>();
    private static readonly string[] AckNames = TokensOf<AckPolicy>();
    private static readonly string[] ReplayNames = TokensOf<ReplayPolicy>();
    private static readonly string[] PriorityNames = TokensOf<PriorityPolicy>();

    /// <summary>What upstream writes for a policy that it does not know means all.</summary>
    public static bool TryDeliver(string token, out DeliverPolicy value) => Find(token == "\"undefined\"" ? "\"all\"" : token, DeliverNames, out value);

    public static bool TryAck(string token, out AckPolicy value) => Find(token, AckNames, out value);

    public static bool TryReplay(string token, out ReplayPolicy value) => Find(token, ReplayNames, out value);

    public static bool TryPriority(string token, out PriorityPolicy value) => Find(token, PriorityNames, out value);

    private static string[] TokensOf<T>() where T : struct, Enum => [.. Enum.GetNames<T>().Select(name => $"\"{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}\"")];

    private static bool Find<T>(string token, string[] names, out T value) where T : struct, Enum
    {
        var index = names.IndexOf(token);
        value = index < 0 ? default : Enum.GetValues<T>()[index];
        return index >= 0;
    }
}

/// <summary>Policies by their names: those of their members in small letters, words apart by underscores.</summary>
internal sealed class ConsumerPolicyConverter<T> : JsonConverter<T> where T : struct, Enum
{
    private static readonly T[] Values = Enum.GetValues<T>();
    private static readonly JsonEncodedText[] Names = [.. Enum.GetNames<T>().Select(name => JsonEncodedText.Encode(JsonNamingPolicy.SnakeCaseLower.ConvertName(name)))];

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString();
        var index = Array.FindIndex(Names, name => name.Value == text);
        return index >= 0 ? Values[index] : throw new JsonException($"No {typeof(T).Name}.");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(Names[Array.IndexOf(Values, value)]);
}
