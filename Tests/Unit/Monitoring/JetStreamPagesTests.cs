using System.Text.Json;
using System.Text.Json.Nodes;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>JetStream's pages beside those of a real 2.14.5, recorded with the same streams, and what it tells in the system account.</summary>
public sealed class JetStreamPagesTests : IDisposable
{
    /// <summary>What depends on the moment, the machine, and how large a record is.</summary>
    private static readonly string[] Volatile = ["created", "ts", "first_ts", "last_ts", "last_active", "storage", "bytes", "store_dir"];

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-jsz-");

    public static TheoryData<string> Paths() => [.. Responses().Select(response => response.GetProperty("path").GetString()!).Where(path =>
        path.StartsWith("/jsz", StringComparison.Ordinal) || path.StartsWith("/healthz", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Paths))]
    [Upstream("monitor_test.go", "TestMonitorJsz")]
    public async Task A_page_is_upstreams(string path)
    {
        await using var server = await StartAsync();
        await using var client = await FillAsync(server);
        var expected = Responses().First(response => response.GetProperty("path").GetString() == path);
        var got = await server.GetAsync(path);
        got.Status.ShouldBe(expected.GetProperty("status").GetInt32(), got.Text);
        if (expected.TryGetProperty("text", out var text)) got.Text.ShouldBe(text.GetString());
        // Ours always waits for the disk.
        else new GoldenShape(Volatile, ["sync_always"]).Differences(InOrder(expected.GetProperty("json")), got.Json).ShouldBeEmpty();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorVarzJSApiLevel")]
    [Upstream("events_test.go", "TestServerEventsStatsZJetStreamApiLevel")]
    public async Task Varz_accountz_and_statistics_tell_of_it()
    {
        await using var server = await StartAsync();
        await using var client = await FillAsync(server);
        var recorded = Responses().First(response => response.GetProperty("path").GetString() == "/varz").GetProperty("json").GetProperty("jetstream");
        new GoldenShape(Volatile, ["sync_always"]).Differences(recorded, (await server.GetJsonAsync("/varz")).GetProperty("jetstream")).ShouldBeEmpty();
        (await server.GetJsonAsync("/accountz?acc=A")).GetProperty("account_detail").GetProperty("jetstream_enabled").GetBoolean().ShouldBeTrue();
        (await server.GetJsonAsync("/accountz?acc=SYS")).GetProperty("account_detail").GetProperty("jetstream_enabled").GetBoolean().ShouldBeFalse();
        await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "sys" });
        var told = Parse(await system.RequestAsync("$SYS.REQ.SERVER.PING.STATSZ")).GetProperty("statsz").GetProperty("jetstream");
        told.GetProperty("stats").GetProperty("api").GetProperty("level").GetInt32().ShouldBe(4);
        told.GetProperty("stats").GetProperty("api").GetProperty("total").GetInt32().ShouldBe(5);
        told.GetProperty("config").GetProperty("max_storage").GetInt64().ShouldBe(256 << 20);
        told.GetProperty("config").TryGetProperty("store_dir", out _).ShouldBeFalse("where it lies is nobody else's business");
    }

    [Fact]
    public async Task An_account_is_asked_for_in_the_system_account()
    {
        await using var server = await StartAsync();
        await using var client = await FillAsync(server);
        await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "sys" });
        var all = Parse(await system.RequestAsync("$SYS.REQ.SERVER.PING.JSZ", """{"consumer":true,"config":true}""")).GetProperty("data");
        all.GetProperty("account_details").EnumerateArray().Select(one => one.GetProperty("name").GetString()).ShouldBe(["A", "B"]);
        Parse(await system.RequestAsync("$SYS.REQ.SERVER.PING.JSZ", """{"leader_only":true}""")).GetProperty("data").GetProperty("streams").GetInt32().ShouldBe(2);
        var plain = Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.JSZ")).GetProperty("data");
        (plain.GetProperty("id").GetString(), plain.TryGetProperty("stream_detail", out _)).ShouldBe(("A", false));
        var detail = Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.A.JSZ", """{"streams":true,"consumer":true}""")).GetProperty("data").GetProperty("stream_detail");
        detail[0].GetProperty("consumer_detail")[0].GetProperty("num_ack_pending").GetInt32().ShouldBe(3);
        (await ErrorAsync("NOPE")).ShouldBe("account \"NOPE\" not found");
        (await ErrorAsync("SYS")).ShouldBe("account \"SYS\" not jetstream enabled");

        async Task<string?> ErrorAsync(string account) =>
            Parse(await system.RequestAsync($"$SYS.REQ.ACCOUNT.{account}.JSZ")).GetProperty("error").GetProperty("description").GetString();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorJszNonJszServer")]
    [Upstream("events_test.go", "TestServerEventsHealthZJetStreamNotEnabled")]
    public async Task A_server_without_it_says_so_and_is_no_leader()
    {
        await using var server = await Monitored.StartAsync("accounts { SYS { users: [{user: sys, password: sys}] } }\nsystem_account: SYS");
        server.Jsz().ShouldSatisfyAllConditions(page => page.Disabled.ShouldBeTrue(), page => page.ServerId.ShouldBe(server.Id));
        Should.Throw<MonitoringException>(() => server.Jsz(new JszOptions { LeaderOnly = true }));
        await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "sys" });
        var answers = await system.SubscribeAsync("answers");
        await system.PublishAsync("$SYS.REQ.SERVER.PING.JSZ", """{"leader_only":true}""", "answers");
        await system.PublishAsync($"$SYS.REQ.SERVER.{server.Id}.HEALTHZ", "", "answers");
        Parse(await answers.NextAsync()).GetProperty("data").GetProperty("status").GetString().ShouldBe("ok", "who is not leader does not answer");
        Parse(await system.RequestAsync("$SYS.REQ.ACCOUNT.SYS.JSZ")).GetProperty("error").GetProperty("description").GetString().ShouldBe("jetstream not enabled");
    }

    [Theory]
    [InlineData("/healthz", 503, """{"status":"unavailable","error":"JetStream not enabled (10076)"}""")]
    [InlineData("/healthz?details=true", 503, """{"status":"error","errors":[{"type":"JETSTREAM","error":"JetStream not enabled (10076)"}]}""")]
    [InlineData("/healthz?js-enabled-only=true", 503, """{"status":"unavailable","error":"JetStream not enabled (10076)"}""")]
    [InlineData("/healthz?js-server-only=true", 200, """{"status":"ok"}""")]
    [Upstream("monitor_test.go", "TestMonitorHealthzStatusUnavailable")]
    [Upstream("jetstream_test.go", "TestJetStreamDisabledHealthz")]
    public async Task What_is_to_run_and_does_not_is_unhealthy(string path, int status, string body)
    {
        var file = Path.Combine(_store.FullName, "file");
        await File.WriteAllTextAsync(file, "");
        await using var server = await Monitored.StartAsync($"jetstream {{ store_dir: \"{file}\" }}");
        var got = await server.GetAsync(path);
        (got.Status, got.Text).ShouldBe((status, body));
    }

    [Theory]
    [InlineData("", 200, """{"status":"ok"}""")]
    [InlineData("""{"js-enabled-only":true}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"js-server-only":true}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"js-meta-only":true}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"account":"A"}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"account":"A","stream":"S1"}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"account":"A","stream":"S1","consumer":"D"}""", 200, """{"status":"ok"}""")]
    [InlineData("""{"stream":"S1"}""", 400, """{"status":"error","error":"\"account\" must not be empty when checking stream health"}""")]
    [InlineData("""{"stream":"S1","details":true}""", 400, """{"status":"error","errors":[{"type":"BAD_REQUEST","error":"\"account\" must not be empty when checking stream health"}]}""")]
    [InlineData("""{"account":"A","consumer":"D"}""", 400, """{"status":"error","error":"\"stream\" must not be empty when checking consumer health"}""")]
    [InlineData("""{"account":"A","consumer":"D","details":true}""", 400, """{"status":"error","errors":[{"type":"BAD_REQUEST","error":"\"stream\" must not be empty when checking consumer health"}]}""")]
    [InlineData("""{"account":"abc"}""", 404, """{"status":"unavailable","error":"JetStream account \"abc\" not found"}""")]
    [InlineData("""{"account":"abc","details":true}""", 404, """{"status":"error","errors":[{"type":"ACCOUNT","account":"abc","error":"JetStream account \"abc\" not found"}]}""")]
    [InlineData("""{"account":"A","stream":"abc"}""", 404, """{"status":"unavailable","error":"JetStream stream \"abc\" not found on account \"A\""}""")]
    [InlineData("""{"account":"A","stream":"abc","details":true}""", 404, """{"status":"error","errors":[{"type":"STREAM","account":"A","stream":"abc","error":"JetStream stream \"abc\" not found on account \"A\""}]}""")]
    [InlineData("""{"account":"A","stream":"S1","consumer":"abc"}""", 404, """{"status":"unavailable","error":"JetStream consumer \"abc\" not found for stream \"S1\" on account \"A\""}""")]
    [InlineData("""{"account":"A","stream":"S1","consumer":"abc","details":true}""", 404, """{"status":"error","errors":[{"type":"CONSUMER","account":"A","stream":"S1","consumer":"abc","error":"JetStream consumer \"abc\" not found for stream \"S1\" on account \"A\""}]}""")]
    [Upstream("events_test.go", "TestServerEventsHealthZSingleServer")]
    public async Task Health_is_asked_for_in_the_system_account(string options, int code, string health)
    {
        await using var server = await StartAsync();
        await using var client = await FillAsync(server);
        await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "sys" });
        var expected = JsonNode.Parse(health)!;
        expected["status_code"] = code;
        var data = Parse(await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.HEALTHZ", options)).GetProperty("data");
        JsonNode.DeepEquals(JsonNode.Parse(data.GetRawText()), expected).ShouldBeTrue(data.ToString());
    }

    [Fact]
    public async Task Streams_that_cannot_be_opened_are_unhealthy()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await FillAsync(server);
        }
        foreach (var record in Directory.EnumerateFiles(_store.FullName, "stream", SearchOption.AllDirectories).Where(path => path.Contains("/S2/", StringComparison.Ordinal)))
        {
            await File.WriteAllTextAsync(record, "damaged");
        }
        await using var again = await StartAsync();
        (await again.GetAsync("/healthz")).ShouldSatisfyAllConditions(
            page => page.Status.ShouldBe(503), page => page.Json.GetProperty("error").GetString().ShouldBe("JetStream stream 'A > S2' could not be recovered"));
        (await again.GetAsync("/healthz?account=A&stream=S1")).Status.ShouldBe(200, "the other one is well");
        (await again.GetAsync("/healthz?account=A&stream=S2&details=1")).Text.ShouldContain("\"type\":\"STREAM\",\"account\":\"A\",\"stream\":\"S2\"");
        (await again.GetAsync("/healthz?js-enabled-only=1")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_thousand_consumers_are_told_by_name()
    {
        await using var server = await StartAsync();
        await using var client = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "a" });
        await AskAsync(client, "STREAM.CREATE.S", """{"name":"S","subjects":["s"]}""");
        var made = Enumerable.Range(0, 1000).Select(i => client.RequestAsync($"$JS.API.CONSUMER.CREATE.S.C{i:0000}", $$$"""{"stream_name":"S","config":{"name":"C{{{i:0000}}}","ack_policy":"explicit","inactive_threshold":3600000000000}}"""));
        foreach (var answer in await Task.WhenAll(made)) answer.Text.ShouldNotContain("\"error\"");
        var account = server.Jsz(new JszOptions { Consumer = true, Account = "A" }).AccountDetails!.Single();
        account.Streams!.Single().Consumers!.Select(one => one.Name).ShouldBe(Enumerable.Range(0, 1000).Select(i => $"C{i:0000}"));
        server.Jsz(new JszOptions { Raft = true }).ConsumersLed.ShouldBe(1000);
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorVarzSyncInterval")]
    public async Task How_often_files_are_synced_is_told()
    {
        await using var server = await Monitored.StartAsync($"jetstream {{ store_dir: \"{_store.FullName}\", sync_interval: 22s, unique_tag: az }}");
        var config = server.Varz().JetStream.Config!;
        (config.SyncInterval, config.SyncAlways, config.UniqueTag).ShouldBe((22_000_000_000, false, "az"));
    }

    [Fact]
    public async Task Metrics_are_the_exporters()
    {
        await using var server = await StartAsync();
        await using var client = await FillAsync(server);
        var sums = PrometheusText.Parse((await server.GetAsync("/metrics")).Text);
        sums["gnatsd_varz_jetstream_stats_accounts"].Value.ShouldBe(2);
        sums["gnatsd_varz_jetstream_config_max_storage"].Value.ShouldBe(256 << 20);
        sums["jetstream_server_total_streams"].Value.ShouldBe(2);
        sums.Keys.ShouldNotContain("jetstream_stream_total_messages", "a stream is told when it is asked for");
        var all = PrometheusText.Parse((await server.GetAsync("/metrics?prefix=nats&jsz=all")).Text);
        all["nats_server_jetstream_disabled"].Value.ShouldBe(0);
        all["nats_server_total_messages"].Value.ShouldBe(20);
        all["nats_account_max_storage"].Samples.Single(one => one.Labels["account"] == "B").Value.ShouldBe(10 << 20);
        all["nats_stream_total_messages"].Samples.Single(one => one.Labels["stream_name"] == "S1").Value.ShouldBe(20);
        all["nats_stream_limit_bytes"].Samples[0].Value.ShouldBe(-1);
        all["nats_stream_subject_count"].Samples.Single(one => one.Labels["stream_name"] == "S1").Value.ShouldBe(3);
        var pending = all["nats_consumer_num_pending"].Samples.Single(one => one.Labels["stream_name"] == "S1");
        pending.Value.ShouldBe(17);
        pending.Labels.Keys.Order().ShouldBe(
        [
            "account", "account_id", "account_name", "cluster", "consumer_desc", "consumer_leader", "consumer_name", "domain", "is_consumer_leader", "is_meta_leader",
            "is_stream_leader", "meta_leader", "server_id", "server_name", "stream_leader", "stream_name", "stream_raft_group",
        ]);
        all["nats_consumer_last_delivery_seconds"].Samples.Single().Value.ShouldBeInRange(0, 60);
        all.Keys.ShouldNotContain("nats_consumer_last_ack_seconds", "nothing was acknowledged");
        (await server.GetAsync("/metrics?jsz=everything")).Status.ShouldBe(400);
    }

    public void Dispose() => _store.Delete(recursive: true);

    private Task<NatsServer> StartAsync() => Monitored.StartAsync($$"""
        server_name: s1
        jetstream { store_dir: "{{_store.FullName}}", max_mem: 64MB, max_file: 256MB }
        accounts { SYS: { users: [{user: sys, password: sys}] }, A: { jetstream: enabled, users: [{user: a, password: a}] }, B: { jetstream: {max_mem: 1MB, max_store: 10MB, max_streams: 3, max_consumers: 5}, users: [{user: b, password: b}] } }
        system_account: SYS
        """);

    /// <summary>What the recorded server held: five requests, one of them refused, twenty messages, three delivered.</summary>
    private static async Task<TestClient> FillAsync(NatsServer server)
    {
        var client = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "a" });
        foreach (var stream in new[] { "S1", "S2" })
        {
            await AskAsync(client, $"STREAM.CREATE.{stream}", $$"""{"name":"{{stream}}","subjects":["{{stream.ToLowerInvariant()}}.>"]}""");
            await AskAsync(client, $"CONSUMER.DURABLE.CREATE.{stream}.D", $$$"""{"stream_name":"{{{stream}}}","config":{"durable_name":"D","ack_policy":"explicit"}}""");
        }
        (await client.RequestAsync("$JS.API.STREAM.INFO.NOPE")).Text.ShouldContain("10059");
        for (var i = 0; i < 20; i++) (await client.RequestAsync($"s1.{i % 3}", $"{i}")).Text.ShouldContain("\"seq\"");
        var inbox = await client.SubscribeAsync("inbox");
        await client.PublishAsync("$JS.API.CONSUMER.MSG.NEXT.S1.D", """{"batch":3,"no_wait":true}""", "inbox");
        for (var i = 0; i < 3; i++) await inbox.NextAsync();
        return client;
    }

    private static async Task AskAsync(TestClient client, string request, string payload) =>
        (await client.RequestAsync($"$JS.API.{request}", payload)).Text.ShouldNotContain("\"error\"");

    private static JsonElement Parse(TestMessage message) => JsonDocument.Parse(message.Payload).RootElement;

    private static IEnumerable<JsonElement> Responses() =>
        Golden.Json("monitoring", "single.json").GetProperty("servers").GetProperty("s1").GetProperty("responses").EnumerateArray();

    /// <summary>Streams of an account by name: upstream tells them in any order.</summary>
    private static JsonElement InOrder(JsonElement page)
    {
        var node = JsonNode.Parse(page.GetRawText())!;
        foreach (var account in node["account_details"]?.AsArray() ?? [])
        {
            if (account!["stream_detail"] is not JsonArray streams) continue;
            var sorted = streams.OrderBy(stream => (string)stream!["name"]!, StringComparer.Ordinal).Select(stream => stream!.DeepClone()).ToArray();
            account["stream_detail"] = new JsonArray(sorted);
        }
        return JsonDocument.Parse(node.ToJsonString()).RootElement;
    }
}
