using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>The pages beside those of a real 2.14.5, recorded with the same clients.</summary>
public sealed class GoldenMonitoringTests
{
    private const string Config = """
        server_name: s1
        server_tags: ["a:b"]
        server_metadata: { k: v }
        accounts { SYS: { users: [{user: sys, password: sys}] }, A: { users: [{user: a, password: a}] }, B: { users: [{user: b, password: b}] } }
        system_account: SYS
        """;

    /// <summary>What JetStream, leaf nodes, WebSockets and MQTT add, and what depends on the build.</summary>
    private static readonly string[] OtherFeatures = ["leaf", "mqtt", "websocket", "jetstream", "git_commit", "exports", "imports", "http_req_stats"];

    private static readonly string[] OfTheMachine =
    [
        "go", "http_port", "mem", "cores", "gomaxprocs", "cpu", "config_load_time", "config_digest",
        "in_client_msgs", "in_client_bytes", "out_client_msgs", "out_client_bytes", "total_connections",
        "num_subscriptions", "num_cache", "num_inserts", "num_removes", "num_matches", "cache_hit_rate", "max_fanout", "avg_fanout", "jetstream_enabled",
    ];

    public static TheoryData<string> Paths()
    {
        var paths = new TheoryData<string>();
        foreach (var response in Responses("single.json", "s1"))
        {
            var path = response.GetProperty("path").GetString()!;
            if (!IsAboutJetStream(path, response)) paths.Add(path);
        }
        return paths;
    }

