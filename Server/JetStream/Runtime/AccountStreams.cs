using System.Collections.Immutable;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// The streams of an account: an immutable table, swapped by the account's mailbox of requests, which alone makes,
/// changes and deletes them.
/// </summary>
internal sealed class AccountStreams : IStreamCatalog
{
    private readonly JetStreamEngine _engine;
    private ImmutableSortedDictionary<string, StreamHost> _streams = ImmutableSortedDictionary.Create<string, StreamHost>(StringComparer.Ordinal);
    private ImmutableDictionary<string, string> _offline = ImmutableDictionary<string, string>.Empty;
    private readonly StorageUsage _memory;
    private readonly StorageUsage _files;
    private volatile AccountTiers _tiers;

    public AccountStreams(JetStreamEngine engine, Account account, AccountLimits limits)
    {
        _engine = engine;
        Account = account;
        Limits = limits;
        _tiers = AccountTiers.For(limits);
        (_memory, _files) = (new StorageUsage(engine.MemoryUsage), new StorageUsage(engine.FileUsage));
        UseLimits(limits);
        Context = engine.ContextOf(account) with { Find = Find, UsageOf = storage => storage == StorageType.Memory ? _memory : _files };
    }

    public Account Account { get; }

    /// <summary>What it may use.</summary>
    public AccountLimits Limits { get; private set; }

    /// <summary>What its streams run in.</summary>
    public StreamContext Context { get; }

    /// <summary>Running streams by name, in their order. From any thread.</summary>
    public ImmutableSortedDictionary<string, StreamHost> Hosts => Volatile.Read(ref _streams);

    /// <summary>Streams that do not run, and why.</summary>
    public ImmutableDictionary<string, string> Offline => Volatile.Read(ref _offline);

    IEnumerable<StreamConfiguration> IStreamCatalog.Streams => Hosts.Values.Select(host => host.Configuration);

    StreamConfiguration? IStreamCatalog.Find(string name) => Find(name)?.Configuration;

    /// <summary>Bytes that its streams of a storage hold.</summary>
    public ulong Used(StorageType storage) =>
        Hosts.Values.Where(host => host.Configuration.Storage == storage).Aggregate(0UL, (sum, host) => sum + host.State.Bytes);

    public StreamHost? Find(string name) => Hosts.GetValueOrDefault(name);

    /// <summary>What stands around a stream that is to be made or changed.</summary>
    public StreamEnvironment Environment => new()
    {
        Catalog = this,
        Tiers = _tiers,
        Server = _engine.Reservations,
        MaxDuplicateWindow = _engine.MaxDuplicateWindow,
    };

    /// <summary>The account has other limits from now on.</summary>
    public void UseLimits(AccountLimits limits)
    {
        (Limits, _tiers) = (limits, AccountTiers.For(limits));
        (_memory.Limit, _files.Limit) = (limits.MaxMemory, limits.MaxStorage);
    }

    /// <summary>Makes a stream and has it run.</summary>
    /// <param name="configuration">Admitted.</param>
    /// <exception cref="Storage.Disk.DiskException">It could not be made durable; it is not there.</exception>
    /// <param name="created">Nanoseconds since 1970; null: now.</param>
    /// <param name="plan">The group it is shared in; null: it is on this server alone.</param>
    public StreamHost Create(StreamConfiguration configuration, long? created = null, GroupPlan? plan = null)
    {
        var record = new StreamRecord(_engine.NextId(), created ?? Context.Now, configuration) { Group = plan is { IsAlone: false } ? plan.Name : null };
        var name = configuration.Name;
        if (configuration.Storage == StorageType.File && Context.Files.SetAside(Account.Name, name, record.Id) is { } path)
        {
            JetStreamLog.SetAside(Context.Log, Account.Name, name, path);
        }
        var store = _engine.OpenStore(Account.Name, record);
        try
        {
            if (configuration.FirstSequence > 1)
            {
                store.Compact(configuration.FirstSequence);
                var checkpoint = store.BeginCheckpoint(0);
                checkpoint.Run();
                checkpoint.Complete();
            }
            if (configuration.Storage == StorageType.File) Context.Files.WriteRecord(Account.Name, record);
        }
        catch
        {
            store.Dispose();
            throw;
        }
        var host = _engine.Host(Context, record, store);
        Run(host, plan is { IsAlone: false } ? plan : null);
        return host;
    }

    /// <summary>Has a stream run that was made or found.</summary>
    /// <param name="host">The stream.</param>
    /// <param name="plan">The group it is shared in; null: it is on this server alone.</param>
    public void Run(StreamHost host, GroupPlan? plan)
    {
        if (plan is not null) host.Join(plan);
        Add(host);
        host.Start();
    }

    /// <summary>Makes a whole draft a stream and has it run.</summary>
    /// <param name="draft">Its name must be free.</param>
    /// <exception cref="Storage.Disk.DiskException">The disk failed.</exception>
    public StreamHost Adopt(StreamDraft draft)
    {
        var record = draft.Record;
        if (Context.Files.SetAside(Account.Name, record.Configuration.Name, record.Id) is { } path)
        {
            JetStreamLog.SetAside(Context.Log, Account.Name, record.Configuration.Name, path);
        }
        draft.Adopt();
        var host = _engine.Host(Context, record, _engine.OpenStore(Account.Name, record));
        host.LoadConsumers();
        Add(host);
        host.Start();
        return host;
    }

    /// <summary>Takes a stream in that was found at the start.</summary>
    public void Add(StreamHost host)
    {
        Volatile.Write(ref _offline, _offline.Remove(host.Configuration.Name));
        Volatile.Write(ref _streams, _streams.SetItem(host.Configuration.Name, host));
    }

    /// <summary>A stream that was found at the start cannot run.</summary>
    public void AddOffline(string name, string reason) => Volatile.Write(ref _offline, _offline.SetItem(name, reason));

    /// <summary>Takes a stream out, which ends or is deleted by itself.</summary>
    public void Remove(string name) => Volatile.Write(ref _streams, _streams.Remove(name));
}
