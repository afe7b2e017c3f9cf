using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Measurements of services on one server: what asks for them, their order, and what is no part of them.</summary>
public sealed class LatencyTests
{
    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencyAdjustNegativeLatencyValues")]
    public async Task NothingTakesLessThanNoTime()
    {
        await using var server = await ImportTests.StartAsync("exports: [ { service: svc, latency: { sampling: 100%, subject: lat } } ]", "imports: [ { service: { account: A, subject: svc } } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        var requests = await a.SubscribeAsync("svc");
        var reports = await a.SubscribeAsync("lat");
        await a.FlushAsync();
        for (var i = 0; i < 50; i++)
        {
            var answer = b.RequestAsync("svc");
            await a.PublishAsync((await requests.NextAsync()).Reply!, "22 msgs");
            await answer;
            var report = await ReportAsync(reports);
            foreach (var key in new[] { "service", "system", "total" }) report.GetProperty(key).GetInt64().ShouldBeGreaterThanOrEqualTo(0, key);
        }
    }

    [Fact]
    [Upstream("service_latency_test.go", "TestServiceLatencyLossTest")]
    public async Task ALostRequestIsReportedBehindALaterOneThatWasAnswered()
    {
        await using var server = await StartAsync("threshold: \"500ms\"", share: true);
        await using var responder = await ImportTests.ConnectAsync(server, "svc");
        await using var requestor = await ImportTests.ConnectAsync(server, "client");
        var reports = await responder.SubscribeAsync("latency.svc");
        var requests = await responder.SubscribeAsync("svc.echo");
        await responder.FlushAsync();
        var answers = await requestor.SubscribeAsync("inbox");
        var sampled = TestHeaders.Of(("X-B3-Sampled", "1"));
        await requestor.PublishAsync("SVC", "lost", reply: "inbox", headers: sampled);
        (await requests.NextAsync()).Text.ShouldBe("lost");
        var until = Environment.TickCount64 + 50;
        await Wait.Until("a moment", () => Environment.TickCount64 > until);
        await requestor.PublishAsync("SVC", "answered", reply: "inbox", headers: sampled);
        await responder.PublishAsync((await requests.NextAsync()).Reply!, "response");
        var answered = await ReportAsync(reports);
        var lost = await ReportAsync(reports);
        (answered.GetProperty("status").GetInt32(), lost.GetProperty("status").GetInt32()).ShouldBe((200, 504));
        lost.GetProperty("start").GetDateTimeOffset().ShouldBeLessThan(answered.GetProperty("start").GetDateTimeOffset());
        foreach (var report in new[] { answered, lost }) report.GetProperty("header").GetProperty("X-B3-Sampled")[0].GetString().ShouldBe("1");
        await requestor.FlushAsync();
        answers.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(true, "Uber-Trace-Id=479fefe9525eddb:479fefe9525eddb:0:1")]
    [InlineData(true, "X-B3-Sampled=1")]
    [InlineData(true, "X-B3-TraceId=80f198ee56343ba864fe8b2a57d3eff7")]
    [InlineData(true, "B3=80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90")]
    [InlineData(true, "Traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData(false, "X-B3-TraceId=80f198ee56343ba864fe8b2a57d3eff7|X-B3-ParentSpanId=05e3ac9a4f6e3b90|X-B3-SpanId=e457b5a2e4d86bd1|X-B3-Sampled=1")]
    [InlineData(false, "X-B3-TraceId=80f198ee56343ba864fe8b2a57d3eff7|X-B3-ParentSpanId=05e3ac9a4f6e3b90|X-B3-SpanId=e457b5a2e4d86bd1")]
    [InlineData(false, "Uber-Trace-Id=479fefe9525eddb:479fefe9525eddb:0:1|Uberctx-X=foo")]
    [InlineData(false, "Traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01|Tracestate=rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")]
    [Upstream("service_latency_test.go", "TestServiceLatencyHeaderTriggered")]
    public async Task HeadersThatAskForAReportAreInIt(bool share, string headers)
    {
        var asking = headers.Split('|').Select(header => header.Split('=', 2)).Select(pair => (pair[0], pair[1])).ToArray();
        var all = TestHeaders.Of([.. asking, ("Some-Other", "value")]);
        await using var server = await StartAsync("", share);
        await using var responder = await ImportTests.ConnectAsync(server, "svc");
        await using var requestor = await ImportTests.ConnectAsync(server, "client");
        var reports = await responder.SubscribeAsync("latency.svc");
        var requests = await responder.SubscribeAsync("svc.echo");
        await responder.FlushAsync();
        var answer = requestor.RequestAsync("SVC", "1h", all);
        await responder.PublishAsync((await requests.NextAsync()).Reply!, "world");
        await answer;
        Check(await ReportAsync(reports), 200);
        await requests.UnsubscribeAsync();
        await responder.FlushAsync();
        (await requestor.RequestAsync("SVC", "1h", all)).IsNoResponders.ShouldBeTrue();
        Check(await ReportAsync(reports), 503);
        await requestor.PublishAsync("SVC", "1h", headers: all);
        Check(await ReportAsync(reports), 400);

        void Check(JsonElement report, int status)
        {
            report.GetProperty("status").GetInt32().ShouldBe(status);
            var told = report.GetProperty("header");
            told.TryGetProperty("Some-Other", out _).ShouldBeFalse();
            foreach (var (name, value) in asking) told.GetProperty(name)[0].GetString().ShouldBe(value);
            report.GetProperty("requestor").TryGetProperty("user", out var user).ShouldBe(share);
            if (share) user.GetString().ShouldBe("client");
            if (status == 200) report.GetProperty("responder").GetProperty("user").GetString().ShouldBe("svc");
        }
    }

    [Fact]
    [Upstream("service_latency_test.go", "TestServiceAndStreamStackOverflow")]
    public async Task AStreamOfEverythingBesideAServiceMakesNoCircle()
    {
        await using var server = await ImportTests.StartAsync(
            "exports: [ { stream: \">\" }, { service: my.service } ]", "imports: [ { stream: { subject: \">\", account: A } }, { service: { subject: my.service, account: A } } ]");
        await using var a = await ImportTests.ConnectAsync(server, "a");
        await using var b = await ImportTests.ConnectAsync(server, "b");
        foreach (var (queue, besides) in new[] { ((string?)null, false), ("prod", false), ("prod", true) })
        {
            var requests = await a.SubscribeAsync("my.service", queue);
            await a.FlushAsync();
            if (besides) await b.SubscribeAsync("my.service", queue);
            await b.PublishAsync("my.service", "hi", reply: "foo");
            await b.FlushAsync();
            (await requests.NextAsync()).Text.ShouldBe("hi");
            await a.FlushAsync();
            requests.Count.ShouldBe(1);
            await requests.UnsubscribeAsync();
        }
    }

    private static async Task<JsonElement> ReportAsync(TestSubscription reports) => JsonDocument.Parse((await reports.NextAsync()).Text).RootElement;

    private static Task<NatsServer> StartAsync(string export, bool share) => TestServer.FromConfigAsync(
        $$"""
        accounts {
          SVC { users: [ { user: svc, password: svc } ], exports: [ { service: svc.echo, accounts: [ CLIENT ], {{export}}
            latency: { sampling: headers, subject: latency.svc } } ] }
          CLIENT { users: [ { user: client, password: client } ], imports: [ { service: { account: SVC, subject: svc.echo }, to: SVC, share: {{(share ? "true" : "false")}} } ] }
        }
        """);
}
