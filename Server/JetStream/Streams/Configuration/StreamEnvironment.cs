using System.Collections.Frozen;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>The streams of an account, as far as rules for another stream look at them.</summary>
public interface IStreamCatalog
{
    /// <summary>All streams.</summary>
    IEnumerable<StreamConfiguration> Streams { get; }

    /// <summary>The stream of that name, or null.</summary>
    StreamConfiguration? Find(string name);
}

/// <summary>What stands around a stream that is to be made or changed. A snapshot: nothing in it changes.</summary>
public sealed record StreamEnvironment
{
    public required IStreamCatalog Catalog { get; init; }

    /// <summary>Nanoseconds that a duplicate window may have; 0: as many as it likes.</summary>
    public long MaxDuplicateWindow { get; init; }

    public AccountTiers Tiers { get; init; } = AccountTiers.Unlimited;

    /// <summary>What the server can hold and has promised already.</summary>
    public ServerReservations Server { get; init; } = new();

    /// <summary>Whether there are other servers to put replicas on.</summary>
    public bool IsClustered { get; init; }
}

/// <summary>Bytes a server has for streams, and those promised to streams with a maximum size.</summary>
public sealed record ServerReservations
{
    public long MaxMemory { get; init; } = long.MaxValue;

    public long MaxStorage { get; init; } = long.MaxValue;

    public long ReservedMemory { get; init; }

    public long ReservedStorage { get; init; }
}

/// <summary>Limits of an account: the same for all streams, or by tier, that is by number of replicas.</summary>
public sealed class AccountTiers
{
    private readonly FrozenDictionary<string, AccountLimits> _limits;

    /// <summary>Limits by name of the tier; the empty name: for all streams, whatever else is there.</summary>
    public AccountTiers(IEnumerable<KeyValuePair<string, AccountLimits>> limits) => _limits = limits.ToFrozenDictionary();

    public static AccountTiers Unlimited { get; } = For(new AccountLimits());

    /// <summary>The same limits for all streams.</summary>
    public static AccountTiers For(AccountLimits limits) => new([KeyValuePair.Create("", limits)]);

    /// <summary>The limits that a stream falls under; null when there are none for it, and it may not be.</summary>
    public AccountTier? Select(long replicas)
    {
        if (_limits.TryGetValue("", out var all)) return new AccountTier("", all);
        var name = AccountTier.NameOf(replicas);
        return _limits.TryGetValue(name, out var limits) ? new AccountTier(name, limits) : null;
    }
}

/// <summary>Limits and the tier they are of.</summary>
/// <param name="Name">Empty: for all streams; otherwise <c>R1</c>, <c>R3</c>.</param>
/// <param name="Limits">Those limits.</param>
public sealed record AccountTier(string Name, AccountLimits Limits)
{
    /// <summary>The tier of a number of replicas.</summary>
    public static string NameOf(long replicas) => $"R{(replicas == 0 ? 1 : replicas)}";

    /// <summary>Whether a stream counts against this tier's limits.</summary>
    public bool Includes(StreamConfiguration stream) => Name.Length == 0 || NameOf(Math.Max(1, stream.Replicas)) == Name;

    /// <summary>
    /// What bytes count against the tier: replication is part of a tier's meaning, but not of limits for all streams.
    /// </summary>
    public long Footprint(long replicas, long bytes)
    {
        if (bytes <= 0) return 0;
        return Name.Length == 0 && replicas > 1 ? (long)Int128.Min((Int128)bytes * replicas, long.MaxValue) : bytes;
    }
}
