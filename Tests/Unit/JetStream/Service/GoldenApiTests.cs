using System.Text.RegularExpressions;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>The recorded calls of 2.14.5 against a running server.</summary>
public sealed partial class GoldenApiTests : IDisposable
{
    /// <summary>Calls that cannot be answered as recorded, and why. What is answered as recorded may not stand here.</summary>
    private static readonly Dictionary<int, string> Different = new()
    {
        [132] = "counts consumers",
        [205] = "the recording describes the messages of a fast batch, but does not hold them",
        [225] = "has no messages of the fast batch",
        [228] = "has no messages of the fast batch",
        [472] = "has no messages of the fast batch",
        [480] = "has no messages of the fast batch",
        [481] = "has no messages of the fast batch",
        [482] = "has no messages of the fast batch",
        [486] = "has no messages of the fast batch",
        [552] = "counts what the recording's client had done",
        [553] = "describes the recording's client",
        [562] = "the answer is a trace of the recording's connection",
        [569] = "counts requests and consumers",
    };

    /// <summary>Calls whose answer depends on how fast a mirror is.</summary>
    private static readonly int[] Timed = [304, 307];

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-api-");

    [Fact]
    public async Task SingleServerAnswersAsRecorded()
    {
        await using var server = await TestServer.FromConfigAsync(ApiReplay.Config(_store.FullName));
        await using var replay = new ApiReplay(server);
        var (unexpected, expected) = (new List<string>(), Different.Keys.ToHashSet());
        var same = 0;
        foreach (var call in GoldenCall.Of("single").Where(IsReplayed))
        {
            var difference = await replay.CompareAsync(call);
            if (difference is null) same++;
            else if (!expected.Remove(call.Number) && !AboutConsumers().IsMatch(call.Subject) && !Timed.Contains(call.Number)) unexpected.Add($"{call}\n    {difference}");
        }
        unexpected.ShouldBeEmpty();
        expected.ShouldBeEmpty("are answered as recorded by now");
        same.ShouldBeGreaterThan(360);
    }

    public void Dispose() => _store.Delete(recursive: true);

    /// <summary>Of the system account only JetStream's own: its other requests have tests of their own.</summary>
    private static bool IsReplayed(GoldenCall call) => call.Account != "SYS" || call.Subject.StartsWith("$JS.API.", StringComparison.Ordinal);

    [GeneratedRegex(@"^\$JS\.(API\.CONSUMER|ACK)\.")]
    private static partial Regex AboutConsumers();
}
