using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What each end lets through when the other one does not keep to what it was told.</summary>
public sealed class LeafPermissionTests
{
    private const string Connect = "CONNECT {\"version\":\"2.14.5\",\"user\":\"leaf\",\"pass\":\"leaf\",\"server_id\":\"NLEAF\",\"name\":\"leaf\",\"cluster\":\"leaf\",\"headers\":true,\"compress_mode\":\"off\",\"remote_account\":\"A\",\"protocol\":3}\r\n";

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeHubSideLMSGHonorsAllowResponses")]
    [Upstream("leafnode_test.go", "TestLeafNodeHubSideLMSGEmptyAllowWithAllowResponses")]
    public async Task WhoMayOnlyAnswerAnswersOnceAndNobodyElse()
    {
        await using var hub = await LeafPair.HubAsync("compression: off", UserWith("publish: { allow: [] }, subscribe: { allow: [\"svc\"] }, allow_responses: true"));
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync("LS+ svc\r\n");
        await leaf.FlushAsync();
        await using var client = await LeafPair.ClientAsync(hub);
        var answer = client.RequestAsync("svc", "ask");
        var reply = (await leaf.ExpectMatchAsync("LMSG svc (\\S+) 3\r\nask\r\n")).Groups[1].Value;
        await leaf.SendAsync($"LMSG {reply} 2\r\nok\r\n");
        (await answer).Text.ShouldBe("ok");
        var secret = await client.SubscribeAsync("secret");
        await client.FlushAsync();
        await leaf.SendAsync("LMSG secret 2\r\nno\r\n");
        (await leaf.ReadToCloseAsync()).ShouldEndWith("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
        await client.FlushAsync();
        secret.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLMSGPermissionsUseWireSubjectNotMapped")]
    public async Task WhatCountsIsTheSubjectThatWasSent()
    {
        var accounts = UserWith("publish: { allow: [\"pub.ok\"] }, subscribe: { allow: [\">\"] }", "mappings: { \"pub.ok\": \"internal.pub.ok\" }");
        await using var hub = await LeafPair.HubAsync("compression: off", accounts);
        using var leaf = await JoinAsync(hub);
        await using var client = await LeafPair.ClientAsync(hub);
        var heard = await client.SubscribeAsync("internal.pub.ok");
        await client.FlushAsync();
        await leaf.SendAsync("LMSG pub.ok 5\r\nhello\r\nPING\r\n");
        (await heard.NextAsync()).Text.ShouldBe("hello");
        await leaf.SendAsync("LMSG internal.pub.ok 2\r\nno\r\n");
        (await leaf.ReadToCloseAsync()).ShouldEndWith("-ERR 'Permissions Violation for Publish to \"internal.pub.ok\"'\r\n");
        heard.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLMSGHonorsImportPermissions")]
    public async Task ALeafTakesNothingThatItDeniesItself()
    {
        await using var pair = await LeafPair.StartAsync(remote: "deny_imports: [\"imp.blocked\"], compression: off", hub: "compression: off");
        await using var client = await LeafPair.ClientAsync(pair.Leaf);
        var heard = await client.SubscribeAsync("imp.*");
        await client.FlushAsync();
        var connection = pair.Hub.LeafNodes!.Snapshot().Single();
        connection.SendLine("LMSG imp.blocked 2\r\nno\r\nLMSG imp.ok 2\r\nok\r\n"u8.ToArray());
        (await heard.NextAsync()).Subject.ShouldBe("imp.ok");
        pair.Hub.LeafNodes!.Snapshot().ShouldHaveSingleItem().ShouldBeSameAs(connection, "that is no reason to part");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeSolicitedHubLMSGHonorsExportPermissions")]
    public async Task AHubThatDialsCutsOffWhoSendsWhatItDenies()
    {
        using var log = new CapturedLog();
        await using var spoke = await LeafPair.HubAsync("compression: off");
        await using var hub = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: hub\nleafnodes {{ reconnect: \"1m\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{spoke.LeafNodeEndPoint!.Port}\", account: A, hub: true, compression: off, deny_exports: [\"pub.blocked\"] }} ] }}\n{LeafPair.Accounts}"), log);
        await LeafPair.ConnectedAsync(spoke, 1);
        await LeafPair.ConnectedAsync(hub, 1);
        await using var client = await LeafPair.ClientAsync(hub);
        var heard = await client.SubscribeAsync("pub.blocked");
        await client.FlushAsync();
        spoke.LeafNodes!.Snapshot().Single().SendLine("LMSG pub.blocked 2\r\nno\r\n"u8.ToArray());
        await Wait.Until("the violation is told", () => log.Lines.Any(line => line.Contains("Publish Violation on \"pub.blocked\"", StringComparison.Ordinal)), () => string.Join('\n', log.Lines));
        await LeafPair.ConnectedAsync(hub, 0);
        heard.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeSpokeSideLMSGHonorsLocalPermissions")]
    public async Task ASpokeThatWasDialledKeepsToItsOwnUsersRights()
    {
        await using var spoke = await LeafPair.HubAsync("compression: off", UserWith("publish: { allow: [\"pub.ok\"] }, subscribe: { allow: [\">\"] }"), name: "spoke");
        await using var hub = await LeafPair.LeafAsync("hub", spoke, "hub: true, compression: off", "leaf");
        await LeafPair.ConnectedAsync(spoke, 1);
        await LeafPair.ConnectedAsync(hub, 1);
        spoke.LeafNodes!.Snapshot().Single().IsSpoke.ShouldBeTrue();
        await using var client = await LeafPair.ClientAsync(spoke);
        var heard = await client.SubscribeAsync("pub.*");
        await client.FlushAsync();
        hub.LeafNodes!.Snapshot().Single().SendLine("LMSG pub.blocked 2\r\nno\r\nLMSG pub.ok 2\r\nok\r\n"u8.ToArray());
        (await heard.NextAsync()).Subject.ShouldBe("pub.ok");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueScopedImportDenyFiltersBroadQueueInterest")]
    public async Task AQueueMayBeDeniedWhatOthersGet()
    {
        await using var hub = await LeafPair.HubAsync(accounts: UserWith("publish: { allow: [\">\"] }, subscribe: { allow: [\">\"], deny: [\"broad.secret workers\", \"exact.secret workers\"] }"));
        await using var leaf = await LeafPair.LeafAsync("leaf", hub, user: "leaf");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var atLeaf = await LeafPair.ClientAsync(leaf);
        var broadWorkers = await atLeaf.SubscribeAsync("broad.*", "workers");
        var broadAuditors = await atLeaf.SubscribeAsync("broad.*", "auditors");
        var exactWorkers = await atLeaf.SubscribeAsync("exact.secret", "workers");
        var exactAuditors = await atLeaf.SubscribeAsync("exact.secret", "auditors");
        await atLeaf.FlushAsync();
        await LeafPair.HasInterestAsync(hub, "broad.public");
        await LeafPair.HasInterestAsync(hub, "exact.secret");
        await using var atHub = await LeafPair.ClientAsync(hub);
        await atHub.PublishAsync("broad.secret", "no");
        await atHub.PublishAsync("exact.secret", "no");
        await atHub.PublishAsync("broad.public", "ok");
        (await broadWorkers.NextAsync()).Subject.ShouldBe("broad.public");
        (await broadAuditors.NextAsync()).Subject.ShouldBe("broad.secret");
        (await broadAuditors.NextAsync()).Subject.ShouldBe("broad.public");
        (await exactAuditors.NextAsync()).Subject.ShouldBe("exact.secret");
        exactWorkers.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayQueueSubNotSuppressedByDeniedLeafQueue")]
    public async Task ADeniedQueueOfALeafDoesNotKeepOthersFromWork()
    {
        var accounts = UserWith("publish: { allow: [\">\"] }, subscribe: { allow: [\">\"], deny: [\"admin.secret workers\"] }");
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", super["A1"], user: "leaf");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var atLeaf = await LeafPair.ClientAsync(leaf);
        var denied = await atLeaf.SubscribeAsync("admin.secret", "workers");
        await atLeaf.SubscribeAsync("mark");
        await atLeaf.FlushAsync();
        await LeafPair.HasInterestAsync(super["A1"], "mark");
        await using var far = await LeafPair.ClientAsync(super["B1"]);
        var works = await far.SubscribeAsync("admin.secret", "workers");
        await far.FlushAsync();
        await LeafPair.HasInterestAsync(super["A1"], "admin.secret");
        await using var near = await LeafPair.ClientAsync(super["A1"]);
        await near.PublishAsync("admin.secret", "job");
        (await works.NextAsync()).Text.ShouldBe("job");
        denied.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodePermissionWithGateways")]
    public async Task AnswersToOtherClustersNeedTheRightToo()
    {
        var accounts = UserWith("publish: \"bar\", subscribe: \"foo\"");
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", super["A1"], user: "leaf");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var service = await LeafPair.ClientAsync(leaf);
        var requests = await service.SubscribeAsync("foo");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(super["B1"], "foo");
        await using var far = await LeafPair.ClientAsync(super["B1"]);
        var allowed = await far.SubscribeAsync("bar");
        var forbidden = await far.SubscribeAsync("baz");
        await far.PublishAsync("foo", "one", "bar");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "response");
        (await allowed.NextAsync()).Text.ShouldBe("response");
        await far.PublishAsync("foo", "two", "baz");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "must not come");
        // What it may not is a violation, as any other.
        await LeafPair.ConnectedAsync(super["A1"], 0);
        await far.FlushAsync();
        forbidden.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeHubSideLMSGHonorsAllowResponsesGatewayRouted")]
    public async Task WhoMayOnlyAnswerMayAnswerToAnotherCluster()
    {
        var accounts = UserWith("publish: { allow: [] }, subscribe: { allow: [\"svc\"] }, allow_responses: true");
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", super["A1"], user: "leaf");
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var service = await LeafPair.ClientAsync(leaf);
        var requests = await service.SubscribeAsync("svc");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(super["B1"], "svc");
        for (var i = 0; i < 5; i++)
        {
            // Each inbox is new, so that the answer is led back by what stands before its subject.
            await using var far = await LeafPair.ClientAsync(super["B1"]);
            var answer = far.RequestAsync("svc", $"{i}");
            await service.PublishAsync((await requests.NextAsync()).Reply!, $"answer {i}");
            (await answer).Text.ShouldBe($"answer {i}");
        }
        await LeafPair.ConnectedAsync(super["A1"], 1);
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeInfoPermissionUpdatesAllowedForSolicitedLeaf")]
    public async Task AHubTellsALeafItsRightsWithAnInfo()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        await using var leaf = await TestServer.FromConfigAsync(
            $"server_name: leaf\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://a:a@{listener.LocalEndpoint}\", account: A, compression: off }} ] }}\n{LeafPair.Accounts}");
        await using var client = await LeafPair.ClientAsync(leaf);
        await client.SubscribeAsync("import.foo");
        await client.SubscribeAsync("other.foo");
        await client.FlushAsync();
        using var hub = await GatewayPeer.AcceptAsync(listener);
        const string info = "INFO {\"server_id\":\"NHUB\",\"server_name\":\"hub\",\"headers\":true,\"max_payload\":1048576,\"client_id\":5,\"leafnode_urls\":[\"127.0.0.1:1\"],";
        await hub.SendAsync(info + "\"import\":{\"allow\":[\"import.>\"]},\"export\":{\"allow\":[\"export.>\"]}}\r\nPING\r\n");
        (await TellsAsync()).ShouldBe(["import.foo"]);
        await hub.SendAsync("LS+ other.bar\r\nLS+ export.bar\r\n");
        await LeafPair.HasInterestAsync(leaf, "export.bar");
        await client.PublishAsync("other.bar", "kept");
        await client.PublishAsync("export.bar", "told");
        while (await hub.ReadLineAsync() is var line && line != "LMSG export.bar 4") line.ShouldNotStartWith("LMSG other");
        // Other rights, later.
        await hub.SendAsync(info + "\"import\":{\"allow\":[\"other.>\"]},\"export\":{\"allow\":[\">\"]}}\r\nPING\r\n");
        (await TellsAsync()).ShouldContain("other.foo");

        // What is told up to the answer to PING, but for what servers need.
        async Task<List<string>> TellsAsync()
        {
            var told = new List<string>();
            while (await hub.ReadLineAsync() is var line && line != "PONG")
            {
                if (line.StartsWith("LS+ ", StringComparison.Ordinal) && line[4] is not ('$' or '_')) told.Add(line[4..]);
            }
            return told;
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodePermsSuppressSubs")]
    [Upstream("leafnode_test.go", "TestLeafNodeExportPermissionsNotForSpecialSubs")]
    public async Task OnlyWhatServersNeedIsToldInSpiteOfDenials()
    {
        await using var super = await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1, compression: off }\n" + UserWith("publish: \"foo\", subscribe: [\"_INBOX.>\"]"));
        await using var client = await LeafPair.ClientAsync(super["A1"]);
        await client.SubscribeAsync("baz");
        await client.SubscribeAsync("foo");
        await client.FlushAsync();
        using var leaf = await RawClient.ConnectAsync(super["A1"].LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect + "PING\r\n");
        var told = new List<string>();
        while (await leaf.ReadLineAsync() is var line && line != "PONG") told.Add(line.StartsWith("LS+ $LDS", StringComparison.Ordinal) ? "LS+ $LDS" : line.Split(' ')[0] == "INFO" ? "INFO" : line);
        told.Order().ShouldBe(["INFO", "LS+ $GR.*.>", "LS+ $LDS", "LS+ _GR_.>", "LS+ foo"]);
        await client.SubscribeAsync("bar");
        await client.FlushAsync();
        await leaf.SendAsync("PING\r\n");
        (await leaf.ReadLineAsync()).ShouldBe("PONG");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeServiceImportRebuildsRequestInfoHeader")]
    public async Task WhoAsksIsWrittenByTheHubAndNotByTheLeafsClient()
    {
        const string accounts = """
            accounts {
              A: { users: [{user: a, password: a}], imports: [ { service: { account: B, subject: "svc" } } ] }
              B: { users: [{user: b, password: b}], exports: [ { service: "svc", accounts: [A] } ] }
            }
            no_auth_user: a

            """;
        await using var hub = await LeafPair.HubAsync(accounts: accounts);
        await using var leaf = await LeafPair.LeafAsync("leaf", hub);
        await LeafPair.ConnectedAsync(leaf, 1);
        await using var service = await LeafPair.ClientAsync(hub, "b");
        var requests = await service.SubscribeAsync("svc");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(leaf, "svc");
        await using var client = await LeafPair.ClientAsync(leaf);
        var answer = client.RequestAsync("svc", "ask", TestHeaders.Of(("Nats-Request-Info", "{\"acc\":\"EVIL\",\"user\":\"mallory\",\"host\":\"badhost\"}")));
        var request = await requests.NextAsync();
        var asks = Golden.ParseText(request.Headers!["Nats-Request-Info"]!);
        asks.GetProperty("acc").GetString().ShouldBe("A");
        (asks.TryGetProperty("user", out _) || asks.TryGetProperty("host", out _)).ShouldBeFalse(asks.ToString());
        await service.PublishAsync(request.Reply!, "ok");
        (await answer).Text.ShouldBe("ok");
    }

    [Theory]
    [InlineData("INFO {\"compression\":\"off\"}\r\nLS+ test\r\n", "Authorization Violation")]
    [InlineData("INFO {}\r\nINFO {\"remote_account\":\"attacker\"}\r\nLS+ x\r\n", "Authorization Violation")]
    [InlineData("INFO {}\r\nINFO {\"connect_info\":true}\r\nLS+ x\r\n", "Authorization Violation")]
    [InlineData("-ERR 'Loop detected'\r\n", "")]
    [Upstream("leafnode_test.go", "TestLeafNodeInfoBeforeConnectStillRequiresConnect")]
    [Upstream("leafnode_test.go", "TestLeafNodeNoAccPanicOnLeafErrLoopDetectedBeforeConnect")]
    public async Task BeforeConnectNothingIsBelieved(string said, string answer)
    {
        await using var hub = await LeafPair.HubAsync("compression: s2_auto");
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(said);
        (await leaf.ReadToCloseAsync()).ShouldContain(answer);
        hub.LeafNodeCount.ShouldBe(0);
        using var proper = await JoinAsync(hub, "a");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeInfoPermissionUpdatesRequireSolicitedLeaf")]
    [Upstream("leafnode_test.go", "TestLeafNodeInboundInfoDoesNotOverrideNonce")]
    public async Task ALeafCannotGiveItselfRightsWithAnInfo()
    {
        await using var hub = await LeafPair.HubAsync("compression: off", UserWith("publish: \"up\", subscribe: \"down\""));
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync("INFO {\"import\":{\"allow\":[\">\"]},\"export\":{\"allow\":[\">\"]},\"nonce\":\"mine\",\"connect_info\":true}\r\n");
        await leaf.FlushAsync();
        await leaf.SendAsync("LS+ secret\r\n");
        (await leaf.ReadToCloseAsync()).ShouldEndWith("-ERR 'Permissions Violation for Subscription to \"secret\"'\r\n");
    }

    private static string UserWith(string permissions, string more = "") =>
        $"accounts {{ SYS: {{ users: [{{user: sys, password: sys}}] }}\nA: {{ users: [{{user: a, password: a}}, {{user: leaf, password: leaf, permissions: {{ {permissions} }}}}]\n{more}\n }} }}\nsystem_account: SYS\nno_auth_user: a\n";

    private static async Task<RawClient> JoinAsync(NatsServer hub, string user = "leaf")
    {
        var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect.Replace("\"leaf\",\"pass\":\"leaf\"", $"\"{user}\",\"pass\":\"{user}\"", StringComparison.Ordinal) + "PING\r\n");
        while (await leaf.ReadLineAsync() != "PONG")
        {
        }
        return leaf;
    }
}
