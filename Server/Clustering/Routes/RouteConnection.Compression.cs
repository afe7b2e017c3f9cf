using System.Diagnostics;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// Compression (clusterwire.md §2.6). On the peer's first INFO each side knows what comes of it. When there is
/// compression, each tells its INFO once more: the dialling side as the last thing it sends plain, the other as the
/// first it sends compressed. Only that INFO registers the route, so nothing else is under way meanwhile.
/// </summary>
public sealed partial class RouteConnection
{
    private CompressionOptions _compression;
    private S2Channel? _s2;
    private bool _agreedOnCompression;
    private bool _switchesReceiving;
    private volatile string _level = CompressionModes.Off;

    /// <summary>How what it sends is compressed: one of <see cref="CompressionModes"/>, with s2_auto the level of the moment.</summary>
    public string Compression => _level;

    /// <summary>The mode that INFO tells once it is agreed on.</summary>
    internal string AgreedMode => _compression.Mode == CompressionModes.Auto ? CompressionModes.Auto : _level;

    private bool Negotiates => CompressionNegotiation.IsActive(_compression.Mode);

    /// <summary>The normalized options of a cluster.</summary>
    internal static CompressionOptions CompressionOf(ClusterOptions cluster) =>
        new CompressionOptions(cluster.Compression ?? "", cluster.CompressionRttThresholds)
            .Normalize(CompressionModes.Fast, CompressionModes.Accept);

    /// <summary>Decides by the peer's first INFO.</summary>
    /// <returns>True: there is no compression, and that INFO registers the route; false: the next does, or it is closing.</returns>
    private bool AgreeOnCompression(string? remote)
    {
        _agreedOnCompression = true;
        if (!Negotiates)
        {
            var isKnown = !string.IsNullOrEmpty(remote) && _compression.Mode != CompressionModes.NotSupported;
            _level = isKnown ? CompressionModes.Off : CompressionModes.NotSupported;
            return true;
        }
        if (CompressionNegotiation.Agree(_compression.Mode, remote) is not { } mode)
        {
            Fail($"unsupported route compression mode \"{remote}\"", CloseReason.ProtocolViolation);
            return false;
        }
        if (mode == CompressionModes.Auto)
        {
            // Nobody has sent a PING yet; the peer's INFO took one round trip from the connection's beginning.
            RoundTrip = Stopwatch.GetElapsedTime(_pingSentTimestamp);
            mode = CompressionNegotiation.LevelFor(RoundTrip, _compression.RttThresholds);
        }
        _level = mode;
        _pingsOut = 0;
        SchedulePing(first: true);
        if (!CompressionNegotiation.IsActive(mode)) return true;
        SwitchToS2();
        return false;
    }

    private void SwitchToS2()
    {
        var info = (_manager.BuildInfo() with
        {
            Nonce = Security.Nonce.Next(),
            RouteAccount = PinnedAccount,
            Compression = AgreedMode,
        }).ToProtocolLine();
        if (IsSolicited) SendLine(info);
        Loop.Batch.Release();
        Flush();
        if (PendingBytes > 0)
        {
            RouteLog.Error(Log, _label, "The peer does not read what comes before compression.");
            Close(CloseReason.WriteError);
            return;
        }
        AddLayer(below => _s2 = new S2Channel(below));
        _s2!.StartSending(EffortOf(_level));
        _switchesReceiving = true;
        if (!IsSolicited) SendLine(info);
    }

    /// <summary>What follows the peer's INFO is its S2 stream.</summary>
    private void StartDecompressing(ReadOnlySpan<byte> received)
    {
        _switchesReceiving = false;
        _s2!.StartReceiving(received);
    }

    /// <summary>With s2_auto: the level of the round trip time now.</summary>
    private void AdjustLevel()
    {
        if (_s2 is null || _compression.Mode != CompressionModes.Auto) return;
        SetLevel(CompressionNegotiation.LevelFor(RoundTrip, _compression.RttThresholds));
    }

    private void SetLevel(string level)
    {
        _level = level;
        _s2!.SetEffort(EffortOf(level));
    }

    private static S2Effort EffortOf(string level) => level switch
    {
        CompressionModes.Uncompressed => S2Effort.None,
        CompressionModes.Better => S2Effort.Better,
        CompressionModes.Best => S2Effort.Best,
        _ => S2Effort.Fast,
    };

    /// <summary>
    /// Other options: a stream goes on at another level; whether there is one at all is to be negotiated anew, on
    /// another connection.
    /// </summary>
    private void ReloadCompression()
    {
        var now = CompressionOf(_host.Options.Cluster);
        if (now.IsSame(_compression)) return;
        _compression = now;
        if (_agreedOnCompression && (_level == CompressionModes.NotSupported || _level == now.Mode)) return;
        if (_s2 is null || now.Mode == CompressionModes.Accept || !Negotiates) Close(CloseReason.ClientClosed);
        else if (now.Mode == CompressionModes.Auto) AdjustLevel();
        else SetLevel(now.Mode);
    }
}
