using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>One connection to another server of the cluster.</summary>
public sealed partial class RouteConnection : Connection, IInterestListener
{
    /// <summary>A line between servers may be as many times longer than a client's: it names accounts, origins and queues.</summary>
    private const int ControlLineFactor = 16;

    private const int MaxRoutedMessage = 65 * 1024 * 1024;
    private readonly RouteManager _manager;
    private readonly IRouteHost _host;
    private readonly RouteSubscriber _subscriber;
    private readonly RoutePermissions _permissions;
    private readonly string _label;
    private bool _trace;
    private int _pendingItem;

    internal RouteConnection(
        Socket socket, IoLoop loop, RouteManager manager, IRouteHost host, ulong id, RouteTarget? target)
        : base(socket, loop)
    {
        _manager = manager;
        _host = host;
        _tlsContext = host.Tls;
        Id = id;
        Target = target;
        PinnedAccount = target?.PinnedAccount;
        _subscriber = new RouteSubscriber(this);
        _permissions = new RoutePermissions(host.Options.Cluster.Permissions);
        _label = $"{RemoteEndPoint} - rid:{id}";
        _trace = host.Log.IsEnabled(LogLevel.Trace);
        _compression = CompressionOf(host.Options.Cluster);
        _pingSentTimestamp = Stopwatch.GetTimestamp();
        MaxPendingBytes = host.Options.Limits.MaxPending;
        _startedMilliseconds = Environment.TickCount64;
        StartedAt = TimeProvider.System.GetUtcNow();
    }

    public ulong Id { get; }

    /// <summary>Where it was dialled; null: the other server dialled.</summary>
    internal RouteTarget? Target { get; }

    /// <summary>Server id of the peer; null before its INFO.</summary>
    public string? RemoteId { get; private set; }

    public string? RemoteName { get; private set; }

    /// <summary>The only account it carries; null: those of its place in the pool.</summary>
    public string? PinnedAccount { get; private set; }

    /// <summary>Place in the pool.</summary>
    public int PoolIndex { get; internal set; }

    /// <summary>True when this side dialled.</summary>
    public bool IsSolicited => Target is not null;

    /// <summary>True when the dialling side's INFO waits until compression is agreed on and the place in the pool is known.</summary>
    internal bool SendsInfoLate => Target is not null && (Negotiates || (Target.PinnedAccount is null && _manager.PoolSize >= 1));

    protected override int PendingItemLength => _pendingItem;

    private ILogger Log => _host.Log;

    /// <summary>Sends a line of protocol. From any thread.</summary>
    internal void SendLine(byte[] line)
    {
        if (IsClosing) return;
        if (_trace) RouteLog.Out(Log, _label, Redaction.HideSecrets(line).TrimEnd());
        Enqueue(line);
    }

    protected override void OnOpened()
    {
        RouteLog.Created(Log, _label);
        _pingTimer = Loop.CreateTimer(OnPingTimer);
        if (_tlsContext is not null) StartHandshake();
        else StartProtocol();
    }

    protected override int OnReceived(ReadOnlySpan<byte> data)
    {
        var protocol = new Operations(this);
        var before = _inMessages + _interestChanges;
        var consumed = RouteParser.Parse(ref protocol, data, out _pendingItem);
        if (_inMessages + _interestChanges != before) _lastInMilliseconds = Loop.NowMilliseconds;
        if (!_switchesReceiving) return consumed;
        StartDecompressing(data[consumed..]);
        return data.Length;
    }

    protected override void OnReadFault(string fault) => RouteLog.Error(Log, _label, "read error: " + fault);

    protected override void OnClosed()
    {
        _pingTimer?.Cancel();
        _authTimer?.Cancel();
        _handshakeTimer?.Cancel();
        DropRemoteInterest();
        HandOverTraffic();
        _manager.Unregister(this);
        RouteLog.Closed(Log, _label, CloseReason.Text());
    }

    private void StartProtocol()
    {
        SchedulePing(first: !Negotiates);
        if (Target is null) SendGreeting();
        else SendConnect();
    }

    private void Fail(string text, CloseReason reason)
    {
        RouteLog.Error(Log, _label, text);
        Enqueue(Encoding.UTF8.GetBytes($"-ERR '{text}'\r\n"));
        Close(reason);
    }

    /// <summary>The grammar's calls, forwarded; a struct so that the parser is compiled for it.</summary>
    private readonly struct Operations(RouteConnection route) : IRouteProtocol
    {
        public int MaxControlLine => (int)Math.Min(ControlLineFactor * (long)route._host.Options.Limits.MaxControlLine, MaxRoutedMessage);

        public int MaxMessageSize => route._registered ? MaxRoutedMessage : 0;

        public bool OmitsAccount => route.PinnedAccount is not null;

        public bool AwaitsConnect => route._awaitsConnect;

        public bool EndsHere => route._switchesReceiving;

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
            route.DeliverToLink(account, message, queues, batch);
    }
}
