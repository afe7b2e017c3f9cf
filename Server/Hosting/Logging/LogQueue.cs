using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// Lines between those who log and the one thread that writes. Whoever logs never waits: when the writer is held up
/// and <see cref="MaxBytes"/> wait, further lines are dropped and counted, and the log says so when it can again.
/// </summary>
internal sealed class LogQueue : IDisposable
{
    /// <summary>Bytes that may wait.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>Longest the end waits for lines to be written.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    private readonly object _lock = new();
    private readonly Queue<Item> _items = new();
    private readonly int _maxBytes;
    private readonly Thread _writer;
    private volatile ILogFormatter _formatter;
    private ILogSink _sink;
    private long _waiting;
    private long _dropped;
    private bool _stopping;
    private bool _stopped;

    public LogQueue(ILogFormatter formatter, ILogSink sink, int maxBytes = MaxBytes)
    {
        _formatter = formatter;
        _sink = sink;
        _maxBytes = maxBytes;
        _writer = new Thread(Write) { IsBackground = true, Name = "nats-log" };
        _writer.Start();
    }

    /// <summary>Hands a line to the writer, or drops it.</summary>
    public void Add(in LogEntry entry)
    {
        var line = _formatter.Format(entry);
        lock (_lock)
        {
            if (_stopping) return;
            if (_waiting + line.Length > _maxBytes)
            {
                _dropped++;
                return;
            }
            _waiting += line.Length;
            _items.Enqueue(new Item(line, null));
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Runs on the writer's thread, after the lines before it.</summary>
    public void Post(Action<ILogSink> command)
    {
        lock (_lock)
        {
            if (_stopping) return;
            _items.Enqueue(new Item(null, command));
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Lines from now on go to another sink; the one before is closed when its lines are written.</summary>
    public void Replace(ILogFormatter formatter, ILogSink sink)
    {
        Post(old =>
        {
            _sink = sink;
            old.Dispose();
        });
        _formatter = formatter;
    }

    /// <summary>Writes what waits, for two seconds at most, and closes the sink.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopping) return;
            _stopping = true;
            Monitor.PulseAll(_lock);
            // A writer that is held up keeps the sink; it ends with the process.
            if (!_stopped) Monitor.Wait(_lock, DrainTime);
        }
    }

    private void Write()
    {
        while (TryTake(out var item, out var dropped))
        {
            if (dropped > 0 && !TryWrite(_formatter.Format(Notice(dropped)))) CountDropped(dropped);
            if (item.Command is not null) Run(item.Command);
            else if (!TryWrite(item.Line!)) CountDropped(1);
        }
        _sink.Dispose();
        lock (_lock)
        {
            _stopped = true;
            Monitor.PulseAll(_lock);
        }
    }

    private static LogEntry Notice(long dropped) => new(
        LogLevel.Warning, new EventId(0, "LinesDropped"), $"{dropped} log lines were dropped: the log could not be written fast enough");

    private bool TryTake(out Item item, out long dropped)
    {
        lock (_lock)
        {
            while (_items.Count == 0 && !_stopping) Monitor.Wait(_lock);
            dropped = 0;
            if (!_items.TryDequeue(out item)) return false;
            _waiting -= item.Line?.Length ?? 0;
            dropped = _dropped;
            _dropped = 0;
            return true;
        }
    }

    private bool TryWrite(byte[] line)
    {
        try
        {
            _sink.Write(line);
            return true;
        }
        catch (Exception)
        {
            // There is no other place to complain, and a fault of the log must not end the server. The next line
            // that gets through says how many did not.
            return false;
        }
    }

    private void CountDropped(long lines)
    {
        lock (_lock) _dropped += lines;
    }

    private void Run(Action<ILogSink> command)
    {
        try
        {
            command(_sink);
        }
        catch (Exception error)
        {
            TryWrite(_formatter.Format(new LogEntry(LogLevel.Error, new EventId(0, "LogCommandFailed"), error.Message)));
        }
    }

    private readonly record struct Item(byte[]? Line, Action<ILogSink>? Command);
}
