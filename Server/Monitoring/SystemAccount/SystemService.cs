using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>A request to the system account, copied out of the publisher's batch.</summary>
/// <param name="Subject">Its subject.</param>
/// <param name="Reply">Where the answer goes; empty: nowhere.</param>
/// <param name="Header">Its header block; empty: none.</param>
/// <param name="Payload">Options as JSON; empty: none.</param>
/// <param name="ConnectionId">Client of this server it came from; 0: none.</param>
internal sealed record SystemRequest(string Subject, byte[] Reply, byte[] Header, byte[] Payload, ulong ConnectionId);

/// <summary>Takes the requests of one subject and has them handled off the loop.</summary>
internal sealed class SystemService(SystemMailbox mailbox, bool takesRouted, Action<SystemRequest> handle) : ServiceSubscriber
{
    public override bool TakesRoutedMessages => takesRouted;

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        var request = new SystemRequest(
            Encoding.UTF8.GetString(message.Subject), message.Reply.ToArray(), message.Header.ToArray(), message.Payload.ToArray(),
            source.Kind == SubscriberKind.Client ? source.ConnectionId : 0);
        mailbox.Post(() => handle(request));
        return true;
    }
}
