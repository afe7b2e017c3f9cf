using System.Buffers.Binary;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>An entry of the meta group as three servers of 2.14.5 sent it to each other.</summary>
/// <param name="From">File and line number.</param>
/// <param name="Type">Of the Raft layer.</param>
/// <param name="Data">The entry.</param>
internal sealed record RecordedEntry(string From, byte Type, byte[] Data)
{
    public const byte Normal = 0;
    public const byte Snapshot = 6;

    /// <summary>All of the recording, those forwarded to the leader included.</summary>
    public static IEnumerable<RecordedEntry> All()
    {
        foreach (var path in Directory.EnumerateFiles(Golden.PathOf("nrg"), "*.jsonl").Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadLines(path).Where(line => line.Contains("_meta_", StringComparison.Ordinal)))
            {
                var frame = Golden.ParseText(line);
                var from = $"{Path.GetFileName(path)} {frame.GetProperty("n").GetInt32()}";
                if (!frame.TryGetProperty("hex", out var hex)) continue;
                var bytes = Convert.FromHexString(hex.GetString()!);
                var kind = frame.GetProperty("kind").GetString();
                if (kind == "forwarded_proposal") yield return new RecordedEntry(from, Normal, bytes);
                else if (kind is "append_entry" or "catchup_append_entry" && IsMeta(frame)) foreach (var entry in Parse(from, bytes)) yield return entry;
            }
        }
    }

    private static bool IsMeta(JsonElement frame) => frame.TryGetProperty("group", out var group) && group.GetString() == "_meta_";

    /// <summary>Leader, terms and indexes, then the number of entries; each is a length, a type and its data.</summary>
    private static List<RecordedEntry> Parse(string from, byte[] frame)
    {
        var entries = new List<RecordedEntry>();
        var count = BinaryPrimitives.ReadUInt16LittleEndian(frame.AsSpan(40));
        var at = 42;
        for (var i = 0; i < count; i++)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(at));
            entries.Add(new RecordedEntry($"{from} entry {i}", frame[at + 4], frame[(at + 5)..(at + 4 + size)]));
            at += 4 + size;
        }
        return entries;
    }
}
