using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>How many members of queue groups servers know of, over restarts and lost connections; and who is served.</summary>
public sealed class LeafQueueTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueWeightCorrectOnRestart")]
    public async Task AHubThatStartsAgainKnowsHowManyThereAre()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("B1");
        await servers.StartAsync("B2", peer: "B1");
        await servers.StartAsync("L", ["B2"]);
        await servers.JoinedAsync(("B2", 1), ("L", 1));
        await using var client = await servers.ClientAsync("L");
        for (var i = 0; i < 2; i++) await client.SubscribeAsync("foo", "queue");
        await client.FlushAsync();
        await servers.WeighsAsync("B1", "foo", 2);
        await servers.WeighsAsync("B2", "foo", 2);
        await servers.StopAsync("B2");
        await servers.WeighsAsync("B1", "foo", 0);
        await servers.RestartAsync("B2");
        await servers.JoinedAsync(("B2", 1), ("L", 1));
        await servers.WeighsAsync("B1", "foo", 2);
        await servers.WeighsAsync("B2", "foo", 2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("accounts: [A]")]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueInterestAndWeightCorrectAfterServerRestartOrConnectionClose")]
    public async Task MembersOfTheOwnClusterNeverComeBackToIt(string cluster)
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("B1", cluster: cluster);
        await servers.StartAsync("B2", peer: "B1", cluster: cluster);
        await servers.StartAsync("A1", ["B1"], cluster: cluster);
        await servers.StartAsync("A2", ["B2"], "A1", cluster: cluster);
        await servers.JoinedAsync(("A1", 1), ("A2", 1), ("B1", 1), ("B2", 1));
        await using var atB2 = await servers.ClientAsync("B2");
        var marks = 0;
        var client = await servers.ClientAsync("A2");
        var members = await SubscribeAsync(client);
        await servers.HaveInterestAsync("foo");
        await ExpectAsync(false);
        await servers.StopAsync("B1");
        await servers.RestartAsync("B1");
        await servers.JoinedAsync(("A1", 1), ("B1", 1));
        await members[0].UnsubscribeAsync();
        await servers.WeighsAsync("B2", "foo", 2);
        await servers.HaveInterestAsync("foo");
        await ExpectAsync(false);
        await members[1].UnsubscribeAsync();
        await members[2].UnsubscribeAsync();
        await servers.HaveInterestAsync("foo", false);
        await ExpectAsync(false);
        await SubscribeAsync(client);
        await servers.HaveInterestAsync("foo");
        await ExpectAsync(false);
        // All three go at once with their connection.
        await client.DisposeAsync();
        await servers.HaveInterestAsync("foo", false);
        var far = await servers.ClientAsync("B2");
        await SubscribeAsync(far);
        await servers.HaveInterestAsync("foo");
        await ExpectAsync(true);
        await far.DisposeAsync();
        await servers.HaveInterestAsync("foo", false);
        await ExpectAsync(false);

        static async Task<TestSubscription[]> SubscribeAsync(TestClient client)
        {
            TestSubscription[] members = [await client.SubscribeAsync("foo", "queue"), await client.SubscribeAsync("foo", "queue"), await client.SubscribeAsync("foo", "queue")];
            await client.FlushAsync();
            return members;
        }

        // What B2 tells goes to A1 by B1: once the mark is there, so is all before it.
        async Task ExpectAsync(bool isTold)
        {
            var mark = $"mark.{++marks}";
            await atB2.SubscribeAsync(mark);
            await LeafPair.HasInterestAsync(servers["A1"], mark);
            var leaf = servers["A1"].Leafz(new LeafzOptions { Subscriptions = true }).Leafs.Single();
            leaf.Name.ShouldBe("B1");
            leaf.Subscriptions!.Contains("foo").ShouldBe(isTold);
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeQueueGroupWithLateLNJoin")]
    public async Task ALeafThatJoinsLateReachesTheLastMemberThatIsLeft()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("C1");
        await servers.StartAsync("C2", peer: "C1");
        await servers.StartAsync("L2", ["C1"]);
        await servers.StartAsync("L3", ["C2"], "L2");
        await servers.JoinedAsync(("L2", 1), ("L3", 1));
        var members = new Dictionary<string, TestSubscription>();
        foreach (var name in new[] { "L2", "L3", "C1", "C2" })
        {
            var client = await servers.ClientAsync(name);
            members[name] = await client.SubscribeAsync("foo", "group");
            await client.FlushAsync();
        }
        await servers.HaveInterestAsync("foo");
        await servers.StartAsync("N", ["C1"]);
        await servers.JoinedAsync(("N", 1), ("C1", 2));
        await LeafPair.HasInterestAsync(servers["N"], "foo");
        foreach (var name in new[] { "L3", "C2", "C1" }) await members[name].UnsubscribeAsync();
        await servers.WeighsAsync("C1", "foo", 1);
        await using var publisher = await servers.ClientAsync("N");
        await publisher.PublishAsync("foo", "hello");
        (await members["L2"].NextAsync()).Text.ShouldBe("hello");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeStreamAndShadowSubs")]
    public async Task WhatIsImportedTwiceOverIsToldAgainAfterRestartsAndReloads()
    {
        await using var servers = new LeafLadder();
        const string hub = "accounts { X: { users: [{user: x, password: x}], exports: [{stream: \"foo.*.>\"}] }\nA: { users: [{user: a, password: a}], imports: [{stream: {account: X, subject: \"foo.*.>\"}}] } }\n";
        const string leaf = "accounts { A: { exports: [{stream: \"foo.*.>\"}] }\nC: { users: [{user: c, password: c}], imports: [{stream: {account: A, subject: \"foo.bar.>\"}}] } }\n";
        await servers.StartAsync("H", accounts: hub);
        await servers.StartAsync("L", ["H"], accounts: leaf);
        await servers.JoinedAsync(("H", 1), ("L", 1));
        await PassesAsync();
        await servers.StopAsync("H");
        await servers.RestartAsync("H");
        await servers.JoinedAsync(("H", 1), ("L", 1));
        await PassesAsync();
        await servers.ReloadAsync("L");
        await PassesAsync();

        async Task PassesAsync()
        {
            await using var client = await servers.ClientAsync("L", "c");
            var heard = await client.SubscribeAsync("foo.*.baz");
            await client.FlushAsync();
            await LeafPair.HasInterestAsync(servers["H"], "foo.bar.baz", account: "X");
            await using var publisher = await servers.ClientAsync("H", "x");
            await publisher.PublishAsync("foo.bar.baz", "msg");
            (await heard.NextAsync()).Text.ShouldBe("msg");
            await client.DisposeAsync();
            await LeafPair.HasInterestAsync(servers["H"], "foo.bar.baz", isWanted: false, account: "X");
        }
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeRoutedSubKeyDifferentBetweenLeafSubAndRoutedSub")]
    public async Task AClusterNamedAsAnAccountIsNotTakenForIt()
    {
        await using var servers = new LeafLadder();
        await servers.StartAsync("H1");
        await servers.StartAsync("H2", peer: "H1");
        // Told on, "A foo bar" is a queue of account A, or what the cluster A wants of an account foo: LS+ says which.
        await servers.StartAsync("A", ["H2"]);
        await servers.JoinedAsync(("H2", 1), ("A", 1));
        // What the leaf's server wants of its own is told before.
        await using (var mark = await servers.ClientAsync("A"))
        {
            await mark.SubscribeAsync("mark");
            await mark.FlushAsync();
            await LeafPair.HasInterestAsync(servers["H1"], "mark");
        }
        await LeafPair.HasInterestAsync(servers["H1"], "mark", isWanted: false);
        var before = servers["H1"].Accounts.Find("A")!.Subscriptions.Count;
        var (atHub, atLeaf) = (await servers.ClientAsync("H2"), await servers.ClientAsync("A"));
        foreach (var client in new[] { atHub, atLeaf })
        {
            await client.SubscribeAsync("foo");
            await client.SubscribeAsync("A", "foo");
            await client.FlushAsync();
        }
        await Wait.Until("all four are told apart", () => Told() == 4, () => $"{Told()}");
        await atHub.DisposeAsync();
        await Wait.Until("those of the hub are gone", () => Told() == 2, () => $"{Told()}");
        await LeafPair.HasInterestAsync(servers["H1"], "foo");
        await LeafPair.HasInterestAsync(servers["H1"], "A");
        await atLeaf.DisposeAsync();
        await Wait.Until("all are gone", () => Told() == 0, () => $"{Told()}");

        long Told() => servers["H1"].Accounts.Find("A")!.Subscriptions.Count - before;
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeDupeDeliveryQueueSubAndPlainSub")]
    public async Task APlainSubscriberAndAQueueBehindImportsEachGetItOnce()
    {
        await using var servers = new LeafLadder();
        const string spokes = """
            accounts {
              tenant: { users: [{user: t, password: t}], exports: [{stream: "system-a.events.>"}] }
              A: { users: [{user: a, password: a}], imports: [{stream: {subject: "system-a.events.>", account: tenant}, prefix: tenant}] }
            }

            """;
        const string hub = """
            accounts {
              A: { users: [{user: a, password: a}], exports: [{stream: "*.system-a.>"}] }
              B: { users: [{user: b, password: b}], imports: [{stream: {subject: "*.system-a.>", account: A}}] }
            }

            """;
        await servers.StartAsync("B", accounts: hub);
        await servers.StartAsync("S1", ["B"], accounts: spokes);
        await servers.JoinedAsync(("B", 1));
        await servers.StartAsync("S2", ["B"], "S1", spokes);
        await servers.JoinedAsync(("B", 2), ("S1", 1), ("S2", 1));
        const string wide = "*.system-a.events.>", narrow = "*.system-a.events.lost";
        await using var atHub = await servers.ClientAsync("B", "b");
        TestSubscription[] there = [await atHub.SubscribeAsync(wide), await atHub.SubscribeAsync(narrow, "Q"), await atHub.SubscribeAsync("*.system-a.mark.hub")];
        await using var atPeer = await servers.ClientAsync("S2");
        TestSubscription[] here = [await atPeer.SubscribeAsync(wide), await atPeer.SubscribeAsync(narrow, "Q"), await atPeer.SubscribeAsync("tenant.system-a.mark.peer")];
        await atHub.FlushAsync();
        await atPeer.FlushAsync();
        await LeafPair.HasInterestAsync(servers["S1"], "tenant.system-a.mark.hub");
        await LeafPair.HasInterestAsync(servers["S1"], "tenant.system-a.mark.peer");
        await using var publisher = await servers.ClientAsync("S1", "t");
        await publisher.PublishAsync("system-a.events.lost", "one");
        (await there[0].NextAsync()).Text.ShouldBe("one");
        (await here[0].NextAsync()).Text.ShouldBe("one");
        await Wait.Until("one member is served", () => there[1].Count + here[1].Count > 0);
        foreach (var gone in there) await gone.UnsubscribeAsync();
        await LeafPair.HasInterestAsync(servers["S1"], "tenant.system-a.mark.hub", isWanted: false);
        var before = here[1].Count;
        await publisher.PublishAsync("system-a.events.lost", "two");
        (await here[0].NextAsync()).Text.ShouldBe("two");
        await Wait.Until("the member that is left is served", () => here[1].Count == before + 1);
        (there[0].Count, here[0].Count, there[1].Count + here[1].Count).ShouldBe((1, 2, 2));
    }
}
