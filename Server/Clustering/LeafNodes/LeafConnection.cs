using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// One leaf node connection, from either end. Who dialled is the spoke, unless its remote says <c>hub: true</c>.
/// </summary>
public sealed partial class LeafConnection : CompressingConnection, IInterestListener
{
    internal const string LoopDetected = "Loop detected";
    internal const string TooManyConnections = "maximum account active connections exceeded";
    private readonly LeafManager _manager;
    private readonly ILeafHost _host;
    private readonly LeafEnd _subscriber;
    private readonly Uri? _url;
    private readonly WebSocketSession? _session;
    private readonly RemoteInterests _remote;
    private long _interestChanges;

    internal LeafConnection(
        Transport transport, LeafManager manager, ILeafHost host, ulong id, LeafRemote? remote = null, Uri? url = null, WebSocketSession? session = null)
        : base(transport, host, id, session is null ? "lid" : "lid_ws")
    {
        _manager = manager;
        _host = host;
        _url = url;
        _session = session;
        Remote = remote;
        _subscriber = new LeafEnd(this);
        _remote = new RemoteInterests(_subscriber);
        OfferCompression(CompressionInForce);
        if (remote is null) return;
        Account = host.Accounts.Find(remote.Account);
        IsSpoke = !remote.Options.Hub;
        IsIsolated = host.Options.LeafNode.IsolateInterest || remote.Options.LocalIsolation;
        _permissions = LeafPermissions.None.Denying(remote.Options.DenyExports, remote.Options.DenyImports);
        // What this side does not give away the spoke does not get rid of either.
        if (!IsSpoke) _permissions = _permissions.Refusing(remote.Options.DenyExports);
    }

    /// <summary>What was dialled; null: the other side dialled.</summary>
    internal LeafRemote? Remote { get; }

    public override bool IsSolicited => Remote is not null;

    /// <summary>This side is the spoke.</summary>
    public bool IsSpoke { get; private set; }

    /// <summary>Interest of other leaf nodes is not told to it.</summary>
    public bool IsIsolated { get; private set; }

    /// <summary>The user it has come as; null: nobody in particular, or it was dialled from here.</summary>
    public string? UserName => _identity?.UserName;

    /// <summary>The local account it is bound to; null: not bound yet.</summary>
    public Account? Account { get; private set; }

    /// <summary>It has its place in its account.</summary>
    public bool HasJoined { get; internal set; }

    /// <summary>Name of its cluster; empty: none, or not told.</summary>
    public string RemoteCluster { get; private set; } = "";

    /// <summary>Its JetStream domain; empty: none.</summary>
    public string RemoteDomain { get; private set; } = "";

    /// <summary>Name of the account at the other end; empty: not told.</summary>
    public string RemoteAccount { get; private set; } = "";

    /// <summary>It came through, or went through, an HTTP upgrade.</summary>
    public bool IsWebSocket => _session is not null;

    /// <summary>Who it is, as told in events; null: it has not joined.</summary>
    internal ClientInfo? Info => _info;

    internal string LogLabel => Label;

    private protected override TimeSpan PingInterval => _host.Options.Limits.PingInterval;

    private protected override int MaxPingsOut => _host.Options.Limits.MaxPingsOut;

    private protected override bool OmitsAccount => true;

    protected override TimeSpan WriteDeadline => _host.Options.LeafNode.WriteDeadline is { Ticks: > 0 } set ? set : _host.Options.Limits.WriteDeadline;

    /// <summary>A link is worth more than a client: unless told otherwise, only a peer that takes nothing at all loses it.</summary>
    protected override bool KeepsSlowPeer => _host.Options.LeafNode.WriteTimeout != WriteTimeoutPolicy.Close;

    private protected override bool IsCompressedBelow => _session is { Mode.Compression: true };

    /// <summary>WebSocket compression leaves S2 nothing to do.</summary>
    private CompressionOptions CompressionInForce
    {
        get
        {
            var configured = Remote is null ? _host.Options.LeafNode.Compression : Remote.Options.Compression;
            return IsCompressedBelow
                ? new CompressionOptions(CompressionModes.Off, [])
                : configured.Normalize(CompressionModes.Auto, CompressionModes.Auto);
        }
    }

    /// <summary>The same server has made another connection.</summary>
    internal void Replace() => Loop.Post(() => Fail("Duplicate Remote LeafNode Connection", CloseReason.DuplicateRemoteLeafnodeConnection));

