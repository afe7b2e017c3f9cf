using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>
/// One connection to a server of another cluster. Messages flow from the side that dialled to the other, interest from the
/// other to the side that dialled: so a server has one outbound connection a cluster, and an inbound one from each of
/// its servers.
/// </summary>
public sealed partial class GatewayConnection : LinkConnection, IInterestListener
{
    private static readonly TimeSpan LongestPingInterval = TimeSpan.FromSeconds(15);
    private readonly GatewayManager _manager;
    private readonly IGatewayHost _host;
    private readonly GatewaySubscriber _subscriber;
    private readonly RemoteInterests _remote;
    private readonly Security.Tls.TlsContext? _tls;

    internal GatewayConnection(Socket socket, IoLoop loop, GatewayManager manager, IGatewayHost host, ulong id, RemoteGateway? remote, Uri? url)
        : base(Transport.Over(socket, loop), host, id, "gid")
    {
        _manager = manager;
        _host = host;
        Remote = remote;
        Url = url;
        ClusterName = remote?.Name;
        _tls = remote is null ? manager.Tls : remote.Tls;
        _subscriber = new GatewaySubscriber(this);
        _remote = new RemoteInterests(_subscriber);
    }

    /// <summary>The cluster that was dialled; null: a server of another cluster dialled.</summary>
    internal RemoteGateway? Remote { get; }

    /// <summary>Where it was dialled.</summary>
    internal Uri? Url { get; }

    /// <summary>True when this side dialled: messages are sent on it, interest comes.</summary>
    public bool IsOutbound => Remote is not null;

    /// <summary>The other cluster; null before it has told.</summary>
    public string? ClusterName { get; private set; }

    /// <summary>The configuration names the cluster.</summary>
    public bool IsConfigured => ClusterName is { } name && _manager.IsConfigured(name);

    private protected override string Kind => "gateway";

    private protected override LinkSubscriber AsSubscriber => _subscriber;

    private protected override TimeSpan PingInterval
    {
        get
        {
            var interval = _host.Options.Limits.PingInterval;
            return interval < LongestPingInterval ? interval : LongestPingInterval;
        }
    }

    private protected override int MaxPingsOut => _host.Options.Limits.MaxPingsOut;

    /// <summary>The other side takes nothing before CONNECT.</summary>
    private protected override bool MayPing => _greeted;

    protected override TimeSpan WriteDeadline =>
        _host.Options.Gateway.WriteDeadline > TimeSpan.Zero ? _host.Options.Gateway.WriteDeadline : _host.Options.Limits.WriteDeadline;

    protected override bool KeepsSlowPeer => _host.Options.Gateway.WriteTimeout != WriteTimeoutPolicy.Close;

    private protected override void CountStale() => _manager.CountStaleConnection();

    private protected override void CountSlow() => _manager.CountSlowConsumer();

    protected override void OnOpened()
    {
        if (Remote is null) GatewayLog.ProcessingInbound(Log, Label);
        else GatewayLog.CreatingOutbound(Log, Label, $"\"{Remote.Name}\"");
        if (_tls is not null) StartHandshake(_tls, "gateway", Remote?.NameFor(Url!));
        else StartProtocol();
    }

    private protected override void OnHandshakeFailed(Exception? fault)
    {
        if (fault is AuthenticationException) Remote?.ForgetTlsName();
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        var protocol = new Operations(this);
        var before = InMessages + _interestChanges;
        var consumed = RouteParser.Parse(ref protocol, data, out var pending);
        PendingItem = pending;
        if (InMessages + _interestChanges != before) NoteActivity();
        return consumed;
    }

    protected override void OnClosed()
    {
        StopPinging();
        StopHandshake();
        _authTimer?.Cancel();
        _remote.Clear();
        DropAssumptions();
        HandOverTraffic(static (figures, traffic) => figures.AddGoneGateway(traffic));
        _manager.Unregister(this);
        GatewayLog.Closed(Log, Label, CloseReason.Text());
    }

    /// <summary>Goes by the host's current options. From any thread.</summary>
    internal void Reload() => Loop.Post(() =>
    {
        IsTraced = Log.IsEnabled(LogLevel.Trace);
        if (IsClosing || Tls is null || _manager.Tls?.IsPinned(Tls.PeerCertificate) != false) return;
        LinkLog.Error(Log, Label, "certificate is no longer among the pinned ones");
        Close(CloseReason.TlsHandshakeError);
    });

    /// <summary>The grammar's calls, forwarded; a struct so that the parser is compiled for it.</summary>
    private readonly struct Operations(GatewayConnection gateway) : IRouteProtocol
    {
        public int MaxControlLine => gateway.MaxControlLine;

        public int MaxMessageSize => gateway._registered ? MaxRoutedMessage : 0;

        public bool OmitsAccount => false;

        public bool AwaitsConnect => gateway._awaitsConnect;

        public bool EndsHere => false;

        public void OnOperationBeforeConnect() => gateway.RefuseAuthentication();

        public bool OnConnect(ReadOnlySpan<byte> json) => gateway.ProcessConnect(json);

        public bool OnInfo(ReadOnlySpan<byte> json) => gateway.ProcessInfo(json);

        public bool OnPing() => gateway.ProcessPing();

        public bool OnPong() => gateway.ProcessPong();

        public bool OnRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments) => gateway.ProcessRemoteSubscribe(origin, arguments);

        public bool OnRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments) => gateway.ProcessRemoteUnsubscribe(origin, arguments);

        public bool OnAccountInterest(bool isWanted, ReadOnlySpan<byte> account) => gateway.ProcessAccountInterest(isWanted, account);

        public bool OnRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf) =>
            gateway.ProcessRoutedMessage(arguments, bodyAndCrlf);

        public bool OnRemoteError(ReadOnlySpan<byte> text) => gateway.ProcessRemoteError(text);

        public void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line) => gateway.ProcessFault(fault, line);
    }

    /// <summary>The gateway as the accounts see it.</summary>
    private sealed class GatewaySubscriber(GatewayConnection gateway) : LinkSubscriber
    {
        public override SubscriberKind Kind => SubscriberKind.Gateway;

        public override ulong ConnectionId => gateway.Id;

        public override string? Name => gateway.RemoteName;

        public override bool SupportsTracing => gateway._remoteProtocol >= TracingProtocol;

        public override long RoundTripTicks => gateway.RoundTrip.Ticks;

        public override bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch) =>
            gateway.DeliverToLink(account, message, queues, batch);
    }
}
