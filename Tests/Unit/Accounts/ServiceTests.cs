using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Services across accounts: what is remembered of requests, for how long, and who is told how long they took.</summary>
public sealed class ServiceTests
{
    [Fact]
    [Upstream("services_test.go", "TestServiceExportsResponseFiltering")]
    [Upstream("services_test.go", "TestServiceExportsAutoDirectCleanup")]
    public async Task OpenRequestsAreCountedAndAnsweredOnesForgotten()
    {
        await using var server = await ImportTests.StartAsync("exports: [ { service: foo }, { service: bar } ]", "imports: [ { service: { account: A, subject: foo } }, { service: { account: A, subject: bar }, to: baz } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var responses = server.Accounts.Find("A")!.Responses;
        for (var i = 0; i < 5; i++) await b.PublishAsync("foo", reply: "reply");
        await b.FlushAsync();
        responses.Count.ShouldBe(0, "nobody listens");
        var foo = await a.SubscribeAsync("foo");
        var bar = await a.SubscribeAsync("bar");
        await a.FlushAsync();
        for (var i = 0; i < 5; i++) await b.PublishAsync("foo");
        await b.FlushAsync();
        responses.Count.ShouldBe(0, "nobody waits");
        for (var i = 0; i < 5; i++) await b.PublishAsync("foo", reply: "reply");
        for (var i = 0; i < 17; i++) await b.PublishAsync("baz", reply: "reply");
        await b.FlushAsync();
        responses.Count.ShouldBe(22);
        for (var i = 0; i < 10; i++)
        {
            if ((await foo.NextAsync()).Reply is { } reply) await a.PublishAsync(reply, "world");
        }
        for (var i = 0; i < 17; i++) await a.PublishAsync((await bar.NextAsync()).Reply!, "world");
        await a.FlushAsync();
        responses.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("services_test.go", "TestServiceImportWithStreamed")]
    public async Task AStreamedServiceForgetsWithItsRequestor()
    {
        await using var server = await ImportTests.StartAsync("exports: [ { service: foo, response: stream } ]", "imports: [ { service: { account: A, subject: foo }, to: foo_request } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        var requests = await a.SubscribeAsync("foo");
        await a.FlushAsync();
        await using (var b = await ImportTests.ConnectAsync(server, "b"))
        {
            var answers = await b.SubscribeAsync("inbox.*");
            for (var i = 0; i < 10; i++)
            {
                await b.PublishAsync("foo_request", "hello", reply: $"inbox.{i}");
                await a.PublishAsync((await requests.NextAsync()).Reply!, "world");
                (await answers.NextAsync()).Text.ShouldBe("world");
            }
            server.Accounts.Find("A")!.Responses.Count.ShouldBe(10);
        }
        await Wait.Until("all is forgotten", () => server.Accounts.Find("A")!.Responses.Count == 0);
    }

    [Fact]
    [Upstream("services_test.go", "TestServiceExportsResponseThreshold")]
    [Upstream("services_test.go", "TestServiceExportsResponseThresholdChunked")]
    public async Task ChunksComeUntilTheEmptyOneAndNotAfterTheThreshold()
    {
        await using var server = await ImportTests.StartAsync("exports: [ { service: foo, response: chunked, threshold: \"300ms\" } ]", "imports: [ { service: { account: A, subject: foo } } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("foo");
        await a.FlushAsync();
        var answers = await b.SubscribeAsync("inbox");
        await b.PublishAsync("foo", reply: "inbox");
        var reply = (await requests.NextAsync()).Reply!;
        for (var i = 1; i <= 10; i++) await a.PublishAsync(reply, $"chunk-{i}");
        await a.PublishAsync(reply);
        for (var i = 1; i <= 10; i++) (await answers.NextAsync()).Text.ShouldBe($"chunk-{i}");
        (await answers.NextAsync()).Text.ShouldBe("");
        await b.PublishAsync("foo", reply: "inbox");
        await requests.NextAsync();
        await Wait.Until("the threshold ends the wait", () => server.Accounts.Find("A")!.Responses.Count == 0);
    }

    [Fact]
    [Upstream("services_test.go", "TestServiceAllowResponsesPerms")]
    public async Task WhoMayOnlyAnswerMayAnswerAcrossAccounts()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts: {
              A: { users: [ {user: a, password: a, permissions = {subscribe=foo, allow_responses=true}} ], exports: [ {service: "foo"} ] }
              B: { users: [{user: b, password: b} ], imports: [ {service: { account: A, subject: "foo"}} ] }
            }
            """);
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("foo");
        await a.FlushAsync();
        var answer = b.RequestAsync("foo", "help");
        await a.PublishAsync((await requests.NextAsync()).Reply!, "Hello");
        (await answer).Text.ShouldBe("Hello");
        a.Errors.ShouldBeEmpty();
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountMultipleServiceImportsWithSameSubjectFromDifferentAccounts")]
    public async Task TwoServicesOfOneSubjectBothAnswer()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts: {
              E: { users: [ { user: e, password: e } ], exports: [ { accounts: [CLIENTS], service: "SvcReq.>", response_type: singleton } ] }
              W: { users: [ { user: w, password: w } ], exports: [ { accounts: [CLIENTS], service: "SvcReq.>", response_type: singleton } ] }
              CLIENTS: { users: [ { user: cl, password: cl } ], imports: [ { service: { account: E, subject: "SvcReq.>" } }, { service: { account: W, subject: "SvcReq.>" } } ] }
            }
            """);
        await using var east = await ImportTests.ConnectAsync(server, "e");
        await using var west = await ImportTests.ConnectAsync(server, "w");
        await using var client = await ImportTests.ConnectAsync(server, "cl");
        var services = new[] { (east, await east.SubscribeAsync("SvcReq.>")), (west, await west.SubscribeAsync("SvcReq.>")) };
        await east.FlushAsync();
        await west.FlushAsync();
        var answers = await client.SubscribeAsync("inbox");
        await client.PublishAsync("SvcReq.Test", "test", reply: "inbox");
        foreach (var (service, requests) in services) await service.PublishAsync((await requests.NextAsync()).Reply!, service == east ? "E" : "W");
        new[] { (await answers.NextAsync()).Text, (await answers.NextAsync()).Text }.ShouldBe(["E", "W"], ignoreOrder: true);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestMultipleStreamImportsWithSameSubjectDifferentPrefix")]
    [Upstream("accounts_test.go", "TestMultipleStreamImportsWithSameSubject")]
    [Upstream("accounts_test.go", "TestMultipleImportsAndSingleWCSub")]
    [Upstream("accounts_test.go", "TestPrefixWildcardMappingWithLiteralSub")]
    [Upstream("accounts_test.go", "TestSimpleMapping")]
    public async Task StreamsOfOneSubjectComeFromSeveralAccounts()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts: {
              A: { users: [ { user: a, password: a } ], exports: [ { stream: test }, { stream: more } ] }
              B: { users: [ { user: b, password: b } ], exports: [ { stream: test } ] }
              C: { users: [ { user: c, password: c } ], imports: [
                { stream: { account: A, subject: test }, prefix: pub }, { stream: { account: A, subject: more }, prefix: pub }, { stream: { account: B, subject: test }, prefix: bar } ] }
              D: { users: [ { user: d, password: d } ], imports: [ { stream: { account: A, subject: test } }, { stream: { account: B, subject: test } } ] }
            }
            """);
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        await using var c = await ImportTests.ConnectAsync(server, "c");
        await using var d = await ImportTests.ConnectAsync(server, "d");
        var wild = await c.SubscribeAsync("pub.*");
        var literal = await c.SubscribeAsync("pub.test", "group");
        var bar = await c.SubscribeAsync("bar.test");
        var both = await d.SubscribeAsync("test");
        await c.FlushAsync();
        await d.FlushAsync();
        await a.PublishAsync("test", "hello");
        await a.PublishAsync("more", "world");
        (await wild.NextAsync()).Subject.ShouldBe("pub.test");
        (await wild.NextAsync()).Subject.ShouldBe("pub.more");
        (await literal.NextAsync()).Subject.ShouldBe("pub.test");
        await b.PublishAsync("test", "b");
        (await bar.NextAsync()).Text.ShouldBe("b");
        new[] { (await both.NextAsync()).Text, (await both.NextAsync()).Text }.ShouldBe(["hello", "b"], ignoreOrder: true);
        foreach (var subscription in new[] { wild, literal, bar }) await subscription.UnsubscribeAsync();
        await both.UnsubscribeAsync();
        await c.FlushAsync();
        await d.FlushAsync();
        foreach (var name in new[] { "A", "B", "C", "D" }) server.Accounts.Find(name)!.Subscriptions.Count.ShouldBe(0, name);
    }

    [Theory]
    [InlineData("svc.*", "svc.$bar", "svc")]
    [InlineData("svc.*", "svc.x", "svc.x")]
    [Upstream("accounts_test.go", "TestServiceExportWithWildcards")]
    public async Task AnImportMayBeNarrowerThanTheExport(string exported, string imported, string asked)
    {
        foreach (var who in new[] { "", ", accounts: [ B ]" })
        {
            await using var server = await ImportTests.StartAsync($"exports: [ {{ service: \"{exported}\"{who} }} ]", $"imports: [ {{ service: {{ account: A, subject: \"{imported}\" }}, to: \"{asked}\" }} ]");
            await using var a = await ImportTests.ConnectAsync(server, "a");
            await using var b = await ImportTests.ConnectAsync(server, "b");
            var requests = await a.SubscribeAsync(exported);
            await a.FlushAsync();
            var answer = b.RequestAsync(asked, "help");
            var request = await requests.NextAsync();
            (request.Subject, request.Reply!.StartsWith("_R_.", StringComparison.Ordinal)).ShouldBe((imported, true));
            await a.PublishAsync(request.Reply!, "22");
            (await answer).Text.ShouldBe("22");
        }
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountImportCycle")]
    [Upstream("accounts_test.go", "TestAccountReloadServiceImportPanic")]
    public async Task RequestsGoOnThroughReloadsOfServices()
    {
        static string Config(string export, string import) =>
            $$"""
            accounts: {
              CP: { users: [ {user: cp, password: cp} ], exports: [ {service: "q1.>", response_type: Singleton}, {service: "q2.>", response_type: Singleton} {{export}} ] }
              A: { users: [ {user: a, password: a} ], imports: [ {service: {account: CP, subject: "q1.>"} }, {service: {account: CP, subject: "q2.>"} } {{import}} ] }
            }
            """;
        await using var server = await TestServer.FromConfigAsync(Config("", ""));
        await using var cp = await ImportTests.ConnectAsync(server, "cp");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        var requests = await cp.SubscribeAsync("q1.>");
        var answers = await a.SubscribeAsync("q2.inbox");
        await cp.FlushAsync();
        await a.FlushAsync();
        for (var i = 0; i < 30; i++)
        {
            await a.PublishAsync("q1.a", "test", reply: "q2.inbox");
            await cp.PublishAsync((await requests.NextAsync()).Reply!, "reply");
            (await answers.NextAsync()).Text.ShouldBe("reply");
            var more = i % 2 == 0;
            await server.ReloadAsync(TestServer.Parse(Config(more ? ", {service: \"q3.>\"}" : "", more ? ", {service: {account: CP, subject: \"q3.>\"}}" : "")));
        }
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountImportOwnExport")]
    public async Task AnAccountMayImportItsOwnService()
    {
        await using var server = await TestServer.FromConfigAsync(
            "accounts: { A: { exports: [ { service: echo, accounts: [A], latency: { subject: \"latency.echo\" } } ], imports: [ { service: { account: A, subject: echo } } ], users: [ { user: a, pass: a } ] } }");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        var requests = await a.SubscribeAsync("echo");
        await a.FlushAsync();
        var answer = a.RequestAsync("echo", "request");
        await a.PublishAsync((await requests.NextAsync()).Reply!, "me");
        (await answer).Text.ShouldBe("me");
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountServiceAndStreamExportDoubleDelivery")]
    public async Task AStreamAndAServiceOfOneSubjectDoNotDouble()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts: {
              T: { users: [ { user: t, password: t } ], exports: [ { stream: "DW.>" }, { service: "DW.>" } ] }
              G: { users: [ { user: g, password: g } ], imports: [ { stream: { account: T, subject: "DW.>" }, prefix: tenant1 }, { service: { account: T, subject: "DW.>" }, to: "tenant1.DW.>" } ] }
            }
            """);
        await using var tenant = await ImportTests.ConnectAsync(server, "t");
        var all = await tenant.SubscribeAsync(">");
        await tenant.PublishAsync("DW.test.123", "test");
        await tenant.FlushAsync();
        all.Count.ShouldBe(1);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountRequestReplyTrackLatency")]
    [Upstream("service_latency_test.go", "TestServiceLatencyWithName")]
    [Upstream("service_latency_test.go", "TestServiceLatencyRequestorSharesConfig")]
    public async Task AMeasurementNamesBothSides()
    {
        foreach (var share in new[] { false, true })
        {
            await using var server = await ImportTests.StartAsync(
                "exports: [ { service: svc, latency: { sampling: 100%, subject: \"lat.svc\" } } ]", $"imports: [ {{ service: {{ account: A, subject: svc }}, to: req, share: {(share ? "true" : "false")} }} ]");
            await using var a = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "a", Name = "responder" });
            await using var b = await server.ConnectAsync(new TestClientOptions { User = "b", Password = "b", Name = "requestor" });
            var requests = await a.SubscribeAsync("svc");
            var reports = await a.SubscribeAsync("lat.svc");
            await a.FlushAsync();
            var before = TimeProvider.System.GetUtcNow();
            var answer = b.RequestAsync("req", "help");
            var request = await requests.NextAsync();
            var until = Environment.TickCount64 + 60;
            await Wait.Until("some work", () => Environment.TickCount64 > until);
            await a.PublishAsync(request.Reply!, "22");
            await answer;
            var report = JsonDocument.Parse((await reports.NextAsync()).Text).RootElement;
            report.GetProperty("responder").GetProperty("name").GetString().ShouldBe("responder");
            report.GetProperty("requestor").TryGetProperty("name", out _).ShouldBe(share, "others are told only what the requestor shares");
            report.GetProperty("service").GetInt64().ShouldBeGreaterThan(40_000_000);
            report.GetProperty("total").GetInt64().ShouldBeGreaterThanOrEqualTo(report.GetProperty("service").GetInt64());
            report.GetProperty("start").GetDateTimeOffset().ShouldBeInRange(before.AddSeconds(-5), before.AddSeconds(5));
        }
    }

    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencySampling")]
    [Upstream("service_latency_test.go", "TestServiceLatencyNoSubsLeak")]
    public async Task OnlyAShareIsMeasuredAndNothingRemains()
    {
        await using var server = await ImportTests.StartAsync("exports: [ { service: svc, latency: { sampling: 50%, subject: \"lat.svc\" } } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        var reports = await a.SubscribeAsync("lat.svc");
        await a.FlushAsync();
        var answers = await b.SubscribeAsync("inbox");
        await b.FlushAsync();
        var before = server.Accounts.All.Sum(account => account.Subscriptions.Count);
        for (var i = 0; i < 400; i++)
        {
            await b.PublishAsync("svc", reply: "inbox");
            await a.PublishAsync((await requests.NextAsync()).Reply!);
        }
        await Wait.Until("all answers", () => answers.Count == 400);
        await a.FlushAsync();
        reports.Count.ShouldBeInRange(120, 280);
        server.Accounts.Find("A")!.Responses.Count.ShouldBe(0);
        server.Accounts.All.Sum(account => account.Subscriptions.Count).ShouldBe(before);
    }

    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencyFailureReportingSingleServer")]
    [Upstream("service_latency_test.go", "TestServiceLatencyDoubleResponse")]
    [Upstream("service_latency_test.go", "TestServiceLatencyOldRequestStyleSingleServer")]
    public async Task FailuresAreReportedOnceWithTheirStatus()
    {
        await using var server = await ImportTests.StartAsync(
            "exports: [ { service: svc, threshold: \"300ms\", latency: { sampling: 100%, subject: \"lat.svc\" } } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var reports = await a.SubscribeAsync("lat.svc");
        await a.FlushAsync();
        async Task<int> StatusAsync() => JsonDocument.Parse((await reports.NextAsync()).Text).RootElement.GetProperty("status").GetInt32();
        await b.PublishAsync("svc", "no reply subject");
        (await StatusAsync()).ShouldBe(400);
        (await b.RequestAsync("svc")).IsNoResponders.ShouldBeTrue();
        (await StatusAsync()).ShouldBe(503);
        var requests = await a.SubscribeAsync("svc");
        await a.FlushAsync();
        var answers = await b.SubscribeAsync("inbox");
        await b.PublishAsync("svc", "nobody answers in time", reply: "inbox");
        await requests.NextAsync();
        (await StatusAsync()).ShouldBe(504);
        await b.PublishAsync("svc", "twice", reply: "inbox");
        var reply = (await requests.NextAsync()).Reply!;
        await a.PublishAsync(reply, "one");
        await a.PublishAsync(reply, "two");
        (await StatusAsync()).ShouldBe(200);
        await a.FlushAsync();
        await b.FlushAsync();
        (answers.Count, reports.Count).ShouldBe((1, 4));
    }
}
