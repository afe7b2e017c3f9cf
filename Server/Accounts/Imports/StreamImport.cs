using System.Buffers;
using System.Text;
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
    public Account Exporter => exporter;

    public ImportMapping Mapping => mapping;

    public bool AllowTrace => allowTrace;

    /// <summary>The shadow of a local subscription; null: they have nothing in common.</summary>
    public Subscription? Shadow(Subscription subscription)
    {
        if (mapping.OverlapAtExporter(Encoding.UTF8.GetString(subscription.Subject)) is not { } subject) return null;
        return new Subscription(new ShadowSubscriber(this, importer, subscription), Encoding.UTF8.GetBytes(subject), subscription.Queue, subscription.Sid);
    }

    /// <summary>Hands messages to the subscription it stands for, under their local subject.</summary>
    private sealed class ShadowSubscriber(StreamImport import, Account importer, Subscription original) : Subscriber, IShadow
    {
        [ThreadStatic]
        private static ArrayBufferWriter<byte>? _subject;

        public Account Exporter => import.Exporter;

        public Account Importer => importer;

        public Subscription Original => original;

        public bool AllowsTrace => import.AllowTrace;

        public override SubscriberKind Kind => original.Subscriber.Kind;

        public override ulong ConnectionId => original.Subscriber.ConnectionId;

        public override string? Name => original.Subscriber.Name;

        public override ClientInfo? Describe(bool detailed) => original.Subscriber.Describe(detailed);

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
        {
            // A request of another account is for the service alone, not for those who import its subjects as a stream.
            if (original.IsClosed || message.IsImported) return false;
            return import.Mapping.IsIdentity
                ? original.Subscriber.Deliver(original, message, batch)
                : original.Subscriber.Deliver(original, Localize(message), batch);
        }

        public Message Localize(in Message message)
        {
            var mapping = import.Mapping;
            if (mapping.IsIdentity) return message;
            if (mapping.ToLocal is null) return message.WithSubject(mapping.LocalPattern);
            var subject = _subject ??= new ArrayBufferWriter<byte>(256);
            subject.ResetWrittenCount();
            mapping.ToLocal.Transform(message.Subject, subject, Random.Shared);
            return message.WithSubject(subject.WrittenSpan);
        }
    }
}

/// <summary>A subscription in an exporting account that stands for one elsewhere.</summary>
internal interface IShadow
{
    Account Exporter { get; }

    Account Importer { get; }

    /// <summary>The subscription it stands for.</summary>
    Subscription Original { get; }

    /// <summary>Traces go on into the importing account.</summary>
    bool AllowsTrace { get; }

    /// <summary>The message as the importer sees it. Good until the next one on this thread.</summary>
    Message Localize(in Message message);
}
