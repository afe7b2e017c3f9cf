using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// The requests of other accounts that an account's services have not answered yet: each has a reply subject of
/// its own (<c>_R_.prefix.token</c>) that leads back. Bounded; what nobody answers in time is dropped.
/// </summary>
public sealed class ServiceResponses : ServiceSubscriber, IDisposable
{
    /// <summary>Open requests of one account; beyond, new ones find nobody.</summary>
    public const int Limit = 1_000_000;

    private const int NameLength = 6;
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    private readonly Account _account;
    private readonly ConcurrentDictionary<byte[], ResponseRoute> _open = new(ByteArrayComparer.Instance);
    private readonly ConcurrentDictionary<byte[], ResponseRoute>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly OuterLock _startLock = new();
    private readonly string _prefix = $"_R_.{RandomNumberGenerator.GetString(Digits, NameLength)}.";
    private readonly byte[] _prefixBytes;
    private Timer? _sweeper;
    private int _count;

    public ServiceResponses(Account account)
    {
        _account = account;
        _bySpan = _open.GetAlternateLookup<ReadOnlySpan<byte>>();
        _prefixBytes = Encoding.ASCII.GetBytes(_prefix);
    }

    public override bool TakesRoutedMessages => true;

    /// <summary>Requests without an answer yet.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Makes a way back for a request.</summary>
    /// <returns>Null when too many are open.</returns>
    internal ResponseRoute? Open(ServiceImport import, Account requestor, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, Subscriber source)
    {
        if (Interlocked.Increment(ref _count) > Limit)
        {
            Interlocked.Decrement(ref _count);
            return null;
        }
        if (_sweeper is null) Start();
        var terms = BatchTerms(reply);
        IReadOnlyDictionary<string, string[]>? sampled = null;
        var tracked = terms.IsEmpty && ServiceLatencyReporter.ShouldMeasure(import.Export, headers, out sampled);
        var route = new ResponseRoute(import.Export, requestor, reply.ToArray(), [.. NextSubject(tracked), .. terms], tracked ? new LatencyMeasurement(source, import.Share, sampled) : null);
        _open[route.Subject] = route;
        return route;
    }

    /// <summary>Makes a way back for the events of a traced message that crosses into this account.</summary>
    /// <returns>Null when too many are open.</returns>
    internal ResponseRoute? OpenForTrace(ServiceExport export, Account requestor, byte[] destination, TraceReturns events)
    {
        if (Interlocked.Increment(ref _count) > Limit)
        {
            Interlocked.Decrement(ref _count);
            return null;
        }
        if (_sweeper is null) Start();
        var route = new ResponseRoute(export, requestor, destination, NextSubject(false), null) { Events = events };
        _open[route.Subject] = route;
        events.Add(this, route);
        return route;
    }

    /// <summary>Whether somebody still waits for what is answered on a subject. From any thread.</summary>
    /// <param name="subject">A reply subject; one that is no way back from here counts as waited for.</param>
    public bool IsAwaited(ReadOnlySpan<byte> subject)
    {
        if (!subject.StartsWith(_prefixBytes)) return true;
        return _bySpan.TryGetValue(subject, out var route) && IsAwaited(route);
    }

