using Microsoft.Extensions.Logging;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>Other options while the client is connected.</summary>
public sealed partial class ClientConnection
{
    /// <summary>Goes by the hub's current settings: closes if they no longer admit the client. From any thread.</summary>
    internal void Reload() => Loop.Post(() =>
    {
        if (IsClosing || _step != OpeningStep.Done) return;
        _trace = Log.IsEnabled(LogLevel.Trace);
        _maxControlLine = _hub.Options.Limits.MaxControlLine;
        if (Tls is not null && (WebSocket is null ? _hub.Settings.Tls : _hub.Settings.WebSocket?.Tls)?.IsPinned(Tls.PeerCertificate) == false)
        {
            ClientLog.Error(Log, _label, "certificate is no longer among the pinned ones");
            Close(CloseReason.TlsHandshakeError);
            return;
        }
        if (_awaitsConnect) return;
        if (!Authenticator.IsSlow(_connect)) Readmit(Authenticator.Authenticate(_connect, Facts));
        else ReadmitElsewhere();
    });

    private void ReadmitElsewhere()
    {
        if (IsSuspended) return;
        Suspend();
        var (connect, facts, authenticator) = (_connect, Facts, Authenticator);
        Task.Run(() =>
        {
            var identity = authenticator.Authenticate(connect, facts);
            Loop.Post(() =>
            {
                if (IsClosing) return;
                Readmit(identity);
                if (!IsClosing) ResumeSuspended();
            });
        });
    }

    private void Readmit(Identity identity)
    {
        var account = identity.Account is { } name ? _hub.Accounts.GetOrAdd(name) : _hub.Accounts.Global;
        // Who would now belong elsewhere connects anew, as upstream wants it.
        if (!identity.Admitted || !ReferenceEquals(account, Account))
        {
            RefuseAuthentication(identity.Admitted ? CloseReason.AuthenticationViolation : identity.Refusal);
            return;
        }
        Permissions = identity.Permissions;
        _replies = Permissions?.Responses is { } rule ? new ReplyPermissions(rule) : null;
        _checksPublish = Permissions is { RestrictsPublish: true };
        _matches.Clear();
        ApplyLimits(account.Options);
        foreach (var subscription in _subscriptions.Values.ToArray()) Recheck(subscription);
    }

    private void Recheck(Subscription subscription)
    {
        if (Permissions is null || Permissions.MaySubscribe(subscription.Subject, subscription.Queue))
        {
            if (Permissions is not null && Permissions.NeedsDeliveryCheck(subscription.Subject)) _checksDelivery = true;
            return;
        }
        var queue = subscription.Queue is null ? "" : $" using queue \"{Text(subscription.Queue)}\"";
        SendError($"Permissions Violation for Subscription to \"{Text(subscription.Subject)}\"{queue} (sid \"{Text(subscription.Sid)}\")");
        ClientLog.Notice(Log, _label, $"Removed sub \"{Text(subscription.Subject)}\"{queue} (sid \"{Text(subscription.Sid)}\") - not authorized");
        RemoveSubscription(subscription);
    }
}
