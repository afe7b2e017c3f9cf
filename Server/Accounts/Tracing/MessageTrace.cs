using System.Text;
using System.Text.Json;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>
/// Writes down what this server does with one message, which carries it along (<see cref="Message.Trace"/>), and
/// publishes that at the end. Belongs to the thread that routes the message, but for what streams say of it, who judge
/// later on threads of their own: whoever is last publishes.
/// </summary>
public sealed class MessageTrace
{
    private readonly Account _account;
    private readonly TraceRequest _request;
    private readonly int _size;
    private readonly List<TraceStep> _steps = [];
    private TraceIngress _ingress;
    private int _hops;

    /// <summary>Who has not finished yet: the thread that routes, and streams.</summary>
    private int _awaited = 1;

    /// <param name="request">What was asked for; its publisher may publish to the destination.</param>
    /// <param name="account">The message's account.</param>
    /// <param name="publisher">Whom it came from.</param>
    /// <param name="subject">Its subject as it came.</param>
    /// <param name="size">Bytes of its headers and payload.</param>
    public MessageTrace(TraceRequest request, Account account, Subscriber publisher, ReadOnlySpan<byte> subject, int size)
    {
        _request = request;
        _account = account;
        _size = size;
        Destination = request.Destination;
        _ingress = new TraceIngress
        {
            Kind = KindOf(publisher),
            ConnectionId = publisher.ConnectionId,
            Name = publisher.Name,
            Account = account.Name,
            Subject = Encoding.UTF8.GetString(subject),
        };
    }

    /// <summary>Clients do not get the message.</summary>
    public bool IsOnly => _request.IsOnly;

    /// <summary>Where servers further on send their events: another subject in each account the message crosses into.</summary>
    internal byte[] Destination { get; set; }

    /// <summary>It is in another account than it was published in.</summary>
    internal bool HasCrossed => !ReferenceEquals(Destination, _request.Destination);

    /// <summary>The ways back for events from accounts the message has crossed into.</summary>
    internal TraceReturns Returns { get; } = new();

    /// <summary>The trace of a message; null: it has none.</summary>
    public static MessageTrace? Of(in Message message) => (MessageTrace?)message.Trace;

    /// <summary>The message was not let in.</summary>
    /// <param name="error">Why, in the words the publisher was told.</param>
    public void Refuse(string error) => _ingress = _ingress with { Error = error };

    /// <summary>A mapping of its account gave it another subject.</summary>
    public void AddMapping(ReadOnlySpan<byte> to) => _steps.Add(new TraceMapping(Encoding.UTF8.GetString(to)));

    /// <summary>A stream has the message, and will say what comes of it.</summary>
    public TraceJetStream Await(string stream)
    {
        var step = new TraceJetStream(stream);
        _steps.Add(step);
        Interlocked.Increment(ref _awaited);
        return step;
    }

    /// <summary>Publishes what was written down, when nobody else has something to add.</summary>
    /// <param name="batch">The batch of the thread that finishes: of the loop that routed the message, of the stream that judged it.</param>
    public void Finish(FlushBatch batch)
    {
        if (Interlocked.Decrement(ref _awaited) > 0) return;
        if (_account.Identify is { } identify)
        {
            var told = new TraceEvent
            {
                Server = identify(),
                Request = new TracedRequest(_request.Headers, _size),
                Hops = _hops,
                Steps = [_ingress, .. _steps],
            };
            var json = JsonSerializer.SerializeToUtf8Bytes(told, TraceJson.Default.TraceEvent);
            var payload = TraceEncoding.Encode(json, _request.AcceptEncoding, out var headers);
            _account.PublishInternal(_request.Destination, default, headers, payload, batch);
        }
        Returns.Seal();
    }

    internal void AddStreamExport(string account, ReadOnlySpan<byte> to) =>
        _steps.Add(new TraceStreamExport(account, Encoding.UTF8.GetString(to)));

    internal void AddServiceImport(string account, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        _steps.Add(new TraceServiceImport(account, Encoding.UTF8.GetString(from), Encoding.UTF8.GetString(to)));

    /// <summary>A subscription of a client got it, would have, or could not.</summary>
    internal void AddEgress(Subscription subscription, string? error)
    {
        var receiver = subscription.Subscriber;
        var account = receiver.Describe(detailed: false)?.Account;
        _steps.Add(EgressTo(receiver) with
        {
            Account = account == _ingress.Account ? null : account,
            Subscription = Encoding.UTF8.GetString(subscription.Subject),
            Queue = subscription.Queue is null ? null : Encoding.UTF8.GetString(subscription.Queue),
            Error = error,
        });
    }

    /// <summary>Another server got it, or could not.</summary>
    internal void AddEgress(LinkSubscriber link, string hop, string? error) => _steps.Add(EgressTo(link) with { Hop = hop, Error = error });

    /// <summary>The place of the next server it goes to.</summary>
    internal string NextHop()
    {
        _hops++;
        return _request.Hop is null ? $"{_hops}" : $"{_request.Hop}.{_hops}";
    }

    private static TraceEgress EgressTo(Subscriber receiver) =>
        new() { Kind = KindOf(receiver), ConnectionId = receiver.ConnectionId, Name = receiver.Name };

    /// <summary>Upstream's numbers for what connections are.</summary>
    private static int KindOf(Subscriber subscriber) => subscriber.Kind switch
    {
        SubscriberKind.Client => 0,
        SubscriberKind.Route => 1,
        SubscriberKind.Gateway => 2,
        SubscriberKind.Leaf => 4,
        _ => 6,
    };
}
