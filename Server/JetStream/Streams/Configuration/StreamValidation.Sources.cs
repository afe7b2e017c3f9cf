using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Mirrors and sources.</summary>
public sealed partial class StreamValidation
{
    private const string ApiPrefix = "$JS.API";
    private readonly List<string> _copiedSubjects = [];

    private ApiError? CheckMirror()
    {
        if (_stream.Mirror is not { } mirror) return null;
        if ((CheckMirrorFeatures() ?? CheckMirrorConsumer(mirror)) is { } error) return error;
        if (mirror.FilterSubject is not null && !mirror.SubjectTransforms.IsEmpty) return JetStreamErrors.JSMirrorMultipleFiltersNotAllowed;
        // Markers would take sequences that the origin gives to messages.
        if (_stream.SubjectDeleteMarkerTtl > 0) return Invalid("subject delete markers forbidden on mirrors");
        if (CheckMirrorTransforms(mirror) is { } wrong) return wrong;
        // A stream elsewhere cannot be looked at; one of that name here is another.
        if (mirror.External is not null) return null;
        if (!IsValidName(mirror.Name)) return JetStreamErrors.JSMirrorInvalidStreamName;
        if (_environment.Catalog.Find(mirror.Name) is not { } origin) return null;
        _copiedSubjects.AddRange(origin.Subjects);
        if (IsSmaller(origin)) return JetStreamErrors.JSMirrorMaxMessageSizeTooBigErr;
        if (_pedantic && _stream.MirrorDirect != origin.AllowDirect) return Pedantic("origin stream has direct get set, mirror has it disabled");
        _stream = _stream with { MirrorDirect = origin.AllowDirect };
        return null;
    }

    private ApiError? CheckMirrorFeatures()
    {
        if (_stream.FirstSequence > 0) return JetStreamErrors.JSMirrorWithFirstSeqErr;
        if (!_stream.Subjects.IsEmpty) return JetStreamErrors.JSMirrorWithSubjectsErr;
        if (!_stream.Sources.IsEmpty) return JetStreamErrors.JSMirrorWithSourcesErr;
        if (_stream.AllowMessageCounter) return JetStreamErrors.JSMirrorWithCountersErr;
        if (_stream.AllowAtomicPublish) return JetStreamErrors.JSMirrorWithAtomicPublishErr;
        if (_stream.AllowBatchPublish) return JetStreamErrors.JSMirrorWithBatchPublishErr;
        return _stream.AllowMessageSchedules ? JetStreamErrors.JSMirrorWithMsgSchedulesErr : null;
    }

    private static ApiError? CheckMirrorConsumer(StreamSource mirror) => IsConsumerValid(mirror) ? null : JetStreamErrors.JSMirrorDurableConsumerCfgInvalid;

    /// <summary>A durable consumer knows itself where it begins and what it lets through.</summary>
    private static bool IsConsumerValid(StreamSource source) => source.Consumer is not { } consumer
        || (IsValidName(consumer.Name) && consumer.DeliverSubject is { } deliver && IsValidPublishSubject(deliver)
            && source is { StartSequence: 0, StartTime: null, FilterSubject: null });

    private static ApiError? CheckMirrorTransforms(StreamSource mirror)
    {
        var transforms = mirror.SubjectTransforms;
        if (transforms.Count > MaxTransforms) return TooManyTransforms();
        for (var outer = 0; outer < transforms.Count; outer++)
        {
            var (source, destination) = (transforms[outer].Source, transforms[outer].Destination);
            if (source.Length > 0 && !IsValidSubject(source)) return JetStreamErrors.JSMirrorInvalidSubjectFilter.With($"invalid subject {source}");
            if (SubjectTransform.ValidateMapping(source, destination) is { } error) return JetStreamErrors.JSMirrorInvalidTransformDestination.With(error);
            for (var inner = 0; inner < transforms.Count; inner++)
            {
                if (inner != outer && SubjectOverlaps.Collide(source, transforms[inner].Source)) return JetStreamErrors.JSMirrorOverlappingSubjectFilters;
            }
        }
        return null;
    }

