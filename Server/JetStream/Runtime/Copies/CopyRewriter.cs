using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime.Copies;

/// <summary>What a copied message is stored as. Results are good until the next message.</summary>
internal sealed class CopyRewriter
{
    private readonly List<SubjectTransform> _transforms = [];
    private readonly ArrayBufferWriter<byte> _subject = new();
    private readonly ArrayBufferWriter<byte> _origin = new();
    private readonly HeaderEditor _headers = new();
    private readonly string _name;
    private readonly string _filters;

    public CopyRewriter(StreamSource source)
    {
        foreach (var transform in source.SubjectTransforms)
        {
            // Without a destination it only filters.
            if (transform.Destination.Length > 0 && SubjectTransform.Create(transform.Source.Length == 0 ? ">" : transform.Source, transform.Destination) is { } compiled) _transforms.Add(compiled);
        }
        var index = source.IndexName;
        var space = index.IndexOf(' ');
        (_name, _filters) = (index[..space], index[space..]);
    }

    /// <summary>The subject it is stored under: as the first transform that fits says.</summary>
    public ReadOnlySpan<byte> SubjectOf(ReadOnlySpan<byte> subject)
    {
        foreach (var transform in _transforms)
        {
            _subject.ResetWrittenCount();
            if (transform.TryTransform(subject, _subject, Random.Shared)) return _subject.WrittenSpan;
        }
        return subject;
    }

    /// <summary>Headers of a mirrored message: what was demanded of the origin is not told.</summary>
    public ReadOnlySpan<byte> MirroredHeadersOf(in StoredMessage message)
    {
        if (message.Headers.IsEmpty) return default;
        _headers.Load(message.Headers);
        RemoveDemands();
        return _headers.Block;
    }

    /// <summary>
    /// Headers with word of where it comes from: <c>Nats-Stream-Source: origin SP sequence SP filters SP destinations SP subject</c>.
    /// What was demanded of the origin is not demanded again.
    /// </summary>
    public ReadOnlySpan<byte> HeadersOf(in StoredMessage message)
    {
        _headers.Load(message.Headers);
        _headers.Remove("Nats-Stream-Source"u8);
        RemoveDemands();
        _origin.ResetWrittenCount();
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_name} {message.Sequence}{_filters} "), _origin);
        _origin.Write(message.Subject);
        _headers.Append("Nats-Stream-Source"u8, _origin.WrittenSpan);
        return _headers.Block;
    }

    private void RemoveDemands()
    {
        _headers.RemovePrefix("Nats-Expected-"u8);
        _headers.RemovePrefix("Nats-Batch-"u8);
    }
}
