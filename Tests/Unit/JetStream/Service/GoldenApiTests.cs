using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>The recorded calls of 2.14.5 against a running server.</summary>
public sealed class GoldenApiTests : IDisposable
{
    /// <summary>Calls that cannot be answered as recorded, and why. What is answered as recorded may not stand here.</summary>
    private static readonly Dictionary<int, string> Different = new()
    {
        [472] = "counts consumers that had run out of time",
        [480] = "counts consumers that had run out of time",
        [481] = "counts consumers that had run out of time",
        [482] = "counts consumers that had run out of time",
        [486] = "counts consumers that had run out of time",
        [552] = "counts what the recording's client had done",
        [553] = "describes the recording's client",
        [562] = "the answer is a trace of the recording's connection",
        [569] = "counts requests and consumers",
    };

    /// <summary>Calls whose answer depends on how fast a mirror is, or on consumers that had run out of time.</summary>
    private static readonly int[] Timed = [302, 304, 307, 405, 406, 409, 453, 468];

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
            if (difference is not null) TestContext.Current.TestOutputHelper?.WriteLine($"{call}\n    {difference}");
            if (difference is null) same++;
            else if (!expected.Remove(call.Number) && !Timed.Contains(call.Number)) unexpected.Add($"{call}\n    {difference}");
        }
        unexpected.ShouldBeEmpty();
        expected.ShouldBeEmpty("are answered as recorded by now");
        same.ShouldBeGreaterThan(500);
    }

    public void Dispose() => _store.Delete(recursive: true);

    /// <summary>Of the system account only JetStream's own: its other requests have tests of their own.</summary>
    private static bool IsReplayed(GoldenCall call) => call.Account != "SYS" || call.Subject.StartsWith("$JS.API.", StringComparison.Ordinal);
}