    private ApiError? CheckSources()
    {
        if (_stream.Sources.IsEmpty) return null;
        if (_stream.AllowMessageSchedules) return JetStreamErrors.JSSourceWithMsgSchedulesErr;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var consumers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in _stream.Sources)
        {
            if (!IsValidName(source.Name)) return JetStreamErrors.JSSourceInvalidStreamName;
            if (!names.Add(source.IndexName)) return JetStreamErrors.JSSourceDuplicateDetected;
            if (source.FilterSubject is not null && !source.SubjectTransforms.IsEmpty) return JetStreamErrors.JSSourceMultipleFiltersNotAllowed;
            if (CheckSourceTransforms(source.SubjectTransforms) is { } error) return error;
            if (!IsConsumerValid(source)) return JetStreamErrors.JSSourceDurableConsumerCfgInvalid;
            if (source.Consumer is { } consumer && !consumers.Add($"{source.OriginName} {consumer.Name}")) return JetStreamErrors.JSSourceDurableConsumerDuplicateDetected;
            if (source.External is not null || _environment.Catalog.Find(source.Name) is not { } origin) continue;
            _copiedSubjects.AddRange(origin.Subjects);
            if (IsSmaller(origin)) return JetStreamErrors.JSSourceMaxMessageSizeTooBigErr;
        }
        return null;
    }

    private static ApiError? CheckSourceTransforms(ValueList<SubjectTransformConfiguration> transforms)
    {
        if (transforms.Count > MaxTransforms) return TooManyTransforms();
        foreach (var transform in transforms)
        {
            if (transform.Source.Length > 0 && !IsValidSubject(transform.Source))
            {
                return JetStreamErrors.JSSourceInvalidSubjectFilter.With($"invalid subject {transform.Source}");
            }
            if (SubjectTransform.ValidateMapping(transform.Source, transform.Destination) is { } error) return JetStreamErrors.JSSourceInvalidTransformDestination.With(error);
        }
        var sources = transforms.Select(transform => Encoding.UTF8.GetBytes(transform.Source)).ToArray();
        for (var outer = 0; outer < sources.Length; outer++)
        {
            for (var inner = 0; inner < sources.Length; inner++)
            {
                if (inner != outer && SubjectRules.IsSubsetMatch(sources[outer], sources[inner])) return JetStreamErrors.JSSourceOverlappingSubjectFilters;
            }
        }
        return null;
    }

    private static ApiError TooManyTransforms() => Invalid($"too many subject transforms, maximum allowed is {MaxTransforms}");

    private bool IsSmaller(StreamConfiguration origin) =>
        _stream.MaxMessageSize > 0 && origin.MaxMessageSize > 0 && _stream.MaxMessageSize < origin.MaxMessageSize;

    /// <summary>Where messages of other accounts arrive may not be where the origins' subjects are; their API may not be ours.</summary>
    private ApiError? CheckPrefixes()
    {
        var externals = _stream.Sources.Prepend(_stream.Mirror).Where(source => source?.External is not null).Select(source => source!.External!).ToArray();
        foreach (var prefix in externals.Select(external => external.DeliverPrefix).Where(prefix => prefix.Length > 0))
        {
            if (!IsValidPublishSubject(prefix)) return JetStreamErrors.JSStreamInvalidExternalDeliverySubjErrF.With(prefix);
            foreach (var subject in _copiedSubjects)
            {
                if (SubjectOverlaps.Collide(subject, $"{prefix}.{subject}")) return JetStreamErrors.JSStreamExternalDelPrefixOverlapsErrF.With(prefix, subject);
            }
        }
        foreach (var prefix in externals.Select(external => external.ApiPrefix).Where(prefix => prefix.Length > 0))
        {
            if (!IsValidPublishSubject(prefix)) return Invalid($"stream external api prefix \"{prefix}\" must be a valid subject without wildcards");
            if (SubjectOverlaps.Collide(prefix, ApiPrefix)) return JetStreamErrors.JSStreamExternalApiOverlapErrF.With(prefix, ApiPrefix);
        }
        return null;
    }

    /// <summary>Follows sources and mirrors through the account; every stream once.</summary>
    private ApiError? CheckCycles()
    {
        var open = new Queue<StreamConfiguration>([_stream]);
        var seen = new HashSet<string>(StringComparer.Ordinal) { _stream.Name };
        var visited = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryDequeue(out var stream))
        {
            visited.Add(stream.Name);
            foreach (var source in stream.Sources)
            {
                if (source.External is not null) continue;
                if (visited.Contains(source.Name))
                {
                    if (CopiesAny(stream.Subjects, source.FilterSubject)) return Invalid("detected cycle");
                }
                else
                {
                    Follow(source.Name);
                }
            }
            if (stream.Mirror is not { External: null } mirror) continue;
            if (visited.Contains(mirror.Name)) return Invalid("detected cycle");
            Follow(mirror.Name);
        }
        return null;

        void Follow(string name)
        {
            if (_environment.Catalog.Find(name) is { } next && seen.Add(name)) open.Enqueue(next);
        }
    }

    private static bool CopiesAny(ValueList<string> subjects, string? filter) =>
        filter is null || subjects.Any(subject => SubjectOverlaps.Collide(subject, filter));
}