    [Theory]
    [MemberData(nameof(Paths))]
    [Upstream("monitor_test.go", "TestMonitorConnzBadParams")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortBadRequest")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByStopOnOpen")]
    [Upstream("monitor_test.go", "TestMonitorConnzSortedByReasonOnOpen")]
    [Upstream("monitor_test.go", "TestMonitorConnzWithNamedClient")]
    [Upstream("monitor_test.go", "TestMonitorServerIDs")]
    public async Task A_page_is_upstreams(string path)
    {
        await using var server = await Monitored.StartAsync(Config);
        await using var company = await Company.GatherAsync(server);
        var expected = Responses("single.json", "s1").First(response => response.GetProperty("path").GetString() == path);
        var got = await server.GetAsync(path.Replace("cid=8", $"cid={company.AppId}", StringComparison.Ordinal));
        got.Status.ShouldBe(expected.GetProperty("status").GetInt32(), got.Text);
        got.ContentType.ShouldBe(expected.GetProperty("content_type").GetString());
        got.AllowedOrigin.ShouldBe(expected.TryGetProperty("Access-Control-Allow-Origin", out var origin) ? origin.GetString() : null);
        if (!expected.TryGetProperty("json", out var json))
        {
            if (path != "/") got.Text.ShouldBe(expected.GetProperty("text").GetString());
            return;
        }
        var shape = new GoldenShape(Volatile(path), OtherFeatures);
        shape.Differences(json, got.Json).ShouldBeEmpty();
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorHTTPBasePath")]
    public async Task A_base_path_stands_before_every_page()
    {
        await using var server = await Monitored.StartAsync("server_name: s1\nhttp_base_path: \"/base\"");
        foreach (var expected in Responses("minimal-base-path.json", "s1"))
        {
            var path = expected.GetProperty("path").GetString()!;
            var got = await server.GetAsync(path);
            got.Status.ShouldBe(expected.GetProperty("status").GetInt32(), path);
            got.ContentType.ShouldBe(expected.GetProperty("content_type").GetString(), path);
            if (!expected.TryGetProperty("json", out var json)) continue;
            var shape = new GoldenShape([.. OfTheMachine, "subscriptions"], ["git_commit", "http_req_stats"]);
            shape.Differences(json, got.Json).ShouldBeEmpty(path);
        }
        var root = await server.GetAsync("/base");
        root.Status.ShouldBe(200);
        root.ContentType.ShouldBe("text/html; charset=utf-8");
        root.Text.ShouldContain("href=\"./base/varz\"");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorCluster")]
    [Upstream("monitor_test.go", "TestMonitorClusterURLs")]
    public async Task A_members_cluster_block_and_routes_are_upstreams()
    {
        await using var cluster = await TestServer.ClusterAsync(3, options => options with { Monitoring = options.Monitoring with { Host = "127.0.0.1", HttpPort = -1 } });
        var recorded = Responses("cluster.json", "n1").ToList();
        // The second server was told of the first, so that its block has URLs.
        var varz = await cluster[1].GetJsonAsync("/varz");
        var cluster1 = recorded.First(one => one.GetProperty("path").GetString() == "/varz").GetProperty("json").GetProperty("cluster");
        new GoldenShape(["name", "cluster_port", "urls"], []).Differences(cluster1, varz.GetProperty("cluster")).ShouldBeEmpty();
        varz.GetProperty("connect_urls").GetArrayLength().ShouldBe(3);
        varz.GetProperty("routes").GetInt32().ShouldBe(8);
        varz.GetProperty("remotes").GetInt32().ShouldBe(2);
        var routes = (await cluster[1].GetJsonAsync("/routez")).GetProperty("routes");
        var route = recorded.First(one => one.GetProperty("path").GetString() == "/routez").GetProperty("json").GetProperty("routes")[0];
        var shape = new GoldenShape(["rid", "remote_id", "remote_name", "did_solicit", "is_configured", "subscriptions", "pending_size"], ["account"]);
        foreach (var one in routes.EnumerateArray()) shape.Differences(route, one).ShouldBeEmpty();
        routes.EnumerateArray().Count(one => one.TryGetProperty("account", out var account) && account.GetString() == "$SYS").ShouldBe(2);
    }

    /// <summary>All of the group is told by its leader, by the others who that is; in the system account they call it by its own name.</summary>
    [Fact]
    public async Task The_meta_group_is_in_varz_and_in_statistics()
    {
        await using var cluster = await StreamCluster.StartAsync(isMonitored: true, more: "accounts { SYS { users: [ { user: sys, password: sys } ] } }\nsystem_account: SYS");
        var leader = cluster.Running.First(server => server.JetStreamService!.Meta is { IsLeading: true });
        await Wait.Until(
            "the leader tells of the others, who have everything",
            async () => MetaOf(await leader.GetJsonAsync("/varz")).TryGetProperty("replicas", out var others) && others.GetArrayLength() == 2 && !others.EnumerateArray().Any(other => other.TryGetProperty("lag", out _)));
        foreach (var server in cluster.Running) await Wait.Until($"{server.Name} knows of three", async () => MetaOf(await server.GetJsonAsync("/varz")).GetProperty("cluster_size").GetInt32() == 3);
        var shape = new GoldenShape(["name", "leader", "peer", "active", "current", "pending_entries", "pending_size", "last_time"], []);
        foreach (var server in cluster.Running)
        {
            var expected = MetaOf(Responses("cluster.json", server == leader ? "n3" : "n1").First(one => one.GetProperty("path").GetString() == "/varz").GetProperty("json"));
            var shown = MetaOf(await server.GetJsonAsync("/varz"));
            shape.Differences(expected, shown).ShouldBeEmpty();
            (shown.GetProperty("name").GetString(), shown.GetProperty("leader").GetString()).ShouldBe(("C", leader.Name));
            await using var system = await server.ConnectAsync(new TestClientOptions { User = "sys", Password = "sys" });
            var answer = JsonDocument.Parse((await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.STATSZ")).Payload).RootElement;
            var told = MetaOf(answer.GetProperty("statsz"));
            shape.Differences(expected, told).ShouldBeEmpty();
            (told.GetProperty("name").GetString(), told.GetProperty("leader").GetString()).ShouldBe((server == leader ? "C" : "_meta_", leader.Name));
        }

        static JsonElement MetaOf(JsonElement page) => page.GetProperty("jetstream").GetProperty("meta");
    }

    private static IEnumerable<string> Volatile(string path) =>
        path.StartsWith("/varz", StringComparison.Ordinal) || path.StartsWith("/acc", StringComparison.Ordinal) || path.StartsWith("/subsz", StringComparison.Ordinal)
            ? [.. OfTheMachine, "subscriptions", "subscriptions_list", "accounts", "bytes", "total", "account_statz"]
            : path.StartsWith("/subscriptionsz", StringComparison.Ordinal) ? OfTheMachine
            : path.Contains("sort=rtt", StringComparison.Ordinal) ? ["connections"] : [];

    private static bool IsAboutJetStream(string path, JsonElement response) =>
        (path.StartsWith("/jsz", StringComparison.Ordinal) && response.GetProperty("status").GetInt32() == 200)
        || (path.StartsWith("/healthz", StringComparison.Ordinal) && response.GetProperty("status").GetInt32() == 404)
        || path.StartsWith("/ipqueuesz?all", StringComparison.Ordinal)
        || path.StartsWith("/stacksz", StringComparison.Ordinal);

    private static IEnumerable<JsonElement> Responses(string file, string server) =>
        Golden.Json("monitoring", file).GetProperty("servers").GetProperty(server).GetProperty("responses").EnumerateArray();

    /// <summary>The clients that were there: two with subscriptions, three that are gone.</summary>
    private sealed class Company(RawClient app, RawClient other) : IAsyncDisposable
    {
        public ulong AppId { get; private set; }

        public static async Task<Company> GatherAsync(NatsServer server)
        {
            using (var silent = await RawClient.ConnectAsync(server.ClientEndPoint!)) await silent.ReadInfoAsync();
            await Wait.Until("the silent client to be gone", () => server.ClientCount == 0);
            var app = await OpenAsync(server, "app-0", "a", "golden", "1.0");
            var other = await OpenAsync(server, "other-0", "b", "go", "1.51.0");
            await other.SendAsync("SUB _INBOX.1f8b89003e7c1197.* 1\r\nSUB foo 2\r\n");
            await other.FlushAsync();
            await app.SendAsync("SUB _INBOX.e890d286ac010132.* 1\r\nSUB foo 2\r\nSUB foo.* 3\r\nSUB bar.> 4\r\nSUB q grp 5\r\n");
            using (var gone = await OpenAsync(server, "gone", "a", "golden", "1.0"))
            {
                await gone.SendAsync("SUB x 1\r\n");
                await gone.FlushAsync();
            }
            await Wait.Until("the second client to be gone", () => server.ClientCount == 2);
            using (var refused = await RawClient.ConnectAsync(server.ClientEndPoint!))
            {
                await refused.ReadInfoAsync();
                await refused.SendAsync(Connect("badpw", "a", "wrong", "golden", "1.0"));
                await refused.ReadToCloseAsync();
            }
            await Wait.Until("three closed connections", () => server.Connz(new ConnzOptions { State = ConnectionState.Closed }).Total == 3);
            // Later than the other one's last: a millisecond is what activity is told in.
            await Wait.Until("the clock to go on", () => server.Connz(new ConnzOptions { User = "b" }).Connections![0].LastActivity < TimeProvider.System.GetUtcNow().AddMilliseconds(-20));
            await app.SendAsync("PUB foo 1\r\nx\r\nPING\r\n");
            await app.ReadThroughAsync("PONG\r\n");
            return new Company(app, other) { AppId = server.Connz(new ConnzOptions { User = "a" }).Connections!.Single().Id };
        }

        public ValueTask DisposeAsync()
        {
            app.Dispose();
            other.Dispose();
            return ValueTask.CompletedTask;
        }

        private static string Connect(string name, string user, string password, string language, string version) =>
            $"CONNECT {{\"verbose\":false,\"pedantic\":false,\"name\":\"{name}\",\"lang\":\"{language}\",\"version\":\"{version}\",\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n";

        private static Task<RawClient> OpenAsync(NatsServer server, string name, string user, string language, string version) =>
            RawClient.OpenAsync(server.ClientEndPoint!, Connect(name, user, user, language, version));
    }
}
