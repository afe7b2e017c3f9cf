using System.Globalization;
using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>Streams on several servers that copy others, and what goes there by itself.</summary>
public sealed class StreamClusterCopyTests
{
    /// <summary>Who leads changes while it copies: nothing is lost, and nothing comes twice.</summary>
    [Fact]
    public async Task CopiesSurviveTheirLeader()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "O", 3);
        var mirror = await StreamCluster.AskAsync(client, "STREAM.CREATE.M", """{"name":"M","num_replicas":3,"storage":"file","mirror":{"name":"O"}}""");
        mirror.TryGetProperty("error", out _).ShouldBeFalse(mirror.ToString());
        await StreamCluster.CreateAsync(client, "A", 3, ""","sources":[{"name":"O"}]""");
        for (var i = 1; i <= 3000; i++)
        {
            await client.PublishAsync($"O.{i % 5}", $"message {i}");
            if (i % 1000 != 0) continue;
            await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.A");
            await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.M");
        }
        var last = await StreamCluster.PublishAsync(client, "O.last", "message 3001");
        last.ShouldBe(3001UL);
        await cluster.WaitForEqualAsync("O", last);
        await cluster.WaitForEqualAsync("M", last);
        await cluster.WaitForEqualAsync("A", last);
        await Wait.Until("all of it is there", () => cluster.HostOf(0, "A")!.State.Messages == last, () => cluster.HostOf(0, "A")!.State.ToString());
        for (var server = 0; server < 3; server++) (await PayloadsAsync(cluster, server, "A")).ShouldBe(Enumerable.Range(1, 3001).Select(i => $"message {i}"), $"n{server + 1}");
    }

    /// <summary>What has lived long enough goes on every member, whoever leads.</summary>
    [Fact]
    public async Task MessagesExpireOnEveryMember()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3, ""","max_age":2000000000,"duplicate_window":1000000000""");
        for (var i = 0; i < 20; i++) await StreamCluster.PublishAsync(client, "S.a", string.Create(CultureInfo.InvariantCulture, $"{i}"));
        await cluster.WaitForEqualAsync("S", 20);
        await Wait.Until(
            "all have expired",
            () => Enumerable.Range(0, 3).All(server => cluster.HostOf(server, "S")!.State is { Messages: 0, LastSequence: >= 20 }),
            () => string.Join("; ", Enumerable.Range(0, 3).Select(server => cluster.HostOf(server, "S")!.State)));
        (await StreamCluster.PublishAsync(client, "S.a", "after")).ShouldBeGreaterThan(20UL);
    }

    private static async Task<List<string>> PayloadsAsync(StreamCluster cluster, int server, string stream)
    {
        var host = cluster.HostOf(server, stream)!;
        var read = new TaskCompletionSource<List<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Post(() =>
        {
            var (payloads, message) = (new List<string>(), new MessageBuffer());
            for (var sequence = 0UL; host.Store.TryLoadNext(SubjectFilter.All, sequence, message); sequence = message.Sequence + 1) payloads.Add(Encoding.UTF8.GetString(message.Payload));
            read.SetResult(payloads);
        });
        return await read.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
