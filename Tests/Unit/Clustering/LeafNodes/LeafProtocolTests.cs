using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What a hub and a leaf say to each other line by line, when the leaf is one that nobody configured.</summary>
public sealed class LeafProtocolTests
{
    private const string Tests = "test/leafnode_test.go";

    [Fact]
    [Upstream(Tests, "TestLeafNodeInfo")]
    [Upstream(Tests, "TestNumLeafNodes")]
    public async Task AHubAsksForConnectAndCountsItsLeafs()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var first = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        var info = await first.ReadInfoAsync();
        (info.GetProperty("auth_required").GetBoolean(), info.GetProperty("headers").GetBoolean(), info.TryGetProperty("tls_required", out _), info.TryGetProperty("tls_verify", out _)).ShouldBe((true, true, false, false));
        hub.LeafNodeCount.ShouldBe(0);
        await first.SendAsync("CONNECT {}\r\n");
        await LeafPair.ConnectedAsync(hub, 1);
        using var second = await JoinAsync(hub);
        await LeafPair.ConnectedAsync(hub, 2);
        first.Dispose();
        await LeafPair.ConnectedAsync(hub, 1);
        second.Dispose();
        await LeafPair.ConnectedAsync(hub, 0);
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeRequiresConnect")]
    public async Task WhoSaysNothingIsClosed()
    {
        await using var hub = await LeafPair.HubAsync("authorization { timeout: 0.05 }", accounts: "");
        using var silent = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await silent.ReadInfoAsync();
        (await silent.ReadToCloseAsync()).ShouldBe("-ERR 'Authentication Timeout'\r\n");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeSplitBuffer")]
    [Upstream("split_test.go", "TestSplitBufferLeafMsgArg")]
    public async Task ALineMayComeInPieces()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var service = await RawClient.OpenAsync(hub.ClientEndPoint!);
        await service.SendAsync("SUB foo bar 1\r\n");
        await service.FlushAsync();
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync("LS+ reply\r\n");
        await leaf.FlushAsync();
        await leaf.SendByteByByteAsync("LMSG foo + reply bar 2\r\nOK\r\n");
        await service.ExpectAsync("MSG foo 1 reply 2\r\nOK\r\n");
        await service.SendAsync("PUB reply 2\r\nok\r\n");
        await leaf.ExpectAsync("LMSG reply 2\r\nok\r\n");
    }

