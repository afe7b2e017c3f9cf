using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>Why an asset is offline here, in upstream's words, which clients are told.</summary>
internal static class UnsupportedReason
{
    private const string JsonPrefix = "json: ";

    /// <summary>The reason of a configuration.</summary>
    /// <param name="error">What is wrong with its JSON; null: it was understood.</param>
    /// <param name="metadata">Where the level it needs stands.</param>
    /// <returns>Null when this server may run the asset.</returns>
    public static string? Of(string? error, AssetMetadata metadata)
    {
        if (error is not null)
        {
            return error.StartsWith(JsonPrefix, StringComparison.Ordinal) ? $"unsupported - config error: {error[JsonPrefix.Length..]}" : $"stopped - {error}";
        }
        return metadata.IsSupported ? null : $"unsupported - required API level: {metadata.RequiredLevel}, current API level: {ApiLevel.Current}";
    }

    /// <summary>The reason of a stream that has a consumer this server cannot run: without it messages would go that it wants.</summary>
    public static string OfConsumer(string consumer) => $"stopped - unsupported consumer \"{consumer}\"";
}
