using System.Diagnostics;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting.Embedding;

/// <summary>Servers in tests come and go by the hundred.</summary>
[Collection("alone")]
public sealed class StartTimeTests
{
    [Fact]
    public async Task AWarmStartTakesLessThanFiftyMilliseconds()
    {
        await (await TestServer.StartAsync()).DisposeAsync();
        var times = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            var clock = Stopwatch.StartNew();
            await using var server = await TestServer.StartAsync();
            using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
            await client.ReadInfoAsync();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"start to INFO, ms: {string.Join(' ', times.Select(time => time.ToString("0.0")))}");
        times[times.Count / 2].ShouldBeLessThan(50);
    }

    [Fact]
    public async Task ManyServersLiveInOneProcess()
    {
        const int Count = 40;
        var servers = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => TestServer.StartAsync()));
        try
        {
            servers.Select(server => server.ClientEndPoint!.Port).Distinct().Count().ShouldBe(Count);
            servers.Select(server => server.Id).Distinct().Count().ShouldBe(Count);
            foreach (var server in servers)
            {
                await using var client = await StreamClient.OpenAsync(server.ConnectInProcess());
                server.ClientCount.ShouldBe(1);
            }
        }
        finally
        {
            foreach (var server in servers) await server.DisposeAsync();
        }
        servers.ShouldAllBe(server => server.Stopped.IsCompleted);
    }
}
