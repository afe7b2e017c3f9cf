using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>What the server tells unasked: who comes and goes, how it fares, that it leaves.</summary>
internal sealed partial class SystemServices : IClientEvents
{
    private static readonly TimeSpan StatisticsInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstStatisticsInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AccountsInterval = TimeSpan.FromSeconds(30);
    private Timer? _statisticsTimer;
    private int _firstStatistics = 10;
    private Timer? _accountsTimer;

    /// <summary>Says that the server takes no more clients.</summary>
    public void AnnounceLameDuck() => _mailbox.Post(() => Send($"$SYS.SERVER.{_source.ServerId}.LAMEDUCK", Identify(), SystemJson.Default.ServerIdentityInfo));

    /// <summary>Says that the server ends. Before its connections do.</summary>
    public void AnnounceShutdown() => Send($"$SYS.SERVER.{_source.ServerId}.SHUTDOWN", Identify(), SystemJson.Default.ServerIdentityInfo);

    void IClientEvents.OnConnected(ClientConnection client, Account account)
    {
        if (!IsWanted($"$SYS.ACCOUNT.{account.Name}.CONNECT") && !AreConnectionsWanted(account)) return;
        var described = client.Describe(true);
        _mailbox.Post(() =>
        {
            var message = new ConnectEvent { Id = UniqueId.Next(), Time = MonitoringSource.Now, Server = Identify(), Client = described };
            Send($"$SYS.ACCOUNT.{account.Name}.CONNECT", message, SystemJson.Default.ConnectEvent);
            PublishAccount(account.Name, default);
            AskForConnections(account.Name);
        });
    }

    void IClientEvents.OnDisconnected(ClientConnection client, Account account, CloseReason reason)
    {
        if (!IsWanted($"$SYS.ACCOUNT.{account.Name}.DISCONNECT") && !AreConnectionsWanted(account)) return;
        var message = Describe(client, account, reason.Text());
        _mailbox.Post(() =>
        {
            Send($"$SYS.ACCOUNT.{account.Name}.DISCONNECT", message with { Server = Identify() }, SystemJson.Default.DisconnectEvent);
            PublishAccount(account.Name, default);
        });
    }

    void IClientEvents.OnRefused(ClientConnection client, CloseReason reason)
    {
        if (!IsWanted($"$SYS.SERVER.{_source.ServerId}.CLIENT.AUTH.ERR")) return;
        var message = Describe(client, null, reason.Text());
        _mailbox.Post(() => Send($"$SYS.SERVER.{_source.ServerId}.CLIENT.AUTH.ERR", message with { Server = Identify() }, SystemJson.Default.DisconnectEvent));
    }

    private void StartEvents()
    {
        // At first more often: servers that find each other want to know what each can hold.
        _statisticsTimer = new Timer(_ => _mailbox.Post(PublishStatistics), null, TimeSpan.FromMilliseconds(250), FirstStatisticsInterval);
        _accountsTimer = new Timer(_ => _mailbox.Post(PublishAccounts), null, AccountsInterval, AccountsInterval);
    }

    private void StopEvents()
    {
        _statisticsTimer?.Dispose();
        _accountsTimer?.Dispose();
        _askTimer?.Dispose();
    }

    /// <summary>Nobody is told what nobody listens for.</summary>
    private bool IsWanted(string subject) => _system.Subscriptions.HasInterest(System.Text.Encoding.UTF8.GetBytes(subject));

    private bool AreConnectionsWanted(Account account) => IsWanted($"$SYS.ACCOUNT.{account.Name}.SERVER.CONNS") || IsWanted($"$SYS.SERVER.ACCOUNT.{account.Name}.CONNS");

    private DisconnectEvent Describe(ClientConnection client, Account? account, string reason)
    {
        var moved = account is null ? client.Traffic : client.TrafficInAccount;
        return new DisconnectEvent
        {
            Id = UniqueId.Next(),
            Time = MonitoringSource.Now,
            Server = Identify(),
            Client = client.Describe(true) with { Account = account?.Name ?? client.Account?.Name ?? "N/A", Stop = MonitoringSource.Now },
            Sent = DataStatistics.Of(new Volume(moved.OutMessages, moved.OutBytes), new Volume(0, 0), new Volume(0, 0), new Volume(0, 0)),
            Received = DataStatistics.Of(new Volume(moved.InMessages, moved.InBytes), new Volume(0, 0), new Volume(0, 0), new Volume(0, 0)),
            Reason = reason,
        };
    }

    private void PublishStatistics()
    {
        var subject = $"$SYS.SERVER.{_source.ServerId}.STATSZ";
        if (IsWanted(subject)) Send(subject, MakeStatistics(), SystemJson.Default.StatsEvent);
        if (--_firstStatistics == 0) _statisticsTimer?.Change(StatisticsInterval, StatisticsInterval);
    }

    private void PublishAccounts()
    {
        foreach (var account in _source.Accounts.All)
        {
            if (account.ConnectionCount > 0 && AreConnectionsWanted(account)) PublishAccount(account.Name, default);
        }
    }

