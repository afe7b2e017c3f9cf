using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>The start: streams from their checkpoints, and what the log has beyond them.</summary>
internal sealed partial class JetStreamEngine
{
    private static readonly TimeSpan HousekeepingInterval = TimeSpan.FromSeconds(1);

    /// <summary>Opens what is there.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="directory">An absolute path.</param>
    /// <param name="options">How.</param>
    /// <param name="accounts">Accounts that have JetStream, with what they may use.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="log">The server's log.</param>
    /// <param name="walOptions">Of the write-ahead log; null: as the options say.</param>
    /// <param name="cluster">The server's place in it; null: the server stands alone.</param>
    /// <param name="turns">Where mailboxes take their turns; null: on threads of the engine's own.</param>
    /// <exception cref="DiskException">The disk failed.</exception>
    /// <exception cref="CorruptStoreException">The log cannot be trusted; nothing was changed.</exception>
    public static JetStreamEngine Start(
        IDisk disk, string directory, JetStreamOptions options, IEnumerable<(Account Account, AccountLimits Limits)> accounts, TimeProvider time, ILogger log,
        LogOptions? walOptions = null, ClusterMembership? cluster = null, ITurns? turns = null)
    {
        var engine = new JetStreamEngine(disk, directory, options, time, log, cluster, turns);
        foreach (var (account, limits) in accounts) engine.Enable(account, limits);
        engine.Recover(walOptions ?? LogOptionsOf(options));
        engine._housekeeping.Change(HousekeepingInterval, HousekeepingInterval);
        return engine;
    }

    private static LogOptions LogOptionsOf(JetStreamOptions options) => options.SyncInterval is { } interval && !options.SyncAlways
        ? new LogOptions { Sync = LogSync.Lazy, SyncInterval = interval }
        : new LogOptions();

    private void Recover(LogOptions walOptions)
    {
        _disk.CreateDirectory(StoreDirectory);
        MaxStore = _options.MaxStore is >= 0 and var store ? store : _disk.FreeBytes(StoreDirectory) / 4 * 3;
        FileUsage.Limit = MaxStore;
        Files.SweepDeleted();
        try
        {
            _log = WriteAheadLog.Open(_disk, Files.LogDirectory, walOptions, _logger);
            var started = Stopwatch.GetTimestamp();
            if (_cluster is { } cluster) GroupContext = new GroupContext(cluster.Self, cluster.Traffic, Files, _log, _time, _logger, Threads) { Timings = cluster.Timings, IsOnline = cluster.View.IsOnline, LeavesAtOnce = cluster.View.LeavesAtOnce, KnowsAssignments = () => KnowsAssignments };
            var hosts = Open();
            var groups = ReadGroups();
            var visitor = new Replayer(this, hosts, groups);
            var covered = hosts.ToDictionary(entry => entry.Key, entry => entry.Value.Store.AppliedIndex);
            foreach (var group in groups) covered.Add(group.Key, group.Value.Position);
            _log.Replay(covered, visitor);
            RemoveOrphans(hosts, groups);
            _lastId = _log.Groups.Concat(hosts.Keys).Concat(groups.Keys).DefaultIfEmpty().Max();
            foreach (var host in hosts.Values) Begin(host, visitor, Stopwatch.GetElapsedTime(started));
            foreach (var host in hosts.Values) host.NudgeCopies();
            // In a cluster the others have what there is: a second copy beside theirs would be nobody's.
            if (!IsClustered) new GoMigration(this, Secrets(), _logger).Run();
        }
        catch
        {
            _log?.Dispose();
            Threads.Dispose();
            throw;
        }
    }

    private List<string> Secrets() => [.. new[] { _options.EncryptionKey, _options.PreviousEncryptionKey }.Where(secret => !string.IsNullOrEmpty(secret)).Select(secret => secret!)];

