using System.Diagnostics;
using System.Net.Sockets;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>Keeps a remote connected: one attempt after the other, with a pause between, for as long as it is configured.</summary>
/// <param name="host">The server.</param>
/// <param name="onConnected">Makes a connection of a socket; the remote's <see cref="LeafRemote.Closed"/> completes when it ends.</param>
internal sealed class LeafDialer(ILeafHost host, Action<Socket, Uri, LeafRemote> onConnected)
{
    /// <summary>Attempts in the first interval, before the remote was ever connected.</summary>
    private const int EagerAttempts = 10;

    /// <summary>Begins, in the background.</summary>
    /// <param name="remote">Whom to keep connected.</param>
    /// <param name="after">What must have ended before.</param>
    public void Start(LeafRemote remote, Task after) => _ = RunAsync(remote, after);

    private TimeSpan Interval => host.Options.LeafNode.ReconnectInterval is { Ticks: > 0 } set ? set : Defaults.RouteReconnect;

    private async Task RunAsync(LeafRemote remote, Task after)
    {
        try
        {
            await after.WaitAsync(remote.Stopped).ConfigureAwait(false);
            var since = Stopwatch.StartNew();
            for (var first = true; ; first = false)
            {
                if (remote.TakeDelay() is { Ticks: > 0 } delay) await Task.Delay(delay, remote.Stopped).ConfigureAwait(false);
                var (socket, url) = await ConnectAsync(remote, first, since).ConfigureAwait(false);
                remote.OnOpening();
                onConnected(socket, url, remote);
                await Task.WhenAny(remote.Joined, remote.Closed).WaitAsync(remote.Stopped).ConfigureAwait(false);
                // Something may listen there that only passes on: that is no hub yet.
                if (remote.Joined.IsCompleted) Migrate(remote, isCutOff: false);
                else MigrateIfDue(remote, since);
                await remote.Closed.WaitAsync(remote.Stopped).ConfigureAwait(false);
                if (remote.Joined.IsCompleted) since.Restart();
                await Task.Delay(Interval, remote.Stopped).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (remote.Stopped.IsCancellationRequested)
        {
            LeafLog.DialStopped(host.Log, remote.Account);
            Migrate(remote, isCutOff: false);
        }
    }

    /// <summary>Who is cut off from the hub leaves the lead of the account's streams to servers that are not.</summary>
    private void Migrate(LeafRemote remote, bool isCutOff)
    {
        if (!remote.Options.JetStreamClusterMigrate || !(isCutOff || remote.HasMigrated)) return;
        // Each time while it is cut off: streams may have come meanwhile.
        remote.HasMigrated = isCutOff;
        if (host.Accounts.Find(remote.Account) is { } account) host.LetLead(account, mayLead: !isCutOff);
    }

    private void MigrateIfDue(LeafRemote remote, Stopwatch since)
    {
        if (since.Elapsed >= remote.Options.JetStreamClusterMigrateDelay) Migrate(remote, isCutOff: true);
    }

    private async Task<(Socket Socket, Uri Url)> ConnectAsync(LeafRemote remote, bool first, Stopwatch since)
    {
        for (var attempt = 1; ; attempt++)
        {
            remote.Stopped.ThrowIfCancellationRequested();
            var url = remote.NextUrl();
            LeafLog.Dialing(host.Log, $"{url.Host}:{url.Port}");
            var (socket, error) = await TryConnectAsync(remote, url).ConfigureAwait(false);
            if (socket is not null) return (socket, url);
            Report(url, attempt, first, error!);
            await Task.Delay(PauseAfter(attempt, first), remote.Stopped).ConfigureAwait(false);
            MigrateIfDue(remote, since);
        }
    }

    /// <summary>A hub that starts at the same time listens in a moment.</summary>
    private TimeSpan PauseAfter(int attempt, bool first) =>
        first && attempt <= EagerAttempts ? Interval / EagerAttempts : Interval + (Interval * Random.Shared.NextDouble());

    private async Task<(Socket? Socket, Exception? Error)> TryConnectAsync(LeafRemote remote, Uri url)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(remote.Stopped);
        timeout.CancelAfter(DialTimeout(host.Options.LeafNode, remote.Options));
        try
        {
            if (remote.Options.Proxy is not { Url.Length: > 0 } proxy || !LeafNodeCheck.IsWebSocket(url))
            {
                return (await LinkSocket.ConnectAsync(url.Host, PortOf(url), timeout.Token).ConfigureAwait(false), null);
            }
            if (proxy.Timeout > TimeSpan.Zero) timeout.CancelAfter(proxy.Timeout);
            return (await HttpTunnel.OpenAsync(proxy, url, timeout.Token).ConfigureAwait(false), null);
        }
        catch (Exception error) when (error is SocketException or IOException or OperationCanceledException && !remote.Stopped.IsCancellationRequested)
        {
            return (null, error);
        }
    }

    /// <summary>How long an attempt may take: the remote's own limit, or the one for all, or the usual one.</summary>
    internal static TimeSpan DialTimeout(LeafNodeOptions all, RemoteLeafOptions remote) =>
        remote.DialTimeout is { Ticks: > 0 } own ? own : all.DialTimeout is { Ticks: > 0 } common ? common : Defaults.RouteDial;

    /// <summary>The port of an address, or the usual one of its scheme.</summary>
    internal static int PortOf(Uri url) => url.Port > 0 ? url.Port : Defaults.LeafNodePort;

    private void Report(Uri url, int attempt, bool first, Exception error)
    {
        var every = first ? host.Options.Logging.ConnectErrorReports : host.Options.Logging.ReconnectErrorReports;
        var text = error is OperationCanceledException ? "i/o timeout" : error.Message;
        var address = $"{url.Host}:{PortOf(url)}";
        if (attempt == 1 || every <= 1 || attempt % every == 0) LeafLog.DialFailed(host.Log, address, attempt, text);
        else LeafLog.DialFailedAgain(host.Log, address, attempt, text);
    }
}
