using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>The listener for leaf nodes, byte by byte: what 2.14.5 said in the same place, and who has come to the wrong one.</summary>
public sealed partial class LeafConversationTests
{
    private const string Connect = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NLEAF\",\"name\":\"leaf\",\"cluster\":\"leaf\",\"headers\":true,\"compress_mode\":\"off\",\"remote_account\":\"A\",\"protocol\":3}\r\n";
    private static readonly string[] OfThisRun = ["server_id", "version", "go", "git_commit", "port", "ip", "nonce", "client_id", "leafnode_urls"];

    [Fact]
    public async Task TheHandshakeIsThatOfTheRecording()
    {
        await using var hub = await LeafPair.HubAsync("compression: off, no_advertise: true");
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        var lines = Recorded("leaf-plain").Where(entry => entry.Dir == "B").SelectMany(entry => entry.Data.Split("\r\n")).ToList();
        var greeting = await leaf.ReadLineAsync();
        Same(greeting, lines.First(line => line.StartsWith("INFO", StringComparison.Ordinal)));
        greeting.ShouldContain($"\"leafnode_urls\":[\"127.0.0.1:{hub.LeafNodeEndPoint!.Port}\"]");
        await leaf.SendAsync(Connect);
        Same(await leaf.ReadLineAsync(), lines.Where(line => line.StartsWith("INFO", StringComparison.Ordinal)).ElementAt(1));
        var told = new List<string>();
        while (told.Count < 5) told.Add(await leaf.ReadLineAsync());
        told.Order().Select(line => LoopSubject().Replace(line, "$$LDS.x")).ShouldBe(
            ["LS+ $LDS.x", "LS+ $SYS.REQ.ACCOUNT.PING.CONNZ", "LS+ $SYS.REQ.ACCOUNT.PING.STATZ", "LS+ $SYS.REQ.SERVER.PING.CONNZ", "LS+ $SYS.REQ.USER.INFO"]);
    }

    [Fact]
    public async Task InterestAndMessagesAreThoseOfTheRecording()
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        using var leaf = await JoinAsync(hub);
        using var client = await RawClient.OpenAsync(hub.ClientEndPoint!);
        await leaf.SendAsync("LS+ foo\r\nLS+ foo.*\r\nLS+ bar.>\r\nLS+ qs q1 2\r\nLS+ qs q2 1\r\n");
        await leaf.FlushAsync();
        await client.SendAsync("PUB foo 3\r\none\r\nPUB foo.x reply.to 3\r\ntwo\r\nPUB bar.y 0\r\n\r\nPUB bar.rep reply.empty 0\r\n\r\nHPUB foo 18 21\r\nNATS/1.0\r\nX: 1\r\n\r\nhdr\r\n");
        await leaf.ExpectAsync("LMSG foo 3\r\none\r\nLMSG foo.x reply.to 3\r\ntwo\r\nLMSG bar.y 0\r\n\r\nLMSG bar.rep reply.empty 0\r\n\r\nHMSG foo 18 21\r\nNATS/1.0\r\nX: 1\r\n\r\nhdr\r\n");
        await client.SendAsync("PUB qs 1\r\nq\r\nPUB qs reply.q 2\r\nqr\r\n");
        await leaf.ExpectMatchAsync("LMSG qs \\| (q1 q2|q2 q1) 1\r\nq\r\nLMSG qs \\+ reply.q (q1 q2|q2 q1) 2\r\nqr\r\n");
        await client.SendAsync("SUB up 1\r\nSUB up.q g 2\r\nSUB up.q g 3\r\n");
        await leaf.ExpectAsync("LS+ up\r\nLS+ up.q g 1\r\nLS+ up.q g 2\r\n");
        await leaf.SendAsync("LMSG up 2\r\nhi\r\nLMSG up re.ply 2\r\nhi\r\nHMSG up 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG up.q 2\r\nno\r\n");
        await client.ExpectAsync("MSG up 1 2\r\nhi\r\nMSG up 1 re.ply 2\r\nhi\r\nHMSG up 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        await leaf.SendAsync("LMSG up.q | g 3\r\nyes\r\n");
        await client.ExpectMatchAsync("MSG up.q [23] 3\r\nyes\r\n");
        await client.SendAsync("UNSUB 1\r\nUNSUB 2\r\nUNSUB 3\r\n");
        await leaf.ExpectAsync("LS- up\r\nLS+ up.q g 1\r\nLS- up.q g\r\n");
        await leaf.SendAsync("LS- foo\r\nLS- qs q1\r\n");
        await leaf.FlushAsync();
        hub.Accounts.Find("A")!.Subscriptions.HasInterest("foo"u8).ShouldBeFalse();
    }

