using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Support.SharedStreamCluster;

namespace NatsAspire.Tests.Distributed;

/// <summary>
/// JetStream of two clusters seen through what joins accounts and servers: imports, leaf nodes of the same domain, and copies whose
/// leader changes.
/// </summary>
public sealed class SuperClusterLinkTests
{
    private const string Tests = "jetstream_super_cluster_test.go";

    [Theory]
    [InlineData("")]
    [InlineData("queue")]
    [Upstream(Tests, "TestJetStreamSuperClusterImportConsumerStreamSubjectRemap")]
    public async Task WhatAConsumerPushesIsImportedElsewhereUnderTheSubjectItWasStoredWith(string group)
    {
        const string Delivered = "deliver.ORDERS";
        await using var super = await StartAsync(
            servers: 2,
            domain: "domain: HUB",
            $$"""
            leafnodes { host: 127.0.0.1, port: -1 }
            accounts {
              JS: { jetstream: enabled, users: [ { user: js, password: js } ], exports: [ { stream: "{{Delivered}}.*" } ] }
              IM: { users: [ { user: im, password: im } ], imports: [ {{string.Join(", ", new[] { "route", "gateway", "after", "before" }.Select(way => $"{{ stream: {{ account: JS, subject: \"{Delivered}.{way}\" }} }}"))}} ] }
              SYS: { users: [ { user: admin, password: admin } ] }
            }
            system_account: SYS

            """);
        await using var client = await super.ConnectAsync("A1", "js");
        await DoAsync(client, "STREAM.CREATE.ORDERS", """{"name":"ORDERS","subjects":["foo"],"num_replicas":2,"placement":{"cluster":"A"} }""");
        await Wait.Until("it is stored", async () => (await client.RequestAsync("foo", "OK")).Text.Contains("\"seq\"", StringComparison.Ordinal));
        var queue = group.Length > 0 ? $",\"deliver_group\":\"{group}\"" : "";
        foreach (var way in new[] { "route", "gateway", "after", "before" })
        {
            await DoAsync(client, $"CONSUMER.CREATE.ORDERS.{way}", $$"""{"stream_name":"ORDERS","config":{"durable_name":"{{way}}","deliver_subject":"{{Delivered}}.{{way}}","ack_policy":"explicit"{{queue}}} }""");
        }
        var leader = (await DoAsync(client, "CONSUMER.INFO.ORDERS.route")).GetProperty("cluster").GetProperty("leader").GetString();
        await using (var peer = await super.ConnectAsync(leader == "A1" ? "A2" : "A1", "im")) await HearsAsync(peer, "route");
        await using (var beyond = await super.ConnectAsync("B1", "im")) await HearsAsync(beyond, "gateway");
        // Joined to the account that imports.
        await using (var leaf = await TestServer.FromConfigAsync($"server_name: after\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://im:im@127.0.0.1:{super["A1"].LeafNodeEndPoint!.Port}\" }} ] }}\n"))
        {
            await LeafPair.ConnectedAsync(leaf, 1);
            await using var atLeaf = await TestClient.ConnectAsync(leaf.ClientEndPoint!);
            await HearsAsync(atLeaf, "after");
        }
        // Joined to the account that exports, with an import of its own.
        await using var other = await TestServer.FromConfigAsync($$"""
            server_name: before
            leafnodes { remotes: [ { url: "nats-leaf://js:js@127.0.0.1:{{super["A1"].LeafNodeEndPoint!.Port}}", account: JS2 } ] }
            accounts {
              JS2: { users: [ { user: js, password: js } ], exports: [ { stream: "{{Delivered}}.before" } ] }
              IM2: { users: [ { user: im, password: im } ], imports: [ { stream: { account: JS2, subject: "{{Delivered}}.before" } } ] }
            }
            """);
        await LeafPair.ConnectedAsync(other, 1);
        await using var atOther = await TestClient.ConnectAsync(other.ClientEndPoint!, new TestClientOptions { User = "im", Password = "im" });
        await HearsAsync(atOther, "before");

        async Task HearsAsync(TestClient importing, string way)
        {
            var heard = await importing.SubscribeAsync($"{Delivered}.{way}", group.Length > 0 ? group : null);
            var message = await heard.NextAsync();
            (message.Subject, message.Text).ShouldBe(("foo", "OK"), way);
            message.Reply!.ShouldNotContain("@");
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamSuperClusterConsumerAckSubjectWithStreamImportProtocolError")]
    public async Task AnAccountThatImportsEverythingDoesNotDisturbAcknowledgements()
    {
        await using var super = await StartAsync(servers: 1, domain: "domain: hub", """
            leafnodes { host: 127.0.0.1, port: -1 }
            accounts {
              SYS: { }
              one: { jetstream: enabled, users: [ { user: one, password: one } ], exports: [ { stream: ">" } ] }
              two: { users: [ { user: two, password: two } ], imports: [ { stream: { subject: ">", account: one } } ] }
            }
            system_account: SYS

            """);
        await using var leaf = await TestServer.FromConfigAsync($"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://one:one@127.0.0.1:{super["B1"].LeafNodeEndPoint!.Port}\" }} ] }}\n");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var client = await TestClient.ConnectAsync(leaf.ClientEndPoint!);
        await AskDomainAsync(client, "STREAM.CREATE.TEST", """{"name":"TEST","subjects":["TEST"],"placement":{"cluster":"A"} }""");
        for (var i = 0; i < 2; i++) await Wait.Until("it is stored", async () => (await client.RequestAsync("TEST")).Text.Contains("\"seq\"", StringComparison.Ordinal));
        await AskDomainAsync(client, "CONSUMER.CREATE.TEST.DURABLE", """{"stream_name":"TEST","config":{"durable_name":"DURABLE","ack_policy":"explicit"} }""");
        await using var all = await super.ConnectAsync("B1", "two");
        for (var turn = 0; turn < 2; turn++)
        {
            var inbox = await client.SubscribeAsync($"inbox.{turn}");
            await Wait.Until("the request is heard", async () =>
            {
                await client.PublishAsync("$JS.hub.API.CONSUMER.MSG.NEXT.TEST.DURABLE", """{"batch":1,"expires":1000000000}""", inbox.Subject);
                return (await inbox.NextAsync()) is { Headers: null or { Status: "" } } message && message.Subject == "TEST" && await AcknowledgeAsync(message);
            });
            // An acknowledgement's subject may hold the subject that was published, which an import must not take apart.
            await all.SubscribeAsync(">");
            await all.FlushAsync();
        }

        async Task<bool> AcknowledgeAsync(TestMessage message) => !(await client.RequestAsync(message.Reply!, "+ACK")).IsNoResponders;

        static Task AskDomainAsync(TestClient client, string operation, string request)
        {
            var answer = "";
            return Wait.Until(
                operation,
                async () =>
                {
                    var message = await client.RequestAsync($"$JS.hub.API.{operation}", request, timeout: TimeSpan.FromSeconds(2));
                    answer = message.Text;
                    return !message.IsNoResponders && ErrorOf(JsonDocument.Parse(answer).RootElement) == 0;
                },
                () => answer,
                TimeSpan.FromSeconds(30));
        }
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamSuperClusterSourceAndMirrorConsumersLeaderChange")]
    public async Task ACopyWhoseLeaderChangesLeavesNoConsumerBehind()
    {
        await using var super = await StartAsync(servers: 2, domain: "", "");
        await using var a = await super.ConnectAsync("A1");
        await using var b = await super.ConnectAsync("B1");
        var origins = Enumerable.Range(1, 4).Select(number => $"O{number}").ToList();
        foreach (var origin in origins) await DoAsync(a, $"STREAM.CREATE.{origin}", $$"""{"name":"{{origin}}","subjects":["{{origin}}"],"placement":{"cluster":"A"} }""");
        await DoAsync(b, "STREAM.CREATE.S", $$"""{"name":"S","num_replicas":2,"placement":{"cluster":"B"},"sources":[{{string.Join(",", origins.Select(origin => $"{{\"name\":\"{origin}\"}}"))}}]}""");
        await DeposeTwiceAsync("S");
        foreach (var origin in origins) await WaitForConsumersAsync(origin, 1);
        await DoAsync(b, "STREAM.CREATE.M", """{"name":"M","num_replicas":2,"placement":{"cluster":"B"},"mirror":{"name":"O1"} }""");
        await DeposeTwiceAsync("M");
        await WaitForConsumersAsync("O1", 2);

        async Task DeposeTwiceAsync(string stream)
        {
            for (var i = 0; i < 2; i++)
            {
                await Wait.Until($"{stream} is led", () => new[] { "B1", "B2" }.Any(server => super.HostOf(server, stream) is { Leads: true }), timeout: TimeSpan.FromSeconds(30));
                await StreamCluster.AskAsync(b, $"STREAM.LEADER.STEPDOWN.{stream}");
            }
        }

        Task WaitForConsumersAsync(string origin, int count) => Wait.Until(
            $"{origin} has {count} consumers",
            () => super.HoldersOf(origin) is [var holder] && super.HostOf(holder, origin)!.Consumers.Snapshot().Length == count,
            () => $"{super.HostOf(super.HoldersOf(origin)[0], origin)!.Consumers.Snapshot().Length}",
            TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Upstream(Tests, "TestJetStreamSuperClusterSingleLeafNodeWithSharedSystemAccount")]
    [Upstream(Tests, "TestJetStreamSuperClusterLeafNodesWithSharedSystemAccountAndSameDomain")]
    public async Task LeafsOfTheSameDomainAreAClusterMore(int leafs)
    {
        const string Accounts = """
            accounts {
              A: { jetstream: enabled, users: [ { user: a, password: a } ] }
              SYS: { users: [ { user: sys, password: sys } ] }
            }
            system_account: SYS

            """;
        await using var super = await StartAsync(servers: 2, domain: "domain: d", "leafnodes { host: 127.0.0.1, port: -1 }\n" + Accounts);
        await using var joined = new TestCluster();
        var folder = Directory.CreateTempSubdirectory("natsaspire-leafs-");
        try
        {
            var ports = new NatsAspire.Hosting.FreePorts().Take(leafs);
            var remotes = DomainServers.Remote("a", super["A1"].LeafNodeEndPoint!.Port) + ", " + DomainServers.Remote("sys", super["A1"].LeafNodeEndPoint!.Port);
            for (var i = 0; i < leafs; i++)
            {
                var mesh = leafs == 1 ? "cluster { name: LNC }" : $"cluster {{ name: LNC, listen: \"127.0.0.1:{ports[i]}\", routes: [ \"nats://127.0.0.1:{ports[(i + 1) % leafs]}\" ] }}";
                joined.Servers.Add(await TestServer.FromConfigAsync(
                    $"server_name: L{i}\n{mesh}\njetstream {{ store_dir: \"{Path.Combine(folder.FullName, $"L{i}")}\", domain: d, extension_hint: will_extend }}\nleafnodes {{ reconnect: \"100ms\", remotes: [ {remotes} ] }}\n{Accounts}"));
            }
            foreach (var leaf in joined.Servers) await LeafPair.ConnectedAsync(leaf, 2);
            await super.WaitForMetaLeaderAsync(leafs);
            joined.Servers.ShouldAllBe(leaf => !leaf.JetStreamService!.Meta!.IsLeading);
            // What is asked of one's own API does not cross beside what the system account carries.
            foreach (var server in new[] { super["A1"], joined[0] }) server.Accounts.Find("A")!.Subscriptions.Match("$JS.API.INFO"u8).Leafs.ShouldBeEmpty(server.Name);
            await using var atLeaf = await LeafPair.ClientAsync(joined[0]);
            (await PlacedAsync(atLeaf, "NEAR", "", leafs)).ShouldBe("LNC");
            (await PlacedAsync(atLeaf, "FAR", ",\"placement\":{\"cluster\":\"B\"}", 2)).ShouldBe("B");
            await using var atHub = await super.ConnectAsync("B1", "a");
            (await PlacedAsync(atHub, "DOWN", ",\"placement\":{\"cluster\":\"LNC\"}", 1)).ShouldBe("LNC");
        }
        finally
        {
            await joined.DisposeAsync();
            folder.Delete(recursive: true);
        }

        static async Task<string?> PlacedAsync(TestClient client, string name, string placement, int replicas) =>
            (await DoAsync(client, $"STREAM.CREATE.{name}", $$"""{"name":"{{name}}","subjects":["{{name}}"],"num_replicas":{{replicas}}{{placement}} }""")).GetProperty("cluster").GetProperty("name").GetString();
    }

    private static async Task<SuperCluster> StartAsync(int servers, string domain, string more)
    {
        var super = await SuperCluster.StartAsync(clusters: 2, servers: servers, more: more, jetStream: domain);
        await super.WaitForMetaLeaderAsync();
        return super;
    }

    private static async Task<JsonElement> DoAsync(TestClient client, string operation, string request = "")
    {
        var answer = await StreamCluster.PlaceAsync(client, operation, request);
        ErrorOf(answer).ShouldBe(0, $"{operation} {request}: {answer}");
        return answer;
    }
}
