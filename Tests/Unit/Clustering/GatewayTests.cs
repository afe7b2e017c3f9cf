using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Messages, queue groups and requests between clusters of this process.</summary>
public sealed class GatewayTests
{
    [Fact]
    [Upstream("gateway_test.go", "TestGatewayBasic")]
    [Upstream("gateway_test.go", "TestGatewaySubjectInterest")]
    [Upstream("gateway_test.go", "TestGatewaySendAllSubs")]
    public async Task MessagesCrossBothWaysAndReachEveryServerOfTheOtherCluster()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2);
        await using var a = await super.ConnectAsync("A1");
        await using var b1 = await super.ConnectAsync("B1");
        await using var b2 = await super.ConnectAsync("B2");
        var at1 = await b1.SubscribeAsync("foo.*");
        var at2 = await b2.SubscribeAsync("foo.>");
        await SuperCluster.ReachAsync(a, at1, "foo.ready");
        await SuperCluster.ReachAsync(a, at2, "foo.ready");
        while (at1.TryTake() is not null)
        {
        }
        await a.PublishAsync("foo.x", "hello", "some.reply", TestHeaders.Of(("K", "v")));
        await a.PublishAsync("foo.empty");
        foreach (var subscription in new[] { at1, at2 })
        {
            var message = await NextOn(subscription, "foo.x");
            message.ShouldSatisfyAllConditions(
                () => message.Text.ShouldBe("hello"),
                () => message.Reply.ShouldBe("some.reply"),
                () => message.Headers!["K"].ShouldBe("v"));
            (await subscription.NextAsync()).ShouldSatisfyAllConditions(next => next.Subject.ShouldBe("foo.empty"), next => next.Payload.ShouldBeEmpty());
        }
        var back = await a.SubscribeAsync("back");
        await SuperCluster.ReachAsync(b2, back, "back");
        // What nobody wants any more is not sent.
        await at1.UnsubscribeAsync();
        await at2.UnsubscribeAsync();
        await b1.FlushAsync();
        await b2.FlushAsync();
        await SuperCluster.WaitForSilenceAsync(a, "foo.x");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayQueueSub")]
    [Upstream("gateway_test.go", "TestGatewayTotalQSubs")]
    [Upstream("gateway_test.go", "TestGatewaySendQSubsOnGatewayConnect")]
    public async Task AQueueGroupIsServedAtHomeAndElsewhereOnlyWhenItHasNobodyThere()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2);
        await using var a1 = await super.ConnectAsync("A1");
        await using var a2 = await super.ConnectAsync("A2");
        await using var b = await super.ConnectAsync("B1");
        var far = await b.SubscribeAsync("q", "g");
        await SuperCluster.ReachAsync(a1, far, "q");
        var near = await a2.SubscribeAsync("q", "g");
        var other = await b.SubscribeAsync("q", "h");
        await SuperCluster.ReachAsync(a1, near, "q");
        await SuperCluster.ReachAsync(a1, other, "q");
        for (var i = 0; i < 50; i++) await a1.PublishAsync("q", $"m{i}");
        foreach (var served in new[] { near, other })
        {
            for (var i = 0; i < 50; i++) (await NextMarked(served)).ShouldBe($"m{i}");
        }
        while (far.TryTake() is { } early) early.Text.ShouldNotStartWith("m");
        await near.UnsubscribeAsync();
        await a2.FlushAsync();
        await SuperCluster.ReachAsync(a1, far, "q");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewaySendRemoteQSubs")]
    public async Task OfTwoOtherClustersOneServesAQueueGroup()
    {
        await using var super = await SuperCluster.StartAsync(clusters: 3);
        await using var a = await super.ConnectAsync("A1");
        await using var b = await super.ConnectAsync("B1");
        await using var c = await super.ConnectAsync("C1");
        var inB = await b.SubscribeAsync("q", "g");
        await SuperCluster.ReachAsync(a, inB, "q");
        await inB.UnsubscribeAsync();
        await b.FlushAsync();
        await SuperCluster.WaitForSilenceAsync(a, "q");
        var inC = await c.SubscribeAsync("q", "g");
        await SuperCluster.ReachAsync(a, inC, "q");
        inB = await b.SubscribeAsync("q", "g");
        var plain = await b.SubscribeAsync("q");
        await SuperCluster.ReachAsync(a, plain, "q");
        // Behind the plain one's interest word of the queue's has come, too. Words of before may still be under way.
        for (var i = 0; i < 100; i++) await a.PublishAsync("q", $"m{i}");
        var taken = new List<string>();
        await Wait.Until("each has gone to one", () =>
        {
            foreach (var member in new[] { inB, inC })
                while (member.TryTake() is { } message)
                    if (message.Text.StartsWith('m')) taken.Add(message.Text);
            return taken.Count >= 100;
        }, () => string.Join(' ', taken));
        while ((await plain.NextAsync()).Text != "m99")
        {
        }
        taken.ShouldBeUnique();
        taken.Count.ShouldBe(100);
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayMapReplyOnlyForRecentSub")]
    [Upstream("gateway_test.go", "TestGatewaySendReplyAcrossGateways")]
    public async Task AnswersFindTheirWayBackAlthoughTheInboxIsNew()
    {
        await using var super = await SuperCluster.StartAsync(servers: 2);
        await using var service = await super.ConnectAsync("B2");
        var requests = await service.SubscribeAsync("svc");
        await using var first = await super.ConnectAsync("A1");
        await SuperCluster.ReachAsync(first, requests, "svc");
        for (var i = 0; i < 20; i++)
        {
            // A client that asks the moment it is there, on either server: word of its inbox cannot have crossed.
            await using var client = await super.ConnectAsync(i % 2 == 0 ? "A1" : "A2");
            var inbox = await client.SubscribeAsync($"in.{i}");
            await client.PublishAsync("svc", $"{i}", $"in.{i}", TestHeaders.Of(("N", $"{i}")));
            var request = await requests.NextAsync();
            request.Reply.ShouldBe($"in.{i}");
            await service.PublishAsync(request.Reply!, $"answer {i}", headers: TestHeaders.Of(("A", $"{i}")));
            var answer = await inbox.NextAsync();
            answer.Subject.ShouldBe($"in.{i}");
            answer.Text.ShouldBe($"answer {i}");
            answer.Headers!["A"].ShouldBe($"{i}");
        }
        (await first.RequestAsync("nobody.there")).IsNoResponders.ShouldBeTrue();
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayServiceImport")]
    [Upstream("gateway_test.go", "TestGatewayServiceImportWithQueue")]
    [Upstream("gateway_test.go", "TestGatewayServiceExportWithWildcards")]
    [Upstream("gateway_test.go", "TestGatewayServiceImportComplexSetup")]
    public async Task ServicesOfOtherAccountsAnswerAcross()
    {
        const string accounts =
            """
            accounts {
              S: { users: [{user: s, password: s}], exports: [{service: "add.*", accounts: [I]}, {stream: "news.>"}] }
              I: { users: [{user: i, password: i}], imports: [{service: {account: S, subject: "add.one"}, to: "sum"}, {stream: {account: S, subject: "news.>"}}] }
            }
            """;
        await using var super = await SuperCluster.StartAsync(servers: 2, more: accounts);
        await using var service = await super.ConnectAsync("B1", "s");
        await using var asking = await super.ConnectAsync("A2", "i");
        var requests = await service.SubscribeAsync("add.*", "workers");
        var news = await asking.SubscribeAsync("news.>");
        await SuperCluster.ReachAsync(service, news, "news.today");
        await Wait.Until("the service is known", async () =>
        {
            var answering = AnswerAsync(requests, service);
            var answer = await asking.RequestAsync("sum", "1");
            if (answer.IsNoResponders) return false;
            await answering;
            answer.Text.ShouldBe("answer to 1");
            return true;
        });
        for (var i = 0; i < 10; i++)
        {
            var answering = AnswerAsync(requests, service);
            (await asking.RequestAsync("sum", $"{i}")).Text.ShouldBe($"answer to {i}");
            await answering;
        }
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayAccountInterest")]
    [Upstream("gateway_test.go", "TestGatewayAccountUnsub")]
    public async Task AccountsStayApart()
    {
        const string accounts = "accounts { X: { users: [{user: x, password: x}] }, Y: { users: [{user: y, password: y}] } }";
        await using var super = await SuperCluster.StartAsync(more: accounts);
        await using var x = await super.ConnectAsync("A1", "x");
        await using var y = await super.ConnectAsync("A1", "y");
        await using var farX = await super.ConnectAsync("B1", "x");
        await using var farY = await super.ConnectAsync("B1", "y");
        var forX = await farX.SubscribeAsync("foo");
        await SuperCluster.ReachAsync(x, forX, "foo");
        (await y.RequestAsync("foo")).IsNoResponders.ShouldBeTrue();
        var forY = await farY.SubscribeAsync("foo");
        await SuperCluster.ReachAsync(y, forY, "foo");
        forX.TryTake().ShouldBeNull();
    }

    private static async Task AnswerAsync(TestSubscription requests, TestClient service)
    {
        var request = await requests.NextAsync();
        await service.PublishAsync(request.Reply!, $"answer to {Encoding.UTF8.GetString(request.Payload)}");
    }

    /// <summary>The next that is not left over from finding out that interest has crossed.</summary>
    private static async Task<string> NextMarked(TestSubscription subscription)
    {
        while (true)
        {
            var text = (await subscription.NextAsync()).Text;
            if (text.StartsWith('m')) return text;
        }
    }

    private static async Task<TestMessage> NextOn(TestSubscription subscription, string subject)
    {
        while (true)
        {
            var message = await subscription.NextAsync();
            if (message.Subject == subject) return message;
        }
    }
}
