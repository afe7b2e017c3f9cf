using NatsAspire.Server.Accounts;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clients;

/// <summary>Answers to requests of other clusters, which go straight back for a moment.</summary>
public sealed partial class ClientConnection
{
    /// <summary>Null, as nearly always: it got no such request yet.</summary>
    private volatile ReplyRoutes? _answers;

    /// <summary>From any thread.</summary>
    private void ExpectAnswer(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed)
    {
        var answers = _answers;
        if (answers is null)
        {
            var made = new ReplyRoutes();
            answers = Interlocked.CompareExchange(ref _answers, made, null) ?? made;
        }
        answers.Add(reply, routed, Environment.TickCount64);
    }

    private bool TrySendBack(Account account, in Message message) =>
        _answers!.Find(message.Subject, Environment.TickCount64) is { } routed && account.SendBack(routed, message, Loop.Batch);
}
