using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>One client: the NATS client protocol on a connection.</summary>
public sealed partial class ClientConnection : Connection
{
    /// <summary>The address of both ends of a connection within this process.</summary>
    private static readonly IPEndPoint Nowhere = new(IPAddress.Loopback, 0);

    private readonly ClientHub _hub;

    /// <summary>What was in force when it connected; the opening goes by it to its end.</summary>
    private readonly ClientSettings _settings;
    private readonly ClientSubscriber _subscriber;
    private readonly bool _isInProcess;
    private bool _trace;
    private int _pendingItem;
    private TrafficCounters _in;

    public ClientConnection(Socket socket, IoLoop loop, ClientHub hub, ulong id) : this(Transport.Over(socket, loop), hub, id)
    {
    }

    /// <summary>A client of this process: neither TLS nor a PROXY header come before its protocol.</summary>
    internal ClientConnection(ByteChannel channel, IoLoop loop, ClientHub hub, ulong id)
        : this(new Transport(loop, channel, Nowhere, Nowhere), hub, id)
    {
    }

    /// <summary>A client whose connection was opened for it.</summary>
    /// <param name="transport">What it talks through.</param>
    /// <param name="hub">What clients share.</param>
    /// <param name="id">Its number.</param>
    /// <param name="webSocket">How it came through an HTTP upgrade; null: it did not.</param>
    public ClientConnection(Transport transport, ClientHub hub, ulong id, WebSocketSession? webSocket = null) : base(transport)
    {
        _hub = hub;
        _settings = hub.Settings;
        WebSocket = webSocket;
        _isInProcess = transport.Io is null;
        _tlsContext = webSocket is null && !_isInProcess ? _settings.Tls : null;
        _expectsProxyHeader = _settings.Options.ProxyProtocol && webSocket is null && !_isInProcess;
        _nonce = _settings.Authenticator.NeedsNonce ? Nonce.Next() : "";
        Id = id;
        _subscriber = new ClientSubscriber(this);
        _trace = hub.Log.IsEnabled(LogLevel.Trace);
        _maxControlLine = hub.Options.Limits.MaxControlLine;
        _maxPayload = Smaller(hub.Options.Limits.MaxPayload, -1);
        MaxPendingBytes = hub.Options.Limits.MaxPending;
        _label = Peer;
        StartedMilliseconds = Environment.TickCount64;
        StartedAt = TimeProvider.System.GetUtcNow();
        _openedTimestamp = Stopwatch.GetTimestamp();
    }

    public ulong Id { get; }

    /// <summary>The account it belongs to; null before it is known.</summary>
    public Account? Account { get; private set; }

    public Permissions? Permissions { get; private set; }

    /// <summary>When it was accepted, in milliseconds of the monotonic clock.</summary>
    public long StartedMilliseconds { get; }

    /// <summary>Messages and bytes; read by others a moment late at worst.</summary>
    public TrafficCounters Traffic => _in with { OutMessages = _outMessages, OutBytes = _outBytes };

    protected override int PendingItemLength => _pendingItem;

    private ILogger Log => _hub.Log;

    /// <summary>Where it comes from, as log lines name it.</summary>

    protected override void OnOpened()
    {
        _pingTimer = Loop.CreateTimer(OnPingTimer);
        var admitted = _hub.TryRegister(this);
        ClientLog.Created(Log, _label);
        if (!admitted)
        {
            SendGreeting();
            CloseAsExcess();
            return;
        }
        StartOpening();
    }

    protected override int OnReceived(ReadOnlySpan<byte> data) =>
        _step == OpeningStep.Done ? ParseOperations(data) : ReceiveOpening(data);

    private int ParseOperations(ReadOnlySpan<byte> data)
    {
        var protocol = new Operations(this);
        var consumed = ClientParser.Parse(ref protocol, data, out _pendingItem);
        if (_active)
        {
            _active = false;
            _lastActivityMilliseconds = Loop.NowMilliseconds;
        }
        if (Loop.Batch.ProducerShouldStall) StallIfProducer();
        return consumed;
    }

