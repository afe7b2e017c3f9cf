using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Clusters whose servers are leafs of another cluster's: what goes round, what is told twice, what is left when one goes.</summary>
public sealed class LeafLadderTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLoopFromDAG")]
    public async Task TwoWaysToTheSameHubAreALoop()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("A");
        await servers.StartAsync("B", ["A"]);
        await servers.JoinedAsync(("A", 1), ("B", 1));
        await servers.StartAsync("C", ["A", "B"]);
        await Wait.Until("a loop is told of", () => servers.Log.Contains("Loop detected"), () => string.Join('\n', servers.Log.Lines.TakeLast(10)));
        await servers.JoinedAsync(("C", 0));
        // Who has heard of the loop waits for 30 s, but for a restart; it may have been any of the three.
        await servers.StopAsync("C");
        await servers.StopAsync("B");
        await servers.RestartAsync("B");
        await servers.JoinedAsync(("A", 1), ("B", 1));
        await servers.StartAsync("C", ["B"]);
        await servers.JoinedAsync(("A", 1), ("B", 2), ("C", 1));
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLoopDetectedOnAcceptSide")]
    public async Task TwoHubsJoinedByAGatewayMayNotBothDialASpoke()
    {
        using var log = new CapturedLog();
        await using var spoke = await NatsAspire.Server.Hosting.NatsServer.StartAsync(
            TestServer.Parse($"server_name: spoke\nleafnodes {{ listen: \"127.0.0.1:-1\" }}\n{LeafPair.Accounts}"), log);
        await using var super = await SuperCluster.StartAsync(
            more: $"leafnodes {{ reconnect: \"5ms\", remotes: [ {{ url: \"nats-leaf://a:a@127.0.0.1:{spoke.LeafNodeEndPoint!.Port}\", account: A, hub: true }} ] }}\n{LeafPair.Accounts}");
        await Wait.Until("a loop is told of", () => Told() > 0, () => string.Join('\n', log.Lines.TakeLast(10)));
        // Who has heard of it waits for 30 s, so that there are no more than two.
        await LeafPair.ConnectedAsync(spoke, Told() > 1 ? 0 : spoke.LeafNodeCount);
        Told().ShouldBeLessThanOrEqualTo(2);

        int Told() => log.Lines.Count(line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("Loop detected", StringComparison.Ordinal));
    }

    /// <summary>A server of the hub is gone: its leafs meet at the other, where each is told the other's interest, and none of it is its own.</summary>
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLoopDetectionWithMultipleClusters")]
    public async Task LeafsOfOneClusterThatMeetAtOneServerAreNoLoop()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("L1");
        await servers.StartAsync("L2", peer: "L1");
        await servers.StartAsync("R1", ["L1|L2"]);
        await servers.StartAsync("R2", ["L1|L2"], peer: "R1");
        await servers.JoinedAsync(("R1", 1), ("R2", 1));
        await servers.StopAsync("L1");
        await servers.JoinedAsync(("L2", 2), ("R1", 1), ("R2", 1));
        await using var client = await servers.ClientAsync("R1");
        await client.SubscribeAsync("mark");
        await client.FlushAsync();
        await servers.HaveInterestAsync("mark");
        servers.Log.Contains("Loop detected").ShouldBeFalse();
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLMsgSplit")]
    public async Task RequestsOfNewClientsAreAnsweredFromTheFarEndOfBothClusters()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("H1");
        await servers.StartAsync("H2", peer: "H1");
        await servers.StartAsync("L1", ["H1|H2"]);
        await servers.StartAsync("L2", ["H1|H2"], peer: "L1");
        await servers.JoinedAsync(("L1", 1), ("L2", 1));
        await using var service = await servers.ClientAsync("H2");
        var requests = await service.SubscribeAsync("foo", "queue");
        await service.FlushAsync();
        await servers.HaveInterestAsync("foo");
        var payload = string.Concat(Enumerable.Range(0, 150).Select(i => (char)('A' + (i % 26))));
        for (var i = 0; i < 30; i++)
        {
            await using var client = await servers.ClientAsync("L2");
            var answer = client.RequestAsync("foo", payload);
            var request = await requests.NextAsync();
            request.Text.ShouldBe(payload);
            await service.PublishAsync(request.Reply!, "from H2");
            (await answer).Text.ShouldBe("from H2");
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeRouteParseLSUnsub")]
    [Upstream("leafnode_test.go", "TestLeafNodeRouteSubWithOrigin")]
    public async Task WhatALeafWantedIsForgottenByItsHubsPeers()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("H1");
        await servers.StartAsync("H2", peer: "H1");
        await servers.StartAsync("L", ["H1"]);
        await servers.JoinedAsync(("H1", 1), ("L", 1));
        var before = servers["H2"].Accounts.Find("A")!.Subscriptions.Count;
        await using var client = await servers.ClientAsync("L");
        await client.SubscribeAsync("foo");
        var queue = await client.SubscribeAsync("bar", "baz");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(servers["H2"], "foo");
        await LeafPair.HasInterestAsync(servers["H2"], "bar");
        await queue.UnsubscribeAsync();
        await LeafPair.HasInterestAsync(servers["H2"], "bar", isWanted: false);
        await servers.StopAsync("L");
        await Wait.Until("nothing of it is left", () => servers["H2"].Accounts.Find("A")!.Subscriptions.Count <= before, () => $"{before} before, {servers["H2"].Accounts.Find("A")!.Subscriptions.Count} now");
        await LeafPair.HasInterestAsync(servers["H2"], "foo", isWanted: false);
        servers.Log.Contains("Router connection closed").ShouldBeFalse();
    }

    [Theory]
    [InlineData("H2")]
    [InlineData("H1")]
    [Upstream("leafnode_test.go", "TestLeafNodeTwoRemotesToSameHubAccountWithClusters")]
    public async Task TwoAccountsOfAClusterMayBeLeafsOfOneAccountOfAnother(string second)
    {
        await using var servers = new LeafLadder();
        const string spokes = "accounts { A { users: [{user: a, password: a}] }\nB { users: [{user: b, password: b}] } }\n";
        string Second(string hub) => $"account: A }}, {{ url: \"nats-leaf://a:a@127.0.0.1:{servers.LeafPort(hub)}\", account: B";
        await servers.StartAsync("H1");
        await servers.StartAsync("H2", peer: "H1");
        await servers.StartAsync("S1", ["H1"], accounts: spokes, remote: Second("H1"));
        await servers.StartAsync("S2", [second], peer: "S1", accounts: spokes, remote: Second(second));
        await servers.JoinedAsync(("S1", 2), ("S2", 2));
        (string Server, string User)[] ends = [("H1", "a"), ("H2", "a"), ("S1", "a"), ("S2", "a"), ("S1", "b"), ("S2", "b")];
        var clients = new List<TestClient>();
        foreach (var (server, user) in ends) clients.Add(await servers.ClientAsync(server, user));
        for (var i = 0; i < ends.Length; i++)
        {
            var subject = $"to.{i}";
            var heard = await clients[i].SubscribeAsync(subject);
            await clients[i].FlushAsync();
            // What is of one account at the spokes is not to be had of the other.
            var senders = Enumerable.Range(0, ends.Length).Where(j => i < 2 || j < 2 || ends[i].User == ends[j].User).ToList();
            foreach (var j in senders) await LeafPair.HasInterestAsync(servers[ends[j].Server], subject, account: ends[j].User.ToUpperInvariant());
            foreach (var j in senders) await clients[j].PublishAsync(subject, $"{j}");
            var got = new List<string>();
            foreach (var _ in senders) got.Add((await heard.NextAsync()).Text);
            got.Order().ShouldBe(senders.Select(j => $"{j}"));
            await Task.WhenAll(clients.Select(client => client.FlushAsync()));
            heard.Count.ShouldBe(senders.Count, "each once");
        }
        foreach (var client in clients) await client.DisposeAsync();
    }

    /// <summary>Each cluster is the hub of one account of the other, and these accounts import from each other.</summary>
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeDuplicateMsg")]
    public async Task WhatCouldGoTwoWaysComesOnce()
    {
        await using var servers = new LeafLadder();
        static string Accounts(string imports, string from, string subject) =>
            $"accounts {{ {imports} {{ users: [{{user: a, password: a}}], imports: [{{stream: {{account: {from}, subject: {subject}}}}}] }}\n{from} {{ users: [{{user: b, password: b}}], exports: [{{stream: {subject}, accounts: [{imports}]}}] }} }}\n";
        for (var i = 1; i <= 2; i++)
        {
            var (atA, atB) = ($"A{i}", $"B{i}");
            // The leaf of account A of cluster A is in account A of B, whose user there is b.
            await servers.StartAsync(atA, [atB], i == 1 ? null : "A1", Accounts("A", "B", "iot.a.topic"), user: "b");
            await servers.StartAsync(atB, [atA], i == 1 ? null : "B1", Accounts("B", "A", "iot.b.topic"), remote: "account: B", user: "b");
        }
        await servers.JoinedAsync(("A1", 2), ("A2", 2), ("B1", 2), ("B2", 2));
        foreach (var (subscribes, publishes) in new[] { ("B1", "A1"), ("B1", "A2"), ("B2", "A1"), ("B2", "A2") })
        {
            await using var subscriber = await servers.ClientAsync(subscribes);
            var heard = await subscriber.SubscribeAsync("iot.b.topic");
            await subscriber.FlushAsync();
            await LeafPair.HasInterestAsync(servers["A1"], "iot.b.topic");
            await LeafPair.HasInterestAsync(servers["A2"], "iot.b.topic");
            await using var publisher = await servers.ClientAsync(publishes);
            for (var i = 0; i < 3; i++) await publisher.PublishAsync("iot.b.topic", $"{i}");
            for (var i = 0; i < 3; i++) (await heard.NextAsync()).Text.ShouldBe($"{i}");
            await subscriber.FlushAsync();
            heard.Count.ShouldBe(3);
            await subscriber.DisposeAsync();
            await servers.HaveInterestAsync("iot.b.topic", isWanted: false);
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeDQMultiAccountExportImport")]
    public async Task AServiceOfAMappedAccountIsAnsweredOnceToTheHub()
    {
        await using var servers = new LeafLadder();
        const string accounts = """
            accounts {
              A: { mappings: { "A.>": ">" }, exports: [{service: "A.>"}], users: [{user: s, password: s}] }
              AGG: { imports: [{service: {subject: "A.>", account: A}}], users: [{user: a, password: a}] }
            }

            """;
        await servers.StartAsync("B", accounts: "accounts { AGG: { exports: [{service: \"PING.>\"}], users: [{user: a, password: a}] } }\n");
        for (var i = 1; i <= 3; i++) await servers.StartAsync($"C{i}", ["B"], i == 1 ? null : "C1", accounts, remote: "account: AGG");
        await servers.JoinedAsync(("B", 3), ("C1", 1), ("C2", 1), ("C3", 1));
        await using var service = await servers.ClientAsync("C2", "s");
        var requests = await service.SubscribeAsync("PING", "Q");
        await service.FlushAsync();
        foreach (var name in new[] { "C1", "C3" }) await LeafPair.HasInterestAsync(servers[name], "PING");
        await LeafPair.HasInterestAsync(servers["B"], "A.PING", account: "AGG");
        await using var client = await servers.ClientAsync("B");
        for (var i = 0; i < 10; i++)
        {
            var answer = client.RequestAsync("A.PING", $"{i}");
            var request = await requests.NextAsync();
            request.Text.ShouldBe($"{i}");
            await service.PublishAsync(request.Reply!, "reply");
            (await answer).Text.ShouldBe("reply");
        }
        await service.FlushAsync();
        requests.Count.ShouldBe(10);
    }
}
