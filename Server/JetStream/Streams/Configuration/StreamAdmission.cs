using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>What comes of a request to make or change a stream; either an error or a configuration.</summary>
/// <param name="Error">Why not.</param>
/// <param name="Stream">What the stream is to be.</param>
/// <param name="Existing">What it is already; to make one that exists as it is asked for changes nothing.</param>
public sealed record StreamDecision(ApiError? Error, StreamConfiguration? Stream = null, StreamConfiguration? Existing = null)
{
    public static implicit operator StreamDecision(ApiError error) => new(error);
}

/// <summary>
/// Decides requests to make and to change streams, as one server alone does: everything that can be said before
/// anything is done.
/// </summary>
public static class StreamAdmission
{
    /// <summary>Decides <c>STREAM.CREATE</c>.</summary>
    /// <param name="name">From the request's subject.</param>
    /// <param name="request">The request.</param>
    /// <param name="environment">What stands around it.</param>
    public static StreamDecision Create(string name, StreamConfigurationRequest request, StreamEnvironment environment)
    {
        var requested = request.Stream.WithRequiredLevel();
        if ((CheckNew(name, requested) ?? StreamReservations.CheckNew(requested, environment)) is { } refused) return refused;
        if (StreamValidation.Check(requested, environment, request.Pedantic, out var stream) is { } invalid) return invalid;
        if (!environment.IsClustered && stream.Replicas > 1) return JetStreamErrors.JSStreamReplicasNotSupportedErr;
        if (environment.Catalog.Find(stream.Name) is { } existing)
        {
            return stream.WithLevelOf(existing) == existing ? new StreamDecision(null, existing, existing) : JetStreamErrors.JSStreamNameExistErr;
        }
        return (StreamReservations.CheckNew(stream, environment) ?? CheckFilters(stream) ?? CheckOverlap(stream, environment)) is { } error
            ? error
            : new StreamDecision(null, stream);
    }

    /// <summary>
    /// Decides <c>STREAM.CREATE</c> as the leader of a cluster does: in another order, and without a look at what one server
    /// has room for.
    /// </summary>
    /// <param name="name">From the request's subject.</param>
    /// <param name="request">The request.</param>
    /// <param name="environment">What stands around it, what is on its way included.</param>
    /// <param name="stream">What the stream is to be; of one that exists already, what it is. Only to be used when there is no error.</param>
    /// <returns>Null, or why not.</returns>
    public static ApiError? CreateClustered(string name, StreamConfigurationRequest request, StreamEnvironment environment, out StreamConfiguration stream)
    {
        var requested = request.Stream.WithRequiredLevel();
        if ((CheckNew(name, requested) ?? StreamValidation.Check(requested, environment, request.Pedantic, out requested)) is { } invalid)
        {
            stream = requested;
            return invalid;
        }
        stream = requested;
        if (environment.Catalog.Find(stream.Name) is { } existing)
        {
            if (stream.WithLevelOf(existing) != existing) return JetStreamErrors.JSStreamNameExistErr;
            stream = existing;
            return CheckOverlap(stream, environment) ?? StreamReservations.CheckNew(stream, environment);
        }
        return CheckOverlap(stream, environment) ?? StreamReservations.CheckNew(stream, environment) ?? CheckFilters(stream);
    }

    /// <summary>Decides <c>STREAM.UPDATE</c>. Consumers' limits are left to those who know the consumers (<see cref="StreamUpdate"/>).</summary>
    /// <param name="name">From the request's subject.</param>
    /// <param name="request">The request.</param>
    /// <param name="environment">What stands around it.</param>
    public static StreamDecision Update(string name, StreamConfigurationRequest request, StreamEnvironment environment)
    {
        if (StreamValidation.Check(request.Stream, environment, request.Pedantic, out var requested) is { } invalid) return invalid;
        if (requested.Name != name) return JetStreamErrors.JSStreamMismatchErr;
        if (environment.Catalog.Find(name) is not { } before) return JetStreamErrors.JSStreamNotFoundErr;
        if (StreamUpdate.Check(before, requested.WithRequiredLevel(), environment, request.Pedantic, out var after) is { } refused) return refused;
        return CheckOverlap(after, environment) is { } error ? error : new StreamDecision(null, after, before);
    }

    /// <summary>Decides the configuration of <c>STREAM.RESTORE</c>; a missing name is the subject's.</summary>
    /// <param name="name">From the request's subject.</param>
    /// <param name="stream">From the request.</param>
    /// <param name="environment">What stands around it.</param>
    public static StreamDecision Restore(string name, StreamConfiguration stream, StreamEnvironment environment)
    {
        if (stream.Name.Length == 0) stream = stream with { Name = name };
        if (CheckName(name, stream) is { } mismatch) return mismatch;
        if ((StreamValidation.Check(stream, environment, pedantic: false, out var restored) ?? StreamReservations.CheckNew(restored, environment)) is { } error) return error;
        return environment.Catalog.Find(name) is null ? new StreamDecision(null, restored) : JetStreamErrors.JSStreamNameExistRestoreFailedErr;
    }

    /// <summary>Decides whether what was restored may begin: others may have come meanwhile.</summary>
    /// <param name="stream">As <see cref="Restore"/> let it through.</param>
    /// <param name="environment">What stands around it now.</param>
    /// <returns>Null, or why not.</returns>
    public static ApiError? CompleteRestore(StreamConfiguration stream, StreamEnvironment environment) =>
        StreamReservations.CheckNew(stream, environment)
        ?? (environment.Catalog.Find(stream.Name) is null ? CheckOverlap(stream, environment) : JetStreamErrors.JSStreamNameExistRestoreFailedErr);

    private static ApiError? CheckName(string name, StreamConfiguration stream)
    {
        if (stream.Name != name) return JetStreamErrors.JSStreamMismatchErr;
        return name.AsSpan().IndexOfAny('\\', '/') >= 0 ? JetStreamErrors.JSStreamNameContainsPathSeparatorsErr : null;
    }

    private static ApiError? CheckNew(string name, StreamConfiguration stream)
    {
        if (CheckName(name, stream) is { } error) return error;
        if (stream.Sealed) return JetStreamErrors.JSStreamInvalidConfigF.With("stream configuration for create can not be sealed");
        return stream is { MirrorDirect: true, Mirror: null }
            ? JetStreamErrors.JSStreamInvalidConfigF.With("stream has no mirror but does have mirror direct")
            : null;
    }

    /// <summary>Filters of mirrors and sources are looked at only when the stream would begin.</summary>
    private static ApiError? CheckFilters(StreamConfiguration stream)
    {
        if (stream.Mirror?.FilterSubject is { } filter && !StreamValidation.IsValidSubject(filter))
        {
            return JetStreamErrors.JSStreamCreateErrF.With($"subject filter '{filter}' for the mirror invalid subject");
        }
        foreach (var source in stream.Sources)
        {
            if (source.FilterSubject is { } wrong && !StreamValidation.IsValidSubject(wrong))
            {
                return JetStreamErrors.JSStreamCreateErrF.With($"subject filter '{wrong}' for the source: invalid subject");
            }
        }
        return null;
    }

    internal static ApiError? CheckOverlap(StreamConfiguration stream, StreamEnvironment environment)
    {
        var subjects = SubjectOverlaps.Of(stream.Subjects);
        return environment.Catalog.Streams.Any(other => other.Name != stream.Name && other.Subjects.Any(subjects.Overlaps))
            ? JetStreamErrors.JSStreamSubjectOverlapErr
            : null;
    }
}
