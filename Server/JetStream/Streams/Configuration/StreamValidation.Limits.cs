using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Sizes, times and flags.</summary>
public sealed partial class StreamValidation
{
    private const long Second = 1_000_000_000;
    private const long ShortestWindow = Second / 10;
    private const long DefaultDuplicateWindow = 120 * Second;

    private ApiError? CheckSizes()
    {
        if (_stream.Storage == StorageType.Unset) _stream = _stream with { Storage = StorageType.File };
        if (_stream.Replicas == 0) _stream = _stream with { Replicas = 1 };
        if (_stream.Replicas > MaxReplicas) return Invalid($"maximum replicas is {MaxReplicas}");
        if (_stream.Replicas < 0) return JetStreamErrors.JSReplicasCountCannotBeNegative;
        if (_pedantic && NegativeLimit() is { } limit) return Pedantic($"{limit} must be set to -1");
        _stream = _stream with
        {
            MaxMessages = Unlimited(_stream.MaxMessages),
            MaxMessagesPerSubject = Unlimited(_stream.MaxMessagesPerSubject),
            MaxBytes = Unlimited(_stream.MaxBytes),
            MaxMessageSize = (int)Unlimited(_stream.MaxMessageSize),
            MaxConsumers = Unlimited(_stream.MaxConsumers),
        };
        return null;

        static long Unlimited(long limit) => limit is 0 or < -1 ? -1 : limit;
    }

    private string? NegativeLimit()
    {
        if (_stream.MaxMessages < -1) return "max_msgs";
        if (_stream.MaxMessagesPerSubject < -1) return "max_msgs_per_subject";
        if (_stream.MaxBytes < -1) return "max_bytes";
        if (_stream.MaxMessageSize < -1) return "max_msg_size";
        return _stream.MaxConsumers < -1 ? "max_consumers" : null;
    }

    private ApiError? CheckTimes()
    {
        if (_stream.MaxAge < 0) return Invalid("max age can not be negative");
        if (_stream.MaxAge is > 0 and < ShortestWindow) return Invalid("max age needs to be >= 100ms");
        if (DefaultWindow() is { } error) return error;
        var window = _stream.DuplicateWindow;
        if (window < 0) return Invalid("duplicates window can not be negative");
        if (_stream.MaxAge != 0 && window > _stream.MaxAge) return Invalid("duplicates window can not be larger then max age");
        var limit = _environment.MaxDuplicateWindow;
        if (limit > 0 && window > limit)
        {
            return Invalid($"duplicates window can not be larger then server limit of {DurationText.Format(TimeSpan.FromTicks(limit / TimeSpan.NanosecondsPerTick))}");
        }
        return window is > 0 and < ShortestWindow ? Invalid("duplicates window needs to be >= 100ms") : null;
    }

    private ApiError? DefaultWindow()
    {
        if (_stream.DuplicateWindow != 0 || _stream.Mirror is not null || !_stream.Sources.IsEmpty) return null;
        var window = DefaultDuplicateWindow;
        if (_environment.MaxDuplicateWindow is > 0 and var limit && limit < window)
        {
            if (_pedantic) return Pedantic("duplicate window limits are higher than current limits");
            window = limit;
        }
        if (_stream.MaxAge != 0 && _stream.MaxAge < window)
        {
            if (_pedantic) return Pedantic("duplicate window cannot be bigger than max age");
            window = _stream.MaxAge;
        }
        _stream = _stream with { DuplicateWindow = window };
        return null;
    }

    private ApiError? CheckFeatures()
    {
        if (_stream is { DenyPurge: true, AllowRollup: true }) return Invalid("roll-ups require the purge permission");
        return CheckCounter() ?? CheckDiscardNewPerSubject(_stream) ?? CheckDeleteMarkers() ?? CheckSchedules() ?? CheckPersistMode();
    }

    private ApiError? CheckCounter()
    {
        if (!_stream.AllowMessageCounter) return null;
        if (_stream.Discard == DiscardPolicy.New) return Invalid("counter stream cannot use discard new");
        if (_stream.AllowMessageTtl) return Invalid("counter stream cannot use message TTLs");
        if (_stream.AllowMessageSchedules) return Invalid("counter stream cannot use message schedules");
        return _stream.Retention == RetentionPolicy.Limits ? null : Invalid("counter stream can only use limits retention");
    }

    private static ApiError? CheckDiscardNewPerSubject(StreamConfiguration stream)
    {
        if (!stream.DiscardNewPerSubject) return null;
        if (stream.Discard != DiscardPolicy.New) return Invalid("discard new per subject requires discard new policy to be set");
        return stream.MaxMessagesPerSubject <= 0 ? Invalid("discard new per subject requires max msgs per subject > 0") : null;
    }

    private ApiError? CheckDeleteMarkers()
    {
        if (_stream.SubjectDeleteMarkerTtl == 0) return null;
        if (_stream.SubjectDeleteMarkerTtl < 0) return Invalid("subject delete marker TTL must not be negative");
        if (_stream.SubjectDeleteMarkerTtl < Second) return Invalid("subject delete marker TTL must be at least 1 second");
        if (_pedantic && !_stream.AllowMessageTtl) return Invalid("subject delete marker cannot be set if message TTLs are disabled");
        if (_pedantic && !_stream.AllowRollup) return Invalid("subject delete marker cannot be set if roll-ups are disabled");
        _stream = _stream with { AllowMessageTtl = true };
        AllowRollup();
        return null;
    }

    private ApiError? CheckSchedules()
    {
        if (!_stream.AllowMessageSchedules) return null;
        if (_stream.Discard == DiscardPolicy.New) return Invalid("message scheduling cannot use discard new");
        if (_pedantic && !_stream.AllowRollup) return Invalid("message scheduling cannot be set if roll-ups are disabled");
        AllowRollup();
        return null;
    }

    /// <summary>Roll-ups purge, so that this must be allowed as well.</summary>
    private void AllowRollup()
    {
        if (!_stream.AllowRollup) _stream = _stream with { AllowRollup = true, DenyPurge = false };
    }

    private ApiError? CheckPersistMode()
    {
        if (_stream.PersistMode != PersistMode.Async) return null;
        if (_stream.Storage != StorageType.File) return Invalid("async persist mode is only supported on file storage");
        if (_stream.Replicas > 1) return Invalid("async persist mode is not supported on replicated streams");
        return _stream.AllowAtomicPublish ? Invalid("async persist mode is not supported with atomic batch publish") : null;
    }

    /// <summary>Whether the account wants a maximum size, and how large it may be.</summary>
    private ApiError? CheckMaxBytes()
    {
        if (_environment.Tiers.Select(_stream.Replicas) is not { } tier) return null;
        if (tier.Limits.MaxBytesRequired && _stream.MaxBytes <= 0) return JetStreamErrors.JSStreamMaxBytesRequired;
        var limit = _stream.Storage == StorageType.Memory ? tier.Limits.MemoryMaxStreamBytes : tier.Limits.StorageMaxStreamBytes;
        return limit > 0 && _stream.MaxBytes > limit ? JetStreamErrors.JSStreamMaxStreamBytesExceeded : null;
    }
}
