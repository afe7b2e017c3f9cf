using System.Net.Sockets;
using NatsAspire.Server.Clustering.Links;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>
/// Solicits connections to other clusters: to configured ones for ever, to learned ones connect_retries times, with a
/// pause between attempts that doubles when connect_backoff is on.
/// </summary>
/// <param name="host">The server.</param>
/// <param name="onConnected">Takes a connected socket.</param>
/// <param name="stillWanted">Whether a cluster lacks its connection.</param>
/// <param name="giveUp">A learned cluster could not be reached; false: go on, since it reaches this one.</param>
internal sealed class GatewayDialer(
    IGatewayHost host, Action<Socket, RemoteGateway, Uri> onConnected, Func<RemoteGateway, bool> stillWanted, Func<RemoteGateway, bool> giveUp) : IDisposable
{
    private const int RetryJitterMilliseconds = 100;
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Begins to connect, in the background.</summary>
    public void Dial(RemoteGateway remote, TimeSpan delay = default) => _ = DialAsync(remote, delay, isFirst: true);

    /// <summary>Connects anew after a connection ended.</summary>
    public void Redial(RemoteGateway remote)
    {
        var delay = TimeSpan.FromMilliseconds(Random.Shared.Next(RetryJitterMilliseconds));
        _ = DialAsync(remote, remote.IsImplicit ? delay : delay + Pause, isFirst: false);
    }

    public void Dispose() => _stop.Cancel();

    /// <summary>The pause behind this one, with connect_backoff.</summary>
    internal static TimeSpan Next(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    private async Task DialAsync(RemoteGateway remote, TimeSpan delay, bool isFirst)
    {
        try
        {
            if (delay > TimeSpan.Zero) await Task.Delay(delay, _stop.Token).ConfigureAwait(false);
            await DialUntilConnectedAsync(remote, isFirst).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            GatewayLog.DialStopped(host.Log, remote.Name);
        }
    }

    private async Task DialUntilConnectedAsync(RemoteGateway remote, bool isFirst)
    {
        var pause = Pause;
        for (var attempt = 1; stillWanted(remote); attempt++)
        {
            foreach (var url in remote.ShuffledUrls())
            {
                if (!await TryDialAsync(remote, url, attempt, isFirst).ConfigureAwait(false)) continue;
                return;
            }
            var retries = host.Options.Gateway.ConnectRetries;
            if (remote.IsImplicit && (retries == 0 || attempt > retries) && giveUp(remote)) return;
            await Task.Delay(pause, _stop.Token).ConfigureAwait(false);
            if (host.Options.Gateway.ConnectBackoff) pause = Next(pause);
        }
    }

    private async Task<bool> TryDialAsync(RemoteGateway remote, Uri url, int attempt, bool isFirst)
    {
        var kind = remote.IsImplicit ? "implicit" : "explicit";
        var every = isFirst ? host.Options.Logging.ConnectErrorReports : host.Options.Logging.ReconnectErrorReports;
        var isReported = attempt == 1 || every <= 1 || attempt % every == 0;
        var (name, address) = ($"\"{remote.Name}\"", $"{url.Host}:{url.Port}");
        if (isReported) GatewayLog.Dialing(host.Log, kind, name, address, attempt);
        else GatewayLog.DialingAgain(host.Log, kind, name, address, attempt);
        var (socket, error) = await LinkSocket.TryConnectAsync(url.Host, url.Port, _stop.Token).ConfigureAwait(false);
        if (socket is not null)
        {
            onConnected(socket, remote, url);
            return true;
        }
        if (isReported) GatewayLog.DialFailed(host.Log, kind, name, address, attempt, LinkSocket.TextOf(error!));
        else GatewayLog.DialFailedAgain(host.Log, kind, name, address, attempt, LinkSocket.TextOf(error!));
        return false;
    }
}
