using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

public sealed class ClientConnectionTests
{
    private const string Plain = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"test\",\"version\":\"1\",\"protocol\":0}\r\n";

    [Fact]
    [Upstream("client_test.go", "TestClientCreateAndInfo")]
    public async Task GreetsWithInfo()
    {
        await using var server = await TestServer.StartAsync(o => o with { ServerName = "s1" });
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        var info = await client.ReadInfoAsync();
        info.GetProperty("server_id").GetString().ShouldBe(server.Id);
        info.GetProperty("server_name").GetString().ShouldBe("s1");
        info.GetProperty("version").GetString().ShouldBe(Defaults.Version);
        info.GetProperty("port").GetInt32().ShouldBe(server.ClientEndPoint!.Port);
        info.GetProperty("max_payload").GetInt32().ShouldBe(1024 * 1024);
        info.TryGetProperty("auth_required", out _).ShouldBeFalse();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientSimplePubSub")]
    [Upstream("client_test.go", "TestClientSimplePubSubWithReply")]
    [Upstream("client_test.go", "TestClientNoBodyPubSubWithReply")]
    public async Task DeliversToAnotherConnection()
    {
        await using var server = await TestServer.StartAsync();
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo.* 7\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        await publisher.SendAsync("PUB foo.a 5\r\nhello\r\nPUB foo.b re.ply 0\r\n\r\nPUB bar 1\r\nx\r\n");
        await publisher.FlushAsync();
        await subscriber.ExpectAsync("MSG foo.a 7 5\r\nhello\r\nMSG foo.b 7 re.ply 0\r\n\r\n");
        await subscriber.FlushAsync();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientPubSubNoEcho")]
    [Upstream("client_test.go", "TestClientPubWithQueueSubNoEcho")]
    public async Task EchoOffLeavesOutThePublisher()
    {
        await using var server = await TestServer.StartAsync();
        using var quiet = await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"echo\":false}\r\n");
        using var other = await RawClient.OpenAsync(server.ClientEndPoint!);
        await quiet.SendAsync("SUB foo 1\r\nSUB foo q 2\r\n");
        await quiet.FlushAsync();
        await other.SendAsync("SUB foo q 3\r\n");
        await other.FlushAsync();
        await quiet.SendAsync("PUB foo 1\r\na\r\nPUB foo 1\r\nb\r\n");
        await quiet.FlushAsync();
        await other.ExpectAsync("MSG foo 3 1\r\na\r\nMSG foo 3 1\r\nb\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientPubWithQueueSub")]
    public async Task AQueueGroupSharesOverConnections()
    {
        await using var server = await TestServer.StartAsync();
        var members = new List<RawClient>();
        for (var i = 0; i < 3; i++)
        {
            members.Add(await RawClient.OpenAsync(server.ClientEndPoint!));
            await members[i].SendAsync("SUB q g 1\r\n");
            await members[i].FlushAsync();
        }
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        await publisher.SendAsync(string.Concat(Enumerable.Repeat("PUB q 1\r\nx\r\n", 300)));
        await publisher.FlushAsync();
        var counts = new List<int>();
        foreach (var member in members)
        {
            await member.SendAsync("PING\r\n");
            counts.Add((await member.ReadThroughAsync("PONG\r\n")).Split("MSG q 1 1").Length - 1);
            member.Dispose();
        }
        counts.Sum().ShouldBe(300);
        counts.ShouldAllBe(count => count > 50, "each member gets its share");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientHeaderDeliverMsg")]
    [Upstream("client_test.go", "TestClientHeaderDeliverStrippedMsg")]
    public async Task HeadersGoToWhoTakesThemAndAreTakenOffForOthers()
    {
        await using var server = await TestServer.StartAsync();
        using var with = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var without = await RawClient.OpenAsync(server.ClientEndPoint!, Plain);
        foreach (var client in new[] { with, without })
        {
            await client.SendAsync("SUB foo 1\r\n");
            await client.FlushAsync();
        }
        await with.SendAsync("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nOK\r\n");
        await with.ExpectAsync("HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nOK\r\n");
        await without.ExpectAsync("MSG foo 1 2\r\nOK\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestClientUnSubMax")]
    [Upstream("client_test.go", "TestClientAutoUnsubExactReceived")]
    public async Task AutoUnsubscribeEndsAfterItsLastMessage()
    {
        await using var server = await TestServer.StartAsync();
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB foo 1\r\nUNSUB 1 5\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        await publisher.SendAsync(string.Concat(Enumerable.Repeat("PUB foo 1\r\nx\r\n", 20)));
        await publisher.FlushAsync();
        await subscriber.ExpectAsync(string.Concat(Enumerable.Repeat("MSG foo 1 1\r\nx\r\n", 5)));
        await subscriber.FlushAsync();
        await Wait.Until("the subscription is gone", () => server.Accounts.Global.Subscriptions.Count == 0);
    }

    [Fact]
    [Upstream("client_test.go", "TestClientRemoveSubsOnDisconnect")]
    [Upstream("client_test.go", "TestClientMapRemoval")]
    public async Task ADisconnectTakesSubscriptionsAlong()
    {
        await using var server = await TestServer.StartAsync();
        using (var client = await RawClient.OpenAsync(server.ClientEndPoint!))
        {
            await client.SendAsync("SUB foo 1\r\nSUB bar 2\r\n");
            await client.FlushAsync();
            server.Accounts.Global.Subscriptions.Count.ShouldBe(2);
        }
        await Wait.Until("client and subscriptions are gone", () => server.ClientCount == 0 && server.Accounts.Global.Subscriptions.Count == 0);
    }

    [Fact]
    [Upstream("client_test.go", "TestClientNoResponderSupport")]
    public async Task AnswersWhenNobodyListens()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB reply 1\r\nPUB nobody reply 0\r\n\r\n");
        await client.ExpectAsync("HMSG reply 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\r\n");
    }

    [Fact]
    [Upstream("client_test.go", "TestResponsePermissions")]
    public async Task AResponderMayAnswerOnce()
    {
        await using var server = await GoldenTranscriptTests.StartAsync("auth");
        using var responder = await OpenAsync(server, "resp");
        await responder.SendAsync("SUB svc 1\r\n");
        await responder.FlushAsync();
        using var requestor = await OpenAsync(server, "u");
        await requestor.SendAsync("SUB _INBOX.r.1 1\r\nPUB svc _INBOX.r.1 2\r\nhi\r\n");
        await responder.ExpectAsync("MSG svc 1 _INBOX.r.1 2\r\nhi\r\n");
        await responder.SendAsync("PUB _INBOX.r.1 2\r\nok\r\nPUB _INBOX.r.1 2\r\nno\r\n");
        await responder.ExpectAsync("-ERR 'Permissions Violation for Publish to \"_INBOX.r.1\"'\r\n");
        await requestor.ExpectAsync("MSG _INBOX.r.1 1 2\r\nok\r\n");
        await requestor.FlushAsync();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientSubscribeDenyWildcardOverlapBlocksDelivery")]
    [Upstream("client_test.go", "TestQueueSubscribePermissions")]
    public async Task ADeniedSubjectIsNotDeliveredThroughAWildcard()
    {
        await using var server = await GoldenTranscriptTests.StartAsync("auth");
        using var limited = await OpenAsync(server, "perm");
        await limited.SendAsync("SUB sub.ok.> 1\r\n");
        await limited.FlushAsync();
        using var publisher = await OpenAsync(server, "u");
        await publisher.SendAsync("PUB sub.ok.no 1\r\nn\r\nPUB sub.ok.yes 1\r\ny\r\n");
        await publisher.FlushAsync();
        await limited.ExpectAsync("MSG sub.ok.yes 1 1\r\ny\r\n");
        await limited.FlushAsync();
    }

    [Fact]
    public async Task AccountsDoNotHearEachOther()
    {
        await using var server = await GoldenTranscriptTests.StartAsync("accounts");
        using var a = await OpenAsync(server, "a", "a");
        using var b = await OpenAsync(server, "b", "b");
        foreach (var client in new[] { a, b })
        {
            await client.SendAsync("SUB > 1\r\n");
            await client.FlushAsync();
        }
        await a.SendAsync("PUB x 1\r\na\r\n");
        await a.ExpectAsync("MSG x 1 1\r\na\r\n");
        await b.FlushAsync();
        await a.SendAsync("PUB m.one.two 1\r\nm\r\n");
        await a.ExpectAsync("MSG mapped.two.one 1 1\r\nm\r\n");
    }

    [Fact]
    public async Task OneConnectionTooManyIsTurnedAway()
    {
        await using var server = await TestServer.FromConfigAsync(GoldenTranscript.ServerConfig("maxconn"));
        using var first = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var second = await RawClient.OpenAsync(server.ClientEndPoint!);
        using var third = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await third.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum connections exceeded'\r\n");
        await second.FlushAsync();
    }

    [Fact]
    [Upstream("client_test.go", "TestClientRepeatConnectSwitchesAccountAndCleansOldSubs")]
    public async Task ASecondConnectMovesToTheOtherAccount()
    {
        await using var server = await GoldenTranscriptTests.StartAsync("accounts");
        using var client = await OpenAsync(server, "a", "a");
        await client.SendAsync("SUB foo 1\r\nCONNECT {\"user\":\"b\",\"pass\":\"b\"}\r\n");
        await client.FlushAsync();
        server.Accounts.Find("A")!.Subscriptions.Count.ShouldBe(0);
        (server.Accounts.Find("A")!.ConnectionCount, server.Accounts.Find("B")!.ConnectionCount).ShouldBe((0, 1));
    }

    [Fact]
    public async Task ShutdownClosesClients()
    {
        var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await server.DisposeAsync();
        (await client.ReadToCloseAsync()).ShouldBe("");
    }

    [Fact]
    [Upstream("client_test.go", "TestAuthorizationTimeout")]
    public async Task BeforeItsConnectAConnectionHasTimeAndLittleRoom()
    {
        await using var server = await TestServer.StartAsync(o => o with
        {
            Authorization = new AuthorizationOptions { Token = "t", Timeout = TimeSpan.FromMilliseconds(300) },
        });
        using var silent = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await silent.ReadToCloseAsync()).ShouldEndWith("-ERR 'Authentication Timeout'\r\n");
        using var loud = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await loud.ReadInfoAsync();
        await loud.SendAsync("CONNECT {\"name\":\"" + new string('x', 60_000));
        (await loud.ReadToCloseAsync()).ShouldBe("-ERR 'maximum control line exceeded'\r\n");
    }

    [Fact]
    public async Task LargePayloadsArriveWhole()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        var payload = new string('p', 1024 * 1024 - 1) + "q";
        await client.SendAsync("SUB big 1\r\n");
        var send = client.SendAsync($"PUB big {payload.Length}\r\n{payload}\r\nPUB big {payload.Length}\r\n{payload}\r\n");
        await client.ExpectAsync($"MSG big 1 {payload.Length}\r\n{payload}\r\nMSG big 1 {payload.Length}\r\n{payload}\r\n");
        await send;
    }

