using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>
/// Compression (clusterwire.md §2.6). On the peer's first INFO each side knows what comes of it. When there is
/// compression, each tells its INFO once more: the dialling side as the last thing it sends plain, the other as the
/// first it sends compressed. Only that INFO leads on, so nothing else is under way meanwhile.
/// </summary>
public abstract class CompressingConnection : LinkConnection
{
    private CompressionOptions _compression = new("", []);
    private S2Channel? _s2;
    private bool _switchesReceiving;
    private volatile string _level = CompressionModes.Off;

    private protected CompressingConnection(Transport transport, ILinkHost host, ulong id, string kind) : base(transport, host, id, kind)
    {
    }

    /// <summary>How what it sends is compressed: one of <see cref="CompressionModes"/>, with s2_auto the level of the moment.</summary>
    public string Compression => _level;

    /// <summary>The mode that INFO tells once it is agreed on.</summary>
    internal string AgreedMode => _compression.Mode == CompressionModes.Auto ? CompressionModes.Auto : _level;

    /// <summary>This side dialled.</summary>
    public abstract bool IsSolicited { get; }

    /// <summary>The configured mode, which INFO tells first.</summary>
    private protected string OfferedMode => _compression.Mode;

    /// <summary>What carries the connection compresses already.</summary>
    private protected virtual bool IsCompressedBelow => false;

    /// <summary>The configured mode takes part in the negotiation.</summary>
    private protected bool Negotiates => CompressionNegotiation.IsActive(_compression.Mode);

    /// <summary>It is known whether there is compression.</summary>
    private protected bool HasAgreedOnCompression { get; private set; }

    /// <summary>What follows is of another form: parsing ends here.</summary>
    private protected bool SwitchesReceiving => _switchesReceiving;

    /// <summary>A peer that compresses must not find a PING between what it reads plain and the stream.</summary>
    private protected override bool MayPing => !Negotiates || HasAgreedOnCompression;

    private protected override void OnRoundTrip() => AdjustLevel();

    /// <summary>The INFO that is told once more.</summary>
    private protected abstract byte[] BuildAgreedInfo();

    /// <summary>Sets what is offered; normalized. Before the conversation begins.</summary>
    private protected void OfferCompression(CompressionOptions options) => _compression = options;

    /// <summary>Decides by the peer's first INFO.</summary>
    /// <returns>True: there is no compression, and that INFO leads on; false: the next does, or it is closing.</returns>
    private protected bool AgreeOnCompression(string? remote)
    {
        HasAgreedOnCompression = true;
        if (!Negotiates)
        {
            var isKnown = IsCompressedBelow || (!string.IsNullOrEmpty(remote) && _compression.Mode != CompressionModes.NotSupported);
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
            RoundTrip = SincePing();
            mode = CompressionNegotiation.LevelFor(RoundTrip, _compression.RttThresholds);
        }
        _level = mode;
        if (!CompressionNegotiation.IsActive(mode)) return true;
        SwitchToS2();
        return false;
    }

    private void SwitchToS2()
    {
        var info = BuildAgreedInfo();
        if (IsSolicited) SendLine(info);
        Loop.Batch.Release();
        Flush();
        if (PendingBytes > 0)
        {
            LinkLog.Error(Log, Label, "The peer does not read what comes before compression.");
            Close(CloseReason.WriteError);
            return;
        }
        AddLayer(below => _s2 = new S2Channel(below));
        _s2!.StartSending(EffortOf(_level));
        _switchesReceiving = true;
        if (!IsSolicited) SendLine(info);
    }

    /// <summary>What follows the peer's INFO is its S2 stream.</summary>
    private protected void StartDecompressing(ReadOnlySpan<byte> received)
    {
        _switchesReceiving = false;
        _s2!.StartReceiving(received);
    }

    /// <summary>What the peer says it does, when nothing was agreed on.</summary>
    private protected void TakeCompression(string? told) => _level = string.IsNullOrEmpty(told) ? CompressionModes.NotSupported : told;

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
    private protected void ReloadCompression(CompressionOptions now)
    {
        if (now.IsSame(_compression)) return;
        _compression = now;
        if (HasAgreedOnCompression && (_level == CompressionModes.NotSupported || _level == now.Mode)) return;
        if (_s2 is null || now.Mode == CompressionModes.Accept || !Negotiates) Close(CloseReason.ClientClosed);
        else if (now.Mode == CompressionModes.Auto) AdjustLevel();
        else SetLevel(now.Mode);
    }
}
