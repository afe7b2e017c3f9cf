using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// Another account's stream, under a local subject: each local subscription within it casts a shadow there, which
/// brings messages over.
/// </summary>
/// <param name="importer">Who takes it.</param>
/// <param name="exporter">Whose stream it is.</param>
/// <param name="mapping">Its subjects on both sides.</param>
/// <param name="allowTrace">Traces go on into the importing account.</param>
public sealed class StreamImport(Account importer, Account exporter, ImportMapping mapping, bool allowTrace)
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _subject;

    private readonly ConditionalWeakTable<LeafSubscriber, LeafShadow> _leafs = [];

    public Account Exporter => exporter;

    public ImportMapping Mapping => mapping;

    public bool AllowTrace => allowTrace;

    /// <summary>The shadow of a local subscription; null: they have nothing in common.</summary>
    public Subscription? Shadow(Subscription subscription)
    {
        if (mapping.OverlapAtExporter(Encoding.UTF8.GetString(subscription.Subject)) is not { } subject) return null;
        var shadow = Encoding.UTF8.GetBytes(subject);
        // One shadow of a leaf node for all its subscriptions: it gets a message once.
        if (subscription.Subscriber is LeafSubscriber leaf)
        {
            return new Subscription(_leafs.GetValue(leaf, one => new LeafShadow(this, importer, one)), shadow, subscription.Queue) { QueueWeight = subscription.QueueWeight, Origin = subscription.Origin };
        }
        if (subscription.Subscriber is ServiceSubscriber service) return new Subscription(new ServiceShadow(this, importer, subscription, service), shadow);
        return new Subscription(new ShadowSubscriber(this, importer, subscription), shadow, subscription.Queue, subscription.Sid);
    }

    /// <summary>The message as the importer sees it. Good until the next one on this thread.</summary>
    private Message Localize(in Message message)
    {
        if (mapping.IsIdentity) return message;
        if (mapping.ToLocal is null) return message.WithSubject(mapping.LocalPattern);
        // What it was sent to is what is mapped, whatever subject it shows.
        var listened = message.Address.IsEmpty ? message.Subject : message.Address;
        var subject = _subject ??= new ArrayBufferWriter<byte>(256);
        subject.ResetWrittenCount();
        mapping.ToLocal.Transform(listened, subject, Random.Shared);
        return message.WithSubject(subject.WrittenSpan);
    }

    /// <summary>Hands messages to the subscription it stands for, under their local subject.</summary>
    private sealed class ShadowSubscriber(StreamImport import, Account importer, Subscription original) : Subscriber, IShadow
    {
        public Account Exporter => import.Exporter;

        public Account Importer => importer;

        public Subscription Original => original;

        public bool AllowsTrace => import.AllowTrace;

        public override SubscriberKind Kind => original.Subscriber.Kind;

        public override ulong ConnectionId => original.Subscriber.ConnectionId;

        public override string? Name => original.Subscriber.Name;

        public override ClientInfo? Describe(bool detailed) => original.Subscriber.Describe(detailed);

        public override void ExpectAnswer(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed) =>
            original.Subscriber.ExpectAnswer(reply, routed);

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
        {
            // A request of another account is for the service alone, not for those who import its subjects as a stream.
            if (original.IsClosed || message.IsImported) return false;
            return import.Mapping.IsIdentity
                ? original.Subscriber.Deliver(original, message, batch)
                : original.Subscriber.Deliver(original, import.Localize(message), batch);
        }

        public Message Localize(in Message message) => import.Localize(message);
    }

    /// <summary>A service of the importing account, which takes the stream under its local subject.</summary>
    private sealed class ServiceShadow(StreamImport import, Account importer, Subscription original, ServiceSubscriber service) : ServiceSubscriber, IImportShadow
    {
        public Account Exporter => import.Exporter;

        public override string? Name => service.Name;

        public override bool TakesRoutedMessages => service.TakesRoutedMessages;

        public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
        {
            if (original.IsClosed || message.IsImported) return false;
            var local = import.Localize(message);
            if (MessageTrace.Of(message) is { } trace)
            {
                trace.AddStreamExport(importer.Name, local.Subject);
                if (!import.AllowTrace)
                {
                    if (trace.IsOnly) return true;
                    local = local.WithTrace(null);
                }
            }
            return service.Take(original, importer, local, source, batch);
        }
    }

    /// <summary>A leaf node of the importing account, which gets the stream under its local subject.</summary>
    private sealed class LeafShadow(StreamImport import, Account importer, LeafSubscriber leaf) : LeafSubscriber, IImportShadow
    {
        public Account Exporter => import.Exporter;

        public override ulong ConnectionId => leaf.ConnectionId;

        public override string? Name => leaf.Name;

        public override ReadOnlySpan<byte> Cluster => leaf.Cluster;

        public override bool IsSpoke => leaf.IsSpoke;

        public override bool SupportsTracing => leaf.SupportsTracing;

        public override bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch) =>
            !message.IsImported && leaf.DeliverToLink(importer, import.Localize(message), queues, batch);
    }
}

/// <summary>A subscriber in an exporting account that stands for one elsewhere.</summary>
internal interface IImportShadow
{
    Account Exporter { get; }
}

/// <summary>The same of a client.</summary>
internal interface IShadow : IImportShadow
{
    Account Importer { get; }

    /// <summary>The subscription it stands for.</summary>
    Subscription Original { get; }

    /// <summary>Traces go on into the importing account.</summary>
    bool AllowsTrace { get; }

    /// <summary>The message as the importer sees it. Good until the next one on this thread.</summary>
    Message Localize(in Message message);
}