    protected override void OnClosed()
    {
        _pingTimer?.Cancel();
        _authTimer?.Cancel();
        _openingTimer?.Cancel();
        _hub.Closed.Add(DescribeClosed(CloseReason));
        LeaveAccount();
        _hub.Unregister(this);
        ClientLog.Closed(Log, _label, CloseReason.Text());
    }

    /// <summary>The first INFO; a server with a no_auth_user asks for nothing there.</summary>
    private ServerInfo BuildGreeting() => Authenticator.NoAuthIdentity is null || WebSocket is not null
        ? BuildInfo(_hub.Info)
        : BuildInfo(_hub.Info) with { AuthRequired = false };

    private ServerInfo BuildInfo(ServerInfo shared)
    {
        var info = shared with
        {
            ClientId = Id,
            ClientIp = _isInProcess ? null : RemoteEndPoint.Address.ToString(),
            TlsRequired = shared.TlsRequired && !_isInProcess,
            Nonce = _nonce.Length > 0 ? _nonce : null,
            AuthRequired = Authenticator.IsRequired,
            WebSocketConnectUrls = null,
        };
        return WebSocket is null ? info : ForWebSocket(info, shared);
    }

    /// <summary>The server has more clients than it is to have. From any thread.</summary>
    internal void CloseAsExcess()
    {
        RefuseAndLog("maximum connections exceeded");
        Close(CloseReason.MaxConnectionsExceeded);
    }

    internal void CloseAsExcessOfAccount()
    {
        RefuseAndLog("maximum account active connections exceeded");
        Close(CloseReason.MaxAccountConnectionsExceeded);
    }

    private void RefuseAndLog(string error)
    {
        if (_hub.Repeated.Admits(error)) ClientLog.Error(Log, _label, error);
        SendError(error);
    }

    private void SendError(string text)
    {
        if (_trace) ClientLog.Out(Log, _label, "-ERR " + text);
        Enqueue(Encoding.UTF8.GetBytes($"-ERR '{text}'\r\n"));
    }

    private void SendOk()
    {
        if (_trace) ClientLog.Out(Log, _label, "OK");
        Enqueue("+OK\r\n"u8);
    }

    /// <summary>The grammar's calls, forwarded; a struct so that the parser is compiled for it.</summary>
    private readonly struct Operations(ClientConnection client) : IClientProtocol
    {
        public int MaxControlLine => client._maxControlLine;

        public bool AwaitsConnect => client._awaitsConnect;

        public bool IsSuspended => client.IsSuspended;

        public bool OnOperationBeforeConnect() => client.AdmitWithoutConnect();

        public bool OnConnect(ReadOnlySpan<byte> json) => client.ProcessConnect(json);

        public bool OnPing() => client.ProcessPing();

        public bool OnPong() => client.ProcessPong();

        public bool OnSubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid) =>
            client.ProcessSubscribe(subject, queue, sid);

        public bool OnUnsubscribe(ReadOnlySpan<byte> sid, int max) => client.ProcessUnsubscribe(sid, max);

        public bool OnPublishArguments(in PublishArguments arguments, ReadOnlySpan<byte> received) =>
            client.CheckPublish(arguments, received);

        public bool OnPublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf) =>
            client.ProcessPublish(arguments, bodyAndCrlf);

        public bool OnClientError(ReadOnlySpan<byte> text) => client.ProcessClientError(text);

        public void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line) => client.ProcessFault(fault, line);
    }

    /// <summary>The client as the accounts see it.</summary>
    private sealed class ClientSubscriber(ClientConnection client) : Subscriber
    {
        public override bool IsBehind => client is { IsCongested: true, IsClosing: false };

        public override SubscriberKind Kind => SubscriberKind.Client;

        public override void ExpectAnswer(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> routed) =>
            client.ExpectAnswer(reply, routed);

        public override ClientInfo? Describe(bool detailed) => client.Describe(detailed);

        public override ulong ConnectionId => client.Id;

        public override string? Name => NullIfEmpty(client._connect.Name);

        public override string? Refusal(Subscription subscription, in Message message, FlushBatch batch) =>
            client.Refusal(subscription, message, batch);

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) =>
            client.Deliver(subscription, message, batch);
    }
}
