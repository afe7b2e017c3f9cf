using System.Net.Sockets;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// Solicits routes: a configured address for ever, a learned one connect_retries times, with a pause between
/// attempts that doubles when connect_backoff is on.
/// </summary>
internal sealed class RouteDialer(IRouteHost host, Action<Socket, RouteTarget> onConnected, Action<RouteTarget> onRefused, Func<RouteTarget, bool> stillWanted)
    : IDisposable
{
    private static readonly int RetryJitterMilliseconds = 100;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Begins to connect, in the background.</summary>
    public void Dial(RouteTarget target, TimeSpan delay = default) => _ = DialAsync(target, delay, first: true);

    /// <summary>Connects anew after a connection ended: at a random moment, so that two servers miss each other.</summary>
    public void Redial(RouteTarget target, bool wasDuplicate)
    {
        var delay = TimeSpan.FromMilliseconds(Random.Shared.Next(RetryJitterMilliseconds));
        if (target.IsExplicit && !wasDuplicate) delay += Defaults.RouteReconnect;
        _ = DialAsync(target, delay, first: false);
    }

    public void Dispose() => _stop.Cancel();

    private async Task DialAsync(RouteTarget target, TimeSpan delay, bool first)
    {
        try
        {
            if (delay > TimeSpan.Zero) await Task.Delay(delay, _stop.Token).ConfigureAwait(false);
            await DialUntilConnectedAsync(target, first).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            RouteLog.DialStopped(host.Log, target.Address);
        }
    }

    private async Task DialUntilConnectedAsync(RouteTarget target, bool first)
    {
        var pause = Defaults.RouteReconnect;
        for (var attempt = 1; stillWanted(target); attempt++)
        {
            RouteLog.Dialing(host.Log, target.Address);
            var (socket, error) = await LinkSocket.TryConnectAsync(target.Url.Host, target.Url.Port, _stop.Token).ConfigureAwait(false);
            if (socket is not null)
            {
                onConnected(socket, target);
                return;
            }
            Report(attempt, first, error!);
            if (error is SocketException { SocketErrorCode: SocketError.ConnectionRefused }) onRefused(target);
            if (!target.IsExplicit && attempt > host.Options.Cluster.ConnectRetries) return;
            await Task.Delay(pause, _stop.Token).ConfigureAwait(false);
            if (!host.Options.Cluster.ConnectBackoff) continue;
            pause = pause * 2 < Defaults.RouteReconnectMax ? pause * 2 : Defaults.RouteReconnectMax;
        }
    }

    private void Report(int attempt, bool first, Exception error)
    {
        var every = first ? host.Options.Logging.ConnectErrorReports : host.Options.Logging.ReconnectErrorReports;
        var text = LinkSocket.TextOf(error);
        if (attempt == 1 || every <= 1 || attempt % every == 0) RouteLog.DialFailed(host.Log, attempt, text);
        else RouteLog.DialFailedAgain(host.Log, attempt, text);
    }
}
