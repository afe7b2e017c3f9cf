using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>
/// Who copies: origins know by it the consumer that was made for it before, whichever server of the cluster asks (ADR-60).
/// </summary>
/// <param name="Copy">The stream that copies.</param>
/// <param name="Account">Its account.</param>
/// <param name="Domain">Its domain; null: none.</param>
internal sealed record CopyIdentity(StreamConfiguration Copy, string Account, string? Domain)
{
    private string Kind => Copy.Mirror is not null ? "mirror" : "src";

    /// <summary>What people see at the origin.</summary>
    public IEnumerable<KeyValuePair<string, string>> Metadata
    {
        get
        {
            yield return new($"_nats.{Kind}.stream", Copy.Name);
            yield return new($"_nats.{Kind}.acc", Account);
            if (Domain is not null) yield return new($"_nats.{Kind}.domain", Domain);
        }
    }

    /// <summary>The name of the consumer over which an origin is copied, which is upstream's.</summary>
    public string ConsumerOf(StreamSource source)
    {
        var id = NodeHash.Of(Domain is null ? $"{Copy.Name} {Account}" : $"{Copy.Name} {Account} {Domain}");
        if (Copy.Mirror is not null) return $"JS_MIRROR_{id}";
        var isOften = Copy.Sources.Count(other => other.Name == source.Name) > 1;
        return $"JS_SRC_{NodeHash.Of(isOften ? $"{id} {source.IndexName}" : id)}";
    }

    /// <summary>The consumers that were made for it, by where they are and what they are called; not those made beforehand.</summary>
    public IReadOnlyDictionary<(string Origin, string Consumer), StreamSource> Consumers
    {
        get
        {
            var consumers = new Dictionary<(string, string), StreamSource>();
            foreach (var source in Copy.Mirror is { } mirror ? [mirror] : Copy.Sources)
            {
                if (source.Consumer is null) consumers[(source.OriginName, ConsumerOf(source))] = source;
            }
            return consumers;
        }
    }
}
