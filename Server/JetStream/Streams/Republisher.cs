using System.Buffers;
using System.Buffers.Text;
using System.Text;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// Publishes what a stream has stored again, for clients that only listen (<c>republish</c>): with where it is in the
/// stream, and where the message before it of that subject was. Its buffers are used again.
/// </summary>
internal sealed class Republisher
{
    private readonly StreamConfiguration _configuration;
    private readonly byte[] _stream;
    private readonly SubjectTransform _transform;
    private readonly SubjectRewriter _subjects;
    private readonly HeaderEditor _editor = new();
    private readonly MessageBuffer _last = new();
    private readonly ArrayBufferWriter<byte> _target = new();
    private ulong _before;

    private Republisher(StreamConfiguration configuration, SubjectTransform transform)
    {
        _configuration = configuration;
        _stream = Encoding.UTF8.GetBytes(configuration.Name);
        _transform = transform;
        _subjects = SubjectRewriter.Of(configuration.SubjectTransform);
    }

    /// <summary>The republisher of a stream; null: it publishes nothing again.</summary>
    public static Republisher? Of(StreamConfiguration configuration) =>
        configuration.Republish is { } republish && SubjectTransform.Create(republish.Source ?? "", republish.Destination) is { } transform
            ? new Republisher(configuration, transform)
            : null;

    /// <summary>Notes what must be known of the stream before a message is stored.</summary>
    /// <param name="entry">The message.</param>
    /// <param name="sequence">It gets.</param>
    /// <param name="store">The stream's messages.</param>
    /// <returns>False: it is not to be published again.</returns>
    public bool Prepare(in StreamMessageEntry entry, ulong sequence, IMessageStore store)
    {
        var subject = _subjects.Rewrite(entry.Subject, sequence);
        _target.ResetWrittenCount();
        if (!_transform.TryTransform(subject, _target, Random.Shared) || !SubjectRules.IsValidLiteral(_target.WrittenSpan)) return false;
        _before = store.TryLoadLast(subject, sequence - 1, _last) ? _last.Sequence : 0;
        return true;
    }

    /// <summary>Publishes the message that was prepared.</summary>
    public void Publish(in StreamMessageEntry entry, ulong sequence, IStreamEffects effects)
    {
        var subject = _subjects.Rewrite(entry.Subject, sequence);
        var stored = MessageNormalizer.Normalize(entry.Headers, new PublishHeaders(entry.Headers), _configuration, _editor, out _);
        if (!stored.Overlaps(_editor.Block)) _editor.Load(stored);
        _editor.Append("Nats-Stream"u8, _stream);
        _editor.Append("Nats-Subject"u8, subject);
        Append("Nats-Sequence"u8, sequence);
        AppendTime(entry.Timestamp);
        Append("Nats-Last-Sequence"u8, _before);
        var headersOnly = _configuration.Republish!.HeadersOnly;
        if (headersOnly) Append("Nats-Msg-Size"u8, (ulong)entry.Payload.Length);
        effects.Publish(_target.WrittenSpan, _editor.Block, headersOnly ? default : entry.Payload);
    }

    private void Append(ReadOnlySpan<byte> name, ulong number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        _editor.Append(name, digits[..length]);
    }

    private void AppendTime(long timestamp)
    {
        Span<byte> text = stackalloc byte[40];
        _editor.Append("Nats-Time-Stamp"u8, text[..Rfc3339Text.Write(timestamp, text)]);
    }
}
