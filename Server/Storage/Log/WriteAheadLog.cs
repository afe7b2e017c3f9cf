using Microsoft.Extensions.Logging;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.Storage.Log;

/// <summary>
/// The log that all groups of a server share: streams append what they are about to do, and do it (acknowledge it) when
/// the log has it. One thread writes everything that waits with one write, and syncs once for all of it.
/// </summary>
/// <remarks>
/// Open, <see cref="Replay"/>, then append. A failed write or sync fences the log for good: every batch fails, nothing is
/// deleted. No room for a new segment suspends it until <see cref="Resume"/>. Safe for use by many threads.
/// </remarks>
public sealed partial class WriteAheadLog : IDisposable
{
    /// <summary>With <see cref="LogBatch.LargestKept"/> each: 64 MiB at most.</summary>
    private const int PooledBatches = 1024;

    private readonly object _gate = new();
    private readonly LogOptions _options;
    private readonly ILogger _log;
    private readonly SegmentDirectory _directory;
    private readonly Stack<LogBatch> _pool = [];
    private readonly Thread _committer;
    private List<LogBatch> _queue = [];
    private long _queuedBytes;
    private int _waiting;
    private bool _committerWaits;

    /// <summary>What is the committer's own belongs to a thread that writes for itself, and the committer waits.</summary>
    private bool _isLent;

    private bool _stopping;
    private TaskCompletionSource? _room;
    private volatile DiskException? _failure;
    private bool _suspended;

    private WriteAheadLog(SegmentDirectory directory, LogRecovery recovered, LogOptions options, ILogger log)
    {
        (_directory, _options, _log) = (directory, options, log);
        _segments = recovered.Segments;
        _garbage = recovered.Free;
        _voids = recovered.Voids;
        _nextNumber = recovered.NextNumber;
        _tailIsSealed = recovered.IsSealed;
        _tail = _segments.LastOrDefault();
        if (_tail is not null) _durable = new LogPosition(_tail.Number, _tail.End);
        _committer = new Thread(RunCommitter) { IsBackground = true, Name = "nats-log" };
    }

    /// <summary>Why the log takes nothing at present; null: it does.</summary>
    public DiskException? Failure => _failure;

    /// <summary>Bytes of batches not yet complete.</summary>
    public long PendingBytes
    {
        get { lock (_gate) return _queuedBytes; }
    }

    /// <summary>Syncs so far.</summary>
    public long Syncs => Interlocked.Read(ref _syncs);

    /// <summary>Opens the log of a directory, or begins one there.</summary>
    /// <exception cref="Messages.CorruptStoreException">What must be whole is not; nothing was changed.</exception>
    /// <exception cref="DiskException">The disk failed.</exception>
    public static WriteAheadLog Open(IDisk disk, string directory, LogOptions options, ILogger log)
    {
        options.Validate();
        var segments = new SegmentDirectory(disk, directory);
        var recovered = LogRecovery.Run(segments);
        StorageLog.Opened(log, recovered.Segments.Count, recovered.Rewritten);
        var opened = new WriteAheadLog(segments, recovered, options, log);
        if (options.HasThread) opened._committer.Start();
        return opened;
    }

    /// <summary>An empty batch.</summary>
    public LogBatch Rent()
    {
        lock (_pool)
        {
            if (_pool.TryPop(out var batch)) return batch;
        }
        return new LogBatch(_options.BatchLimit);
    }

    /// <summary>Gives a batch back that is not to be appended.</summary>
    public void Return(LogBatch batch)
    {
        batch.Reset();
        lock (_pool)
        {
            if (_pool.Count < PooledBatches) _pool.Push(batch);
        }
    }

    /// <summary>Appends a batch, waiting while too much is under way. The batch belongs to the log until its completion.</summary>
    public void Append(LogBatch batch, ILogCompletion completion)
    {
        batch.Completion = completion;
        batch.Close();
        lock (_gate)
        {
            _waiting++;
            if (IsFull(batch)) Wake();
            while (IsFull(batch) && !_stopping) Monitor.Wait(_gate);
            _waiting--;
            Enqueue(batch);
        }
    }

    /// <summary>Appends a batch if that needs no waiting; else it stays the caller's (see <see cref="WhenRoom"/>).</summary>
    /// <param name="batch">Closed by its caller with all it is to hold.</param>
    /// <param name="completion">Is told of it, unless it is written when this returns.</param>
    public LogAppend TryAppend(LogBatch batch, ILogCompletion completion)
    {
        lock (_gate)
        {
            if (IsFull(batch)) return LogAppend.Full;
        }
        batch.Completion = completion;
        batch.Close();
        lock (_gate)
        {
            if (!MayWriteHere(batch))
            {
                Enqueue(batch);
                return LogAppend.UnderWay;
            }
            _isLent = true;
            _queuedBytes += batch.Length;
        }
        return WriteHere(batch);
    }

    /// <summary>Completes when there is less under way than <see cref="LogOptions.QueueLimit"/>.</summary>
    public Task WhenRoom()
    {
        lock (_gate)
        {
            if (_queuedBytes < _options.QueueLimit) return Task.CompletedTask;
            Wake();
            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>
    /// Takes batches again after there was no room for a segment. To be called when everybody whose batches failed has dealt
    /// with that: whoever appends the next index without the failed one makes a gap.
    /// </summary>
    /// <returns>False: the log is fenced for good.</returns>
    public bool Resume()
    {
        lock (_gate)
        {
            if (_failure is not null && !_suspended) return false;
            _suspended = false;
            _failure = null;
            return true;
        }
    }

    /// <summary>Writes and syncs what was appended, notes that all is durable, and closes.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Wake();
        }
        if (_options.HasThread) _committer.Join();
        else RunCommitter();
    }

    private bool IsFull(LogBatch batch) => _queuedBytes > 0 && _queuedBytes + batch.Length > _options.QueueLimit;

    private void Enqueue(LogBatch batch)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        _queuedBytes += batch.Length;
        _queue.Add(batch);
        if (_committerWaits) Wake();
    }

    private void Wake() => Monitor.PulseAll(_gate);
}
