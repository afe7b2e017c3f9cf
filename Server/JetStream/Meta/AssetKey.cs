using NatsAspire.Server.JetStream.Meta.Assignments;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>A stream of an account; ordered by bytes, so that every server goes through them alike.</summary>
public readonly record struct AssetKey(string Account, string Stream) : IComparable<AssetKey>
{
    public static AssetKey Of(StreamAssignment stream) => new(stream.Account, stream.Name);

    /// <summary>Of a consumer's stream.</summary>
    public static AssetKey Of(ConsumerAssignment consumer) => new(consumer.Account, consumer.Stream);

    public int CompareTo(AssetKey other)
    {
        var accounts = string.CompareOrdinal(Account, other.Account);
        return accounts != 0 ? accounts : string.CompareOrdinal(Stream, other.Stream);
    }
}
