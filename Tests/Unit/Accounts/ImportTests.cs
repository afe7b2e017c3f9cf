using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Streams and services of other accounts, on one server.</summary>
public sealed class ImportTests
{
    [Theory]
    [InlineData("", "events.>", "events.a.b", "events.a.b")]
    [InlineData(", prefix: \"from.a\"", "from.a.events.>", "events.a.b", "from.a.events.a.b")]
    [InlineData(", prefix: \"from.a\"", "from.>", "events.x", "from.a.events.x")]
    [InlineData(", prefix: \"from.a\"", "*.a.events.x", "events.x", "from.a.events.x")]
    [InlineData(", prefix: \"from.a\"", "from.a.events.only.this", "events.only.this", "from.a.events.only.this")]
    [InlineData(", to: \"mine.>\"", "mine.*", "events.x", "mine.x")]
    [InlineData("", ">", "events.x", "events.x")]
    [Upstream("accounts_test.go", "TestAccountImportsWithWildcardSupport")]
    [Upstream("accounts_test.go", "TestPrefixWildcardMapping")]
    [Upstream("accounts_test.go", "TestNoPrefixWildcardMapping")]
    [Upstream("accounts_test.go", "TestImportSubscriptionPartialOverlapWithPrefix")]
    public async Task AStreamArrivesUnderItsLocalSubject(string import, string subscription, string published, string seen)
    {
        await using var server = await StartAsync(
            "exports: [ { stream: \"events.>\" } ]", $"imports: [ {{ stream: {{ account: A, subject: \"events.>\" }}{import} }} ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var messages = await b.SubscribeAsync(subscription);
        await b.FlushAsync();
        await a.PublishAsync(published, "1", reply: "answer.here");
        await a.PublishAsync("other." + published, "2");
        await a.PublishAsync(published, "3");
        var first = await messages.NextAsync();
        (first.Subject, first.Reply, first.Text).ShouldBe((seen, "answer.here", "1"));
        (await messages.NextAsync()).Text.ShouldBe("3");
    }

    [Fact]
    [Upstream("accounts_test.go", "TestImportSubscriptionPartialOverlapWithTransform")]
    public async Task WildcardsOfAStreamMayChangePlaces()
    {
        await using var server = await StartAsync(
            "exports: [ { stream: \"ev.*.*\" } ]", "imports: [ { stream: { account: A, subject: \"ev.*.*\" }, to: \"mine.$2.$1\" } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var all = await b.SubscribeAsync("mine.>");
        var some = await b.SubscribeAsync("mine.two.*");
        await b.FlushAsync();
        await a.PublishAsync("ev.one.two", "x");
        await a.PublishAsync("ev.one.three", "y");
        (await all.NextAsync()).Subject.ShouldBe("mine.two.one");
        (await all.NextAsync()).Subject.ShouldBe("mine.three.one");
        (await some.NextAsync()).Subject.ShouldBe("mine.two.one");
    }

    [Fact]
    public async Task WithoutImportNothingCrosses()
    {
        await using var server = await StartAsync("exports: [ { stream: \"events.>\" } ]", "");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var messages = await b.SubscribeAsync(">");
        await b.FlushAsync();
        await a.PublishAsync("events.x", "secret");
        await a.FlushAsync();
        await b.PublishAsync("own", "mine");
        (await messages.NextAsync()).Text.ShouldBe("mine");
    }

    [Fact]
    [Upstream("accounts_test.go", "TestShadowSubsCleanupOnClientClose")]
    public async Task UnsubscribingTakesTheShadowWithIt()
    {
        await using var server = await StartAsync("exports: [ { stream: \"events.>\" } ]", "imports: [ { stream: { account: A, subject: \"events.>\" } } ]");
        using var b = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await b.ReadInfoAsync();
        await b.SendAsync("CONNECT {\"verbose\":false,\"user\":\"b\",\"pass\":\"b\"}\r\nSUB events.x 1\r\nSUB events.x q 2\r\nUNSUB 1\r\nPING\r\n");
        await b.ExpectAsync("PONG\r\n");
        var exporter = server.Accounts.Find("A")!;
        exporter.Subscriptions.Count.ShouldBe(1);
        await using var a = await ConnectAsync(server, "a");
        await a.PublishAsync("events.x", "1");
        await b.ExpectAsync("MSG events.x 2 1\r\n1\r\n");
        await b.SendAsync("UNSUB 2 2\r\n");
        await b.FlushAsync();
        await a.PublishAsync("events.x", "2");
        await b.ExpectAsync("MSG events.x 2 1\r\n2\r\n");
        await Wait.Until("the shadow is gone", () => exporter.Subscriptions.Count == 0);
        b.Dispose();
    }

    [Theory]
    [InlineData("svc.req", "", "svc.req", "svc.req")]
    [InlineData("svc.req", ", to: \"local.ask\"", "local.ask", "svc.req")]
    [InlineData("svc.*", ", to: \"local.*\"", "local.x", "svc.x")]
    [InlineData("svc.*.*", ", to: \"local.$2.$1\"", "local.x.y", "svc.y.x")]
    [InlineData("svc.>", "", "svc.a.b", "svc.a.b")]
    [Upstream("accounts_test.go", "TestServiceImportWithWildcards")]
    [Upstream("accounts_test.go", "TestCrossAccountRequestReply")]
    public async Task AServiceAnswersAcrossAccounts(string subject, string to, string asked, string heard)
    {
        await using var server = await StartAsync(
            $"exports: [ {{ service: \"{subject}\" }} ]", $"imports: [ {{ service: {{ account: A, subject: \"{subject}\" }}{to} }} ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc.>", "workers");
        await a.FlushAsync();
        var answer = b.RequestAsync(asked, "question");
        var request = await requests.NextAsync();
        (request.Subject, request.Text).ShouldBe((heard, "question"));
        request.Reply!.ShouldStartWith("_R_.");
        var info = JsonDocument.Parse(request.Headers!["Nats-Request-Info"]!).RootElement;
        info.GetProperty("acc").GetString().ShouldBe("B");
        info.TryGetProperty("user", out _).ShouldBeFalse("nothing more is shared");
        await a.PublishAsync(request.Reply!, "answer");
        (await answer).Text.ShouldBe("answer");
        server.Accounts.Find("A")!.Responses.Count.ShouldBe(0);
    }

    [Fact]
    public async Task SharingTellsWhoAsks()
    {
        await using var server = await StartAsync("exports: [ { service: svc } ]", "imports: [ { service: { account: A, subject: svc }, share: true } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        await a.FlushAsync();
        var answer = b.RequestAsync("svc");
        var request = await requests.NextAsync();
        var info = JsonDocument.Parse(request.Headers!["Nats-Request-Info"]!).RootElement;
        info.GetProperty("user").GetString().ShouldBe("b");
        info.GetProperty("host").GetString().ShouldBe("127.0.0.1");
        info.GetProperty("server").GetString().ShouldBe(server.Name);
        await a.PublishAsync(request.Reply!);
        await answer;
    }

    [Fact]
    [Upstream("accounts_test.go", "TestCrossAccountServiceResponseTypes")]
    [Upstream("services_test.go", "TestServiceImportWithStreamedResponseAndEOF")]
    public async Task AStreamOfAnswersEndsWithAnEmptyOne()
    {
        await using var server = await StartAsync(
            "exports: [ { service: svc, response: stream } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        await a.FlushAsync();
        var answers = await b.SubscribeAsync("inbox");
        await b.PublishAsync("svc", "", reply: "inbox");
        var request = await requests.NextAsync();
        for (var i = 1; i <= 3; i++) await a.PublishAsync(request.Reply!, $"{i}");
        await a.PublishAsync(request.Reply!);
        await a.PublishAsync(request.Reply!, "too late");
        await a.FlushAsync();
        foreach (var expected in new[] { "1", "2", "3", "" }) (await answers.NextAsync()).Text.ShouldBe(expected);
        server.Accounts.Find("A")!.Responses.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountServiceImportNoResponders")]
    public async Task NobodyBehindAServiceIsNobody()
    {
        await using var server = await StartAsync("exports: [ { service: svc } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        using var b = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await b.ReadInfoAsync();
        await b.SendAsync("CONNECT {\"verbose\":false,\"user\":\"b\",\"pass\":\"b\",\"headers\":true,\"no_responders\":true}\r\nSUB in 1\r\nPUB svc in 0\r\n\r\nPING\r\n");
        await b.ExpectAsync("HMSG in 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: svc\r\n\r\n\r\nPONG\r\n");
        server.Accounts.Find("A")!.Responses.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("services_test.go", "TestServiceExportsPruningCleanup")]
    public async Task WhatNobodyWaitsForIsForgotten()
    {
        await using var server = await StartAsync("exports: [ { service: svc } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ConnectAsync(server, "a");
        await a.SubscribeAsync("svc");
        await a.FlushAsync();
        await using (var b = await ConnectAsync(server, "b"))
        {
            await b.SubscribeAsync("inbox");
            for (var i = 0; i < 50; i++) await b.PublishAsync("svc", "", reply: "inbox");
            await b.FlushAsync();
            server.Accounts.Find("A")!.Responses.Count.ShouldBe(50);
        }
        await Wait.Until("the requests are forgotten", () => server.Accounts.Find("A")!.Responses.Count == 0);
    }

    [Fact]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleServiceNonCycleChain")]
    public async Task ChainedServicesNameTheAccountsOnTheWay()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts {
              A { users: [ { user: a, password: a } ], exports: [ { service: svc } ] }
              B { users: [ { user: b, password: b } ], imports: [ { service: { account: A, subject: svc }, to: mid } ], exports: [ { service: mid } ] }
              C { users: [ { user: c, password: c } ], imports: [ { service: { account: B, subject: mid }, to: top } ] }
            }
            """);
        await using var a = await ConnectAsync(server, "a");
        await using var c = await ConnectAsync(server, "c");
        var requests = await a.SubscribeAsync("svc");
        await a.FlushAsync();
        var answer = c.RequestAsync("top", "q");
        var request = await requests.NextAsync();
        var info = JsonDocument.Parse(request.Headers!["Nats-Request-Info"]!).RootElement;
        (info.GetProperty("acc").GetString(), info.GetProperty("svc").GetString()).ShouldBe(("C", "B"));
        await a.PublishAsync(request.Reply!, "r");
        (await answer).Text.ShouldBe("r");
    }

    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencySingleServerConnect")]
    public async Task LatencyIsMeasured()
    {
        await using var server = await StartAsync(
            "exports: [ { service: svc, latency: { sampling: 100%, subject: \"lat.svc\" } } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        var reports = await a.SubscribeAsync("lat.svc");
        await a.FlushAsync();
        var answer = b.RequestAsync("svc");
        var request = await requests.NextAsync();
        request.Reply!.ShouldEndWith(".T");
        await a.PublishAsync(request.Reply!, "r");
        await answer;
        var report = JsonDocument.Parse((await reports.NextAsync()).Text).RootElement;
        report.GetProperty("type").GetString().ShouldBe("io.nats.server.metric.v1.service_latency");
        report.GetProperty("status").GetInt32().ShouldBe(200);
        report.GetProperty("requestor").GetProperty("acc").GetString().ShouldBe("B");
        report.GetProperty("responder").GetProperty("user").GetString().ShouldBe("a");
        report.GetProperty("total").GetInt64().ShouldBeGreaterThan(0);
        report.GetProperty("total").GetInt64().ShouldBeGreaterThanOrEqualTo(report.GetProperty("service").GetInt64());
        await b.PublishAsync("svc", "no reply subject");
        JsonDocument.Parse((await reports.NextAsync()).Text).RootElement.GetProperty("status").GetInt32().ShouldBe(400);
    }

    [Theory]
    [InlineData("Uber-Trace-Id", "479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb:1", true)]
    [InlineData("Uber-Trace-Id", "479fefe9525eddb:479fefe9525eddb:0:0", false)]
    [InlineData("X-B3-Sampled", "1", true)]
    [InlineData("X-B3-Sampled", "0", false)]
    [InlineData("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7", true)]
    [InlineData("B3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90", true)]
    [InlineData("B3", "0", false)]
    [InlineData("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true)]
    [InlineData("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false)]
    [InlineData("Other", "1", false)]
    [Upstream("accounts_test.go", "TestSamplingHeader")]
    public async Task HeadersAskForAMeasurement(string header, string value, bool measured)
    {
        await using var server = await StartAsync(
            "exports: [ { service: svc, latency: { sampling: headers, subject: \"lat.svc\" } } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        await a.FlushAsync();
        var answer = b.RequestAsync("svc", "", TestHeaders.Of((header, value)));
        var request = await requests.NextAsync();
        request.Reply!.EndsWith(".T", StringComparison.Ordinal).ShouldBe(measured);
        await a.PublishAsync(request.Reply!);
        await answer;
    }

    [Fact]
    public async Task AccountTokenPositionKeepsAccountsApart()
    {
        const string exports = "exports: [ { stream: \"private.*\", account_token_position: 2 } ]";
        await using var server = await StartAsync(exports, "imports: [ { stream: { account: A, subject: \"private.B\" } } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var messages = await b.SubscribeAsync("private.B");
        await b.FlushAsync();
        await a.PublishAsync("private.C", "not for b");
        await a.PublishAsync("private.B", "for b");
        (await messages.NextAsync()).Text.ShouldBe("for b");
    }

    [Fact]
    public async Task ARequestIsNotTakenFurtherByAStreamOfTheSameSubjects()
    {
        await using var server = await StartAsync(
            "exports: [ { service: \"svc.*\" }, { stream: \"svc.>\" } ]",
            "imports: [ { service: { account: A, subject: \"svc.*\" }, to: \"ask.*\" }, { stream: { account: A, subject: \"svc.>\" }, prefix: \"from\" } ]");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc.*");
        await a.FlushAsync();
        var stream = await b.SubscribeAsync("from.>");
        var group = await b.SubscribeAsync("from.>", "group");
        await b.PublishAsync("ask.x", "request");
        await b.FlushAsync();
        (await requests.NextAsync()).Text.ShouldBe("request");
        await a.PublishAsync("svc.x", "stream");
        (await stream.NextAsync()).Text.ShouldBe("stream");
        (await group.NextAsync()).Text.ShouldBe("stream");
    }

    internal static Task<NatsServer> StartAsync(string exports, string imports) => TestServer.FromConfigAsync(
        $$"""
        accounts {
          A { users: [ { user: a, password: a } ], {{exports}} }
          B { users: [ { user: b, password: b } ], {{imports}} }
          S { users: [ { user: s, password: s } ] }
        }
        system_account: S
        """);

    internal static Task<TestClient> ConnectAsync(NatsServer server, string user) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });
}
