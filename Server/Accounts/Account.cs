using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>A subject space of its own: its subscriptions, mappings, limits and counters.</summary>
public sealed class Account
{
    /// <summary>Account of users that belong to none.</summary>
    public const string GlobalName = "$G";

    /// <summary>Account of the server's own traffic, unless another is named.</summary>
    public const string DefaultSystemName = "$SYS";

    private readonly SubjectMappings? _mappings;
    private int _connections;

    public Account(string name, AccountOptions? options, SubjectMappings? mappings, bool tracksInterest, bool cached)
    {
        Name = name;
        NameBytes = System.Text.Encoding.UTF8.GetBytes(name);
        Options = options ?? new AccountOptions { Name = name };
        _mappings = mappings;
        Subscriptions = new SubscriptionTrie(cached);
        Interest = tracksInterest ? new LocalInterest(this) : null;
    }

    public string Name { get; }

    public byte[] NameBytes { get; }

    public AccountOptions Options { get; }

    public SubscriptionTrie Subscriptions { get; }

    /// <summary>Where messages for a subject really go; null: no mappings.</summary>
    public SubjectMappings? Mappings => _mappings;

    /// <summary>What other servers must know; null on a server that stands alone.</summary>
    public LocalInterest? Interest { get; }

    /// <summary>What its connections that are gone had moved.</summary>
    public AccountFigures Figures { get; } = new();

    /// <summary>When it was made or last changed.</summary>
    public DateTimeOffset UpdatedAt { get; } = TimeProvider.System.GetUtcNow();

    /// <summary>Client connections of the account on this server.</summary>
    public int ConnectionCount => Volatile.Read(ref _connections);

    /// <summary>Counts a connection in.</summary>
    /// <returns>False when the account's limit is reached.</returns>
    public bool TryAddConnection()
    {
        var limit = Options.MaxConnections;
        if (Interlocked.Increment(ref _connections) <= limit || limit < 0) return true;
        Interlocked.Decrement(ref _connections);
        return false;
    }

    public void RemoveConnection() => Interlocked.Decrement(ref _connections);

    /// <summary>Adds a local subscription and tells the other servers.</summary>
    /// <returns>False when its subject is malformed.</returns>
    public bool Subscribe(Subscription subscription)
    {
        if (!Subscriptions.Insert(subscription)) return false;
        Interest?.Add(subscription);
        return true;
    }

    /// <summary>Removes a local subscription; does nothing the second time.</summary>
    public void Unsubscribe(Subscription subscription)
    {
        subscription.Close();
        if (Subscriptions.Remove(subscription)) Interest?.Remove(subscription);
    }
}
