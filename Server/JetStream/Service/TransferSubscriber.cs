using NatsAspire.Server.Accounts;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>A snapshot or a restore under way.</summary>
internal interface ITransfer
{
    /// <summary>Ends it as if it had failed, and leaves nothing behind.</summary>
    Task StopAsync();
}

/// <summary>Takes a message of a transfer; on its publisher's loop.</summary>
/// <returns>False: nobody takes any more.</returns>
internal delegate bool TransferMessage(in Message message, FlushBatch batch);

/// <summary>Listens for the messages of one transfer.</summary>
/// <param name="take">Takes them; must not block.</param>
internal sealed class TransferSubscriber(TransferMessage take) : ServiceSubscriber
{
    public override bool TakesRoutedMessages => true;

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch) =>
        !subscription.IsClosed && take(message, batch);
}
