using System.Globalization;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Interop;

/// <summary>
/// Streams on clusters of Go's servers (<see cref="Peers.JetStreamPeer"/>) and ours.
/// </summary>
public sealed class MixedStreamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EachKindLeadsAndFollows(int others)
    {
        await using var cluster = await StartAsync(others);
        await using var client = await cluster.ConnectAsync(2);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 100; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        // Until a server of each kind has led it, and taken messages.
        var led = new HashSet<bool>();
        await Wait.Until(
            "a server of each kind leads",
            async () =>
            {
                var leader = await cluster.LeaderOfAsync("S");
                if (leader < 0) return false;
                led.Add(leader < others);
                last = await StreamCluster.PublishAsync(client, "S.a", $"led by {leader}");
                if (led.Count == 2) return true;
                // Who is behind is not chosen to lead next.
                await cluster.WaitForEqualAsync("S", last);
                await StreamCluster.AskAsync(client, "STREAM.LEADER.STEPDOWN.S");
                return false;
            },
            () => string.Join(", ", led),
            TimeSpan.FromSeconds(120));
        await cluster.WaitForEqualAsync("S", last);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task WhoWasAwayCatchesUp(int away)
    {
        await using var cluster = await StartAsync(1);
        await using var client = await cluster.ConnectAsync(1);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 50; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await cluster.StopAsync(away);
        for (var i = 51; i <= 150; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        await cluster.StartAsync(away);
        await cluster.WaitForEqualAsync("S", last);
    }

    [Fact]
    public async Task GoServersAreReplacedOneAfterTheOther()
    {
        await using var cluster = await StartAsync(2);
        await using var client = await cluster.ConnectAsync(2);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 200; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        for (var server = 0; server < 2; server++)
        {
            await cluster.StopAsync(server);
            Directory.Delete(cluster.FolderOf(server), recursive: true);
            await cluster.StartAsync(server, Peers.OurServer());
            last = await StreamCluster.PublishAsync(client, "S.a", $"after {server}");
            await cluster.WaitForEqualAsync("S", last);
        }
        for (var sequence = 1UL; sequence <= 200; sequence += 33)
        {
            var message = (await StreamCluster.AskAsync(client, "STREAM.MSG.GET.S", $"{{\"seq\":{sequence}}}")).GetProperty("message");
            System.Text.Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe($"message {sequence}");
        }
    }

    /// <summary>
    /// Streams of one replica on a server of each kind are mirrored and sourced, wherever the copies lie; which kind leads
    /// the meta group is left to chance.
    /// </summary>
    [Fact]
    public async Task WhatLiesOnOneKindIsCopiedByBoth()
    {
        const int Others = 1;
        await using var cluster = await StartAsync(Others);
        await using var client = await cluster.ConnectAsync(1);
        var origins = new Dictionary<bool, string>();
        var made = 0;
        // Until a server has told what it has room for, the others have it all.
        await Wait.Until(
            "a stream lies on a server of each kind",
            async () =>
            {
                var name = $"O{++made}";
                await StreamCluster.CreateAsync(client, name, 1);
                var isOther = int.Parse((await LeaderAsync(name)).AsSpan(1), CultureInfo.InvariantCulture) <= Others;
                if (!origins.TryAdd(isOther, name)) await StreamCluster.AskAsync(client, $"STREAM.DELETE.{name}");
                return origins.Count == 2;
            },
            () => $"{made} made",
            TimeSpan.FromSeconds(30));
        var missing = new List<string>();
        foreach (var origin in origins.Values)
        {
            await StreamCluster.PublishAsync(client, $"{origin}.a", "message 1");
            for (var i = 2; i < 500; i++) await client.PublishAsync($"{origin}.a", $"message {i}");
            (await StreamCluster.PublishAsync(client, $"{origin}.a", "message 500")).ShouldBe(500UL);
            for (var i = 0; i < 3; i++)
            {
                await CopyAsync($"M{i}-{origin}", $$""" "mirror":{"name":"{{origin}}"} """);
                await CopyAsync($"S{i}-{origin}", $$""" "sources":[{"name":"{{origin}}"}] """);
            }
        }
        var last = "";
        await Wait.Until(
            "every copy is whole",
            async () =>
            {
                foreach (var copy in missing.ToArray())
                {
                    last = (await StreamCluster.AskAsync(client, $"STREAM.INFO.{copy}")).ToString();
                    if (last.Contains("\"messages\":500,", StringComparison.Ordinal)) missing.Remove(copy);
                }
                return missing.Count == 0;
            },
            () => $"{string.Join(", ", missing)}; {last}",
            TimeSpan.FromSeconds(90));

        async Task CopyAsync(string name, string from)
        {
            missing.Add(name);
            var answer = await StreamCluster.PlaceAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","storage":"file",{{from}}}""");
            answer.TryGetProperty("error", out _).ShouldBeFalse(answer.ToString());
        }

        async Task<string> LeaderAsync(string stream) => (await StreamCluster.AskAsync(client, $"STREAM.INFO.{stream}")).GetProperty("cluster").GetProperty("leader").GetString()!;
    }

    /// <summary>Members of both kinds; which kind leads the meta group is left to chance.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task MembersOfBothKindsComeAndGo(int others)
    {
        await using var cluster = await StartAsync(others);
        await using var client = await cluster.ConnectAsync(2);
        var last = 0UL;
        foreach (var stream in new[] { "A", "B" })
        {
            await StreamCluster.CreateAsync(client, stream, 1);
            last = 0;
            for (var i = 1; i <= 50; i++) last = await StreamCluster.PublishAsync(client, $"{stream}.a", $"message {i}");
            foreach (var replicas in new[] { 3, 1, 3 })
            {
                await Distributed.MemberChangeTests.ScaleAsync(client, stream, replicas);
                last = await StreamCluster.PublishAsync(client, $"{stream}.a", $"message {last + 1}");
                await Wait.Until(
                    $"{replicas} servers hold {stream}",
                    async () => (await cluster.LookAsync(stream)) is var seen && seen.Count == replicas && seen.TrueForAll(one => one.Stream.GetProperty("state").GetProperty("last_seq").GetUInt64() == last),
                    timeout: TimeSpan.FromSeconds(90));
            }
            await Distributed.MemberChangeTests.ExpectMessagesAsync(client, stream, (int)last);
        }
    }

    /// <summary>Four servers; another one takes the place of each holder in turn.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task PeersAreReplacedInMixedClusters(int others)
    {
        var peer = Peers.JetStreamPeer();
        await using var cluster = await ProcessCluster.StartAsync([.. Enumerable.Range(0, 4).Select(server => server < others ? peer : Peers.OurServer())]);
        await using var client = await cluster.ConnectAsync(3);
        // A Go server that leads and has not heard of the fourth takes a holder out with nobody in its place.
        await StreamCluster.CreateAsync(client, "ALL", 4);
        await StreamCluster.CreateAsync(client, "S", 3);
        var last = 0UL;
        for (var i = 1; i <= 50; i++) last = await StreamCluster.PublishAsync(client, "S.a", $"message {i}");
        for (var round = 0; round < 3; round++)
        {
            var holders = await cluster.LookAsync("S");
            var victim = holders[round].Server;
            var seen = holders;
            await RemoveAsync(client, $"n{victim + 1}");
            last = await StreamCluster.PublishAsync(client, "S.a", $"message {last + 1}");
            await Wait.Until(
                $"others than {victim} hold it",
                async () => (seen = await cluster.LookAsync("S")).Count == 3 && seen.TrueForAll(one => one.Server != victim && one.Stream.GetProperty("state").GetProperty("last_seq").GetUInt64() >= last),
                () => string.Join(Environment.NewLine, seen.Select(one => $"{one.Server}: {one.Stream.GetProperty("state")} {one.Stream.GetProperty("cluster")}").Concat(cluster.Servers.Select(server => server!.Output))),
                TimeSpan.FromSeconds(90));
        }
        await Distributed.MemberChangeTests.ExpectMessagesAsync(client, "S", (int)last);
    }

    /// <summary>Refused for as long as the meta leader has not heard of the server that is to take the place.</summary>
    private static async Task RemoveAsync(TestClient client, string peer)
    {
        var answer = default(JsonElement);
        await Wait.Until(
            $"{peer} is taken out of S",
            async () =>
            {
                answer = await StreamCluster.AskAsync(client, "STREAM.PEER.REMOVE.S", $$"""{"peer":"{{peer}}"}""");
                // The answer to the request before may have been lost.
                return answer.TryGetProperty("success", out _) || answer.GetProperty("error").GetProperty("err_code").GetInt32() == 10040;
            },
            () => answer.ToString(),
            TimeSpan.FromSeconds(20));
    }

    /// <summary>Three servers, the first of them of the other kind.</summary>
    private static async Task<ProcessCluster> StartAsync(int others)
    {
        var peer = Peers.JetStreamPeer();
        return await ProcessCluster.StartAsync([.. Enumerable.Range(0, 3).Select(server => server < others ? peer : Peers.OurServer())]);
    }
}
