using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>What comes of a request to make or change a consumer; either an error or a consumer.</summary>
/// <param name="Error">Why not.</param>
/// <param name="Name">What it is called; the configuration of one that got its name from the server says none.</param>
/// <param name="Consumer">What it is to be.</param>
/// <param name="Existing">What it is already; null: it is new.</param>
public sealed record ConsumerDecision(ApiError? Error, string Name = "", ConsumerConfiguration? Consumer = null, ConsumerConfiguration? Existing = null)
{
    public static implicit operator ConsumerDecision(ApiError error) => new(error);
}

/// <summary>Decides requests to make and to change consumers: everything that can be said before anything is done.</summary>
public static class ConsumerAdmission
{
    /// <summary>Decides <c>CONSUMER.CREATE</c>, with its names taken (<see cref="ConsumerCreateRequest.TakeNames"/>).</summary>
    /// <param name="request">The request.</param>
    /// <param name="environment">What stands around it.</param>
    public static ConsumerDecision Decide(ConsumerCreateRequest request, ConsumerEnvironment environment)
    {
        if (!environment.IsClustered && request.Consumer.Replicas > 1) return JetStreamErrors.JSStreamReplicasNotSupportedErr;
        if (environment.Stream is not { } stream) return JetStreamErrors.JSStreamNotFoundErr;
        var requested = ForSourcing(request.Consumer, stream, environment);
        var name = requested.Durable ?? requested.Name;
        var existing = name is null ? null : environment.Catalog.Find(name);
        requested = (existing is null ? requested : Kept(requested, existing, request.Action, environment)).WithRequiredLevel();
        if (environment.Tiers.Select(requested.ReplicasOf(stream)) is not { } tier) return JetStreamErrors.JSNoLimitsErr;
        if (ConsumerDefaults.Apply(requested, stream, environment.Server, tier.Limits, request.Pedantic, out var consumer) is { } correction) return correction;
        if (ConsumerValidation.Check(consumer, stream, environment.Server, tier.Limits) is { } invalid) return invalid;
        if (existing is not null) return Change(name!, existing, consumer, request.Action, environment);
        if (request.Action == ConsumerAction.Update) return JetStreamErrors.JSConsumerDoesNotExist;
        return (CheckCount(stream, tier.Limits, environment) ?? CheckWorkQueue(consumer, stream, environment) ?? CheckNameLength(consumer)) is { } error
            ? error
            : new ConsumerDecision(null, name ?? NewName(environment), WithThreshold(consumer));
    }

    /// <summary>Decides <c>CONSUMER.PAUSE</c>.</summary>
    /// <param name="consumer">What the consumer is.</param>
    /// <param name="request">The request.</param>
    /// <returns>What it becomes.</returns>
    public static ConsumerConfiguration Pause(ConsumerConfiguration consumer, ConsumerPauseRequest request) =>
        (consumer with { PauseUntil = request.PauseUntil.IsZero ? null : request.PauseUntil.ToUtc() }).WithRequiredLevel();

    /// <summary>
    /// What another server asks for to copy from a stream. From one whose messages go when they are acknowledged, it becomes
    /// a durable consumer that acknowledges; from others each attempt gets a name of its own.
    /// </summary>
    private static ConsumerConfiguration ForSourcing(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerEnvironment environment)
    {
        if (consumer is not { Direct: true, Sourcing: true, Name: { } name }) return consumer;
        return stream.Retention == RetentionPolicy.Limits
            ? consumer with { Name = $"{name}-{environment.NewName()}" }
            : consumer with { Direct = false, Durable = name, AckPolicy = AckPolicy.FlowControl, AckWait = 0, MaxDeliver = 0, InactiveThreshold = 0 };
    }

    /// <summary>With what a request cannot change of a consumer that exists: a pause has a request of its own.</summary>
    private static ConsumerConfiguration Kept(ConsumerConfiguration requested, ConsumerConfiguration existing, ConsumerAction action, ConsumerEnvironment environment)
    {
        // In a cluster the comparison of what is to be made with what is there comes first.
        if (!environment.IsClustered || action != ConsumerAction.Create) requested = requested with { PauseUntil = existing.PauseUntil };
        return requested is { Sourcing: true, IsDurable: true }
            ? requested with { DeliverPolicy = existing.DeliverPolicy, StartSequence = existing.StartSequence, StartTime = existing.StartTime }
            : requested;
    }

