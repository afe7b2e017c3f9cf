using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>All servers of a cluster end and come back, or most of them.</summary>
public sealed class ClusterAllDownTests
{
    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterStreamUpdateMaxConsumersLimit")]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterSourceWithOptStartTime")]
    public async Task ConsumersAboveALaterLimitStayAndCopiesDoNotBeginAgain()
    {
        await using var cluster = await StreamCluster.StartAsync();
        (string Name, int Replicas, bool Removes)[] streams = [("R1A", 1, false), ("R1R", 1, true), ("R3A", 3, false), ("R3R", 3, true)];
        await using (var client = await cluster.ConnectAsync())
        {
            foreach (var (name, replicas, removes) in streams) await LimitAsync(client, name, replicas, removes);
            await StreamCluster.CreateAsync(client, "TEST", 3);
            var yesterday = $"\"opt_start_time\":\"{TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1):O}\"";
            foreach (var (name, kind) in new[] { ("SOURCE", $$""" "sources":[{"name":"TEST",{{yesterday}}}] """), ("MIRROR", $$""" "mirror":{"name":"TEST",{{yesterday}}} """) })
            {
                await DoAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","num_replicas":3,{{kind}}}""");
            }
            for (var i = 0; i < 10; i++) await StreamCluster.PublishAsync(client, "TEST.a", "hello");
            foreach (var name in new[] { "SOURCE", "MIRROR" })
            {
                await WaitForMessagesAsync(client, name, 10);
                await DoAsync(client, $"STREAM.PURGE.{name}");
            }
        }
        await RestartAllAsync(cluster);
        await using var again = await cluster.ConnectAsync();
        foreach (var (name, replicas, removes) in streams)
        {
            (await NamesAsync(again, name)).ShouldBe(removes ? ["C1"] : ["C1", "C2"]);
            await DoAsync(again, $"STREAM.UPDATE.{name}", Stream(name, replicas, -1));
            foreach (var consumer in new[] { "C1", "C2", "C3" }) await DoAsync(again, $"CONSUMER.DURABLE.CREATE.{name}.{consumer}", Consumer(name, consumer, replicas));
            (await NamesAsync(again, name)).ShouldBe(["C1", "C2", "C3"]);
        }
        // What is published now comes, and nothing from before it.
        await StreamCluster.PublishAsync(again, "TEST.a", "the next one");
        foreach (var name in new[] { "SOURCE", "MIRROR" })
        {
            await WaitForMessagesAsync(again, name, 1);
            (await StreamCluster.AskAsync(again, $"STREAM.INFO.{name}")).GetProperty("state").GetProperty("first_seq").GetInt32().ShouldBe(11);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_3_test.go", "TestJetStreamClusterGhostEphemeralsAfterRestart")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterSDMMaxAgeOnRecover")]
    public async Task WhatWasOverdueMeanwhileGoesWhenTheyAgreeAndNotBefore()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "E", 3);
            await StreamCluster.CreateAsync(client, "M", 3, ",\"max_age\":2000000000,\"duplicate_window\":2000000000,\"allow_msg_ttl\":true,\"subject_delete_marker_ttl\":3600000000000");
            for (var i = 0; i < 20; i++) await DoAsync(client, "CONSUMER.CREATE.E", """{"stream_name":"E","config":{"num_replicas":1,"mem_storage":true,"inactive_threshold":1000000000}}""");
            await StreamCluster.PublishAsync(client, "M.a", "x");
            await cluster.WaitForEqualAsync("M", 1);
        }
        await Task.WhenAll(Enumerable.Range(0, 3).Select(cluster.StopAsync));
        var since = TimeProvider.System.GetTimestamp();
        await Wait.Until("all is overdue", () => TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromSeconds(2.2));
        await cluster.StartAsync(0);
        await Wait.Until("its message is there", () => cluster.HostOf(0, "M") is not null);
        (cluster.HostOf(0, "M")!.State.Messages, cluster.HostOf(0, "M")!.State.FirstSequence).ShouldBe((1UL, 1UL), "nobody has agreed that it goes");
        for (var server = 1; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
        await using var again = await cluster.ConnectAsync();
        JsonElement list = default;
        await Wait.Until(
            "no consumer is left, and none is missed",
            async () => (list = await StreamCluster.AskAsync(again, "CONSUMER.LIST.E")).GetProperty("total").GetInt32() == 0 && !list.TryGetProperty("missing", out _),
            () => list.ToString());
        await cluster.WaitForEqualAsync("M", 2);
        cluster.HostOf(0, "M")!.State.LastSequence.ShouldBe(2UL, "it leaves one marker, which goes as well");
    }

    /// <summary>Without notice: what was in the folders then is there again.</summary>
    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterHardKillAfterStreamAdd")]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterKeyValueDesyncAfterHardKill")]
    public async Task WhatWasMadeIsThereAfterAllWereKilled()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "KV", 3, ",\"max_msgs_per_subject\":1");
            (await KeyAsync(client, "exists", 0)).ShouldBe(0);
            (await KeyAsync(client, "exists", 0)).ShouldBe(10071);
            (await StreamCluster.PublishAsync(client, "KV.put", "3")).ShouldBe(2UL);
            await cluster.WaitForEqualAsync("KV", 2);
            await DoAsync(client, "STREAM.CREATE.NEW", """{"name":"NEW","num_replicas":3}""");
        }
        for (var server = 0; server < 3; server++) Copy(cluster.FolderOf(server), cluster.FolderOf(server) + ".killed");
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++)
        {
            Directory.Delete(cluster.FolderOf(server), recursive: true);
            Directory.Move(cluster.FolderOf(server) + ".killed", cluster.FolderOf(server));
            await cluster.StartAsync(server);
        }
        await cluster.WaitForMetaLeaderAsync();
        await using var again = await cluster.ConnectAsync();
        ErrorOf(await StreamCluster.AskAsync(again, "STREAM.INFO.NEW")).ShouldBe(0);
        await cluster.WaitForEqualAsync("KV", 2);
        cluster.HostOf(0, "KV")!.State.Messages.ShouldBe(2UL);
        (await StreamCluster.PublishAsync(again, "KV.put", "4")).ShouldBe(3UL);

        static async Task<int> KeyAsync(TestClient client, string key, int expected)
        {
            var answer = await client.RequestAsync($"KV.{key}", "1", TestHeaders.Of(("Nats-Expected-Last-Subject-Sequence", $"{expected}")));
            return ErrorOf(JsonDocument.Parse(answer.Payload).RootElement);
        }
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterDesyncAfterPublishToLeaderWithoutQuorum")]
    public async Task WhatOnlyTheLeaderHadMakesWayForWhatTheOthersAgreedOn()
    {
        await using var cluster = await StreamCluster.StartAsync();
        int leader;
        await using (var client = await cluster.ConnectAsync())
        {
            await StreamCluster.CreateAsync(client, "S", 3);
            leader = await cluster.LeaderOfAsync("S");
        }
        int[] others = [.. Enumerable.Range(0, 3).Where(server => server != leader)];
        await using (var client = await cluster.ConnectAsync(leader))
        {
            foreach (var other in others) await cluster.StopAsync(other);
            var core = cluster.HostOf(leader, "S")!.Group!.Core;
            var before = core.LastIndex;
            await client.PublishAsync("S.a", "alone", "answer");
            await Wait.Until("it is in the log of the one that led", () => core.LastIndex > before);
        }
        await cluster.StopAsync(leader);
        foreach (var other in others) await cluster.StartAsync(other);
        await cluster.WaitForMetaLeaderAsync();
        await using (var client = await cluster.ConnectAsync(others[0])) (await StreamCluster.PublishAsync(client, "S.a", "agreed on")).ShouldBe(1UL);
        await cluster.StartAsync(leader);
        await cluster.WaitForEqualAsync("S", 1);
        await using var again = await cluster.ConnectAsync(leader);
        var message = (await StreamCluster.AskAsync(again, "STREAM.MSG.GET.S", """{"seq":1}""")).GetProperty("message");
        Encoding.UTF8.GetString(message.GetProperty("data").GetBytesFromBase64()).ShouldBe("agreed on");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterStreamLastSequenceResetAfterStorageWipe")]
    public async Task SequencesGoOnThoughEachServerLosesItsDiskInTurn()
    {
        const int Streams = 5;
        const ulong Messages = 222;
        await using var cluster = await StreamCluster.StartAsync();
        await using (var client = await cluster.ConnectAsync())
        {
            for (var i = 0; i < Streams; i++)
            {
                await StreamCluster.CreateAsync(client, $"S{i}", 3, ",\"retention\":\"interest\"");
                for (var sent = 1UL; sent < Messages; sent++) await client.PublishAsync($"S{i}.a", "");
                (await StreamCluster.PublishAsync(client, $"S{i}.a", "")).ShouldBe(Messages);
            }
        }
        for (var server = 0; server < 3; server++)
        {
            await cluster.StopAsync(server);
            Directory.Delete(cluster.FolderOf(server), recursive: true);
            await cluster.StartAsync(server);
            for (var i = 0; i < Streams; i++) await cluster.WaitForEqualAsync($"S{i}", Messages);
            await cluster.WaitForMetaLeaderAsync();
        }
        for (var server = 0; server < 3; server++)
        {
            for (var i = 0; i < Streams; i++) cluster.HostOf(server, $"S{i}")!.State.LastSequence.ShouldBe(Messages);
        }
    }

    private static async Task LimitAsync(TestClient client, string name, int replicas, bool removes)
    {
        await DoAsync(client, $"STREAM.CREATE.{name}", Stream(name, replicas, -1));
        foreach (var consumer in new[] { "C1", "C2" }) await DoAsync(client, $"CONSUMER.DURABLE.CREATE.{name}.{consumer}", Consumer(name, consumer, replicas));
        await DoAsync(client, $"STREAM.UPDATE.{name}", Stream(name, replicas, 1));
        (await NamesAsync(client, name)).ShouldBe(["C1", "C2"]);
        ErrorOf(await StreamCluster.AskAsync(client, $"CONSUMER.DURABLE.CREATE.{name}.C3", Consumer(name, "C3", replicas))).ShouldBe(10026);
        foreach (var consumer in new[] { "C1", "C2" }) await DoAsync(client, $"CONSUMER.DURABLE.CREATE.{name}.{consumer}", Consumer(name, consumer, replicas));
        if (!removes) return;
        await DoAsync(client, $"CONSUMER.DELETE.{name}.C2");
        ErrorOf(await StreamCluster.AskAsync(client, $"CONSUMER.DURABLE.CREATE.{name}.C3", Consumer(name, "C3", replicas))).ShouldBe(10026);
    }

    private static string Stream(string name, int replicas, int consumers) => $$"""{"name":"{{name}}","subjects":["{{name}}"],"num_replicas":{{replicas}},"max_consumers":{{consumers}}}""";

    private static string Consumer(string stream, string name, int replicas) => $$"""{"stream_name":"{{stream}}","config":{"durable_name":"{{name}}","num_replicas":{{replicas}}} }""";

    private static async Task<IEnumerable<string?>> NamesAsync(TestClient client, string stream) =>
        (await StreamCluster.AskAsync(client, $"CONSUMER.NAMES.{stream}")).GetProperty("consumers").EnumerateArray().Select(name => name.GetString()).Order(StringComparer.Ordinal);

    private static async Task DoAsync(TestClient client, string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        ErrorOf(answer).ShouldBe(0, $"{operation}: {answer}");
    }

    private static Task WaitForMessagesAsync(TestClient client, string stream, int count)
    {
        var seen = "";
        return Wait.Until(
            $"{stream} holds {count}",
            async () => (seen = (await StreamCluster.AskAsync(client, $"STREAM.INFO.{stream}")).GetProperty("state").ToString()).Contains($"\"messages\":{count},", StringComparison.Ordinal),
            () => seen);
    }

    private static async Task RestartAllAsync(StreamCluster cluster)
    {
        for (var server = 0; server < 3; server++) await cluster.StopAsync(server);
        for (var server = 0; server < 3; server++) await cluster.StartAsync(server);
        await cluster.WaitForMetaLeaderAsync();
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
    }
}
