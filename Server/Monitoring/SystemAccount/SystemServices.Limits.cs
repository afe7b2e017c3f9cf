using System.Text;
using System.Text.Json;
using NatsAspire.Server.Accounts;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>
/// An account's connection limit holds for the whole cluster: servers tell each other how many they have. Only
/// accounts with a limit are listened for, so that others cost nothing.
/// </summary>
internal sealed partial class SystemServices
{
    /// <summary>A question may come before the other server's interest in it does: it is asked again.</summary>
    private const int Repetitions = 5;

    private static readonly TimeSpan RepetitionInterval = TimeSpan.FromSeconds(1);
    private readonly HashSet<string> _limited = [];
    private Timer? _askTimer;
    private int _asksLeft;

    /// <summary>Listens for the accounts that have a limit now. At the start and after a reload.</summary>
    public void TrackLimits() => _mailbox.Post(() =>
    {
        foreach (var account in _source.Accounts.All)
        {
            if (account.Options.MaxConnections < 0 || account.IsSystem || !_limited.Add(account.Name)) continue;
            if (_limited.Count == 1) Listen("$SYS.SERVER.*.SHUTDOWN", ForgetServer);
            Listen($"$SYS.ACCOUNT.{account.Name}.SERVER.CONNS", TakeConnections);
        }
    });

    /// <summary>Asks the other servers for their numbers; they answer where they tell them unasked as well.</summary>
    private void AskForConnections(string account)
    {
        if (!_limited.Contains(account)) return;
        Ask(account);
        _asksLeft = Repetitions;
        _askTimer ??= new Timer(_ => _mailbox.Post(AskAgain), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _askTimer.Change(RepetitionInterval, RepetitionInterval);
    }

    private void AskAgain()
    {
        if (--_asksLeft <= 0) _askTimer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var account in _limited.Where(name => _source.Accounts.Find(name) is { ConnectionCount: > 0 })) Ask(account);
    }

    private void Ask(string account)
    {
        _system.PublishInternal(
            Encoding.UTF8.GetBytes($"$SYS.REQ.ACCOUNT.{account}.CONNS"), Encoding.UTF8.GetBytes($"$SYS.ACCOUNT.{account}.SERVER.CONNS"), default, null);
    }

    private void TakeConnections(SystemRequest message)
    {
        var told = JsonSerializer.Deserialize(message.Payload, SystemJson.Default.AccountConnectionsEvent);
        if (told is null || told.Server.Id == _source.ServerId || _source.Accounts.Find(told.Account) is not { } account) return;
        account.Elsewhere.Set(told.Server.Id, told.Connections);
        CloseExcess(account);
    }

    private void ForgetServer(SystemRequest message)
    {
        foreach (var account in _source.Accounts.All) account.Elsewhere.Remove(Token(message, 2));
    }

    /// <summary>Two servers may each let in the last one: the newest here go.</summary>
    private void CloseExcess(Account account)
    {
        var limit = account.Options.MaxConnections;
        if (limit < 0) return;
        var over = account.ConnectionCount + account.Elsewhere.Total - limit;
        if (over <= 0) return;
        var newest = _source.Clients.Clients.Where(client => ReferenceEquals(client.Account, account)).OrderByDescending(client => client.Id).Take(over);
        foreach (var client in newest) client.CloseAsExcessOfAccount();
    }
}
