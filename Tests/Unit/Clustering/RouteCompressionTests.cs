using System.Text;
using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

public sealed class RouteCompressionTests
{
    private const string StreamBegin = "\u00FF\u0006\u0000\u0000S2sTwO";

    public static TheoryData<string, string, string, string> Matrix()
    {
        string[] active = ["s2_fast", "s2_better", "s2_best"];
        var rows = new TheoryData<string, string, string, string>
        {
            { "off", "off", "off", "off" }, { "off", "accept", "off", "off" }, { "accept", "off", "off", "off" },
            { "accept", "accept", "off", "off" }, { "accept", "s2_auto", "s2_fast", "s2_uncompressed" },
            { "s2_auto", "accept", "s2_uncompressed", "s2_fast" }, { "s2_auto", "s2_auto", "s2_uncompressed", "s2_uncompressed" },
            { "s2_auto", "s2_best", "s2_uncompressed", "s2_best" }, { "off", "s2_auto", "off", "off" },
            { "\"not supported\"", "accept", "not supported", "not supported" }, { "off", "\"not supported\"", "off", "not supported" },
        };
        foreach (var mode in active)
        {
            rows.Add(mode, "off", "off", "off");
            rows.Add("off", mode, "off", "off");
            rows.Add(mode, "accept", mode, mode);
            rows.Add("accept", mode, mode, mode);
            foreach (var other in active) rows.Add(mode, other, mode, other);
        }
        return rows;
    }

    [Theory]
    [MemberData(nameof(Matrix))]
    [Upstream("routes_test.go", "TestRouteCompressionMatrixModes")]
    public async Task EveryPairOfModesAgrees(string first, string second, string firstExpected, string secondExpected)
    {
        await using var one = await StartAsync("A", $"pool_size: -1, compression: {Patient(first)}");
        await using var two = await StartAsync("B", $"pool_size: -1, compression: {Patient(second)}", one);
        await MeetAsync(one, two);
        Modes(one).ShouldBe([firstExpected]);
        Modes(two).ShouldBe([secondExpected]);
        one.Routez(new RoutezOptions()).Routes.Single().Compression.ShouldBe(firstExpected);
        two.Routez(new RoutezOptions()).Routes.Single().Compression.ShouldBe(secondExpected);
        await ExchangeAsync(one, two);
        await ExchangeAsync(two, one);
    }

    [Theory]
    [InlineData("pool_size: -1", 1)]
    [InlineData("pool_size: 3", 4)]
    [InlineData("pool_size: 1, accounts: [ A ]", 3)]
    [Upstream("routes_test.go", "TestRouteCompression")]
    public async Task FewerBytesCross(string pool, int connections)
    {
        const string accounts = "accounts { A { users: [ { user: a, password: p } ] } }";
        await using var one = await StartAsync("S1", $"{pool}, compression: true", more: accounts);
        await using var proxy = InterposingProxy.Start(one.ClusterEndPoint!);
        await using var two = await StartAsync("S2", $"{pool}, compression: true", proxy.EndPoint.Port, accounts);
        await MeetAsync(one, two);
        await Wait.Until("the mesh is complete", () => two.RouteConnectionCount == connections, () => $"{two.RouteConnectionCount}");
        Modes(two).ShouldBe(Enumerable.Repeat("s2_fast", connections));
        using var subscriber = await OpenAsync(two);
        await subscriber.SendAsync("SUB foo 1\r\n");
        await Wait.Until("interest crosses", () => one.Accounts.Find("A")!.Subscriptions.HasInterest("foo"u8));
        var before = proxy.FromTarget.Passed.Length;
        using var publisher = await OpenAsync(one);
        var total = 0;
        for (var i = 0; i < 26; i++)
        {
            var payload = new string((char)('A' + i), 100 + 70 * i);
            total += payload.Length;
            await publisher.SendAsync($"PUB foo {payload.Length}\r\n{payload}\r\n");
            await subscriber.ExpectAsync($"MSG foo 1 {payload.Length}\r\n{payload}\r\n");
        }
        (proxy.FromTarget.Passed.Length - before).ShouldBeLessThan(total * 80 / 100);
    }