    /// <summary>Whether it is a connection of the same server, for the same accounts.</summary>
    internal bool IsSameAs(LeafConnection other) =>
        !other.IsSolicited && RemoteName is { Length: > 0 } && RemoteName == other.RemoteName && RemoteCluster == other.RemoteCluster
        && RemoteAccount.Length > 0 && RemoteAccount == other.RemoteAccount;

    /// <summary>It was never opened.</summary>
    internal void Abandon()
    {
        Channel.Dispose();
        Remote?.OnClosed();
    }

    protected override void OnOpened()
    {
        LeafLog.Created(Log, Label, Remote is null ? "" : $" for account: {Remote.Account}");
        StartProtocol();
    }

    private protected override void StartProtocol()
    {
        if (Remote is not null) StartSoliciting();
        else StartAccepting();
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        if (_awaitsHandshake)
        {
            StartServerHandshake(data);
            return data.Length;
        }
        var protocol = new Operations(this);
        var before = InMessages + _interestChanges;
        var consumed = RouteParser.Parse(ref protocol, data, out var pending, isLeaf: true);
        PendingItem = pending;
        if (InMessages + _interestChanges != before) NoteActivity();
        if (!SwitchesReceiving) return consumed;
        StartDecompressing(data[consumed..]);
        return data.Length;
    }

    protected override void OnClosed()
    {
        StopPinging();
        _timer?.Cancel();
        Account?.Interest?.Detach(this);
        _remote.Clear(static gone => gone.Account.Imports.DropShadows(gone.Subscription));
        HandOverTraffic(static (figures, traffic) => figures.AddGoneLeaf(traffic));
        _manager.Unregister(this);
        LeafLog.Closed(Log, Label, CloseReason.Text(), Account?.Name ?? "N/A");
    }

    private protected override void CountStale() => _manager.CountStaleConnection();

    private protected override void CountSlow() => _manager.CountSlowConsumer();

    private void LogError(string text) => LinkLog.Error(Log, Label, text);

    private protected override byte[] BuildAgreedInfo() =>
        (_manager.BuildInfo() with { ClientId = Id, Nonce = IsSolicited ? null : _nonce, Compression = AgreedMode }).ToProtocolLine();

    /// <summary>The grammar's calls, forwarded; a struct so that the parser is compiled for it.</summary>
    private readonly struct Operations(LeafConnection leaf) : IRouteProtocol
    {
        public int MaxControlLine => leaf.MaxControlLine;

        public int MaxMessageSize => leaf.MaxMessageSize;

        public bool OmitsAccount => true;

        public bool AwaitsConnect => leaf._awaitsConnect && (!leaf.Negotiates || leaf.HasAgreedOnCompression);

        public bool EndsHere => leaf.SwitchesReceiving || leaf.IsSuspended || leaf.IsHandshaking;

        public void OnOperationBeforeConnect() => leaf.RefuseAuthentication();

        public bool OnConnect(ReadOnlySpan<byte> json) => leaf.ProcessConnect(json);

        public bool OnInfo(ReadOnlySpan<byte> json) => leaf.ProcessInfo(json);

        public bool OnPing() => leaf.ProcessPing();

        public bool OnPong() => leaf.ProcessPong();

        public bool OnRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments) => leaf.ProcessRemoteSubscribe(arguments);

        public bool OnRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments) => leaf.ProcessRemoteUnsubscribe(arguments);

        public bool OnRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf) => leaf.ProcessMessage(arguments, bodyAndCrlf);

        /// <summary>The gateways' alone.</summary>
        public bool OnAccountInterest(bool isWanted, ReadOnlySpan<byte> account) => true;

        public bool OnRemoteError(ReadOnlySpan<byte> text) => leaf.ProcessRemoteError(text);

        public void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line) => leaf.ProcessFault(fault, line);
    }

    /// <summary>The connection as its account sees it.</summary>
    private sealed class LeafEnd(LeafConnection leaf) : LeafSubscriber
    {
        public override ulong ConnectionId => leaf.Id;

        public override string? Name => leaf.RemoteName;

        public override ReadOnlySpan<byte> Cluster => leaf._cluster;

        public override bool IsSpoke => leaf.IsSpoke;

        public override bool SupportsTracing => leaf._remoteProtocol >= TracingProtocol;

        /// <summary>Services of other accounts must know for whom it asks.</summary>
        public override ClientInfo? Describe(bool detailed) => detailed ? leaf._info : new ClientInfo { Account = leaf._info?.Account, RoundTrip = (long)leaf.RoundTrip.TotalNanoseconds };

        public override bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch) => leaf.Deliver(account, message, queues, batch);
    }
}