    /// <summary>The request is done with.</summary>
    internal void Close(ResponseRoute route)
    {
        if (_open.TryRemove(route.Subject, out _)) Interlocked.Decrement(ref _count);
    }

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        if (!_bySpan.TryGetValue(message.Address.IsEmpty ? message.Subject : message.Address, out var route)) return false;
        using var crossing = Crossing.Enter(route);
        if (crossing is null) return false;
        // Kept only until the other server's half of the measurement comes.
        if (route.IsAnswered) return false;
        route.Touch();
        var isReported = route.Latency is not { } latency || ServiceLatencyReporter.ReportAnswer(route.Export, latency, source, batch);
        ResponseRoute? further = null;
        // What a consumer delivers is acknowledged by its own subject, which the other account may import.
        var isDelivery = message.Reply.StartsWith("$JS.ACK."u8);
        if (!message.Reply.IsEmpty && !isDelivery) further = OpenBack(route, message.Reply);
        var showsOther = !message.Address.IsEmpty && !message.Address.SequenceEqual(message.Subject);
        var crossed = new Message
        {
            Subject = showsOther ? message.Subject : route.Reply,
            Address = showsOther ? route.Reply : default,
            Reply = isDelivery ? message.Reply : further is null ? default : further.Subject,
            HeaderLength = message.HeaderLength,
            BodyAndCrlf = message.BodyAndCrlf,
            IsImported = true,
            Origin = message.Origin,
            Trace = message.Trace,
        };
        var delivered = message.Trace is null
            ? crossing.Send(route.Requestor, crossed, source, batch)
            : TracedCrossing.SendAnswer(route.Requestor, message.Subject, crossed, crossing, source, batch);
        if (!delivered && further is not null) route.Requestor.Responses.Close(further);
        if (route.Events is { } events)
        {
            OnTraceEvent(route, events, message.Payload);
        }
        else if (!delivered || route.Export.IsSingle || message.Size == 0)
        {
            route.IsAnswered = true;
            // The other half may have come, on another thread, before the line above told it that nobody else closes.
            if (isReported || route.Latency is { IsJoined: true }) Close(route);
        }
        return delivered;
    }

    /// <summary>The responder's server tells what it measured of one of the requests.</summary>
    internal void TakeRemote(RemoteLatency remote)
    {
        if (!_open.TryGetValue(Encoding.UTF8.GetBytes(remote.RequestId), out var route) || route.Latency is not { } latency) return;
        if (ServiceLatencyReporter.ReportRemote(route.Export, latency, remote.Measured) && route.IsAnswered) Close(route);
    }

    /// <summary>The last of the accounts an event comes through counts it.</summary>
    private static void OnTraceEvent(ResponseRoute route, TraceReturns events, ReadOnlySpan<byte> payload)
    {
        if (!route.Reply.AsSpan().StartsWith("_R_."u8)) events.OnEvent(payload);
    }

    public void Dispose() => _sweeper?.Dispose();

    /// <summary>An answer that asks back: the requestor's answer finds its way to the service.</summary>
    private ResponseRoute? OpenBack(ResponseRoute route, ReadOnlySpan<byte> reply)
    {
        var responses = route.Requestor.Responses;
        if (Interlocked.Increment(ref responses._count) > Limit)
        {
            Interlocked.Decrement(ref responses._count);
            return null;
        }
        if (responses._sweeper is null) responses.Start();
        var back = new ResponseRoute(route.Export, _account, reply.ToArray(), responses.NextSubject(false), null);
        responses._open[back.Subject] = back;
        return back;
    }

    /// <summary>The first request of another account: from now on answers are awaited, by other servers' leave too.</summary>
    private void Start()
    {
        using (_startLock.Enter())
        {
            if (_sweeper is not null) return;
            _account.Subscribe(new Subscription(this, Encoding.ASCII.GetBytes(_prefix + ">")));
            _sweeper = new Timer(_ => Sweep(), null, SweepInterval, SweepInterval);
        }
    }

    private byte[] NextSubject(bool tracked) => Encoding.ASCII.GetBytes(
        _prefix + RandomNumberGenerator.GetString(Digits, NameLength + 2) + (tracked ? $".{_account.ServerHash}.T" : ""));

    /// <summary>
    /// Behind the prefix of a fast batch's reply stands what the stream is to know of the message (ADR-50), from the batch's
    /// id on: <c>.id.flow.gaps.number.operation.$FI</c>. Empty: it is no such reply.
    /// </summary>
    private static ReadOnlySpan<byte> BatchTerms(ReadOnlySpan<byte> reply)
    {
        const int terms = 6, longest = 256;
        if (!reply.EndsWith(".$FI"u8) || reply.IndexOfAny((byte)'*', (byte)'>') >= 0) return default;
        var from = reply.Length;
        for (var i = 0; i < terms && from > 0; i++) from = reply[..from].LastIndexOf((byte)'.');
        return from > 0 && reply.Length - from <= longest ? reply[from..] : default;
    }

    /// <summary>Through as many accounts as the request has come.</summary>
    private static bool IsAwaited(ResponseRoute route) =>
        route.Requestor.Subscriptions.HasInterest(route.Reply) && route.Requestor.Responses.IsAwaited(route.Reply);

    private void Sweep()
    {
        var now = Environment.TickCount64;
        foreach (var route in _open.Values)
        {
            // Who has its answer listens no more, while the other server's half of the measurement is still on its way.
            var lost = !route.IsAnswered && !IsAwaited(route);
            var late = now - route.TouchedMilliseconds > route.Export.Threshold.TotalMilliseconds;
            if (!lost && !late) continue;
            Close(route);
            if (route.Latency is { } latency) ServiceLatencyReporter.ReportFailure(route.Export, latency, lost);
        }
    }
}

