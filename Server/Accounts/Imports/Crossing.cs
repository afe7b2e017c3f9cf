using System.Buffers;
using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// One step of a message from an account into another, with the buffers it needs. Steps nest when imports are
/// chained; the same export twice would be a circle and is refused. Kept per thread, a few per depth.
/// </summary>
internal sealed class Crossing : IDisposable
{
    private const int MaxDepth = 32;

    [ThreadStatic]
    private static List<Crossing>? _stack;

    [ThreadStatic]
    private static int _depth;

    private readonly ArrayBufferWriter<byte> _subject = new(256);
    private readonly ArrayBufferWriter<byte> _mapped = new(256);
    private readonly ArrayBufferWriter<byte> _body = new(1024);
    private object? _through;

    private static ReadOnlySpan<byte> InfoHeader => "Nats-Request-Info"u8;

    /// <summary>The message has crossed into this account from another one already.</summary>
    public bool IsChained => _depth > 1;

    /// <summary>Begins a step; null when it would close a circle.</summary>
    /// <param name="through">The export that is gone through.</param>
    public static Crossing? Enter(object through)
    {
        var stack = _stack ??= [];
        if (_depth >= MaxDepth) return null;
        for (var i = 0; i < _depth; i++)
        {
            if (ReferenceEquals(stack[i]._through, through)) return null;
        }
        if (stack.Count == _depth) stack.Add(new Crossing());
        var crossing = stack[_depth++];
        crossing._through = through;
        return crossing;
    }

    public void Dispose()
    {
        _through = null;
        _depth--;
    }

    /// <summary>The subject on the exporter's side, its own mappings applied; empty: dropped by them.</summary>
    public ReadOnlySpan<byte> Map(ImportMapping mapping, Account exporter, ReadOnlySpan<byte> subject)
    {
        _subject.ResetWrittenCount();
        var target = subject;
        if (!mapping.IsIdentity)
        {
            if (mapping.ToExporter is null) target = mapping.ExporterPattern;
            else
            {
                mapping.ToExporter.Transform(subject, _subject, Random.Shared);
                target = _subject.WrittenSpan;
            }
        }
        return MapInAccount(exporter, target);
    }

    /// <summary>The message with word of its requestor in a header.</summary>
    public ReadOnlySpan<byte> Announce(in Message message, ClientInfo? requestor, out int headerLength)
    {
        headerLength = message.HeaderLength;
        if (requestor is null) return message.BodyAndCrlf;
        _body.ResetWrittenCount();
        var json = JsonSerializer.SerializeToUtf8Bytes(requestor, ProtocolJson.Default.ClientInfo);
        headerLength = HeaderBlock.Set(message.BodyAndCrlf, message.HeaderLength, InfoHeader, json, _body);
        return _body.WrittenSpan;
    }

    /// <summary>What an earlier step said of the requestor; null: nothing that can be read.</summary>
    public ClientInfo? ReadAnnounced(in Message message)
    {
        if (!HeaderBlock.TryGet(message.Header, InfoHeader, out var json)) return null;
        try
        {
            return JsonSerializer.Deserialize(json, ProtocolJson.Default.ClientInfo);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Routes a message in the account it has crossed into.</summary>
    public bool Send(Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        var match = account.Subscriptions.Match(message.Address.IsEmpty ? message.Subject : message.Address);
        return account.TrySendBack(message, batch) || (!match.IsEmpty && MessageRouter.RouteLocal(account, match, message, source, true, batch));
    }

    private ReadOnlySpan<byte> MapInAccount(Account account, ReadOnlySpan<byte> subject)
    {
        if (account.Mappings is not { } mappings) return subject;
        _mapped.ResetWrittenCount();
        if (!mappings.TryMap(subject, Random.Shared, _mapped, out var dropped)) return subject;
        return dropped ? default : _mapped.WrittenSpan;
    }
}
