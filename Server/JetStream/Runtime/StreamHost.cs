using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// A stream that runs: its replica behind a mailbox. A turn judges what was published since the last one, hands its
/// operations to the log as one batch, and sends the answers of batches that have become durable.
/// </summary>
/// <remarks>
/// A stream alone applies an operation when it is proposed, and answers when the log has it. When the log fails, what
/// was applied may be lost at the next start; the stream then takes nothing more (see <see cref="Fault"/>).
/// </remarks>
internal sealed partial class StreamHost : Mailbox
{
    private const byte EntryKind = 1;
    private const byte SealedEntryKind = 2;

    /// <summary>Reads that may wait; as many as requests of the API.</summary>
    private const int MaxCommands = 10_000;

    private readonly StreamContext _context;
    private readonly IMessageStore _store;
    private readonly StreamReplica _replica;
    private readonly StorageRoom? _room;
    private readonly WriteAheadLog? _log;
    private readonly EntrySealer? _sealer;
    private readonly FlushBatch _flush = new();
    private readonly Lock _commandLock = new();
    private readonly ITimer _timer;
    private readonly StreamCapture _capture;
    private readonly StreamConsumers _consumers;
    private List<Action> _commands = [];
    private List<Action> _taken = [];
    private StreamLeader? _leader;
    private long? _armed;
    private bool _timerIsSpent;
    private bool _isStopping;

