using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams.Configuration;

/// <summary>Subjects: what is captured, rewritten, published again.</summary>
public sealed partial class StreamValidation
{
    private static readonly byte[][] ApiSpaces = ["$JS.>"u8.ToArray(), "$JSC.>"u8.ToArray(), "$NRG.>"u8.ToArray()];

    private ApiError? CheckSubjects()
    {
        if (_stream.Subjects.IsEmpty)
        {
            if (_stream.Mirror is null && _stream.Sources.IsEmpty) _stream = _stream with { Subjects = [_stream.Name] };
            return null;
        }
        if (_stream.Mirror is not null) return JetStreamErrors.JSMirrorWithSubjectsErr;
        // Subjects of a stream may not share one: a message would be stored twice.
        var pair = SubjectOverlaps.FirstPair(_stream.Subjects.AsSpan());
        foreach (var subject in _stream.Subjects)
        {
            if (CheckSubject(subject) is { } error) return error;
            if (pair is { } overlap && overlap.First == subject) return Invalid($"subject \"{overlap.First}\" overlaps with \"{overlap.Second}\"");
        }
        return null;
    }

    private ApiError? CheckSubject(string text)
    {
        var subject = Encoding.UTF8.GetBytes(text);
        if (!SubjectRules.IsValid(subject)) return Invalid("invalid subject");
        if (text == ">")
        {
            if (!_stream.NoAck) return Invalid("capturing all subjects requires no-ack to be true");
            if (_stream.Replicas != 1) return Invalid("capturing all subjects requires replicas of 1");
        }
        if (_stream.NoAck) return null;
        // An acknowledgement of an API request would be taken for its answer. Events are no requests.
        foreach (var space in ApiSpaces)
        {
            if (SubjectRules.Collide(subject, space) && !SubjectRules.IsSubsetMatch(subject, "$JS.EVENT.>"u8))
            {
                return Invalid("subjects that overlap with jetstream api require no-ack to be true");
            }
        }
        return SubjectRules.Collide(subject, "$SYS.>"u8) && !SubjectRules.IsSubsetMatch(subject, "$SYS.ACCOUNT.>"u8)
            ? Invalid("subjects that overlap with system api require no-ack to be true")
            : null;
    }

    private ApiError? CheckTransform()
    {
        if (_stream.SubjectTransform is not { } transform) return null;
        if (transform.Source.Length > 0 && !IsValidSubject(transform.Source))
        {
            return JetStreamErrors.JSStreamTransformInvalidSource.With($"invalid subject {transform.Source}");
        }
        return SubjectTransform.ValidateMapping(transform.Source, transform.Destination) is { } error
            ? JetStreamErrors.JSStreamTransformInvalidDestination.With(error)
            : null;
    }

    private ApiError? CheckRepublish()
    {
        if (_stream.Republish is not { } republish) return null;
        if (republish.Source is null)
        {
            if (_pedantic) return Pedantic("republish source can not be empty");
            republish = republish with { Source = ">" };
        }
        // All to all would come back here, unless the transform puts every subject of the stream elsewhere.
        if (republish is { Source: ">", Destination: ">" } && _stream.SubjectTransform is { } transform
            && _stream.Subjects.Count == 1 && transform.Source == _stream.Subjects[0])
        {
            if (_pedantic) return Pedantic("implicit republish based on subject transform");
            republish = republish with { Source = transform.Destination, Destination = transform.Destination };
        }
        _stream = _stream with { Republish = republish };
        var destination = Encoding.UTF8.GetBytes(republish.Destination);
        foreach (var subject in _stream.Subjects)
        {
            if (SubjectRules.Collide(destination, Encoding.UTF8.GetBytes(subject))) return Invalid("stream configuration for republish destination forms a cycle");
        }
        return IsTransform(republish.Source, republish.Destination)
            ? null
            : Invalid($"stream configuration for republish with transform from '{republish.Source}' to '{republish.Destination}' not valid");
    }

    private static bool IsTransform(string source, string destination)
    {
        try
        {
            SubjectTransform.Create(source, destination);
            return true;
        }
        catch (SubjectTransformException)
        {
            return false;
        }
    }
}