    [Theory]
    [InlineData("LMSG foo 17\r\n")]
    [InlineData("HMSG foo 12 5000\r\n")]
    [InlineData("LMSG foo 60000\r\n")]
    [Upstream("parser_test.go", "TestParseLeafMsgBadSize")]
    [Upstream("parser_test.go", "TestParseLeafHeaderMsgBadSize")]
    public async Task ALeafSendsNothingLargerThanAClientMay(string line)
    {
        await using var hub = await LeafPair.HubAsync(accounts: "", more: "max_payload: 16\n");
        using var leaf = await JoinAsync(hub);
        // Servers may have added to the headers on the way.
        await leaf.SendAsync("LMSG foo 16\r\n0123456789abcdef\r\nHMSG foo 12 18\r\nNATS/1.0\r\n\r\nabcdef\r\n");
        await leaf.FlushAsync();
        await leaf.SendAsync(line + new string('x', 17) + "\r\n");
        (await leaf.ReadToCloseAsync()).ShouldEndWith("-ERR 'Maximum Payload Violation'\r\n");
        await LeafPair.ConnectedAsync(hub, 0);
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("route")]
    [InlineData("gateway")]
    [Upstream("parser_test.go", "TestParsePingNoAuthUserExceptionsAndRestrictions")]
    public async Task WhoIsNoClientPingsOnlyWhenConnected(string port)
    {
        await using var hub = await LeafPair.HubAsync("compression: off", more: "cluster { name: C, listen: \"127.0.0.1:-1\" }\ngateway { name: C, listen: \"127.0.0.1:-1\" }\n");
        using (var stranger = await RawClient.ConnectAsync(port == "leaf" ? hub.LeafNodeEndPoint! : port == "route" ? hub.ClusterEndPoint! : hub.GatewayEndPoint!))
        {
            await stranger.ReadInfoAsync();
            await stranger.SendAsync("PING\r\n");
            (await stranger.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authorization Violation'\r\n");
        }
        // A client is whom nobody else is, from then on.
        using var client = await RawClient.ConnectAsync(hub.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.FlushAsync();
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeSendsSubsAfterConnect")]
    public async Task WhatWasWantedBeforeIsToldOnceEach()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var client = await RawClient.OpenAsync(hub.ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\nSUB bar 2\r\nSUB foo baz 3\r\nSUB foo baz 4\r\nSUB bar 5\r\n");
        await client.FlushAsync();
        var (leaf, told) = await JoinTellingAsync(hub);
        using var _ = leaf;
        told.Where(line => line.StartsWith("LS+", StringComparison.Ordinal) && !line.Contains('$', StringComparison.Ordinal)).Order(StringComparer.Ordinal).ShouldBe(["LS+ bar", "LS+ foo", "LS+ foo baz 2"]);
        told.Count(line => line.StartsWith("LS+ $LDS.", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeSendsSubsOngoing")]
    public async Task InterestIsToldAsItComesAndGoesAndQueuesAsTheyGrow()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var leaf = await JoinAsync(hub);
        using var client = await RawClient.OpenAsync(hub.ClientEndPoint!);
        foreach (var (said, told) in new[]
        {
            ("SUB foo 1", "LS+ foo"), ("SUB foo bar 2", "LS+ foo bar 1"), ("SUB foo bar 3", "LS+ foo bar 2"), ("SUB foo bar 4", "LS+ foo bar 3"),
            ("SUB foo 5", ""), ("UNSUB 5", ""), ("UNSUB 1", "LS- foo"), ("UNSUB 2", "LS+ foo bar 2"), ("UNSUB 3", "LS+ foo bar 1"), ("UNSUB 4", "LS- foo bar"),
        })
        {
            await client.SendAsync(said + "\r\n");
            await client.FlushAsync();
            if (told.Length > 0) await leaf.ExpectAsync(told + "\r\n");
            else await leaf.FlushAsync();
        }
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeQueueSubscriberUnsubscribe")]
    public async Task AQueueThatLosesAMemberIsToldSmallerAndNotGone()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var leaf = await JoinAsync(hub);
        using var first = await RawClient.OpenAsync(hub.ClientEndPoint!);
        using var second = await RawClient.OpenAsync(hub.ClientEndPoint!);
        await first.SendAsync("SUB foo bar 1\r\n");
        await leaf.ExpectAsync("LS+ foo bar 1\r\n");
        await second.SendAsync("SUB foo bar 1\r\n");
        await leaf.ExpectAsync("LS+ foo bar 2\r\n");
        first.Dispose();
        await leaf.ExpectAsync("LS+ foo bar 1\r\n");
        await leaf.FlushAsync();
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeSubs")]
    public async Task ALeafIsSentAMessageOnceWithTheQueuesItIsFor()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var leaf = await JoinAsync(hub);
        using var client = await RawClient.OpenAsync(hub.ClientEndPoint!);
        foreach (var (wanted, sent) in new[] { ("LS+ foo", "LMSG foo 2"), ("LS+ foo", "LMSG foo 2"), ("LS+ foo bar 4", "LMSG foo \\| bar 2"), ("LS+ foo baz 2", "LMSG foo \\| (bar baz|baz bar) 2") })
        {
            await leaf.SendAsync(wanted + "\r\n");
            await leaf.FlushAsync();
            await client.SendAsync("PUB foo 2\r\nOK\r\n");
            await leaf.ExpectMatchAsync(sent + "\r\nOK\r\n");
        }
        await leaf.SendAsync("LS- foo\r\nLS- foo bar\r\nLS- foo baz\r\nLS+ mark\r\n");
        await leaf.FlushAsync();
        await client.SendAsync("PUB foo 2\r\nno\r\nPUB mark 3\r\nyes\r\n");
        await leaf.ExpectAsync("LMSG mark 3\r\nyes\r\n");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeMsgDelivery")]
    [Upstream(Tests, "TestLeafNodeNoEcho")]
    public async Task WhatALeafSendsIsForWhomItNamesAndDoesNotComeBack()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var leaf = await JoinAsync(hub);
        using var client = await RawClient.OpenAsync(hub.ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\n");
        await leaf.ExpectAsync("LS+ foo\r\n");
        await leaf.SendAsync("LS+ foo\r\nLMSG foo 2\r\nOK\r\n");
        await leaf.FlushAsync();
        await client.ExpectAsync("MSG foo 1 2\r\nOK\r\n");
        await client.SendAsync("UNSUB 1\r\nSUB foo bar 2\r\n");
        await leaf.ExpectAsync("LS- foo\r\nLS+ foo bar 1\r\n");
        // Queues get what is meant for them only.
        await leaf.SendAsync("LMSG foo 2\r\nno\r\nLMSG foo | bar 3\r\nyes\r\nLMSG foo + myreply bar 2\r\nOK\r\n");
        await leaf.FlushAsync();
        await client.ExpectAsync("MSG foo 2 3\r\nyes\r\nMSG foo 2 myreply 2\r\nOK\r\n");
        await client.FlushAsync();
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeBasicAuth")]
    public async Task OneUserForAllLeafsMustBeNamed()
    {
        await using var hub = await LeafPair.HubAsync("authorization { user: derek, password: \"s3cr3t!\", timeout: 2.2 }", accounts: "");
        foreach (var connect in new[] { "{}", """{"user":"derek","pass":"badpassword"}""" })
        {
            using var wrong = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
            await wrong.ReadInfoAsync();
            await wrong.SendAsync($"CONNECT {connect}\r\n");
            (await wrong.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
        }
        using var right = await JoinAsync(hub, """{"user":"derek","pass":"s3cr3t!"}""");
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Theory]
    [InlineData("system_account: SYS", true)]
    [InlineData("", false)]
    [Upstream(Tests, "TestLeafNodeConnectInfo")]
    public async Task ALeafIsToldItsAccount(string system, bool hasSystem)
    {
        await using var hub = await LeafPair.HubAsync(accounts: $$"""
            accounts {
              SYS: { users: [ { user: sys, password: pwd } ] }
              A: { users: [ { user: a, password: pwd } ] }
              B: { users: [ { user: b, password: pwd } ] }
            }
            {{system}}

            """);
        foreach (var (user, account, isSystem) in new[] { ("a", "A", false), ("sys", "SYS", hasSystem), ("b", "B", false) })
        {
            using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
            await leaf.ReadInfoAsync();
            await leaf.SendAsync($"CONNECT {{\"user\":\"{user}\",\"pass\":\"pwd\"}}\r\n");
            var info = await leaf.ReadInfoAsync();
            info.GetProperty("connect_info").GetBoolean().ShouldBeTrue();
            info.GetProperty("remote_account").GetString().ShouldBe(account);
            (info.TryGetProperty("acc_is_sys", out var told) && told.GetBoolean()).ShouldBe(isSystem, info.ToString());
            await LeafPair.ConnectedAsync(hub, 1);
            leaf.Dispose();
            await LeafPair.ConnectedAsync(hub, 0);
        }
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeClusterNameWithSpacesRejected")]
    public async Task AClusterWithSpacesInItsNameIsRefusedWheneverItIsTold()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        using var atOnce = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await atOnce.ReadInfoAsync();
        await atOnce.SendAsync("CONNECT {\"cluster\":\"my cluster\"}\r\n");
        (await atOnce.ReadToCloseAsync()).ShouldStartWith("-ERR ");
        using var later = await JoinAsync(hub);
        await later.SendAsync("INFO {\"server\":\"server\"}\r\nINFO {\"cluster\":\"my cluster\"}\r\n");
        (await later.ReadToCloseAsync()).ShouldContain("-ERR 'cluster name cannot contain spaces'\r\n");
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeNoRaceGeneratingNonce")]
    public async Task StrangersAtTwoPortsGetADifferentNonceEach()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "", more: "cluster { name: xyz, host: 127.0.0.1, port: -1 }\n");
        var nonces = await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
        {
            using var stranger = await RawClient.ConnectAsync(i % 2 == 0 ? hub.LeafNodeEndPoint! : hub.ClusterEndPoint!);
            return (await stranger.ReadInfoAsync()).TryGetProperty("nonce", out var nonce) ? nonce.GetString() : "";
        }));
        nonces.Where((_, i) => i % 2 == 0).Distinct().Count().ShouldBe(30);
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeHeaderSupport")]
    public async Task HeadersCrossWithQueuesAndRepliesAndWithout()
    {
        await using var pair = await LeafPair.StartAsync();
        using var subscriber = await RawClient.OpenAsync(pair.Hub.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo bar 22\r\nSUB bar 11\r\n");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(pair.Leaf, "foo");
        await LeafPair.HasInterestAsync(pair.Leaf, "bar");
        using var publisher = await RawClient.OpenAsync(pair.Leaf.ClientEndPoint!);
        foreach (var (subject, id) in new[] { ("foo", "22"), ("bar", "11") })
        {
            foreach (var reply in new[] { "reply ", "" })
            {
                await publisher.SendAsync($"HPUB {subject} {reply}22 24\r\nNATS/1.0\r\nK1: V1\r\n\r\n\r\nok\r\n");
                await subscriber.ExpectAsync($"HMSG {subject} {id} {reply}22 24\r\nNATS/1.0\r\nK1: V1\r\n\r\n\r\nok\r\n");
            }
        }
    }

    internal static async Task<RawClient> JoinAsync(NatsServer hub, string connect = "{}") => (await JoinTellingAsync(hub, connect)).Leaf;

    internal static async Task<(RawClient Leaf, List<string> Told)> JoinTellingAsync(NatsServer hub, string connect = "{}")
    {
        var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync($"CONNECT {connect}\r\nPING\r\n");
        var told = new List<string>();
        while (await leaf.ReadLineAsync() is var line && line != "PONG") told.Add(line);
        return (leaf, told);
    }
}
