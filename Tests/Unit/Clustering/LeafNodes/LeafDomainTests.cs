using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>JetStream at both ends of a leaf node connection: domains that do not get into each other's way, and reach each other by name.</summary>
public sealed class LeafDomainTests
{
    private const string Users = "accounts { A: { jetstream: enabled, users: [{user: a, password: a}] } }\nno_auth_user: a\n";

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeJetStreamDomainMapCrossTalk")]
    public async Task EachDomainKeepsItsApiAndIsReachedByItsName()
    {
        await using var hub = await StreamServer.StartAsync("domain: hub", $"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1 }}\n{Users}");
        await using var leaf = await LeafOfAsync(hub);
        (await hub.AskAsync("STREAM.CREATE.H", "{\"name\":\"H\",\"subjects\":[\"h.>\"]}")).TryGetProperty("error", out _).ShouldBeFalse();
        (await leaf.AskAsync("STREAM.CREATE.L", "{\"name\":\"L\",\"subjects\":[\"l.>\"]}")).TryGetProperty("error", out _).ShouldBeFalse();
        (await leaf.AskAsync("STREAM.INFO.H")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10059);
        await Wait.Until("the hub's domain answers at the leaf", async () => Parse(await leaf.Client.RequestAsync("$JS.hub.API.STREAM.INFO.H")) is { } found && found.TryGetProperty("config", out var config) && config.GetProperty("name").GetString() == "H");
        Parse(await leaf.Client.RequestAsync("$JS.hub.API.INFO")).GetProperty("domain").GetString().ShouldBe("hub");
        Parse(await hub.Client.RequestAsync("$JS.leaf.API.STREAM.INFO.L")).GetProperty("config").GetProperty("name").GetString().ShouldBe("L");
        Parse(await hub.Client.RequestAsync("$JS.leaf.API.STREAM.NAMES")).GetProperty("streams").EnumerateArray().Single().GetString().ShouldBe("L");
    }

