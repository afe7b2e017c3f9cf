using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>
/// The API: requests of all accounts, one after the other. Those about a stream go on in its mailbox. Bounded: when too
/// many wait, all that wait are dropped and an advisory says so, as upstream does.
/// </summary>
internal sealed partial class JetStreamService : Mailbox
{
    private const int DefaultQueueLimit = 10_000;

    private readonly JetStreamEngine _engine;
    private readonly Account? _system;
    private readonly AccountRegistry _accounts;
    private readonly ServiceSettings _settings;
    private readonly ConcurrentQueue<ApiCall> _calls = new();
    private readonly ConcurrentDictionary<Account, ApiCounters> _counters = new();
    private readonly RepeatedTexts _repeated = new(TimeProvider.System);
    private readonly int _limit;
    private int _waiting;
    private volatile MetaHost? _meta;

    /// <summary>Each thread's own: answers are sent from mailboxes of streams too.</summary>
    [ThreadStatic]
    private static SiblingMatchCache? _matches;

    /// <param name="engine">The streams.</param>
    /// <param name="accounts">All accounts; those without JetStream are told so.</param>
    /// <param name="settings">How.</param>
    public JetStreamService(JetStreamEngine engine, AccountRegistry accounts, ServiceSettings settings)
        : base(engine.Threads)
    {
        _engine = engine;
        _system = accounts.System;
        _accounts = accounts;
        _settings = settings;
        _limit = settings.QueueLimit > 0 ? (int)Math.Min(int.MaxValue, settings.QueueLimit) : DefaultQueueLimit;
        if (engine.IsClustered) _meta = new MetaHost(this, accounts, settings.Cluster!);
        engine.DirectGets = this;
        foreach (var account in accounts.All) Listen(account);
        accounts.Added += Listen;
        if (Meta is { } meta) Run(meta.Start);
    }

    /// <summary>This server's part in the meta group; null: it stands alone.</summary>
    public MetaHost? Meta => _meta;

    /// <summary>Adds a request. From any thread.</summary>
    public void Post(ApiCall call)
    {
        if (Interlocked.Increment(ref _waiting) > _limit) DropAll();
        _calls.Enqueue(call);
        Wake();
    }

    /// <summary>Hands over what is to go out.</summary>
    public void Send(Account account, Outbox outbox)
    {
        var batch = new FlushBatch { NowMilliseconds = Environment.TickCount64 };
        outbox.Deliver(account, _matches ??= new SiblingMatchCache(), batch);
        batch.FlushAll();
    }

    /// <summary>Counts an answer.</summary>
    public void Count(Account account, bool isError) => _counters.GetOrAdd(account, _ => new ApiCounters()).Count(isError);

    /// <summary>Adds word of an answer, if anybody listens for it.</summary>
    public void Audit(Outbox outbox, ApiCall call, byte[] response)
    {
        if (!call.Account.Subscriptions.HasInterest(Encoding.UTF8.GetBytes(AdvisorySubjects.Api))) return;
        var request = call.Payload.Length == 0 ? null : Encoding.UTF8.GetString(call.Payload);
        _engine.ContextOf(call.Account).Audit(outbox, _settings.ServerName, call.Client, call.Subject, request, response);
    }

    protected override void Turn()
    {
        try
        {
            Meta?.BeginTurn();
            TakeCalls();
            Meta?.EndTurn();
        }
        catch (Exception fault)
        {
            // Nothing may be decided on what is half applied; streams go on under those who lead them.
            if (Meta is null) throw;
            JetStreamLog.RequestFailed(_settings.Log, "$NRG", fault);
            Meta.Group.Abandon(fault);
        }
    }

    private void TakeCalls()
    {
        while (_commands.TryDequeue(out var command)) command();
        while (_calls.TryDequeue(out var call))
        {
            Interlocked.Decrement(ref _waiting);
            try
            {
                Handle(call);
            }
            catch (Exception fault) when (fault is DiskException or CorruptStoreException)
            {
                JetStreamLog.RequestFailed(_settings.Log, call.Subject, fault);
                call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            }
            catch (Exception fault)
            {
                // One request's fault is not the next one's.
                JetStreamLog.RequestFailed(_settings.Log, call.Subject, fault);
                call.Fail(JetStreamErrors.JSStreamGeneralErrorF.With("internal error"));
            }
        }
    }

    private void Listen(Account account)
    {
        if (Meta is not null)
        {
            ListenInCluster(account);
            return;
        }
        if (_settings.Elsewhere.Contains(account.Name)) return;
        var subscriber = new ApiSubscriber(this, account);
        account.Subscribe(new Subscription(subscriber, [.. ApiSubject.Prefix, (byte)'>']));
        if (_engine.Domain is { } domain) account.Subscribe(new Subscription(subscriber, Encoding.UTF8.GetBytes($"$JS.{domain}.API.>")));
    }

    private void DropAll()
    {
        var dropped = 0;
        while (_calls.TryDequeue(out _)) dropped++;
        Interlocked.Add(ref _waiting, -dropped);
        if (_repeated.Admits("requests dropped")) JetStreamLog.RequestsDropped(_settings.Log, dropped);
        if (_system is null || dropped == 0) return;
        var outbox = new Outbox();
        _engine.ContextOf(_system).Advise(outbox, AdvisorySubjects.ApiLimitReached, () => new ApiLimitReachedAdvisory
        {
            Server = _settings.ServerName,
            Dropped = dropped,
        });
        Send(_system, outbox);
    }

    private ApiTime Now => ApiTime.From(_settings.Time.GetUtcNow());

    /// <summary>Requests of an account.</summary>
    private sealed class ApiCounters
    {
        private ulong _total;
        private ulong _errors;

        public ulong Total => Volatile.Read(ref _total);

        public ulong Errors => Volatile.Read(ref _errors);

        public void Count(bool isError)
        {
            Interlocked.Increment(ref _total);
            if (isError) Interlocked.Increment(ref _errors);
        }
    }
}
