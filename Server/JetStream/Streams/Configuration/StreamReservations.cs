using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Whether an account and the server have room for a stream.</summary>
internal static class StreamReservations
{
    /// <summary>Room for one stream more, that may already be there; then it is counted once.</summary>
    public static ApiError? CheckNew(StreamConfiguration stream, StreamEnvironment environment)
    {
        if (environment.Tiers.Select(stream.Replicas) is not { } tier) return JetStreamErrors.JSNoLimitsErr;
        var others = Others(stream, environment, tier);
        if (tier.Limits.MaxStreams > 0 && others.LongCount(other => tier.Includes(other)) >= tier.Limits.MaxStreams) return JetStreamErrors.JSMaximumStreamsLimitErr;
        return Check(stream, stream.MaxBytes, Reserved(stream, others, tier), environment, tier);
    }

    /// <summary>Room for what a changed stream needs more than before.</summary>
    public static ApiError? CheckUpdate(StreamConfiguration before, StreamConfiguration after, StreamEnvironment environment)
    {
        if ((environment.Tiers.Select(after.Replicas) ?? environment.Tiers.Select(before.Replicas)) is not { } tier) return JetStreamErrors.JSNoLimitsErr;
        var growth = Math.Max(0, Math.Max(after.MaxBytes, 0) - Math.Max(before.MaxBytes, 0));
        var reserved = Reserved(after, Others(after, environment, tier), tier);
        // The server has promised the old size already; the account's sum is made anew, so that it needs all of the new one.
        reserved = Add(reserved, tier.Footprint(after.Replicas, after.MaxBytes - growth));
        return Check(after, growth, reserved, environment, tier);
    }

    private static IEnumerable<StreamConfiguration> Others(StreamConfiguration stream, StreamEnvironment environment, AccountTier tier) =>
        environment.Catalog.Streams.Where(other => other.Name != stream.Name && tier.Includes(other));

    private static long Reserved(StreamConfiguration stream, IEnumerable<StreamConfiguration> others, AccountTier tier) =>
        others.Where(other => other.Storage == stream.Storage).Aggregate(0L, (sum, other) => Add(sum, tier.Footprint(other.Replicas, other.MaxBytes)));

    private static ApiError? Check(StreamConfiguration stream, long bytes, long reserved, StreamEnvironment environment, AccountTier tier)
    {
        var limits = tier.Limits;
        if (stream.MaxConsumers > 0 && limits.MaxConsumers > 0 && stream.MaxConsumers > limits.MaxConsumers) return JetStreamErrors.JSMaximumConsumersLimitErr;
        // An unlimited stream needs room for something.
        if (bytes < 0) bytes = 1;
        var forAccount = tier.Footprint(stream.Replicas, bytes);
        var server = environment.Server;
        return stream.Storage switch
        {
            StorageType.Memory when !Fits(limits.MaxMemory, reserved, forAccount) || !Fits(server.MaxMemory, server.ReservedMemory, bytes) =>
                JetStreamErrors.JSMemoryResourcesExceededErr,
            StorageType.File when !Fits(limits.MaxStorage, reserved, forAccount) || !Fits(server.MaxStorage, server.ReservedStorage, bytes) =>
                JetStreamErrors.JSStorageResourcesExceededErr,
            _ => null,
        };
    }

    private static bool Fits(long limit, long used, long wanted) => limit < 0 || (used <= limit && wanted <= limit - used);

    private static long Add(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;
}
