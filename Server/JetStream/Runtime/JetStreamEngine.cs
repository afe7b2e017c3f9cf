using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Batches;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>JetStream of a server: its log, its accounts' streams, what they may take together.</summary>
internal sealed partial class JetStreamEngine : IAsyncDisposable
{
    private const long Mebibyte = 1 << 20;

    /// <summary>Bytes read and checked for one message that is asked for; larger ones compress better.</summary>
    private const int ChunkSize = 8 << 10;

    /// <summary>Bytes of messages that a stream which is read from keeps.</summary>
    private const long CacheBytes = 16 * Mebibyte;

    private readonly IDisk _disk;
    private readonly JetStreamOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly ITimer _housekeeping;
    private readonly RepeatedTexts _repeated;
    private readonly BatchTotals _batchTotals = new();
    private ImmutableDictionary<string, AccountStreams> _accounts = ImmutableDictionary<string, AccountStreams>.Empty;
    private WriteAheadLog? _log;
    private ulong _lastId;

    private JetStreamEngine(
        IDisk disk, string directory, JetStreamOptions options, TimeProvider time, ILogger log, ClusterMembership? cluster, ITurns? turns)
    {
        _cluster = cluster;
        Cluster = cluster?.View;
        Threads = turns ?? new MailboxThreads(Environment.ProcessorCount);
        _disk = disk;
        _options = options;
        _time = time;
        _logger = log;
        StoreDirectory = directory;
        Files = new StreamFiles(disk, $"{directory}/natsaspire");
        _repeated = new RepeatedTexts(time);
        MaxMemory = options.MaxMemory is >= 0 and var memory ? memory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;
        MemoryUsage.Limit = MaxMemory;
        _housekeeping = time.CreateTimer(_ => KeepHouse(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The disk.</summary>
    public IDisk Disk => _disk;

    /// <summary>Where everything lies; upstream's files may lie there too.</summary>
    public string StoreDirectory { get; }

    public StreamFiles Files { get; }

    /// <summary>Where mailboxes take their turns.</summary>
    public ITurns Threads { get; }

    /// <summary>Bytes of streams in memory.</summary>
    public long MaxMemory { get; }

    /// <summary>Bytes of streams on the disk.</summary>
    public long MaxStore { get; private set; }

    /// <summary>What streams in memory hold.</summary>
    public StorageUsage MemoryUsage { get; } = new();

    /// <summary>What streams on the disk hold.</summary>
    public StorageUsage FileUsage { get; } = new();

    /// <summary>Nanoseconds of a duplicate window at most; 0: any.</summary>
    public long MaxDuplicateWindow => (long)_options.Limits.DuplicateWindow.TotalNanoseconds;

    /// <summary>The server's domain; null: none.</summary>
    public string? Domain => _options.Domain;

    /// <summary>How streams are encrypted, for people; null: they are not.</summary>
    public string? Encryption => KeyOf(_options.EncryptionKey) is { } key ? key.Cipher == StoreCipher.AesGcm ? "AES-GCM" : "ChaCha20-Poly1305" : null;

    /// <summary>Who serves direct gets; null: nobody yet.</summary>
    public IDirectGets? DirectGets { get; set; }

    /// <summary>Accounts that have JetStream. From any thread.</summary>
    public ImmutableDictionary<string, AccountStreams> Accounts => Volatile.Read(ref _accounts);

    /// <summary>Streams that were found at the start, of accounts that have no JetStream.</summary>
    public ImmutableList<(string Account, string Stream)> Unserved { get; private set; } = [];

    /// <summary>What the server can hold, and what is promised to streams with a maximum size.</summary>
    public ServerReservations Reservations => new()
    {
        MaxMemory = MaxMemory,
        MaxStorage = MaxStore,
        ReservedMemory = Reserved(StorageType.Memory),
        ReservedStorage = Reserved(StorageType.File),
    };

    public AccountStreams? Find(Account account) => Accounts.GetValueOrDefault(account.Name);

    /// <summary>A number for a new stream, which no other has or had.</summary>
    public ulong NextId()
    {
        var now = (ulong)((_time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * TimeSpan.NanosecondsPerTick);
        while (true)
        {
            var last = Volatile.Read(ref _lastId);
            var next = Math.Max(last + 1, now);
            if (Interlocked.CompareExchange(ref _lastId, next, last) == last) return next;
        }
    }

    /// <summary>Gives an account JetStream, or other limits.</summary>
    public AccountStreams Enable(Account account, AccountLimits limits)
    {
        if (Find(account) is { } known)
        {
            known.UseLimits(limits);
            return known;
        }
        var streams = new AccountStreams(this, account, limits);
        ImmutableInterlocked.TryAdd(ref _accounts, account.Name, streams);
        return streams;
    }

    public StreamContext ContextOf(Account account) => new(account, _time, _logger, Domain, Files, Threads)
    {
        ControlScope = _options.ScopesControl ? $"{Domain ?? "_"}.{NodeHash.Of(account.Name)}." : "",
        Repeated = _repeated,
        Cluster = Cluster,
        Traffic = _cluster?.Traffic,
        Self = _cluster?.Self ?? default,
        OpenGroup = OpenGroup,
        Parts = _cluster?.Parts ?? new AssetParts(),
        CloseGroup = CloseGroup,
        DirectGets = () => DirectGets,
        RemoveConsumer = (stream, consumer) => ConsumerAbandoned?.Invoke(account.Name, stream, consumer),
        DeleteGroup = DeleteGroup,
        FindGroups = FindGroups,
        HasGroup = HasGroup,
        MaxQueuedMessages = _options.MaxBufferedMessages > 0 ? (int)Math.Min(int.MaxValue, _options.MaxBufferedMessages) : StreamContext.DefaultQueuedMessages,
        MaxQueuedBytes = _options.MaxBufferedSize > 0 ? _options.MaxBufferedSize : 128 * Mebibyte,
        LeaderOptions = new StreamLeaderOptions { Domain = Domain, Account = account.Name, ProposesRanges = _options.ProposesRanges, Batches = LimitsOf(_options.Limits), BatchTotals = _batchTotals },
    };

    /// <summary>Opens or makes the messages of a stream.</summary>
    public IMessageStore OpenStore(string account, StreamRecord record) => record.Configuration.Storage == StorageType.Memory
        ? new MemoryMessageStore()
        : FileMessageStore.Open(_disk, Files.MessagesOf(account, record.Configuration.Name), FileOptionsOf(record));

    /// <summary>A stream over its messages.</summary>
    public StreamHost Host(StreamContext context, StreamRecord record, IMessageStore store)
    {
        var isInMemory = record.Configuration.Storage == StorageType.Memory;
        var sealer = isInMemory || _options.EncryptionKey is null ? null : new EntrySealer(FileOptionsOf(record));
        return new StreamHost(context, record, store, isInMemory ? null : _log, sealer);
    }

    /// <summary>Ends every stream with all that it holds on the disk.</summary>
    public async ValueTask DisposeAsync()
    {
        await _housekeeping.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(Accounts.Values.SelectMany(account => account.Hosts.Values).Select(host => host.StopAsync())).ConfigureAwait(false);
        foreach (var group in _groups.Values) CloseGroup(group);
        _log?.Dispose();
        Threads.Dispose();
    }

    /// <summary>How the messages of a stream are stored.</summary>
    public FileStoreOptions FileOptionsOf(StreamRecord record) => KeysOf(record.Id) with
    {
        Compress = record.Configuration.Compression == StoreCompression.S2,
        ChunkSize = ChunkSize,
        CacheBytes = CacheBytes,
    };

    private FileStoreOptions KeysOf(ulong id) => new()
    {
        StreamId = id,
        Key = KeyOf(_options.EncryptionKey),
        OldKeys = KeyOf(_options.PreviousEncryptionKey) is { } old ? [old] : [],
    };

    private StoreKey? KeyOf(string? secret) => string.IsNullOrEmpty(secret)
        ? null
        : new StoreKey(_options.Cipher == JetStreamCipher.Aes ? StoreCipher.AesGcm : StoreCipher.ChaCha20Poly1305, System.Text.Encoding.UTF8.GetBytes(secret));

    private static BatchLimits LimitsOf(JetStreamLimitOptions limits) => BatchLimits.Of(
        (int)Math.Min(int.MaxValue, limits.MaxBatchInflightPerStream),
        (int)Math.Min(int.MaxValue, limits.MaxBatchInflightTotal),
        (int)Math.Min(int.MaxValue, limits.MaxBatchSize),
        (long)limits.BatchTimeout.TotalNanoseconds);

    private long Reserved(StorageType storage) => Accounts.Values
        .SelectMany(account => account.Hosts.Values)
        .Where(host => host.Configuration.Storage == storage)
        .Sum(host => Math.Max(0, host.Configuration.MaxBytes));

    /// <summary>Copies look for their origins; streams that keep the oldest part of the log make checkpoints, so that it may go.</summary>
    private void KeepHouse()
    {
        foreach (var host in Accounts.Values.SelectMany(account => account.Hosts.Values)) host.NudgeCopies();
        if (_log is not { } log || log.Pinning is not { Count: > 0 } pinning) return;
        foreach (var host in Accounts.Values.SelectMany(account => account.Hosts.Values))
        {
            if (pinning.Contains(host.Record.Id)) host.RequestCheckpoint();
        }
        foreach (var group in _groups.Values)
        {
            if (pinning.Contains(group.Id)) group.RequestCheckpoint();
        }
    }
}
