namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Threads that mailboxes take their turns on. Not the thread pool's: those look for work for a while before they
/// sleep, which costs more than all the rest when single messages come and go.
/// </summary>
internal sealed class MailboxThreads : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<Mailbox> _due = new();
    private readonly Thread[] _threads;
    private int _idle;
    private bool _isOver;

    /// <param name="count">Threads, at least 2: one may wait for what another does.</param>
    public MailboxThreads(int count)
    {
        _threads = new Thread[Math.Max(2, count)];
        for (var i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(Run) { IsBackground = true, Name = $"nats-js-{i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Adds a mailbox whose turn is due.</summary>
    public void Add(Mailbox mailbox)
    {
        lock (_gate)
        {
            _due.Enqueue(mailbox);
            if (_idle > 0) Monitor.Pulse(_gate);
        }
    }

    /// <summary>Lets the turns that are due happen, and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            Monitor.PulseAll(_gate);
        }
        foreach (var thread in _threads) thread.Join();
    }

    private void Run()
    {
        while (Next() is { } mailbox) mailbox.TakeTurn();
    }

    private Mailbox? Next()
    {
        lock (_gate)
        {
            _idle++;
            while (_due.Count == 0 && !_isOver) Monitor.Wait(_gate);
            _idle--;
            return _due.TryDequeue(out var mailbox) ? mailbox : null;
        }
    }
}
