using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Hosting;

/// <summary>Lame duck: the server takes no more clients and lets go of those it has, a few at a time.</summary>
public sealed partial class NatsServer
{
    private int _lameDuck;

    /// <summary>True once lame duck mode was entered; there is no way back.</summary>
    public bool IsLameDuck => Volatile.Read(ref _lameDuck) != 0;

    /// <summary>
    /// Closes the listener, tells clients and peers, waits <see cref="Configuration.ServerOptions.LameDuckGracePeriod"/>,
    /// closes clients evenly over what is left of <see cref="Configuration.ServerOptions.LameDuckDuration"/>, and stops.
    /// </summary>
    public async Task EnterLameDuckAsync()
    {
        if (Interlocked.Exchange(ref _lameDuck, 1) != 0) return;
        ServerLog.LameDuckEntered(_log);
        if (_clientListener is not null) await _clientListener.DisposeAsync().ConfigureAwait(false);
        await CloseWebSocketListenerAsync().ConfigureAwait(false);
        if (_jetStreamService is not null) await _jetStreamService.MakeWayAsync().ConfigureAwait(false);
        _routes?.AnnounceLameDuck();
        _system?.AnnounceLameDuck();
        _clients.UpdateInfo(info => info with
        {
            LameDuckMode = true,
            ConnectUrls = info.ConnectUrls?.Except(ClientUrls).ToArray(),
            WebSocketConnectUrls = info.WebSocketConnectUrls?.Except(WebSocketUrls).ToArray(),
        });
        if (_clients.Count > 0) await CloseClientsSlowlyAsync().ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
    }

    private async Task CloseClientsSlowlyAsync()
    {
        try
        {
            ServerLog.LameDuckGrace(_log, $"{Options.LameDuckGracePeriod.TotalSeconds:0.###}s");
            await Task.Delay(Options.LameDuckGracePeriod, _stopping.Token).ConfigureAwait(false);
            ServerLog.LameDuckClosing(_log);
            var clients = _clients.Clients.ToArray();
            if (clients.Length == 0) return;
            var pause = (Options.LameDuckDuration - Options.LameDuckGracePeriod) / clients.Length;
            // A moment each, however long the duration: at most a second, as upstream.
            if (pause > TimeSpan.FromSeconds(1)) pause = TimeSpan.FromSeconds(1);
            foreach (var client in clients)
            {
                client.Close(CloseReason.ServerShutdown);
                if (pause >= TimeSpan.FromMilliseconds(1)) await Task.Delay(pause, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopped meanwhile, which closes them all.
            ServerLog.LameDuckClosing(_log);
        }
    }
}