    /// <summary>An account's connections, to those who asked or to all who listen.</summary>
    private void PublishAccount(string name, byte[]? reply)
    {
        if (_source.Accounts.Find(name) is not { } account) return;
        var figures = AccountStatz.Collect(_source, new AccountStatzOptions { Accounts = [name], IncludeUnused = true }).Accounts.Single();
        var message = new AccountConnectionsEvent
        {
            Id = UniqueId.Next(),
            Time = MonitoringSource.Now,
            Server = Identify(),
            Account = account.Name,
            Name = figures.Name,
            Connections = figures.Connections,
            LeafNodes = figures.LeafNodes,
            TotalConnections = figures.TotalConnections,
            Subscriptions = figures.Subscriptions,
            Sent = figures.Sent,
            Received = figures.Received,
            SlowConsumers = figures.SlowConsumers,
        };
        if (reply is { Length: > 0 })
        {
            Send(reply, message, SystemJson.Default.AccountConnectionsEvent);
            return;
        }
        Send($"$SYS.ACCOUNT.{name}.SERVER.CONNS", message, SystemJson.Default.AccountConnectionsEvent);
        Send($"$SYS.SERVER.ACCOUNT.{name}.CONNS", message, SystemJson.Default.AccountConnectionsEvent);
    }

    private StatsEvent MakeStatistics()
    {
        var clients = _source.Clients.Traffic;
        var routed = _source.Routes?.Traffic ?? default;
        var routes = _source.Routes?.Snapshot() ?? [];
        routed += (_source.Gateways?.Traffic ?? default) + (_source.LeafNodes?.Traffic ?? default);
        var statistics = new ServerStatistics
        {
            Start = _source.StartedAt,
            Memory = ProcessUsage.ResidentBytes,
            Cores = Environment.ProcessorCount,
            Cpu = _source.Process.CpuPercent,
            Connections = _source.Clients.Count,
            TotalConnections = _source.Clients.Total,
            ActiveAccounts = _source.Accounts.All.Count(account => account.ConnectionCount > 0),
            Subscriptions = _source.Accounts.All.Sum(account => (long)account.Subscriptions.Count),
            Sent = new Volume(clients.OutMessages + routed.OutMessages, clients.OutBytes + routed.OutBytes),
            SentToClients = new Volume(clients.OutMessages, clients.OutBytes),
            Received = new Volume(clients.InMessages + routed.InMessages, clients.InBytes + routed.InBytes),
            ReceivedFromClients = new Volume(clients.InMessages, clients.InBytes),
            SlowConsumers = _source.Clients.SlowConsumers + (_source.Routes?.SlowConsumers ?? 0) + (_source.Gateways?.SlowConsumers ?? 0) + (_source.LeafNodes?.SlowConsumers ?? 0),
            SlowConsumerCounts = Counts(_source.Clients.SlowConsumers, _source.Routes?.SlowConsumers ?? 0, _source.Gateways?.SlowConsumers ?? 0, _source.LeafNodes?.SlowConsumers ?? 0),
            StaleConnectionCounts = Counts(_source.Clients.StaleConnections, _source.Routes?.StaleConnections ?? 0, _source.Gateways?.StaleConnections ?? 0, _source.LeafNodes?.StaleConnections ?? 0),
            StaleConnections = _source.Clients.StaleConnections + (_source.Routes?.StaleConnections ?? 0) + (_source.Gateways?.StaleConnections ?? 0) + (_source.LeafNodes?.StaleConnections ?? 0),
            StalledClients = _source.Clients.Stalls,
            JetStream = JetStreamStatisticsOf(_source),
            Gateways = _source.Gateways is { } gateways ? GatewayStatistics.Of(gateways) : null,
            ActiveServers = 1 + OtherServers,
            Routes = routes.Count == 0 ? null : [.. routes.Select(route => new RouteStatistics
            {
                Id = route.Id,
                Name = route.RemoteName,
                Sent = new Volume(route.OutMessages, route.OutBytes),
                Received = new Volume(route.InMessages, route.InBytes),
                Pending = route.PendingBytes,
            })],
        };
        var server = Identify();
        // Other servers go by what is said here; users see what upstream shows them.
        return new StatsEvent(server.JetStream ? server with { Flags = server.Flags | ServerIdentityInfo.StaysUntilRelieved } : server, statistics);
    }

    /// <summary>Without the directory, which is the machine's own business. Who does not lead the meta group calls it by its name.</summary>
    private static JetStreamVarz? JetStreamStatisticsOf(MonitoringSource source) =>
        JetStreamVarz.Of(source) is { } block
            ? block with
            {
                Config = block.Config! with { StoreDirectory = null },
                Meta = block.Meta is { Leader: var leader } meta && leader != source.ServerName ? meta with { Name = "_meta_" } : block.Meta,
            }
            : null;

    /// <summary>Null: there are none, which is not told.</summary>
    private static KindCounts? Counts(long clients, long routes, long gateways, long leafs) =>
        clients + routes + gateways + leafs == 0 ? null : new KindCounts(clients, routes, gateways, leafs);
}