    private static ConsumerDecision Change(string name, ConsumerConfiguration existing, ConsumerConfiguration consumer, ConsumerAction action, ConsumerEnvironment environment)
    {
        if (action == ConsumerAction.Create)
        {
            // A server alone compares with what the consumer has become, its threshold included.
            consumer = consumer.WithLevelOf(existing);
            if ((environment.IsClustered ? WithThreshold(consumer) : consumer) != existing) return JetStreamErrors.JSConsumerAlreadyExists;
        }
        if (environment.Stream is { Retention: RetentionPolicy.WorkQueue } && !IsUnique(name, consumer, environment)) return JetStreamErrors.JSConsumerWQConsumerNotUniqueErr;
        return ConsumerUpdate.Check(existing, consumer, environment.HasInterest) is { } error
            ? error
            : new ConsumerDecision(null, name, WithThreshold(consumer), existing);
    }

    private static ApiError? CheckCount(StreamConfiguration stream, AccountLimits account, ConsumerEnvironment environment)
    {
        var most = stream.MaxConsumers;
        if (most <= 0 || (account.MaxConsumers > 0 && account.MaxConsumers < most)) most = account.MaxConsumers;
        return most > 0 && environment.Catalog.LimitableCount >= most ? JetStreamErrors.JSMaximumConsumersLimitErr : null;
    }

    private static ApiError? CheckWorkQueue(ConsumerConfiguration consumer, StreamConfiguration stream, ConsumerEnvironment environment)
    {
        if (stream.Retention != RetentionPolicy.WorkQueue || consumer.Direct || consumer.Sourcing) return null;
        if (consumer.AckPolicy is not (AckPolicy.Explicit or AckPolicy.FlowControl)) return JetStreamErrors.JSConsumerWQRequiresExplicitAckErr;
        if (consumer.DeliverPolicy != DeliverPolicy.All) return JetStreamErrors.JSConsumerWQConsumerNotDeliverAllErr;
        if (environment.Catalog.LimitableCount == 0) return null;
        if (!consumer.Filters.Any()) return JetStreamErrors.JSConsumerWQMultipleUnfilteredErr;
        return IsUnique(consumer.Durable ?? consumer.Name, consumer, environment) ? null : JetStreamErrors.JSConsumerWQConsumerNotUniqueErr;
    }

    /// <summary>Whether no message is for another consumer too. That one without filters overlaps with all is found only when new filters are given.</summary>
    private static bool IsUnique(string? name, ConsumerConfiguration consumer, ConsumerEnvironment environment)
    {
        if (!consumer.Filters.Any()) return true;
        var filters = SubjectOverlaps.Of(consumer.Filters);
        return environment.Catalog.Consumers.All(other =>
            other.Key == name || other.Value.Direct || other.Value.Sourcing || (other.Value.Filters.Any() && !other.Value.Filters.Any(filters.Overlaps)));
    }

    private static ApiError? CheckNameLength(ConsumerConfiguration consumer)
    {
        if ((consumer.Durable ?? consumer.Name) is not { } name || Encoding.UTF8.GetByteCount(name) <= StreamValidation.MaxNameLength) return null;
        return consumer.IsDurable
            ? JetStreamErrors.JSConsumerNameTooLongErrF.With(StreamValidation.MaxNameLength)
            : JetStreamErrors.JSConsumerCreateErrF.With("error creating store for consumer");
    }

    private static string NewName(ConsumerEnvironment environment)
    {
        while (true)
        {
            var name = environment.NewName();
            if (environment.Catalog.Find(name) is null) return name;
        }
    }

    /// <summary>Who is not durable goes some time.</summary>
    internal static ConsumerConfiguration WithThreshold(ConsumerConfiguration consumer) =>
        consumer is { IsDurable: false, InactiveThreshold: <= 0 } ? consumer with { InactiveThreshold = ConsumerDefaults.InactiveThreshold } : consumer;
}
