using System.Text;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>A message store without any cleverness: what the real ones must answer.</summary>
internal sealed class StoreModel
{
    private SortedDictionary<ulong, Entry> _messages = [];

    public ulong First { get; private set; } = 1;

    public ulong Last { get; private set; }

    public long LastTimestamp { get; private set; }

    public IReadOnlyCollection<ulong> Sequences => _messages.Keys;

    public IEnumerable<Entry> Entries => _messages.Values;

    public StoreModel Clone() => new()
    {
        _messages = new SortedDictionary<ulong, Entry>(_messages),
        First = First,
        Last = Last,
        LastTimestamp = LastTimestamp,
    };

    public void Append(Entry entry)
    {
        if (_messages.Count == 0) First = entry.Sequence;
        _messages[entry.Sequence] = entry;
        (Last, LastTimestamp) = (entry.Sequence, entry.Timestamp);
    }

    public void Skip(ulong count, long timestamp)
    {
        (Last, LastTimestamp) = (Last + count, timestamp);
        Settle();
    }

    public bool Remove(ulong sequence)
    {
        var removed = _messages.Remove(sequence);
        Settle();
        return removed;
    }

    public ulong Purge(SubjectFilter filter, ulong below, ulong keep)
    {
        var all = Matching(filter).ToList();
        var going = all.Take(Math.Max(0, all.Count - (int)keep)).Where(entry => below == 0 || entry.Sequence < below).ToList();
        foreach (var entry in going) _messages.Remove(entry.Sequence);
        Settle();
        return (ulong)going.Count;
    }

    public ulong Compact(ulong first)
    {
        if (first <= First) return 0;
        var before = _messages.Count;
        foreach (var sequence in _messages.Keys.Where(sequence => sequence < first).ToList()) _messages.Remove(sequence);
        if (first > Last) (First, Last) = (first, first - 1);
        Settle();
        return (ulong)(before - _messages.Count);
    }

    public void Truncate(ulong last)
    {
        if (last >= Last) return;
        foreach (var sequence in _messages.Keys.Where(sequence => sequence > last).ToList()) _messages.Remove(sequence);
        if (last < First || _messages.Count == 0)
        {
            _messages.Clear();
            (First, Last) = (last + 1, last);
            return;
        }
        (Last, LastTimestamp) = (last, _messages[_messages.Keys.Last()].Timestamp);
    }

    public IEnumerable<Entry> Matching(SubjectFilter filter) => _messages.Values.Where(entry => filter.Includes(entry.SubjectBytes));

    public ulong Bytes(ulong overhead, ulong headerOverhead) => _messages.Values.Aggregate(0UL, (sum, entry) =>
        sum + overhead + (ulong)(entry.Subject.Length + entry.Headers.Length + entry.Payload.Length) + (entry.Headers.Length > 0 ? headerOverhead : 0));

    private void Settle()
    {
        if (_messages.Count == 0) First = Last + 1;
        else First = _messages.Keys.First();
    }

    public sealed record Entry(ulong Sequence, long Timestamp, string Subject, byte[] Headers, byte[] Payload)
    {
        public byte[] SubjectBytes { get; } = Encoding.UTF8.GetBytes(Subject);

        public StoredMessage Message() =>
            new() { Sequence = Sequence, Timestamp = Timestamp, Subject = SubjectBytes, Headers = Headers, Payload = Payload };
    }
}