    [Fact]
    public async Task AMirrorFetchesAcrossDomainsAndAfterACut()
    {
        await using var hub = await StreamServer.StartAsync("domain: hub", $"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1 }}\n{Users}");
        await using var leaf = await LeafOfAsync(hub);
        await leaf.AskAsync("STREAM.CREATE.L", "{\"name\":\"L\",\"subjects\":[\"l.>\"]}");
        for (var i = 0; i < 10; i++) await leaf.Client.RequestAsync("l.x", $"{i}");
        (await hub.AskAsync("STREAM.CREATE.M", "{\"name\":\"M\",\"mirror\":{\"name\":\"L\",\"external\":{\"api\":\"$JS.leaf.API\"}}}")).TryGetProperty("error", out _).ShouldBeFalse();
        await Wait.Until("the mirror has all", async () => await MessagesAsync(hub, "M") == 10);
        hub.Server.LeafNodes!.Snapshot().Single().Close(NatsAspire.Server.Connections.CloseReason.ClientClosed);
        for (var i = 0; i < 10; i++) await leaf.Client.RequestAsync("l.x", $"{i}");
        await LeafPair.ConnectedAsync(hub.Server, 1);
        await Wait.Until("the mirror has the rest", async () => await MessagesAsync(hub, "M") == 20, timeout: TimeSpan.FromSeconds(40));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamUpdateWithExternalSource")]
    public async Task AStreamSourcesItsNamesakeOfAnotherDomain()
    {
        await using var hub = await StreamServer.StartAsync("domain: hub", $"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1 }}\n{Users}");
        await using var leaf = await LeafOfAsync(hub);
        (await leaf.TryCreateAsync("""{"name":"stream","subjects":["leaf"]}""")).ShouldBe(0);
        (await hub.TryCreateAsync("""{"name":"stream","subjects":["hub"]}""")).ShouldBe(0);
        await leaf.PublishAsync("leaf", "from there");
        (await hub.TryUpdateAsync(Sourcing("leaf"))).ShouldBe(0);
        await Wait.Until("it is sourced", async () => await MessagesAsync(hub, "stream") == 1);
        (await hub.TryUpdateAsync(Sourcing("foo"))).ShouldBe(0, "of what is elsewhere subjects are not known");

        static string Sourcing(string filter) => $$$"""{"name":"stream","subjects":["hub"],"sources":[{"name":"stream","filter_subject":"{{{filter}}}","external":{"api":"$JS.leaf.API"}}]}""";
    }

    [Theory]
    [InlineData("domain", true)]
    [InlineData("domain", false)]
    [InlineData("", true)]
    [InlineData("", false)]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeDefaultDomainCfg")]
    public async Task AHubWithoutJetStreamMayMeanItsLeafs(string domain, bool isSystemShared)
    {
        await using var servers = new DomainServers();
        const string without = "A: { users: [{user: a, password: a}] }";
        var fix = domain.Length == 0 ? "default_js_domain: {A: \"\"}" : "";
        var sys = isSystemShared ? ", " + DomainServers.Remote("sys", servers.Port("hub leaf")) : "";
        await servers.StartAsync("hub", "H", ["hub"], null, accountA: without);
        await servers.StartAsync("leaf", "L", ["leaf"], domain.Length == 0 ? "" : $"domain: {domain}", DomainServers.Remote("a", servers.Port("hub leaf")) + sys, fix);
        await LeafPair.ConnectedAsync(servers["leaf"], isSystemShared ? 2 : 1);
        await using (var client = await servers.ConnectAsync("hub"))
        {
            if (domain.Length > 0) (await client.RequestAsync("$JS.API.STREAM.CREATE.foo", "{\"name\":\"foo\",\"subjects\":[\"foo\"]}")).IsNoResponders.ShouldBeTrue();
        }
        await servers.StopAsync("hub");
        await LeafPair.ConnectedAsync(servers["leaf"], 0);
        await servers.StartAsync("hub", "H", ["hub"], null, more: $"default_js_domain: {{A: \"{domain}\"}}", accountA: without);
        await MakesAsync("foo");
        if (domain.Length == 0) return;
        // The hub has JetStream, but not for this account.
        await servers.StopAsync("hub");
        await LeafPair.ConnectedAsync(servers["leaf"], 0);
        await servers.StartAsync("hub", "H", ["hub"], $"domain: {domain}", more: $"default_js_domain: {{A: \"{domain}\"}}", accountA: without);
        await MakesAsync("bar");
        await Should.ThrowAsync<NatsAspire.Server.Configuration.ConfigurationValueException>(() => servers.StartAsync("other", "H", ["other"], $"domain: {domain}", more: $"default_js_domain: {{A: \"{domain}\"}}"));

        async Task MakesAsync(string stream)
        {
            await LeafPair.ConnectedAsync(servers["leaf"], isSystemShared ? 2 : 1);
            await LeafPair.ConnectedAsync(servers["hub"], isSystemShared ? 2 : 1);
            await using var client = await servers.ConnectAsync("hub");
            await Wait.Until($"{stream} is made", async () =>
            {
                var answer = Parse(await client.RequestAsync($"$JS.API.STREAM.CREATE.{stream}", $"{{\"name\":\"{stream}\",\"subjects\":[\"{stream}\"]}}"));
                return answer.TryGetProperty("config", out _);
            }, servers.Describe);
            servers.HostOf("leaf", stream).ShouldNotBeNull();
        }
    }

    [Fact]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamLeafNodeSvcImportExportCycle")]
    public async Task TheApiMayBeReachedThroughAnAccountThatIsTheLeafsOwn()
    {
        const string accounts = """
            accounts {
              SYS: { users: [{user: admin, password: admin}] }
              LEAF_USER: {
                users: [{user: leaf_user, password: leaf_user}]
                imports: [
                  {service: {account: LEAF_INGRESS, subject: "foo"}}
                  {service: {account: LEAF_INGRESS, subject: "_INBOX.>"}}
                  {service: {account: LEAF_INGRESS, subject: "$JS.leaf.API.>"}, to: "JS.leaf_ingress@leaf.API.>" }
                ]
                jetstream: enabled
              }
              LEAF_INGRESS: {
                users: [{user: leaf_ingress, password: leaf_ingress}]
                exports: [
                  {service: "foo", accounts: [LEAF_USER]}
                  {service: "_INBOX.>", accounts: [LEAF_USER]}
                  {service: "$JS.leaf.API.>", response_type: "stream", accounts: [LEAF_USER]}
                ]
                jetstream: enabled
              }
            }
            system_account: SYS

            """;
        await using var hub = await LeafPair.HubAsync(accounts: accounts.Replace("jetstream: enabled", "", StringComparison.Ordinal));
        await using var leaf = await StreamServer.StartAsync(
            "domain: leaf",
            $"server_name: leaf-server\nleafnodes {{ remotes: [ {{ urls: [ \"nats-leaf://leaf_ingress:leaf_ingress@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\" ], account: LEAF_INGRESS }} ] }}\n{accounts}",
            "leaf_user");
        await LeafPair.ConnectedAsync(leaf.Server, 1);
        var made = Parse(await leaf.Client.RequestAsync("JS.leaf_ingress@leaf.API.STREAM.CREATE.TEST", """{"name":"TEST","subjects":["foo"],"storage":"file"}"""));
        made.TryGetProperty("error", out _).ShouldBeFalse(made.ToString());
        Parse(await leaf.Client.RequestAsync("foo", "msg")).GetProperty("seq").GetInt32().ShouldBe(1);
    }

    [Fact]
    [Upstream("jetstream_leafnode_test.go", "TestJetStreamSourceConsumerLeafReconnectStorm")]
    public async Task ALeafThatComesBackDisturbsOnlyItsOwnSource()
    {
        await using var servers = new DomainServers();
        await servers.StartAsync("hub", "H", ["hub"], "domain: HUB");
        string[] leafs = ["L1", "L2", "L3"];
        foreach (var name in leafs)
        {
            await servers.StartAsync(name, name, [name], $"domain: {name}", DomainServers.Remote("a", servers.Port("hub leaf")));
            await using var client = await servers.ConnectAsync(name);
            await MakeAsync(client, $"S{name}", $"\"subjects\":[\"S{name}.>\"]");
        }
        await LeafPair.ConnectedAsync(servers["hub"], 3);
        await using var atHub = await servers.ConnectAsync("hub");
        await MakeAsync(atHub, "AGG", $"\"sources\":[{string.Join(",", leafs.Select(name => $"{{\"name\":\"S{name}\",\"external\":{{\"api\":\"$JS.{name}.API\"}}}}"))}]");
        foreach (var name in leafs) await Wait.Until($"{name} has a consumer", () => ConsumersOf(name).Length == 1, timeout: TimeSpan.FromSeconds(20));
        var before = leafs.ToDictionary(name => name, name => ConsumersOf(name).Single());
        await servers.StopAsync("L2");
        await LeafPair.ConnectedAsync(servers["hub"], 2);
        await servers.StartAsync("L2");
        await LeafPair.ConnectedAsync(servers["hub"], 3);
        await using (var client = await servers.ConnectAsync("L2")) await client.RequestAsync("SL2.x", "after");
        await Wait.Until("its source goes on", async () => Parse(await atHub.RequestAsync("$JS.API.STREAM.INFO.AGG")).GetProperty("state").GetProperty("messages").GetInt32() == 1, timeout: TimeSpan.FromSeconds(20));
        foreach (var name in new[] { "L1", "L3" }) ConsumersOf(name).ShouldBe([before[name]], "the same as before");

        string[] ConsumersOf(string name) => [.. servers.HostOf(name, $"S{name}")!.Consumers.Snapshot().Select(consumer => consumer.Name)];

        static async Task MakeAsync(TestClient client, string name, string more) =>
            Parse(await client.RequestAsync($"$JS.API.STREAM.CREATE.{name}", $"{{\"name\":\"{name}\",{more}}}")).TryGetProperty("error", out var error).ShouldBeFalse($"{error}");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeHubSideLMSGAllowsJSAPI")]
    public async Task ALeafWithoutJetStreamMayAskItsHubs()
    {
        await using var servers = new DomainServers();
        await servers.StartAsync("hub", "H", ["hub"], "");
        await servers.StartAsync("leaf", "L", ["leaf"], null, DomainServers.Remote("a", servers.Port("hub leaf")), "default_js_domain: {A: \"\"}", "A: { users: [{user: a, password: a}] }");
        await LeafPair.ConnectedAsync(servers["leaf"], 1);
        await LeafPair.ConnectedAsync(servers["hub"], 1);
        await LeafPair.HasInterestAsync(servers["leaf"], "$JS.API.INFO");
        await using var client = await servers.ConnectAsync("leaf");
        (await client.RequestAsync("$JS.API.INFO")).Text.ShouldContain("io.nats.jetstream.api.v1.account_info_response");
        // Who does not say that the hub's is meant is kept from it.
        await servers.StartAsync("other", "O", ["other"], null, DomainServers.Remote("a", servers.Port("hub leaf")), accountA: "A: { users: [{user: a, password: a}] }");
        await LeafPair.ConnectedAsync(servers["other"], 1);
        await LeafPair.HasInterestAsync(servers["other"], "$JS.API.INFO");
        await using var kept = await servers.ConnectAsync("other");
        (await kept.RequestAsync("$JS.API.INFO")).IsNoResponders.ShouldBeTrue();
    }

    /// <summary>The answer may come before the cluster of the leaf has heard of the inbox.</summary>
    [Fact]
    [Upstream("jetstream_super_cluster_test.go", "TestJetStreamSuperClusterGetNextSubRace")]
    public async Task WhoPullsFromADomainBehindAnotherClusterGetsEachMessageToANewInbox()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2, more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + LeafPair.Accounts);
        await using var leaf = await StreamServer.StartAsync(
            "domain: C", $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{super["A1"].LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{Users}");
        await LeafPair.ConnectedAsync(super["A1"], 1);
        await super.StopAsync("A2");
        await using var client = await super.ConnectAsync("B2", "a");
        await LeafPair.HasInterestAsync(super["B2"], "$JS.C.API.INFO");
        async Task<JsonElement> AskAsync(string request, string body) => Parse(await client.RequestAsync("$JS.C.API." + request, body));
        (await AskAsync("STREAM.CREATE.foo", "{\"name\":\"foo\",\"subjects\":[\"foo\"]}")).TryGetProperty("error", out _).ShouldBeFalse();
        (await AskAsync("CONSUMER.DURABLE.CREATE.foo.dur", "{\"stream_name\":\"foo\",\"config\":{\"durable_name\":\"dur\",\"ack_policy\":\"explicit\"}}")).TryGetProperty("error", out _).ShouldBeFalse();
        await LeafPair.HasInterestAsync(super["B2"], "foo");
        for (var i = 0; i < 50; i++) (await client.RequestAsync("foo", $"{i}")).Text.ShouldContain($"\"seq\":{i + 1}");
        for (var i = 0; i < 50; i++)
        {
            var inbox = await client.SubscribeAsync($"inbox.{i}");
            await client.PublishAsync("$JS.C.API.CONSUMER.MSG.NEXT.foo.dur", "{\"batch\":1,\"expires\":5000000000}", inbox.Subject);
            (await inbox.NextAsync()).Text.ShouldBe($"{i}");
            await inbox.UnsubscribeAsync();
        }
    }

    private static async Task<StreamServer> LeafOfAsync(StreamServer hub)
    {
        var leaf = await StreamServer.StartAsync(
            "domain: leaf",
            $"server_name: leaf\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{hub.Server.LeafNodeEndPoint!.Port}\", account: A }} ] }}\n{Users}");
        await LeafPair.ConnectedAsync(leaf.Server, 1);
        await LeafPair.ConnectedAsync(hub.Server, 1);
        return leaf;
    }

    private static async Task<long> MessagesAsync(StreamServer server, string stream) =>
        (await server.AskAsync($"STREAM.INFO.{stream}")).GetProperty("state").GetProperty("messages").GetInt64();

    private static JsonElement Parse(TestMessage message) => message.Payload.Length == 0 ? Golden.ParseText("{}") : JsonDocument.Parse(message.Payload).RootElement;
}
