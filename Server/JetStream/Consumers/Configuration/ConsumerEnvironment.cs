using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>The consumers of a stream, as far as rules for another consumer look at them.</summary>
public interface IConsumerCatalog
{
    /// <summary>All consumers by name, those that servers made for mirrors and sources included.</summary>
    IEnumerable<KeyValuePair<string, ConsumerConfiguration>> Consumers { get; }

    /// <summary>Consumers that limits count: without those that servers made.</summary>
    int LimitableCount { get; }

    /// <summary>The consumer of that name, or null.</summary>
    ConsumerConfiguration? Find(string name);
}

/// <summary>What stands around a consumer that is to be made or changed. A snapshot: nothing in it changes.</summary>
public sealed record ConsumerEnvironment
{
    /// <summary>The stream; null: there is none of that name.</summary>
    public required StreamConfiguration? Stream { get; init; }

    public required IConsumerCatalog Catalog { get; init; }

    /// <summary>The account's limits.</summary>
    public AccountTiers Tiers { get; init; } = AccountTiers.Unlimited;

    public ConsumerServerLimits Server { get; init; } = new();

    /// <summary>Whether there are other servers to put replicas on.</summary>
    public bool IsClustered { get; init; }

    /// <summary>Makes names for consumers that say none: eight characters, never the same twice.</summary>
    public required Func<string> NewName { get; init; }

    /// <summary>Whether somebody in the account listens on a subject.</summary>
    public Func<string, bool> HasInterest { get; init; } = static _ => false;
}

/// <summary>A server's limits of consumers.</summary>
public sealed record ConsumerServerLimits
{
    /// <summary>Messages that may wait for acknowledgements; 0: any number.</summary>
    public long MaxAckPending { get; init; }

    /// <summary>Messages of one pull request; 0: any number.</summary>
    public long MaxRequestBatch { get; init; }
}
