using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Traces at the borders of accounts: as far as allow_trace lets them go.</summary>
public sealed class MessageTraceImportTests
{
    private const string DisabledHeader = "trace disabled";

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceServiceImport")]
    public async Task ARequestThroughChainedServices(bool allowed, bool only)
    {
        await using var server = await TestServer.FromConfigAsync(Services(!allowed));
        await using var requestor = await MessageTraceTests.ConnectAsync(server, "d");
        await using var a = await MessageTraceTests.ConnectAsync(server, "a", "ServiceA");
        await using var c = await MessageTraceTests.ConnectAsync(server, "c", "ServiceC");
        await server.ReloadAsync(TestServer.Parse(Services(allowed), anyPort: true));
        var events = await requestor.SubscribeAsync(MessageTraceTests.Events);
        var answers = await requestor.SubscribeAsync("my.inbox");
        var requests = new[] { await a.SubscribeAsync("*", "my_queue"), await c.SubscribeAsync("baz") };
        await a.FlushAsync();
        await c.FlushAsync();
        await requestor.PublishAsync("bat", "request", answers.Subject, MessageTraceTests.Asking(only));
        var report = await TraceReport.NextAsync(events);
        TraceReport.Text(report.Ingress, "acc").ShouldBe("D");
        string[] always = ["sm to=baz", "si acc=B from=baz to=bar", "si acc=C from=baz to=baz"];
        string[] beyond = ["si acc=A from=bar to=bozo", "eg kind=0 name=ServiceA acc=A sub=* queue=my_queue", "eg kind=0 name=ServiceC acc=C sub=baz"];
        report.Steps.ShouldBe(allowed ? [.. always, .. beyond] : always, ignoreOrder: true);
        await a.FlushAsync();
        await c.FlushAsync();
        requests.Sum(request => request.Count).ShouldBe(only ? 0 : 2);
        if (!only) await AnswerAsync(requests, [a, c], answers, allowed);
        await requestor.FlushAsync();
        events.TryTake().ShouldBeNull();
        foreach (var name in new[] { "A", "B", "C", "D" }) server.Accounts.Find(name)!.Responses.Count.ShouldBe(0, name);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceStreamExport")]
    public async Task AStreamIntoTwoAccounts(bool allowed, bool only)
    {
        await using var server = await TestServer.FromConfigAsync(Streams(!allowed));
        await using var publisher = await MessageTraceTests.ConnectAsync(server, "a", "Tracer");
        await using var b = await MessageTraceTests.ConnectAsync(server, "b", "sub1");
        await using var c = await MessageTraceTests.ConnectAsync(server, "c", "sub2");
        var messages = new[] { await b.SubscribeAsync("B.info.*.*.>"), await c.SubscribeAsync("C.info.>", "my_queue") };
        await b.FlushAsync();
        await c.FlushAsync();
        await server.ReloadAsync(TestServer.Parse(Streams(allowed), anyPort: true));
        var events = await publisher.SubscribeAsync(MessageTraceTests.Events);
        await publisher.PublishAsync("info.11.22.bar", "hello", headers: MessageTraceTests.Asking(only));
        var report = await TraceReport.NextAsync(events);
        string[] always = ["se acc=B to=B.info.22.11.bar", "se acc=C to=C.info.11.22.bar"];
        string[] beyond = ["eg kind=0 name=sub1 acc=B sub=info.*.*.>", "eg kind=0 name=sub2 acc=C sub=info.*.*.> queue=my_queue"];
        report.Steps.ShouldBe(allowed ? [.. always, .. beyond] : always, ignoreOrder: true);
        await b.FlushAsync();
        await c.FlushAsync();
        messages.Select(message => message.TryTake()?.Subject).ShouldBe(only ? [null, null] : ["B.info.22.11.bar", "C.info.11.22.bar"]);
    }

    [Fact]
    public async Task AnAnswersOwnTraceEndsAtTheBorder()
    {
        await using var server = await TestServer.FromConfigAsync(Services(true));
        await using var requestor = await MessageTraceTests.ConnectAsync(server, "d");
        await using var service = await MessageTraceTests.ConnectAsync(server, "c");
        var events = await service.SubscribeAsync(MessageTraceTests.Events);
        var requests = await service.SubscribeAsync("q");
        var answers = await requestor.SubscribeAsync("my.inbox");
        await requestor.FlushAsync();
        await service.FlushAsync();
        await requestor.PublishAsync("q", "request", answers.Subject);
        var request = await requests.NextAsync();
        await service.PublishAsync(request.Reply!, "answer", headers: MessageTraceTests.Asking(only: false));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe([$"si acc=D from={request.Reply} to=my.inbox"]);
        (await answers.NextAsync()).Headers![MessageTraceTests.TraceHeader].ShouldBe(DisabledHeader);
    }

    private static async Task AnswerAsync(TestSubscription[] requests, TestClient[] services, TestSubscription answers, bool allowed)
    {
        foreach (var (request, service) in requests.Zip(services))
        {
            var message = request.TryTake()!;
            // Where the trace may not go, the message says so to those behind.
            if (!allowed) message.Headers![MessageTraceTests.TraceHeader].ShouldBe(DisabledHeader);
            await service.PublishAsync(message.Reply!, message.Text);
            (await answers.NextAsync()).Text.ShouldBe("request");
        }
    }

    private static string Services(bool allowed)
    {
        var allow = $"allow_trace: {(allowed ? "true" : "false")}";
        return $$"""
            accounts {
              A { users: [ { user: a, password: a } ], exports: [ { service: ">", {{allow}} } ], mappings: { bar: bozo } }
              B { users: [ { user: b, password: b } ], imports: [ { service: { account: A, subject: ">" } } ], exports: [ { service: ">", {{allow}} } ] }
              C { users: [ { user: c, password: c } ], exports: [ { service: ">", {{allow}} } ] }
              D { users: [ { user: d, password: d } ], mappings: { bat: baz }, imports: [
                { service: { account: B, subject: bar }, to: baz }, { service: { account: C, subject: ">" } } ] }
            }
            """;
    }

    private static string Streams(bool allowed)
    {
        var allow = $"allow_trace: {(allowed ? "true" : "false")}";
        return $$"""
            accounts {
              A { users: [ { user: a, password: a } ], exports: [ { stream: "info.*.*.>" } ] }
              B { users: [ { user: b, password: b } ], imports: [ { stream: { account: A, subject: "info.*.*.>" }, to: "B.info.$2.$1.>", {{allow}} } ] }
              C { users: [ { user: c, password: c } ], imports: [ { stream: { account: A, subject: "info.*.*.>" }, to: "C.info.$1.$2.>", {{allow}} } ] }
            }
            """;
    }
}
