using System.Text;

namespace NatsAspire.Hosting;

/// <summary>One way through an <see cref="InterposingProxy"/>: what happens to bytes there, and which have passed.</summary>
public sealed class ProxyDirection
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _passed = new();
    private TaskCompletionSource _open = Opened();

    /// <summary>Every chunk arrives this much later, in order; several may be under way, as on a long line.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Each byte is written alone, so the receiver's parser meets every split.</summary>
    public bool SplitsEveryByte { get; set; }

    /// <summary>Keep what passes in <see cref="Passed"/>; on by default, off for floods.</summary>
    public bool Records { get; set; } = true;

    /// <summary>Whether bytes are held back.</summary>
    public bool IsBlocked
    {
        get
        {
            lock (_lock) return !_open.Task.IsCompleted;
        }
    }

    /// <summary>What has passed on all links, in the order it was written; latin-1.</summary>
    public string Passed
    {
        get
        {
            lock (_lock) return Encoding.Latin1.GetString(_passed.GetBuffer(), 0, (int)_passed.Length);
        }
    }

    /// <summary>Holds back what comes, without any sign to the sender but a full buffer at last.</summary>
    public void Block()
    {
        lock (_lock)
        {
            if (_open.Task.IsCompleted) _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Lets pass what was held back, and all after it.</summary>
    public void Unblock()
    {
        lock (_lock) _open.TrySetResult();
    }

    /// <summary>Ends when bytes may pass.</summary>
    internal async Task WaitUntilOpenAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task open;
            lock (_lock) open = _open.Task;
            if (open.IsCompleted) return;
            await open.WaitAsync(cancellation);
        }
    }

    internal void Record(ReadOnlySpan<byte> bytes)
    {
        if (!Records) return;
        lock (_lock) _passed.Write(bytes);
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }
}