    /// <param name="context">What it runs in.</param>
    /// <param name="record">What it is.</param>
    /// <param name="store">Its messages; its own from here on.</param>
    /// <param name="log">Where its operations become durable; null: nowhere, it is in memory.</param>
    /// <param name="sealer">Encrypts what goes there; null: nothing is encrypted.</param>
    public StreamHost(StreamContext context, StreamRecord record, IMessageStore store, WriteAheadLog? log, EntrySealer? sealer)
        : base(context.Threads)
    {
        _sealer = sealer;
        _context = context;
        _store = store;
        _log = log;
        Record = record;
        if (context.UsageOf?.Invoke(record.Configuration.Storage) is { } usage) _room = new StorageRoom(usage, store, NoteNoRoom);
        _replica = context.Parts.Replica(record.Configuration, store, _room);
        _leader = context.Parts.Leader(_replica, context.LeaderOptions);
        _index = _durable = _completed = store.AppliedIndex;
        _publishes = new PublishQueue(context.MaxQueuedMessages, context.MaxQueuedBytes);
        _timer = context.Time.CreateTimer(_ => OnTimer(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _atEndOfBatch = new AtEndOfBatch(this);
        _capture = new StreamCapture(this);
        Key = Encoding.UTF8.GetBytes(record.Configuration.Name);
        _consumers = new StreamConsumers(this, store, isLogged: log is not null);
        PublishState();
        _leads = true;
    }

    /// <summary>What it is; swapped by updates.</summary>
    public StreamRecord Record { get; private set; }

    public StreamConfiguration Configuration => Record.Configuration;

    public Account Account => _context.Account;

    /// <summary>Why it takes nothing more; null: it does.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Its name's bytes.</summary>
    public byte[] Key { get; }

    /// <inheritdoc cref="StreamContext.ControlScope"/>
    internal string ControlScope => _context.ControlScope;

    /// <summary>Its consumers; in the mailbox.</summary>
    public StreamConsumers Consumers => _consumers;

    /// <summary>What the mailbox has looked up lately.</summary>
    internal SiblingMatchCache Matches => _matches;

    /// <summary>What the mailbox sends at the end of its turn.</summary>
    internal FlushBatch Flush => _flush;

    /// <summary>Begins to take messages of its subjects, and what its consumers are told.</summary>
    public void Start()
    {
        HasStarted = true;
        _leads = _group is null;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                Begin();
            }
            finally
            {
                started.SetResult();
            }
        });
        _context.Threads.Wait(started.Task);
    }

    private void Begin()
    {
        // What an update made too much is not in the log.
        _replica.Update(Configuration, _context.Now);
        VisibleSequence = _marked = _store.State.LastSequence;
        _consumers.Start(_context.Now);
        FollowDirectGets();
        PublishState();
        if (_group is not null)
        {
            BeginAsMember(hasSeed: false);
            return;
        }
        ServeAlone();
    }

    private void ServeAlone()
    {
        MakeCopies();
        _capture.Follow(Configuration.Subjects);
        _consumers.Follow();
        _leadTasks.Do();
    }

    /// <summary>Has something done in the mailbox, between messages. From any thread.</summary>
    public void Post(Action command)
    {
        lock (_commandLock) _commands.Add(command);
        Wake();
    }

    /// <summary>The same for what clients ask by the thousand: not when too much waits already.</summary>
    /// <returns>False: it will not be done.</returns>
    public bool TryPost(Action command)
    {
        lock (_commandLock)
        {
            if (_commands.Count >= MaxCommands) return false;
            _commands.Add(command);
        }
        Wake();
        return true;
    }

    protected override void Turn()
    {
        _flush.NowMilliseconds = Environment.TickCount64;
        try
        {
            if (Fault is null) BeginGroups();
            Settle();
            TurnCatchups();
            if (!IsHeldUp)
            {
                // Acknowledgements before those who ask where a consumer stands: they came first.
                _consumers.TakeTraffic(_context.Now);
                RunCommands();
                RunGets(mayWait: true);
                if (_whenQuiet.Count == 0 && !_isRegrouping && _leads) TakePublishes();
                GoOnWithCopies();
                TickIfDue();
                TurnConsumers();
                // Full streams have room again when something expires or is done.
                if (HasHeldCopies) GoOnWithCopies();
            }
            HandOver();
            RegroupIfDue();
            RunWhenQuiet();
            CheckpointIfDue();
            if (Fault is null) EndGroups();
            FollowDirectGets();
            Arm();
            if (HasMore) Wake();
        }
        catch (Exception fault)
        {
            // One stream's fault is not its neighbours': it is fenced, nothing is lost that was acknowledged.
            Fence(fault);
        }
        PublishState();
        _flush.FlushAll();
    }

    /// <summary>Whether something is left that the next turn can do, and of which nobody may speak again.</summary>
    private bool HasMore
    {
        get
        {
            if (Fault is not null || _isStopping || IsHeldUp) return false;
            return _consumers.HasDue || (_leads && _block is null && _whenQuiet.Count == 0 && _publishes.Count > 0);
        }
    }

    private void RunCommands()
    {
        lock (_commandLock)
        {
            if (_commands.Count == 0) return;
            (_commands, _taken) = (_taken, _commands);
        }
        foreach (var command in _taken) Do(command);
        _taken.Clear();
        if (!Prompt.IsEmpty) Prompt.Deliver(Account, _matches, _flush);
    }

    /// <summary>Whoever waits for one command is not left waiting because another one failed.</summary>
    private void Do(Action command)
    {
        try
        {
            command();
        }
        catch (Exception fault)
        {
            Fence(fault);
        }
    }

    private void TickIfDue()
    {
        if (Fault is not null || _isStopping) return;
        var now = _context.Now;
        if (!_leads)
        {
            // What has lived long enough goes by each member's own clock.
            if (_replica.NextExpiry <= now) _replica.ExpireAged(now);
        }
        else if (_leader?.NextTick is { } due && due <= now) _leader.Tick(now, this);
    }

    /// <summary>Consumers take what they are told, and deliver what has been seen to be durable.</summary>
    private void TurnConsumers()
    {
        if (Fault is not null || _isStopping) return;
        var now = _context.Now;
        _consumers.TellOfRemovals(now);
        _consumers.Turn(now);
        if (_consumers.HasDue && _consumers.Pump(now)) Wake();
        _consumers.ProposeLazyIfDue(now);
        _consumers.TellOfRemovals(now);
    }

    private static long? Earlier(long? one, long? other) => one is { } left && other is { } right ? Math.Min(left, right) : one ?? other;

    private void OnTimer()
    {
        Volatile.Write(ref _timerIsSpent, true);
        Wake();
    }

    private void Arm()
    {
        // It may come a little early, and is armed again then.
        if (Interlocked.Exchange(ref _timerIsSpent, false)) _armed = null;
        var next = Fault is null && !_isStopping ? Earlier(Earlier(_leads ? _leader?.NextTick : _replica.NextExpiry, _consumers.NextTick), NextGroupTick()) : null;
        // One that is too early finds nothing due, and is armed again then: cheaper than to move it with every message.
        if (next is null || _armed <= next) return;
        _armed = next;
        var wait = TimeSpan.FromMilliseconds(Math.Clamp((next.Value - _context.Now + 999_999) / 1_000_000, 1, int.MaxValue));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