    private Dictionary<ulong, StreamHost> Open()
    {
        var hosts = new Dictionary<ulong, StreamHost>();
        foreach (var (accountName, name) in Files.List())
        {
            // Streams of accounts that are not there any more stay as they are.
            if (!Files.HasRecord(accountName, name)) continue;
            if (!Accounts.TryGetValue(accountName, out var account))
            {
                Unserved = Unserved.Add((accountName, name));
                continue;
            }
            try
            {
                if (IsClustered && Files.IsDamaged(accountName, name)) throw new CorruptStoreException("it was found damaged before");
                var record = Files.ReadRecord(accountName, name);
                if (!record.Configuration.Metadata.IsSupported) throw new CorruptStoreException($"it needs API level {record.Configuration.Metadata.RequiredLevel}");
                var host = Host(account.Context, record, OpenStore(accountName, record));
                host.LoadConsumers();
                hosts.Add(record.Id, host);
            }
            catch (Exception fault) when (fault is DiskException or CorruptStoreException or ArgumentException)
            {
                SetOffline(account, name, fault);
            }
        }
        return hosts;
    }

    private void Begin(StreamHost host, Replayer replayer, TimeSpan took)
    {
        var account = Accounts[host.Account.Name];
        if (replayer.Faults.TryGetValue(host.Record.Id, out var fault))
        {
            SetOffline(account, host.Configuration.Name, fault);
            return;
        }
        if (IsClustered)
        {
            // The cluster says whether it is still wanted, and with whom it is shared.
            _held[(host.Account.Name, host.Configuration.Name)] = host;
            return;
        }
        account.Add(host);
        host.Start();
        JetStreamLog.Restored(
            _logger, host.Store.State.Messages.ToString("N0", CultureInfo.InvariantCulture), host.Account.Name, host.Configuration.Name, $"{took.TotalMilliseconds:0.###}ms");
    }

    /// <summary>Nothing of it is changed or deleted.</summary>
    private void SetOffline(AccountStreams account, string name, Exception fault)
    {
        account.AddOffline(name, fault.Message);
        JetStreamLog.StreamOffline(_logger, account.Account.Name, name, fault.Message);
    }

    /// <summary>Operations of streams that were deleted, or were never made whole, would keep the log for ever.</summary>
    private void RemoveOrphans(Dictionary<ulong, StreamHost> hosts, Dictionary<ulong, GroupState> groups)
    {
        var known = Files.List().Where(entry => Files.HasRecord(entry.Account, entry.Stream)).ToList();
        // A stream that is offline may have operations too: then nobody can say whose they are.
        if (known.Count != hosts.Count || !_lostGroups.IsEmpty) return;
        var orphans = _log!.Groups.Where(group => !hosts.ContainsKey(group) && !groups.ContainsKey(group)).ToList();
        if (orphans.Count == 0) return;
        JetStreamLog.Orphans(_logger, orphans.Count);
        var batch = _log.Rent();
        foreach (var orphan in orphans) batch.AddRemoval(orphan);
        _log.Append(batch, new Ignored());
    }

    private sealed class Ignored : ILogCompletion
    {
        public void Completed(LogBatch batch, DiskException? failure)
        {
            // If it failed, they are found again at the next start.
        }
    }

    /// <summary>Hands the log's operations to their streams. A stream that one of them does not fit stays as it is.</summary>
    private sealed class Replayer(JetStreamEngine engine, Dictionary<ulong, StreamHost> hosts, Dictionary<ulong, GroupState> groups) : ILogVisitor
    {
        public Dictionary<ulong, Exception> Faults { get; } = [];

        public void Visit(in LogRecord record)
        {
            if (Faults.ContainsKey(record.Group)) return;
            try
            {
                if (hosts.TryGetValue(record.Group, out var host)) host.Replay(record);
                else if (groups.TryGetValue(record.Group, out var group)) engine.ReplayGroup(group, record);
            }
            catch (Exception fault) when (fault is CorruptStoreException or DiskException)
            {
                Faults.Add(record.Group, fault);
                if (groups.TryGetValue(record.Group, out var group)) engine.LoseGroup(group, fault);
            }
        }
    }
}
