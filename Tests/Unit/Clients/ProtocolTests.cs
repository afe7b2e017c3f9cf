using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>The client protocol as a conversation.</summary>
public sealed class ProtocolTests
{
    private const string Pedantic = "CONNECT {\"verbose\":false,\"pedantic\":true}\r\n";

    [Fact]
    [Upstream("proto_test.go", "TestProtoBasics")]
    [Upstream("client_test.go", "TestClientPing")]
    [Upstream("proto_test.go", "TestDuplicateProtoSub")]
    [Upstream("client_test.go", "TestTwoTokenPubMatchSingleTokenSub")]
    public async Task EverySubscriptionGetsItsCopyOnce()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB foo 1\r\nSUB foo 1\r\nPUB foo 5\r\nhello\r\nPUB foo.bar 1\r\nx\r\nPING\r\n");
        await client.ExpectAsync("MSG foo 1 5\r\nhello\r\nPONG\r\n");
        server.Accounts.Global.Subscriptions.Count.ShouldBe(1);
        await client.SendAsync("SUB * 2\r\nPUB foo 2\r\nok\r\n");
        var both = await client.ReadThroughAsync("ok\r\n") + await client.ReadThroughAsync("ok\r\n");
        new[] { "MSG foo 1 2\r\nok\r\nMSG foo 2 2\r\nok\r\n", "MSG foo 2 2\r\nok\r\nMSG foo 1 2\r\nok\r\n" }.ShouldContain(both);
        await client.FlushAsync();
    }

    [Theory]
    [InlineData("ZZZ\r\n")]
    [InlineData("PUBS foo 2\r\nok\r\n")]
    [InlineData("SUBZZZ foo 1\r\n")]
    [Upstream("proto_test.go", "TestProtoErr")]
    [Upstream("proto_test.go", "TestPubToArgState")]
    [Upstream("proto_test.go", "TestSubToArgState")]
    public async Task AnUnknownOperationEndsTheConnection(string operation)
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Options, log);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync(operation);
        (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Unknown Protocol Operation'\r\n");
        await Wait.Until("the reason in the log", () => log.Contains("Client parser ERROR, state="), () => string.Join('\n', log.Lines));
    }

    [Fact]
    [Upstream("proto_test.go", "TestUnsubMax")]
    [Upstream("client_test.go", "TestClientUnSub")]
    [Upstream("client_test.go", "TestClientUnsubAfterAutoUnsub")]
    public async Task UnsubscribingEndsAtOnceOrLater()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB foo 22\r\nUNSUB 22 2\r\n" + string.Concat(Enumerable.Repeat("PUB foo 2\r\nok\r\n", 100)));
        await client.ExpectAsync("MSG foo 22 2\r\nok\r\nMSG foo 22 2\r\nok\r\n");
        await client.FlushAsync();
        await client.SendAsync("SUB foo 1\r\nSUB foo 2\r\nUNSUB 1\r\nPUB foo bar 5\r\nhello\r\n");
        await client.ExpectAsync("MSG foo 2 bar 5\r\nhello\r\n");
        await client.SendAsync("UNSUB 2\r\nSUB foo 3\r\nUNSUB 3 1\r\nUNSUB 3\r\nPUB foo 1\r\nx\r\n");
        await client.FlushAsync();
        server.Accounts.Global.Subscriptions.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData("SUB foo g1 1\r\nSUB foo g1 2\r\n", 1, 2)]
    [InlineData("SUB foo g1 1\r\nSUB foo g1 2\r\nSUB foo g2 3\r\nSUB foo g2 4\r\n", 2, 4)]
    [Upstream("proto_test.go", "TestQueueSub")]
    [Upstream("proto_test.go", "TestMultipleQueueSub")]
    public async Task EachGroupSharesAmongItsMembers(string subscriptions, int groups, int members)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync(subscriptions + string.Concat(Enumerable.Repeat("PUB foo 2\r\nok\r\n", 200)) + "PING\r\n");
        var received = await client.ReadThroughAsync("PONG\r\n");
        var counts = Enumerable.Range(1, members).Select(sid => received.Split($"MSG foo {sid} 2\r\n").Length - 1).ToList();
        counts.Sum().ShouldBe(200 * groups);
        counts.ShouldAllBe(count => count > 60);
    }

    [Fact]
    [Upstream("proto_test.go", "TestProtoCrash")]
    public async Task AConnectMayComeInPieces()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendByteByByteAsync("CONNECT {\"verbose\":true,\"tls_required\":false,\"user\":\"test\",\"pedantic\":true,\"pass\":\"password\"}");
        await client.SendAsync("\r\n");
        await client.ExpectAsync("+OK\r\n");
    }

    [Fact]
    [Upstream("proto_test.go", "TestIncompletePubArg")]
    public async Task AMissingEndOfAPayloadEndsTheConnection()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        const string publish = "PUB example 10000\r\n";
        var good = new string('A', 10_000) + "\r\n";
        await client.SendAsync(publish + good + publish + good + publish + new string('B', 3371) + publish + new string('C', 10_000) + "\r\n");
        await client.ReadToCloseAsync();
    }

    [Theory]
    [InlineData("PUB foo 199380988\r\n", "-ERR 'Maximum Payload Violation'\r\n")]
    [InlineData("PUB foo 18446744073709551615123\r\n", "")]
    [Upstream("maxpayload_test.go", "TestMaxPayload")]
    [Upstream("maxpayload_test.go", "TestMaxPayloadOverrun")]
    public async Task APayloadThatIsTooLargeIsNotWaitedFor(string publish, string answer)
    {
        await using var server = await TestServer.StartAsync(o => o with { Limits = o.Limits with { MaxPayload = 10_000 } });
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("max_payload").GetInt32().ShouldBe(10_000);
        await client.SendAsync("CONNECT {\"verbose\":false}\r\n" + publish);
        (await client.ReadToCloseAsync()).ShouldBe(answer);
    }

    [Theory]
    [InlineData("SUB foo. 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("SUB .foo. 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("SUB foo..bar 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("SUB foo.>.bar 1\r\n", "-ERR 'Invalid Subject'\r\n")]
    [InlineData("PUB foo.* 2\r\nok\r\n", "-ERR 'Invalid Publish Subject'\r\n")]
    [InlineData("PUB foo.> 2\r\nok\r\n", "-ERR 'Invalid Publish Subject'\r\n")]
    [InlineData("PUB foo. 2\r\nok\r\n", "-ERR 'Invalid Publish Subject'\r\n")]
    [InlineData("PUB .foo 2\r\nok\r\n", "-ERR 'Invalid Publish Subject'\r\n")]
    [InlineData("PUB foo..* 2\r\nok\r\n", "-ERR 'Invalid Publish Subject'\r\n")]
    [Upstream("pedantic_test.go", "TestPedanticSub")]
    [Upstream("pedantic_test.go", "TestPedanticPub")]
    public async Task PedantsAreToldOfSubjectsThatCannotBe(string operation, string error)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!, Pedantic);
        await client.SendAsync(operation);
        await client.ExpectAsync(error);
        await client.FlushAsync();
    }

    [Fact]
    [Upstream("verbose_test.go", "TestVerbosePing")]
    [Upstream("verbose_test.go", "TestVerboseConnect")]
    [Upstream("verbose_test.go", "TestVerbosePubSub")]
    public async Task VerboseMeansAnOkForEverything()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        foreach (var (operation, answer) in new[]
        {
            ("CONNECT {\"verbose\":true}\r\n", "+OK\r\n"), ("PING\r\n", "PONG\r\n"), ("CONNECT {\"verbose\":true,\"pedantic\":true}\r\n", "+OK\r\n"),
            ("PUB foo 2\r\nok\r\n", "+OK\r\n"), ("SUB foo 1\r\n", "+OK\r\n"), ("UNSUB 1\r\n", "+OK\r\n"),
        })
        {
            await client.SendAsync(operation);
            await client.ExpectAsync(answer);
        }
    }

    [Theory]
    [InlineData("CONNECT {}\r\nHPUB foo 0 2\r\nok\r\n", false, false)]
    [InlineData("CONNECT {\"headers\":true}\r\nHPUB foo 0 2\r\nok\r\n", false, true)]
    [InlineData("CONNECT {\"headers\":true}\r\nHPUB foo 0 2\r\nok\r\n", true, false)]
    [Upstream("client_test.go", "TestServerHeaderSupport")]
    [Upstream("client_test.go", "TestClientHeaderSupport")]
    public async Task HeadersNeedBothSides(string operations, bool serverRefuses, bool goesOn)
    {
        await using var server = await TestServer.StartAsync(o => o with { Limits = o.Limits with { NoHeaderSupport = serverRefuses } });
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadInfoAsync();
        (info.TryGetProperty("headers", out var headers) && headers.GetBoolean()).ShouldBe(!serverRefuses);
        await client.SendAsync(operations + "PING\r\n");
        if (goesOn) (await client.ReadThroughAsync("PONG\r\n")).ShouldNotContain("-ERR");
        else (await client.ReadToCloseAsync()).ShouldNotContain("PONG");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientHeaderDeliverQueueSubStrippedMsg")]
    public async Task AMemberWithoutHeadersGetsThePayloadAlone()
    {
        await using var server = await TestServer.StartAsync();
        using var member = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false}\r\n");
        await member.SendAsync("SUB foo bar 1\r\n");
        await member.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        await publisher.SendAsync("HPUB foo 12 14\r\nName:Derek\r\nOK\r\n");
        await member.ExpectAsync("MSG foo 1 2\r\nOK\r\n");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(22, false)]
    [Upstream("client_test.go", "TestClientConnectProto")]
    public async Task TheProtocolNumberIsChecked(int protocol, bool known)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync($"CONNECT {{\"verbose\":false,\"protocol\":{protocol}}}\r\nPING\r\n");
        if (known) await client.ExpectAsync("PONG\r\n");
        else (await client.ReadToCloseAsync()).ShouldBe("-ERR 'invalid client protocol'\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientConnect")]
    public async Task WhatAConnectSaysIsKept()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"pedantic\":true,\"echo\":false,\"user\":\"derek\",\"pass\":\"foo\",\"name\":\"router\"}\r\n");
        var options = server.Clients.Clients.Single().ConnectOptions;
        (options.Verbose, options.Pedantic, options.Echo, options.User, options.Password, options.Name).ShouldBe((false, true, false, "derek", "foo", "router"));
        using var other = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await other.ReadInfoAsync();
        await other.SendAsync("CONNECT {\"auth_token\":\"YZZ222\",\"name\":\"router\"}\r\n");
        await other.ExpectAsync("+OK\r\n");
        var defaults = server.Clients.Clients.Single(one => one.ConnectOptions.Token == "YZZ222").ConnectOptions;
        (defaults.Verbose, defaults.Pedantic, defaults.Echo).ShouldBe((true, true, true));
    }

    [Fact]
    [Upstream("client_test.go", "TestWildcardCharsInLiteralSubjectWorks")]
    public async Task WildcardsInsideOfATokenAreLetters()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!, Pedantic);
        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync("SUB foo.bar,*,>,baz 1\r\nPUB foo.bar,*,>,baz 3\r\nmsg\r\nUNSUB 1\r\n");
            await client.ExpectAsync("MSG foo.bar,*,>,baz 1 3\r\nmsg\r\n");
            await client.FlushAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("client_test.go", "TestCloseConnectionVeryEarly")]
    [Upstream("client_test.go", "TestClientDoesNotAddSubscriptionsWhenConnectionClosed")]
    public async Task WhoLeavesAtOnceLeavesNothing(bool tls)
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync(tls ? certificates.Block() : "");
        for (var i = 0; i < 20; i++)
        {
            using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
            if (i % 2 == 0) await client.SendAsync("SUB foo 1\r\nSUB bar 2\r\n");
            client.Abort();
        }
        await Wait.Until("nobody is left", () => server.ClientCount == 0 && server.Clients.Closed.ToList().Count == 20, () => $"{server.Clients.Closed.ToList().Count} closed");
        server.Accounts.Global.Subscriptions.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("client_test.go", "TestUnsubRace")]
    [Upstream("client_test.go", "TestClientTraceRace")]
    public async Task UnsubscribingInAFloodOfTracedMessagesHarmsNobody()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Options with { Logging = new LoggingOptions { Trace = true } }, log);
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo 1\r\n");
        await subscriber.FlushAsync();
        var flood = publisher.SendAsync(string.Concat(Enumerable.Repeat("PUB foo 5\r\nhello\r\n", 5000)));
        await subscriber.SendAsync("UNSUB 1\r\nPING\r\n");
        await subscriber.ReadThroughAsync("PONG\r\n");
        await flood;
        await publisher.FlushAsync();
        await subscriber.FlushAsync();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientIPv6Address")]
    public async Task AnIPv6AddressIsInBracketsInTheLog()
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Options with { Host = "::1" }, log);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        log.Lines.ShouldContain(line => line.StartsWith("Debug [::1]:", StringComparison.Ordinal));
    }

    [Fact]
    [Upstream("opts_test.go", "TestTLSConfig")]
    [Upstream("opts_test.go", "TestServerConfig")]
    [Upstream("proto_test.go", "TestServerInfoWithClientAdvertise")]
    [Upstream("port_test.go", "TestResolveRandomPort")]
    public async Task InfoTellsOfTheConfiguration()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync("max_payload: 65536\nclient_advertise: \"me:1\"\n" + certificates.Block());
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadInfoAsync();
        (info.GetProperty("max_payload").GetInt32(), info.GetProperty("host").GetString(), info.GetProperty("port").GetInt32()).ShouldBe((65536, "me", 1));
        info.GetProperty("tls_required").GetBoolean().ShouldBeTrue();
        server.ClientEndPoint!.Port.ShouldNotBeOneOf(0, Defaults.ClientPort);
    }

    [Fact]
    [Upstream("gosrv_test.go", "TestGoServerMultiShutdown")]
    public async Task AServerMayBeStoppedTwice()
    {
        await using var server = await TestServer.StartAsync();
        await server.DisposeAsync();
        await server.DisposeAsync();
        server.Stopped.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    [Upstream("proto_test.go", "TestControlLineMaximums")]
    public async Task ALineWithoutEndIsCutOff()
    {
        await using var server = await TestServer.StartAsync(o => o with { Limits = o.Limits with { MaxControlLine = 256 } });
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("PUB foo " + new string('2', 320));
        (await client.ReadToCloseAsync()).ShouldBe("-ERR 'maximum control line exceeded'\r\n");
    }
}