/// <summary>The way back of one request.</summary>
/// <param name="export">The service that answers.</param>
/// <param name="requestor">The account that asks.</param>
/// <param name="reply">The reply subject it gave.</param>
/// <param name="subject">The one the service was given instead.</param>
/// <param name="latency">Set when the request is measured.</param>
internal sealed class ResponseRoute(ServiceExport export, Account requestor, byte[] reply, byte[] subject, LatencyMeasurement? latency)
{
    private bool _isAnswered;

    public ServiceExport Export => export;

    public Account Requestor => requestor;

    public byte[] Reply => reply;

    public byte[] Subject => subject;

    public LatencyMeasurement? Latency => latency;

    /// <summary>The last answer has been delivered. Any thread.</summary>
    public bool IsAnswered
    {
        get => Volatile.Read(ref _isAnswered);
        set => Volatile.Write(ref _isAnswered, value);
    }

    /// <summary>Set when not answers come back, but the events of a trace.</summary>
    public TraceReturns? Events { get; init; }

    /// <summary>When it was made or used last.</summary>
    public long TouchedMilliseconds { get; private set; } = Environment.TickCount64;

    public void Touch() => TouchedMilliseconds = Environment.TickCount64;
}

/// <summary>What is remembered of a request to measure it.</summary>
/// <param name="Requestor">Who asked.</param>
/// <param name="Share">The service may learn more of the requestor than its round trip.</param>
/// <param name="Headers">Headers that made it a sample; null: chosen by chance.</param>
internal sealed record LatencyMeasurement(Subscriber Requestor, bool Share, IReadOnlyDictionary<string, string[]>? Headers)
{
    private readonly Lock _lock = new();
    private ServiceLatency? _remote;

    public long StartedTicks { get; } = Stopwatch.GetTimestamp();

    public DateTimeOffset StartedAt { get; } = TimeProvider.System.GetUtcNow();

    /// <summary>This server's half, while the other one is awaited.</summary>
    public ServiceLatency? Answered { get; private set; }

    /// <summary>Both halves are here.</summary>
    public bool IsJoined
    {
        get
        {
            lock (_lock) return Answered is not null && _remote is not null;
        }
    }

    /// <summary>Adds this server's half; the whole when the other is here, else null.</summary>
    public ServiceLatency? Join(ServiceLatency own)
    {
        lock (_lock)
        {
            Answered = own;
            return _remote is null ? null : own.MergedWith(_remote);
        }
    }

    /// <summary>Adds the other server's half; the whole when this one's is here, else null.</summary>
    public ServiceLatency? JoinRemote(ServiceLatency remote)
    {
        lock (_lock)
        {
            _remote = remote;
            return Answered?.MergedWith(remote);
        }
    }
}
