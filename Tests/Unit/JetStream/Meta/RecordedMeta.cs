using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>An entry of the meta group as three servers of 2.14.5 sent it to each other, or forwarded it to their leader.</summary>
/// <param name="From">File and line of the recording.</param>
/// <param name="Type">Of the Raft layer.</param>
/// <param name="Data">The entry.</param>
internal sealed record RecordedEntry(string From, byte Type, byte[] Data)
{
    public const byte Normal = 0;
    public const byte Snapshot = 6;

    /// <summary>All that differ.</summary>
    public static IEnumerable<RecordedEntry> All() => File.ReadLines(Golden.PathOf("nrg", "meta-entries.jsonl")).Select(line =>
    {
        var entry = Golden.ParseText(line);
        return new RecordedEntry(entry.GetProperty("from").GetString()!, entry.GetProperty("type").GetByte(), Convert.FromHexString(entry.GetProperty("hex").GetString()!));
    });
}