    [Theory]
    [InlineData("s2_fast")]
    [InlineData("s2_best")]
    [InlineData("s2_auto")]
    public async Task LargeMessagesCrossUnchanged(string mode)
    {
        await using var one = await StartAsync("A", $"compression: {mode}");
        await using var two = await StartAsync("B", $"compression: {mode}", one);
        await MeetAsync(one, two);
        await ExchangeLargeAsync(one, two);
        await ExchangeLargeAsync(two, one);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StreamsGoThroughTls(bool everyByteAlone)
    {
        using var certificates = new TestCertificates();
        await using var one = await StartAsync("A", $"compression: s2_fast, {certificates.Block()}");
        await using var proxy = InterposingProxy.Start(one.ClusterEndPoint!);
        proxy.FromTarget.SplitsEveryByte = proxy.ToTarget.SplitsEveryByte = everyByteAlone;
        await using var two = await StartAsync("B", $"compression: s2_better, {certificates.Block()}", proxy.EndPoint.Port);
        await MeetAsync(one, two);
        Modes(one).ShouldAllBe(mode => mode == "s2_fast");
        Modes(two).ShouldAllBe(mode => mode == "s2_better");
        one.Routes!.Snapshot().ShouldAllBe(route => route.Tls != null);
        proxy.FromTarget.SplitsEveryByte = proxy.ToTarget.SplitsEveryByte = false;
        await ExchangeLargeAsync(one, two);
        await ExchangeLargeAsync(two, one);
    }

    [Fact]
    public async Task TheSwitchStandsWhereThePeerExpectsIt()
    {
        await using var one = await StartAsync("A", "pool_size: -1, compression: accept");
        await using var proxy = InterposingProxy.Start(one.ClusterEndPoint!);
        proxy.FromTarget.SplitsEveryByte = proxy.ToTarget.SplitsEveryByte = true;
        await using var two = await StartAsync("B", "pool_size: -1, compression: s2_fast", proxy.EndPoint.Port);
        await MeetAsync(one, two);
        await ExchangeAsync(one, two);
        var (dialled, answered) = (proxy.ToTarget.Passed, proxy.FromTarget.Passed);
        dialled.ShouldStartWith("CONNECT ");
        var plain = dialled[..dialled.IndexOf(StreamBegin, StringComparison.Ordinal)];
        plain.ShouldMatch("^CONNECT [^\r]+\r\nINFO [^\r]+\"compression\":\"s2_fast\"[^\r]+\r\n$");
        plain = answered[..answered.IndexOf(StreamBegin, StringComparison.Ordinal)];
        plain.ShouldMatch("^INFO [^\r]+\"compression\":\"accept\"[^\r]+\r\n$");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteCompressionWithOlderServer")]
    public async Task AServerThatKnowsNoCompressionIsTakenAsItIs()
    {
        await using var one = await StartAsync("A", "compression: \"on\"");
        await using var two = await StartAsync("B", "compression: \"not supported\"", one);
        await MeetAsync(one, two);
        Modes(one).ShouldAllBe(mode => mode == "not supported");
        await ExchangeAsync(one, two);
        await ExchangeAsync(two, one);
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteCompressionImplicitRoute")]
    public async Task RoutesFoundByGossipAgreeToo()
    {
        await using var one = await StartAsync("A", "compression: accept");
        await using var two = await StartAsync("B", "compression: fast", one);
        await using var three = await StartAsync("C", "compression: best", one);
        await MeetAsync(one, two, three);
        Between(one, two).ShouldBe("s2_fast");
        Between(one, three).ShouldBe("s2_best");
        Between(two, one).ShouldBe("s2_fast");
        Between(two, three).ShouldBe("s2_fast");
        Between(three, one).ShouldBe("s2_best");
        Between(three, two).ShouldBe("s2_best");

        static string Between(NatsServer from, NatsServer to) =>
            from.Routes!.Snapshot().Where(route => route.RemoteId == to.Id).Select(route => route.Compression).Distinct().Single();
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteCompressionAuto")]
    public async Task AutoFollowsTheRoundTrip()
    {
        await using var one = await StartAsync("A", "pool_size: -1, compression: s2_fast");
        await using var proxy = InterposingProxy.Start(one.ClusterEndPoint!);
        string Config(string thresholds) => $"pool_size: -1, ping_interval: 500ms, ping_max: 50, compression: {{ mode: s2_auto, rtt_thresholds: [ {thresholds} ] }}";
        await using var two = await StartAsync("B", Config("100ms, 200ms, 300ms"), proxy.EndPoint.Port);
        await MeetAsync(one, two);
        await ExpectAsync(0, "s2_uncompressed");
        await ExpectAsync(150, "s2_fast");
        await ExpectAsync(250, "s2_better");
        await ExpectAsync(350, "s2_best");
        await ExpectAsync(0, "s2_uncompressed");
        Modes(one).ShouldBe(["s2_fast"]);
        var stream = two.Routes!.Snapshot().Single();
        await ReloadAsync(two, "B", Config("0ms, 100ms, 0ms, 300ms"), proxy.EndPoint.Port);
        await ExpectAsync(0, "s2_fast");
        await ExpectAsync(150, "s2_best");
        two.Routes.Snapshot().Single().ShouldBeSameAs(stream);
        proxy.ToTarget.Delay = TimeSpan.Zero;
        await ExchangeAsync(one, two);
        await ExchangeAsync(two, one);
        await ReloadAsync(one, "A", "pool_size: -1, compression: off");
        await ExpectAsync(0, "off");

        async Task ExpectAsync(int milliseconds, string expected)
        {
            proxy.ToTarget.Delay = TimeSpan.FromMilliseconds(milliseconds);
            await Wait.Until($"{expected} at {milliseconds} ms", () => Modes(two) is [var mode] && mode == expected, () => string.Join(' ', Modes(two)));
        }
    }

    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRouteCompressionS2Auto")]
    public async Task OtherThresholdsWithTheSameLevelChangeNothing()
    {
        static string Config(string thresholds) => $"pool_size: -1, compression: {{ mode: s2_auto, rtt_thresholds: [ {thresholds} ] }}";
        await using var one = await StartAsync("A", Config("5s, 6s, 7s"));
        await using var two = await StartAsync("B", "pool_size: -1, compression: s2_fast", one);
        await MeetAsync(one, two);
        var stream = one.Routes!.Snapshot().Single();
        await ReloadAsync(one, "A", Config("8s, 9s, 10s"));
        await ExchangeAsync(one, two);
        one.Routes.Snapshot().Single().ShouldBeSameAs(stream);
        stream.Compression.ShouldBe("s2_uncompressed");
    }

    [Fact]
    [Upstream("routes_test.go", "TestRouteCompressionStaleConnectionUsesClusterPingMax")]
    public async Task APeerThatNeverSpeaksIsGivenUp()
    {
        using var mute = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        mute.Start();
        var port = ((System.Net.IPEndPoint)mute.LocalEndpoint).Port;
        await using var server = await StartAsync("A", "pool_size: -1, compression: s2_fast, ping_interval: 50ms, ping_max: 1", port, "ping_max: 1000000");
        using var peer = await mute.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        using var reader = new StreamReader(peer.GetStream(), Encoding.Latin1);
        var said = await Wait.For("the end", reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        said.ShouldStartWith("CONNECT ");
        said.ShouldEndWith("-ERR 'Stale Connection'\r\n");
        said.ShouldNotContain("PING");
    }

    [Fact]
    public async Task AnUnknownModeIsRefusedByName()
    {
        await using var server = await StartAsync("A", "pool_size: -1, compression: accept");
        using var peer = await GreetAsync(server, "zstd");
        (await peer.ReadToCloseAsync()).ShouldBe("-ERR 'unsupported route compression mode \"zstd\"'\r\n");
    }

    [Fact]
    public async Task ADamagedStreamEndsItsConnectionOnly()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse(Config("A", "pool_size: -1, compression: s2_fast")), log, TestContext.Current.CancellationToken);
        using var peer = await GreetAsync(server, "s2_fast");
        await peer.ReadThroughAsync(StreamBegin);
        await peer.SendAsync("INFO {\"server_id\":\"N\"}\r\n");
        await peer.ReadToCloseAsync();
        await Wait.Until("it is logged", () => log.Contains("read error: s2"), () => string.Join('\n', log.Lines));
        await using var other = await StartAsync("B", "pool_size: -1, compression: s2_fast", server);
        await MeetAsync(server, other);
        await ExchangeAsync(other, server);
    }

    internal static Task<NatsServer> StartAsync(string name, string cluster, NatsServer seed) => StartAsync(name, cluster, seed.ClusterEndPoint!.Port);

    internal static Task<NatsServer> StartAsync(string name, string cluster, int seed = 0, string more = "") => TestServer.FromConfigAsync(Config(name, cluster, seed, more));

    internal static Task ReloadAsync(NatsServer server, string name, string cluster, int seed = 0) => server.ReloadAsync(TestServer.Parse(Config(name, cluster, seed)));

    internal static string[] Modes(NatsServer server) => [.. server.Routes!.Snapshot().Select(route => route.Compression)];

    internal static Task MeetAsync(params NatsServer[] servers) => Wait.Until(
        $"a mesh of {servers.Length}",
        () => servers.All(server => server.PeerCount == servers.Length - 1),
        () => string.Join(", ", servers.Select(server => $"{server.Name}: {server.PeerCount} peers, {server.RouteConnectionCount} connections")));

    internal static async Task ExchangeAsync(NatsServer from, NatsServer to)
    {
        using var subscriber = await RawClient.OpenAsync(to.ClientEndPoint!);
        await SubscribeAsync(subscriber, from);
        using var publisher = await RawClient.OpenAsync(from.ClientEndPoint!);
        await publisher.SendAsync("PUB x re.ply 2\r\nok\r\nHPUB x 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        await subscriber.ExpectAsync("MSG x 1 re.ply 2\r\nok\r\nHMSG x 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        await WithdrawAsync(subscriber, from);
    }

    /// <summary>Messages of every size around the limits of segments and chunks, compressible and not, at once and in order.</summary>
    private static async Task ExchangeLargeAsync(NatsServer from, NatsServer to)
    {
        using var subscriber = await RawClient.OpenAsync(to.ClientEndPoint!);
        await SubscribeAsync(subscriber, from);
        using var publisher = await RawClient.OpenAsync(from.ClientEndPoint!);
        var random = new Random(1);
        var (sent, expected) = (new StringBuilder(), new StringBuilder());
        foreach (var size in new[] { 0, 1, 31, 32, 33, 65_480, 65_535, 65_536, 65_537, 300_000, 1024 * 1024 })
        {
            var noise = new byte[size];
            random.NextBytes(noise);
            foreach (var payload in new[] { Encoding.Latin1.GetString(noise), new string('c', size) })
            {
                sent.Append("PUB x ").Append(size).Append("\r\n").Append(payload).Append("\r\n");
                expected.Append("MSG x 1 ").Append(size).Append("\r\n").Append(payload).Append("\r\n");
            }
        }
        await publisher.SendAsync(sent.ToString());
        while (subscriber.Pending.Length < expected.Length && await subscriber.ReadMoreAsync(Wait.Default))
        {
        }
        (subscriber.Pending == expected.ToString()).ShouldBeTrue($"{subscriber.Pending.Length} of {expected.Length} bytes, or others");
        await WithdrawAsync(subscriber, from);
    }

    private static async Task SubscribeAsync(RawClient subscriber, NatsServer elsewhere)
    {
        subscriber.SkipsServerPings = true;
        await subscriber.SendAsync("SUB x 1\r\n");
        await subscriber.FlushAsync();
        await Wait.Until("interest crosses", () => elsewhere.Accounts.Global.Subscriptions.HasInterest("x"u8));
    }

    private static async Task WithdrawAsync(RawClient subscriber, NatsServer elsewhere)
    {
        await subscriber.SendAsync("UNSUB 1\r\n");
        await Wait.Until("the interest is withdrawn", () => !elsewhere.Accounts.Global.Subscriptions.HasInterest("x"u8));
    }

    /// <summary>A peer that has said its INFO and read the server's first.</summary>
    private static async Task<RawClient> GreetAsync(NatsServer server, string mode)
    {
        var peer = await RawClient.ConnectAsync(server.ClusterEndPoint!);
        peer.SkipsServerPings = false;
        await peer.ReadInfoAsync();
        await peer.SendAsync(
            "CONNECT {\"echo\":true,\"headers\":true,\"name\":\"N\",\"cluster\":\"C\"}\r\n" +
            $"INFO {{\"server_id\":\"N\",\"server_name\":\"n\",\"version\":\"2.14.5\",\"proto\":3,\"headers\":true,\"cluster\":\"C\",\"compression\":\"{mode}\"}}\r\n");
        return peer;
    }

    /// <summary>On a loaded machine, auto shall still find a round trip within loopback short.</summary>
    internal static string Patient(string mode) => mode == "s2_auto" ? "{ mode: s2_auto, rtt_thresholds: [ 10s, 11s, 12s ] }" : mode;

    private static Task<RawClient> OpenAsync(NatsServer server) => RawClient.OpenAsync(
        server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"a\",\"pass\":\"p\",\"protocol\":0}\r\n");

    private static string Config(string name, string cluster, int seed = 0, string more = "") =>
        $"server_name: {name}\n{more}\ncluster {{ name: C, listen: \"127.0.0.1:-1\", {cluster}\n routes: [ {(seed == 0 ? "" : $"\"nats-route://localhost:{seed}\"")} ] }}";
}
