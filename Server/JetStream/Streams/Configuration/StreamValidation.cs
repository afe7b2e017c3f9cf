using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>
/// Whether a configuration can be, in itself and beside the account's other streams, and what it is with defaults in
/// place of what was not said. Pedantic: what would have to be corrected is refused. Rules, their order and texts are
/// upstream's.
/// </summary>
public sealed partial class StreamValidation
{
    /// <summary>Bytes of a name.</summary>
    public const int MaxNameLength = 255;

    /// <summary>Bytes of a description.</summary>
    public const int MaxDescriptionLength = 4 * 1024;

    /// <summary>Bytes of all names and values of metadata.</summary>
    public const int MaxMetadataLength = 128 * 1024;

    public const int MaxReplicas = 5;

    /// <summary>Subject transforms of one source. Ours: upstream compares any number of them in pairs.</summary>
    public const int MaxTransforms = 1024;

    private readonly StreamEnvironment _environment;
    private readonly bool _pedantic;
    private StreamConfiguration _stream;

    private StreamValidation(StreamConfiguration stream, StreamEnvironment environment, bool pedantic)
    {
        _stream = stream;
        _environment = environment;
        _pedantic = pedantic;
    }

    /// <summary>Checks a configuration.</summary>
    /// <param name="requested">As it was asked for.</param>
    /// <param name="environment">What stands around it.</param>
    /// <param name="pedantic">Refuse what would be corrected.</param>
    /// <param name="stream">With defaults; only to be used when there is no error.</param>
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Check(StreamConfiguration requested, StreamEnvironment environment, bool pedantic, out StreamConfiguration stream)
    {
        var validation = new StreamValidation(requested, environment, pedantic);
        var error = validation.Check();
        stream = validation._stream;
        return error;
    }

    /// <summary>Whether a stream or consumer may be called that.</summary>
    public static bool IsValidName(string? name) => !string.IsNullOrEmpty(name) && name.AsSpan().IndexOfAny(" \t\r\n\f.*>\\/") < 0;

    private ApiError? Check() =>
        CheckTexts() ?? CheckSizes() ?? CheckTimes() ?? CheckFeatures() ?? CheckMirror() ?? CheckSources() ?? CheckPrefixes() ?? CheckCycles()
        ?? CheckSubjects() ?? CheckMaxBytes() ?? CheckTransform() ?? CheckRepublish() ?? CheckPlacement();

    private ApiError? CheckTexts()
    {
        if (!IsValidName(_stream.Name)) return Invalid("stream name is required and can not contain '.', '*', '>', '\\', '/'");
        if (Encoding.UTF8.GetByteCount(_stream.Name) > MaxNameLength) return Invalid($"stream name is too long, maximum allowed is {MaxNameLength}");
        if (_stream.Description is { } text && Encoding.UTF8.GetByteCount(text) > MaxDescriptionLength)
        {
            return Invalid($"stream description is too long, maximum allowed is {MaxDescriptionLength}");
        }
        var metadata = _stream.Metadata.Sum(entry => (long)Encoding.UTF8.GetByteCount(entry.Key) + Encoding.UTF8.GetByteCount(entry.Value));
        return metadata > MaxMetadataLength ? Invalid($"stream metadata exceeds maximum size of {MaxMetadataLength} bytes") : null;
    }

    private ApiError? CheckPlacement()
    {
        if (_stream.Placement == new Placement()) _stream = _stream with { Placement = null };
        return _stream.Placement?.Preferred is null ? null : Invalid("preferred server not permitted in placement");
    }

    private static ApiError Invalid(string text) => JetStreamErrors.JSStreamInvalidConfigF.With(text);

    private static ApiError Pedantic(string text) => JetStreamErrors.JSPedanticErrF.With(text);

    internal static bool IsValidSubject(string subject) => SubjectRules.IsValid(Encoding.UTF8.GetBytes(subject));

    /// <summary>Whether it can be published to, where subscriptions to it work as well.</summary>
    internal static bool IsValidPublishSubject(string subject) => IsValidSubject(subject) && !SubjectRules.HasWildcard(Encoding.UTF8.GetBytes(subject));
}
