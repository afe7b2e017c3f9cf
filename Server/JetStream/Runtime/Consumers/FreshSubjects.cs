namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Subjects of messages that are stored and not to be seen yet, in order; so they need not be read again. Bounded.</summary>
internal sealed class FreshSubjects
{
    private const int MostBytes = 1 << 20;

    private readonly Queue<(ulong Sequence, int Length)> _entries = [];
    private byte[] _bytes = [];
    private int _start;
    private int _end;

    public void Add(ulong sequence, ReadOnlySpan<byte> subject)
    {
        if (_entries.Count == 0) (_start, _end) = (0, 0);
        if (_bytes.Length - _end < subject.Length && !MakeRoom(subject.Length)) return;
        subject.CopyTo(_bytes.AsSpan(_end));
        _end += subject.Length;
        _entries.Enqueue((sequence, subject.Length));
    }

    /// <summary>Takes the subject of a message, and forgets those before it.</summary>
    /// <returns>False: it is not known.</returns>
    public bool TryTake(ulong sequence, out ReadOnlySpan<byte> subject)
    {
        subject = default;
        while (_entries.TryPeek(out var entry) && entry.Sequence <= sequence)
        {
            _entries.Dequeue();
            subject = _bytes.AsSpan(_start, entry.Length);
            _start += entry.Length;
            if (entry.Sequence == sequence) return true;
        }
        subject = default;
        return false;
    }

    public void Clear()
    {
        _entries.Clear();
        (_start, _end) = (0, 0);
    }

    private bool MakeRoom(int length)
    {
        var held = _end - _start;
        if (held + length > MostBytes) return false;
        var target = held + length > _bytes.Length / 2 ? new byte[Math.Max(4096, 2 * (held + length))] : _bytes;
        Buffer.BlockCopy(_bytes, _start, target, 0, held);
        (_bytes, _start, _end) = (target, 0, held);
        return true;
    }
}
