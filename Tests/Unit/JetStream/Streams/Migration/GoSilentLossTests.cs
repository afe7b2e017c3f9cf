using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Migration;

/// <summary>Every file of a directory damaged in every way: nothing is read falsely or missing in silence.</summary>
public sealed class GoSilentLossTests
{
    [Theory]
    [InlineData("plain", "PLAIN")]
    [InlineData("plain", "CONS")]
    [InlineData("plain", "SCHED")]
    [InlineData("killed", "PLAIN")]
    [InlineData("s2", "PLAIN")]
    [InlineData("chacha", "PLAIN")]
    [InlineData("aes-s2", "PLAIN")]
    [InlineData("written-by-2.10.29", "PLAIN")]
    [Upstream("filestore_test.go", "TestFileStoreSubjectCorruption")]
    public void Nothing_is_lost_in_silence(string folder, string name)
    {
        var whole = GoFolder.Load(folder, name);
        var originals = Originals(folder, name);
        foreach (var path in whole.Files.Keys.Order(StringComparer.Ordinal))
        {
            foreach (var (how, bytes) in Damages(whole, path))
            {
                // Without an index nobody can know of a block that is gone, or of all that was deleted.
                if (bytes is null or { Length: 0 } && path.EndsWith(".blk", StringComparison.Ordinal) && folder == "killed") continue;
                var damaged = whole.Copy();
                if (bytes is null) damaged.Files.Remove(path);
                else damaged.Files[path] = bytes;
                Check(damaged, folder, name, originals, $"{folder}/{path} {how}");
            }
        }
    }

    private static void Check(GoFolder files, string folder, string name, Dictionary<ulong, string> originals, string what)
    {
        var report = new GoStoreReport();
        var stream = GoStream.Open(files, name, GoFolder.KeysOf(folder), report);
        if (stream is null)
        {
            report.Problems.ShouldNotBeEmpty(what);
            return;
        }
        using var store = new MemoryMessageStore();
        stream.Import(store);
        var found = Contents(store);
        using var original = GoStreamTests.Import(GoFolder.Load(folder, name), folder, name, out _);
        var live = Contents(original);
        foreach (var (sequence, content) in found)
        {
            // Deleted ones may come back where their tombstones are damaged; hashes do not cover the length of the subject.
            if (!originals.TryGetValue(sequence, out var expected) || expected != content) report.Problems.ShouldNotBeEmpty($"{what}: message {sequence}");
        }
        if (live.Keys.Any(sequence => !found.ContainsKey(sequence))) report.Problems.ShouldNotBeEmpty(what);
        // A single damaged block with the index intact: each lost sequence is known.
        if (what.Contains(".blk") && what.Contains("flipped") && folder == "plain")
        {
            var missing = live.Keys.Where(sequence => !found.ContainsKey(sequence)).Order();
            if (missing.Any()) GoExpectation.Sequences(report.Lost).Intersect(missing).Order().ShouldBe(missing, $"{what}: {report}");
        }
    }

    private static IEnumerable<(string How, byte[]? Bytes)> Damages(GoFolder whole, string path)
    {
        var bytes = whole.Files[path];
        yield return ("removed", null);
        yield return ("emptied", []);
        yield return ("cut in half", bytes[..(bytes.Length / 2)]);
        yield return ("without its last byte", bytes[..^Math.Min(1, bytes.Length)]);
        yield return ("zeroed", new byte[bytes.Length]);
        yield return ("with a zeroed half", [.. bytes[..(bytes.Length / 2)], .. new byte[bytes.Length - (bytes.Length / 2)]]);
        yield return ("doubled", [.. bytes, .. bytes]);
        foreach (var other in whole.Files.Where(other => other.Key != path && Path.GetExtension(other.Key) == Path.GetExtension(path)).Take(2)) yield return ("that is " + other.Key, other.Value);
        for (var i = 0; i < 12 && bytes.Length > 0; i++)
        {
            var flipped = bytes.ToArray();
            flipped[(int)((long)i * 7919 % bytes.Length)] ^= (byte)(1 << (i % 8));
            yield return ($"flipped {i}", flipped);
        }
    }

    /// <summary>The messages, with those that come back when the index is lost.</summary>
    private static Dictionary<ulong, string> Originals(string folder, string name)
    {
        var files = GoFolder.Load(folder, name);
        files.Files.Remove($"streams/{name}/msgs/index.db");
        var all = new Dictionary<ulong, string>();
        using (var store = GoStreamTests.Import(GoFolder.Load(folder, name), folder, name, out _)) Add(store);
        using (var store = GoStreamTests.Import(files, folder, name, out _)) Add(store);
        return all;

        void Add(IMessageStore store)
        {
            foreach (var (sequence, content) in Contents(store)) all[sequence] = content;
        }
    }

    private static Dictionary<ulong, string> Contents(IMessageStore store)
    {
        var (contents, buffer) = (new Dictionary<ulong, string>(), new MessageBuffer());
        for (ulong next = 0; store.TryLoadNext(SubjectFilter.All, next, buffer); next = buffer.Sequence + 1)
        {
            contents.Add(buffer.Sequence, $"{buffer.Timestamp} {Convert.ToHexString(buffer.Subject)} {Convert.ToHexString(buffer.Headers)} {Convert.ToHexString(buffer.Payload)}");
        }
        return contents;
    }
}
