using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>The recorded calls of 2.14.5 against a running server.</summary>
public sealed class GoldenApiTests : IDisposable
{
    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("nats-api-");

    [Fact]
    public async Task SingleServerAnswersAsRecorded()
    {
        await using var server = await TestServer.FromConfigAsync(ApiReplay.Config(_store.FullName));
        await using var replay = new ApiReplay(server);
        var differences = new List<string>();
        var compared = 0;
        foreach (var call in GoldenCall.Of("single").Where(call => call.Account != "SYS"))
        {
            compared++;
            string? difference;
            try { difference = await replay.CompareAsync(call); } catch (Exception e) { difference = e.ToString(); }
            if (difference is not null) differences.Add($"{call}\n    {difference}");
        }
        File.WriteAllLines(Path.Combine(Path.GetTempPath(), "replay.txt"), differences);
        differences.Count.ShouldBe(0, $"{differences.Count} of {compared} calls");
    }

    public void Dispose() => _store.Delete(recursive: true);
}
