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
/// <param name="exporter">Whose stream it is.</param>
/// <param name="mapping">Its subjects on both sides.</param>
/// <param name="allowTrace">Traces go on into the importing account.</param>
public sealed class StreamImport(Account exporter, ImportMapping mapping, bool allowTrace)
{
    public Account Exporter => exporter;

    public ImportMapping Mapping => mapping;

    public bool AllowTrace => allowTrace;

    /// <summary>The shadow of a local subscription; null: they have nothing in common.</summary>
    public Subscription? Shadow(Subscription subscription)
    {
        if (mapping.OverlapAtExporter(Encoding.UTF8.GetString(subscription.Subject)) is not { } subject) return null;
        return new Subscription(new ShadowSubscriber(exporter, subscription, mapping), Encoding.UTF8.GetBytes(subject), subscription.Queue, subscription.Sid);
    }

    /// <summary>Hands messages to the subscription it stands for, under their local subject.</summary>
    private sealed class ShadowSubscriber(Account exporter, Subscription original, ImportMapping mapping) : Subscriber, IShadow
    {
        [ThreadStatic]
        private static ArrayBufferWriter<byte>? _subject;

        public Account Exporter => exporter;

        public override SubscriberKind Kind => original.Subscriber.Kind;

        public override ulong ConnectionId => original.Subscriber.ConnectionId;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
        {
            // A request of another account is for the service alone, not for those who import its subjects as a stream.
            if (original.IsClosed || message.IsImported) return false;
            if (mapping.IsIdentity) return original.Subscriber.Deliver(original, message, batch);
            if (mapping.ToLocal is null) return original.Subscriber.Deliver(original, message.WithSubject(mapping.LocalPattern), batch);
            var local = _subject ??= new ArrayBufferWriter<byte>(256);
            local.ResetWrittenCount();
            mapping.ToLocal.Transform(message.Subject, local, Random.Shared);
            return original.Subscriber.Deliver(original, message.WithSubject(local.WrittenSpan), batch);
        }
    }
}

/// <summary>A subscription in an exporting account that stands for one elsewhere.</summary>
internal interface IShadow
{
    Account Exporter { get; }
}