    [Fact]
    [Upstream("client_test.go", "TestClientDenySysGroupSub")]
    [Upstream("client_test.go", "TestClientRejectsNRGSubjects")]
    [Upstream("client_test.go", "TestClientCheckUseOfGWReplyPrefix")]
    public async Task SubjectsOfTheServersAreNotForClients()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB foo _sys_ 1\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Subscription to \"foo\" using queue \"_sys_\"'\r\n");
        await client.SendAsync("PUB $NRG.V.x 0\r\n\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Publish to \"$NRG.V.x\"'\r\n");
        await client.SendAsync("PUB foo _GR_.x 0\r\n\r\n");
        await client.ExpectAsync("-ERR 'Permissions Violation for Publish with Reply of \"_GR_.x\"'\r\n");
    }

    [Fact]
    public async Task BcryptIsCheckedAwayFromTheLoop()
    {
        var hash = Server.Primitives.Bcrypt.Hash(Encoding.UTF8.GetBytes("secret"), 8, new byte[16]);
        await using var server = await TestServer.StartAsync(o => o with
        {
            Authorization = new AuthorizationOptions { Users = [new UserOptions { Username = "u", Password = hash }] },
        });
        using var right = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await right.ReadInfoAsync();
        await right.SendAsync("CONNECT {\"user\":\"u\",\"pass\":\"secret\",\"verbose\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n");
        await right.ExpectAsync("MSG a 1 2\r\nhi\r\n");
        using var wrong = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await wrong.ReadInfoAsync();
        await wrong.SendAsync("CONNECT {\"user\":\"u\",\"pass\":\"guess\",\"verbose\":false}\r\nSUB a 1\r\n");
        (await wrong.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    private static Task<RawClient> OpenAsync(NatsServer server, string user, string password = "p") =>
        RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\",\"headers\":true,\"protocol\":0}}\r\n");
}
