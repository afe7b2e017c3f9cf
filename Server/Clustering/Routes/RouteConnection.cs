using System.Net.Sockets;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>One connection to another server of the cluster.</summary>
public sealed partial class RouteConnection : CompressingConnection, IInterestListener
{
    private readonly RouteManager _manager;
    private readonly IRouteHost _host;
    private readonly RouteSubscriber _subscriber;
    private readonly RemoteInterests _remote;
    private readonly RoutePermissions _permissions;

    internal RouteConnection(
        Socket socket, IoLoop loop, RouteManager manager, IRouteHost host, ulong id, RouteTarget? target)
        : base(Transport.Over(socket, loop), host, id, "rid")
    {
        _manager = manager;
        _host = host;
        _tlsContext = host.Tls;
        Target = target;
        PinnedAccount = target?.PinnedAccount;
        _subscriber = new RouteSubscriber(this);
        _remote = new RemoteInterests(_subscriber);
        _permissions = new RoutePermissions(host.Options.Cluster.Permissions);
        OfferCompression(CompressionOf(host.Options.Cluster));
    }

    /// <summary>The route as accounts see it.</summary>
    internal LinkSubscriber Link => _subscriber;

    /// <summary>Where it was dialled; null: the other server dialled.</summary>
    internal RouteTarget? Target { get; }

    /// <summary>The only account it carries; null: those of its place in the pool.</summary>
    public string? PinnedAccount { get; private set; }

    /// <summary>Place in the pool.</summary>
    public int PoolIndex { get; internal set; }

    /// <summary>True when this side dialled.</summary>
    public override bool IsSolicited => Target is not null;

    /// <summary>True when the dialling side's INFO waits until compression is agreed on and the place in the pool is known.</summary>
    internal bool SendsInfoLate => Target is not null && (Negotiates || (Target.PinnedAccount is null && _manager.PoolSize >= 1));

    private protected override bool OmitsAccount => PinnedAccount is not null;

    /// <summary>The normalized options of a cluster.</summary>
    internal static CompressionOptions CompressionOf(ClusterOptions cluster) =>
        new CompressionOptions(cluster.Compression ?? "", cluster.CompressionRttThresholds)
            .Normalize(CompressionModes.Fast, CompressionModes.Accept);

    protected override void OnOpened()
    {
        RouteLog.Created(Log, Label);
        if (_tlsContext is not null) StartHandshake(_tlsContext, "route", Target is null ? null : ExpectedName(Target.Url));
        else StartProtocol();
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        var protocol = new Operations(this);
        var before = InMessages + _interestChanges;
        var consumed = RouteParser.Parse(ref protocol, data, out var pending);
        PendingItem = pending;
        if (InMessages + _interestChanges != before) NoteActivity();
        if (!SwitchesReceiving) return consumed;
        StartDecompressing(data[consumed..]);
        return data.Length;
    }

    protected override void OnClosed()
    {
        StopPinging();
        _authTimer?.Cancel();
        StopHandshake();
        _remote.Clear(static gone => gone.Account.ClusterInterest?.RemoveRemote(gone.Subscription));
        HandOverTraffic(static (figures, traffic) => figures.AddGoneRoute(traffic));
        _manager.Unregister(this);
        RouteLog.Closed(Log, Label, CloseReason.Text());
    }

    private protected override void StartProtocol()
    {
        SchedulePing(first: !Negotiates);
        if (Target is null) SendGreeting();
        else SendConnect();
    }

    /// <summary>The grammar's calls, forwarded; a struct so that the parser is compiled for it.</summary>
    private readonly struct Operations(RouteConnection route) : IRouteProtocol
    {
        public int MaxControlLine => route.MaxControlLine;

        public int MaxMessageSize => route._registered ? MaxRoutedMessage : 0;

        public bool OmitsAccount => route.PinnedAccount is not null;

        public bool AwaitsConnect => route._awaitsConnect;

        public bool EndsHere => route.SwitchesReceiving;

        public void OnOperationBeforeConnect() => route.RefuseAuthentication();

        public bool OnConnect(ReadOnlySpan<byte> json) => route.ProcessConnect(json);

        public bool OnInfo(ReadOnlySpan<byte> json) => route.ProcessInfo(json);

        public bool OnPing() => route.ProcessPing();

        public bool OnPong() => route.ProcessPong();

        public bool OnRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments) =>
            route.ProcessRemoteSubscribe(origin, arguments);

        public bool OnRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments) =>
            route.ProcessRemoteUnsubscribe(origin, arguments);

        public bool OnRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf) =>
            route.ProcessRoutedMessage(arguments, bodyAndCrlf);

        /// <summary>The gateways' alone.</summary>
        public bool OnAccountInterest(bool isWanted, ReadOnlySpan<byte> account) => true;

        public bool OnRemoteError(ReadOnlySpan<byte> text) => route.ProcessRemoteError(text);

        public void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line) => route.ProcessFault(fault, line);
    }

    /// <summary>The route as the accounts see it.</summary>
    private sealed class RouteSubscriber(RouteConnection route) : LinkSubscriber
    {
        public override SubscriberKind Kind => SubscriberKind.Route;

        public override ulong ConnectionId => route.Id;

        public override string? Name => route.RemoteName;

        public override bool SupportsTracing => route._remoteInfo?.Protocol >= TracingProtocol;

        public override bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch) =>
            route.Send(account, message, default, queues, batch);
    }
}