    [Fact]
    public async Task WrongCredentialsAreRefusedAsRecorded()
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        using var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect.Replace("\"user\":\"a\",\"pass\":\"a\"", "\"user\":\"zz\",\"pass\":\"zz\""));
        await leaf.ExpectAsync("-ERR 'Authorization Violation'\r\n");
        await leaf.ExpectClosedAsync();
    }

    [Theory]
    [InlineData("CONNECT {\"lang\":\"go\",\"user\":\"a\",\"pass\":\"a\"}\r\n", "-ERR 'attempted to connect to leaf node port'\r\n")]
    [InlineData("CONNECT {\"gateway\":\"X\",\"user\":\"a\",\"pass\":\"a\"}\r\n", "-ERR 'Rejecting connection from gateway \"X\" on the leafnode port'\r\n")]
    [InlineData("CONNECT {\"cluster\":\"a b\",\"user\":\"a\",\"pass\":\"a\"}\r\n", "-ERR 'cluster name cannot contain spaces'\r\n")]
    [InlineData("PING\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData("LS+ foo\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData("RS+ $G foo\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData("INFO {}\r\n", "-ERR 'Authorization Violation'\r\n")]
    [InlineData("CONNECT {\"user\":\r\n", "")]
    [Upstream("leafnode_test.go", "TestLeafNodeInfoBeforeConnectRejectedWhenCompressionOff")]
    public async Task WhoDoesNotBelongHereIsTold(string text, string answer)
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        using var stranger = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await stranger.ReadInfoAsync();
        await stranger.SendAsync(text);
        (await stranger.ReadToCloseAsync()).ShouldBe(answer);
        hub.LeafNodeCount.ShouldBe(0);
    }

    [Theory]
    [InlineData("LS+ foo\r\n")]
    [InlineData("LS- foo\r\n")]
    [Upstream("leafnode_test.go", "TestLeafNodeNoAccPanicOnLeafSubBeforeConnect")]
    [Upstream("leafnode_test.go", "TestLeafNodeNoAccPanicOnLeafUnsubBeforeConnect")]
    [Upstream("leafnode_test.go", "TestLeafNodeLeafSubBeforeConnectCompressionEffect")]
    [Upstream("test/leafnode_test.go", "TestLeafNodeAuthSystemEventNoCrash")]
    public async Task InterestBeforeConnectIsRefusedWhileCompressionIsNegotiated(string line)
    {
        await using var hub = await LeafPair.HubAsync();
        using var stranger = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await stranger.ReadInfoAsync();
        await stranger.SendAsync(line);
        (await stranger.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Theory]
    [InlineData("LS+ foo q\r\n")]
    [InlineData("LS+ foo q 1 2\r\n")]
    [InlineData("LS+\r\n")]
    [InlineData("LMSG foo\r\n")]
    [InlineData("LMSG foo a b c 2\r\nhi\r\n")]
    [InlineData("HMSG foo 14 12\r\n")]
    [InlineData("RMSG A foo 2\r\nhi\r\n")]
    [InlineData("CONNECT {}\r\n")]
    [InlineData("JUNK\r\n")]
    public async Task LinesThatMakeNoSenseEndTheConnectionAndNothingElse(string text)
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        using var good = await JoinAsync(hub, "good");
        using var bad = await JoinAsync(hub, "bad");
        await bad.SendAsync(text);
        await bad.ReadToCloseAsync();
        await good.FlushAsync();
        await LeafPair.ConnectedAsync(hub, 1);
    }

    [Fact]
    public async Task ALineWithoutAnEndIsNotKept()
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync("LS+ " + new string('x', 100_000));
        await leaf.ReadToCloseAsync();
        await LeafPair.ConnectedAsync(hub, 0);
    }

    [Fact]
    public async Task OwnInterestThatComesBackIsALoop()
    {
        await using var hub = await LeafPair.HubAsync("compression: off");
        var (leaf, told) = await JoinTellingAsync(hub);
        using var _ = leaf;
        await leaf.SendAsync(told.First(line => line.StartsWith("LS+ $LDS.", StringComparison.Ordinal)) + "\r\n");
        (await leaf.ReadToCloseAsync()).ShouldContain("-ERR 'Loop detected for leafnode account=\"A\". Delaying attempt to reconnect for 30s'\r\n");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeHubRejectDuplicateRemotes")]
    [Upstream("leafnode_test.go", "TestLeafNodeLoopDetectedDueToReconnect")]
    public async Task AServerThatComesAgainTakesTheEarlierPlace()
    {
        using var log = new CapturedLog();
        await using var hub = await NatsServer.StartAsync(TestServer.Parse($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1, compression: off }}\n{LeafPair.Accounts}"), log);
        using var first = await JoinAsync(hub);
        await first.SendAsync("LS+ $LDS.mine\r\n");
        await first.FlushAsync();
        // It has noticed that the connection was lost, which the hub has not: what it says again is no loop.
        using var second = await JoinAsync(hub);
        await second.SendAsync("LS+ $LDS.mine\r\n");
        (await first.ReadToCloseAsync()).ShouldContain("-ERR 'Duplicate Remote LeafNode Connection'\r\n");
        await LeafPair.ConnectedAsync(hub, 1);
        await second.FlushAsync();
        log.Contains("Replacing connection from same server").ShouldBeTrue();
        log.Contains("Loop detected").ShouldBeFalse();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientClampMaxSubsErrReport")]
    public async Task ALeafThatWantsTooMuchKeepsWhatItHas()
    {
        using var log = new CapturedLog();
        await using var hub = await NatsServer.StartAsync(TestServer.Parse($"server_name: hub\nmax_subs: 2\nleafnodes {{ host: 127.0.0.1, port: -1, compression: off }}\n{LeafPair.Accounts}"), log);
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync("LS+ one\r\nLS+ two\r\nLS+ three\r\nLS+ four\r\nPING\r\n");
        (await leaf.ReadThroughAsync("PONG\r\n")).ShouldContain("-ERR 'maximum subscriptions exceeded'\r\n-ERR 'maximum subscriptions exceeded'\r\n");
        await using var client = await LeafPair.ClientAsync(hub);
        await client.PublishAsync("four", "lost");
        await client.PublishAsync("one", "kept");
        await leaf.ExpectAsync("LMSG one 4\r\nkept\r\n");
        log.Lines.Count(line => line.Contains("maximum subscriptions exceeded", StringComparison.Ordinal)).ShouldBe(1);
        await leaf.SendAsync("LS- one\r\nLS+ four\r\n");
        await leaf.FlushAsync();
        await client.PublishAsync("four", "told");
        await leaf.ExpectAsync("LMSG four 4\r\ntold\r\n");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeLMSGHonorsPublishPermissions")]
    [Upstream("leafnode_test.go", "TestLeafNodePermissionWithLiteralSubjectAndQueueInterest")]
    public async Task ALeafThatTakesMoreThanItMayIsCutOff()
    {
        const string accounts = "accounts { A: { users: [{user: a, password: a, permissions: { publish: [up], subscribe: [down] }}] } }\n";
        await using var hub = await LeafPair.HubAsync("compression: off", accounts);
        using var asks = await JoinAsync(hub, "asks");
        await asks.SendAsync("LS+ secret\r\n");
        (await asks.ReadToCloseAsync()).ShouldEndWith("-ERR 'Permissions Violation for Subscription to \"secret\"'\r\n");
        using var says = await JoinAsync(hub, "says");
        await says.SendAsync("LMSG up 2\r\nhi\r\nLMSG secret 2\r\nhi\r\n");
        (await says.ReadToCloseAsync()).ShouldEndWith("-ERR 'Permissions Violation for Publish to \"secret\"'\r\n");
        using var wide = await JoinAsync(hub, "wide");
        await wide.SendAsync("LS+ >\r\n");
        await wide.FlushAsync();
        await using var client = await TestClient.ConnectAsync(hub.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        await client.PublishAsync("up", "kept from it");
        hub.Accounts.Find("A")!.PublishInternal("secret"u8, default, "kept"u8, null);
        hub.Accounts.Find("A")!.PublishInternal("down"u8, default, "given"u8, null);
        await wide.ExpectAsync("LMSG down 5\r\ngiven\r\n");
    }

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeMinVersion")]
    public async Task OldServersMayBeRefused()
    {
        await using var hub = await LeafPair.HubAsync("compression: off, min_version: \"2.10.0\"");
        using var old = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await old.ReadInfoAsync();
        await old.SendAsync(Connect.Replace("2.14.5", "2.9.10"));
        (await old.ReadToCloseAsync()).ShouldEndWith("-ERR 'connection rejected since minimum version required is \"2.10.0\"'\r\n");
        using var fresh = await JoinAsync(hub);
    }

    private static async Task<RawClient> JoinAsync(NatsServer hub, string name = "leaf")
    {
        var (client, _) = await JoinTellingAsync(hub, name);
        return client;
    }

    private static async Task<(RawClient Client, List<string> Told)> JoinTellingAsync(NatsServer hub, string name = "leaf")
    {
        var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync(Connect.Replace("\"name\":\"leaf\"", $"\"name\":\"{name}\"") + "PING\r\n");
        var told = new List<string>();
        while (await leaf.ReadLineAsync() is var line && line != "PONG") told.Add(line);
        return (leaf, told);
    }

    private static List<(string Dir, string Data)> Recorded(string capture) =>
        [.. Golden.Json("serverwire", $"{capture}.json").GetProperty("connections")[0].GetProperty("transcript").EnumerateArray()
            .Where(entry => entry.TryGetProperty("data", out _))
            .Select(entry => (entry.GetProperty("dir").GetString()!, entry.GetProperty("data").GetString()!))];

    /// <summary>The same keys in the same order, and the same values but for those of each run.</summary>
    private static void Same(string got, string recorded)
    {
        var (one, other) = (Golden.ParseText(got["INFO ".Length..]), Golden.ParseText(recorded["INFO ".Length..]));
        static IEnumerable<string> Describe(JsonElement info) => info.EnumerateObject()
            .Where(property => property.Name != "git_commit")
            .Select(property => OfThisRun.Contains(property.Name) ? property.Name : $"{property.Name}={property.Value.GetRawText()}");
        Describe(one).ShouldBe(Describe(other));
    }

    [GeneratedRegex(@"\$LDS\.\w+")]
    private static partial Regex LoopSubject();
}
