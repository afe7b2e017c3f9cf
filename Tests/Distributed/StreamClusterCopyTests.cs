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

    /// <summary>Streams of one replica lie on different servers, and mirror each other all the same.</summary>
    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterMirrorAndSourcesClusterRestart")]
    public async Task WhatIsOnAnotherServerIsCopiedFromThere()
    {
        const int Messages = 3000;
        // With the same room everywhere streams are spread.
        await using var cluster = await StreamCluster.StartAsync(jetStream: "max_file_store: 1GB");
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "O", 1);
        for (var i = 1; i < Messages; i++) await client.PublishAsync($"O.{i % 5}", $"message {i}");
        (await StreamCluster.PublishAsync(client, "O.last", $"message {Messages}")).ShouldBe((ulong)Messages);
        string[] mirrors = ["M1", "M2", "M3", "M4", "M5"];
        foreach (var name in mirrors) (await StreamCluster.AskAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","storage":"file","mirror":{"name":"O"} }""")).TryGetProperty("error", out _).ShouldBeFalse();
        await StreamCluster.CreateAsync(client, "S", 3, ""","sources":[{"name":"O"}]""");
        mirrors.Select(ServerOf).Distinct().Count().ShouldBeGreaterThan(1);
        await HaveAllAsync(Messages);
        // Those that copy, and the one that is copied, end and come back.
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
        await using var again = await cluster.ConnectAsync();
        for (var i = 1; i <= 10; i++) await StreamCluster.PublishAsync(again, "O.more", $"message {Messages + i}");
        await HaveAllAsync(Messages + 10);
        (await PayloadsAsync(cluster, 0, "S")).ShouldBe(Enumerable.Range(1, Messages + 10).Select(i => $"message {i}"));

        int ServerOf(string stream) => Enumerable.Range(0, 3).First(server => cluster.HostOf(server, stream) is not null);

        Task HaveAllAsync(int count) => Wait.Until(
            $"all have {count}",
            () => mirrors.Append("S").All(stream => Enumerable.Range(0, 3).Select(server => cluster.HostOf(server, stream)).OfType<Server.JetStream.Runtime.StreamHost>().All(host => host.State.Messages == (ulong)count)),
            () => string.Join("; ", mirrors.Append("S").Select(stream => $"{stream}: {cluster.HostOf(ServerOf(stream), stream)!.State.Messages}")),
            TimeSpan.FromSeconds(60));
    }

    /// <summary>Every member of a mirror answers for its origin, also when there is none any more.</summary>
    [Fact]
    public async Task AMirrorAnswersForItsOrigin()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "O", 1, ""","allow_direct":true""");
        var mirror = await StreamCluster.AskAsync(client, "STREAM.CREATE.M", """{"name":"M","num_replicas":3,"storage":"file","allow_direct":true,"mirror_direct":true,"mirror":{"name":"O"}}""");
        mirror.TryGetProperty("error", out _).ShouldBeFalse(mirror.ToString());
        var last = await StreamCluster.PublishAsync(client, "O.a", "the message");
        await cluster.WaitForEqualAsync("M", last);
        (await StreamCluster.AskAsync(client, "STREAM.DELETE.O")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await Wait.Until("the origin is gone everywhere", () => Enumerable.Range(0, 3).All(server => cluster.HostOf(server, "O") is null));
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var answer = await client.RequestAsync("$JS.API.DIRECT.GET.O.O.a", "");
            answer.Text.ShouldBe("the message");
            answer.Headers!["Nats-Stream"].ShouldBe("M");
        }
        (await StreamCluster.AskAsync(client, "STREAM.DELETE.M")).GetProperty("success").GetBoolean().ShouldBeTrue();
        // Whoever was about to go may have taken a request with it.
        await Wait.Until("nobody answers", async () => (await client.RequestAsync("$JS.API.DIRECT.GET.O.O.a", "", timeout: TimeSpan.FromSeconds(1))).IsNoResponders);
    }

    /// <summary>The accounts are upstream's tests': the origin's API under another prefix, its messages under subjects of their own.</summary>
    [Fact]
    [Upstream("jetstream_cluster_1_test.go", "TestJetStreamClusterCrossAccountMirrorsAndSources")]
    public async Task AnotherAccountsStreamIsCopied()
    {
        const int Messages = 3000;
        await using var cluster = await StreamCluster.StartAsync(more:
            """
            accounts {
              JS {
                jetstream: enabled, users: [ { user: "origin", password: "origin" } ]
                exports [ { service: "$JS.API.CONSUMER.>" }, { stream: "RI.DELIVER.SYNC.>" }, { service: "$JS.FC.>" } ]
              }
              IA {
                jetstream: enabled, users: [ { user: "copy", password: "copy" } ]
                imports [
                  { service: { account: JS, subject: "$JS.API.CONSUMER.>" }, to: "RI.JS.API.CONSUMER.>" }
                  { stream: { account: JS, subject: "RI.DELIVER.SYNC.>" } }
                  { service: { account: JS, subject: "$JS.FC.>" } }
                ]
              }
            }
            """);
        await using var origin = await cluster.ConnectAsync(0, "origin");
        await StreamCluster.CreateAsync(origin, "O", 2);
        for (var i = 1; i < Messages; i++) await origin.PublishAsync("O.a", "OK");
        (await StreamCluster.PublishAsync(origin, "O.a", "the last one")).ShouldBe((ulong)Messages);
        await using var copy = await cluster.ConnectAsync(1, "copy");
        const string External = """ "external":{"api":"RI.JS.API","deliver":"RI.DELIVER.SYNC.X"} """;
        foreach (var (name, from) in new[] { ("M", $$""" "mirror":{"name":"O",{{External}} } """), ("S", $$""" "sources":[{"name":"O",{{External}}}] """) })
        {
            (await StreamCluster.AskAsync(copy, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","num_replicas":3,"storage":"file",{{from}}}""")).TryGetProperty("error", out _).ShouldBeFalse();
            var last = "";
            await Wait.Until($"{name} has all", async () => (last = (await StreamCluster.AskAsync(copy, $"STREAM.INFO.{name}")).ToString()).Contains($"\"messages\":{Messages},", StringComparison.Ordinal), () => last, TimeSpan.FromSeconds(40));
        }
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
