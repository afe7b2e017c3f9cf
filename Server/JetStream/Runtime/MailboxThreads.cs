namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Threads that mailboxes take their turns on. Not the thread pool's: those look for work for a while before they
/// sleep, which costs more than all the rest when single messages come and go. Who went to sleep last is woken first: its caches are warm.
/// </summary>
internal sealed class MailboxThreads : ITurns
{
    private readonly Lock _gate = new();
    private readonly Queue<Mailbox> _due = new();
    private readonly Worker[] _workers;
    private readonly Stack<Worker> _asleep = new();
    private bool _isOver;

    /// <param name="count">Threads, at least 2: one may wait for what another does.</param>
    public MailboxThreads(int count)
    {
        _workers = new Worker[Math.Max(2, count)];
        for (var i = 0; i < _workers.Length; i++) _workers[i] = new Worker(this, i);
    }

    /// <inheritdoc/>
    public void Add(Mailbox mailbox)
    {
        Worker? sleeper;
        lock (_gate)
        {
            _due.Enqueue(mailbox);
            _asleep.TryPop(out sleeper);
        }
        sleeper?.Wake();
    }

    /// <inheritdoc/>
    public void AddBehind(Mailbox mailbox)
    {
        lock (_gate) _due.Enqueue(mailbox);
    }

    /// <inheritdoc/>
    public void RunAside(Action work) => ThreadPool.UnsafeQueueUserWorkItem(static work => work(), work, preferLocal: false);

    /// <inheritdoc/>
    public void Wait(Task over) => over.Wait();

    /// <summary>Lets the turns that are due happen, and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _asleep.Clear();
        }
        foreach (var worker in _workers) worker.Wake();
        foreach (var worker in _workers) worker.Join();
    }

    /// <summary>What is due next; null: it is over.</summary>
    private Mailbox? Next(Worker worker)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_due.TryDequeue(out var mailbox)) return mailbox;
                if (_isOver) return null;
                _asleep.Push(worker);
            }
            worker.Sleep();
        }
    }

    /// <summary>A thread, and what it sleeps on.</summary>
    private sealed class Worker
    {
        private readonly object _bed = new();
        private readonly MailboxThreads _threads;
        private readonly Thread _thread;
        private bool _isWoken;

        public Worker(MailboxThreads threads, int index)
        {
            _threads = threads;
            _thread = new Thread(Run) { IsBackground = true, Name = $"nats-js-{index}" };
            _thread.Start();
        }

        public void Wake()
        {
            lock (_bed)
            {
                _isWoken = true;
                Monitor.Pulse(_bed);
            }
        }

        public void Sleep()
        {
            lock (_bed)
            {
                while (!_isWoken) Monitor.Wait(_bed);
                _isWoken = false;
            }
        }

        public void Join() => _thread.Join();

        private void Run()
        {
            while (_threads.Next(this) is { } mailbox) mailbox.TakeTurn();
        }
    }
}
