using System.Collections.Immutable;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>A stream as it is assigned now, with its consumers. Immutable.</summary>
/// <param name="Assignment">Of the stream.</param>
public sealed record AssignedStream(StreamAssignment Assignment)
{
    internal static ImmutableSortedDictionary<string, AssignedConsumer> NoConsumers { get; } =
        ImmutableSortedDictionary.Create<string, AssignedConsumer>(StringComparer.Ordinal, ReferenceEqualityComparer.Instance);

    /// <summary>By name.</summary>
    public ImmutableSortedDictionary<string, AssignedConsumer> Consumers { get; init; } = NoConsumers;

    /// <summary>
    /// Why this server leaves it alone, in upstream's words; null: it need not. What was offline once stays so until the
    /// process ends: it was stopped at a configuration that has gone on since.
    /// </summary>
    public string? OfflineReason { get; init; } = Assignment.Unsupported;

    public string Account => Assignment.Account;

    public string Name => Assignment.Name;

    /// <summary>With a consumer, in place of one of that name.</summary>
    public AssignedStream With(AssignedConsumer consumer) => this with { Consumers = Consumers.SetItem(consumer.Assignment.Name, consumer) };
}

/// <summary>A consumer as it is assigned now. Immutable.</summary>
/// <param name="Assignment">Of the consumer.</param>
public sealed record AssignedConsumer(ConsumerAssignment Assignment)
{
    /// <summary>As <see cref="AssignedStream.OfflineReason"/>.</summary>
    public string? OfflineReason { get; init; } = Assignment.Unsupported;
}
