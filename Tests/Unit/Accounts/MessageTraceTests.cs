using System.IO.Compression;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>What a server tells of a message that asks for a trace (ADR-41), on one server.</summary>
public sealed class MessageTraceTests
{
    internal const string Events = "my.trace.subj";
    internal const string Parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceBasic")]
    [Upstream("msgtrace_test.go", "TestMsgTraceConnName")]
    public async Task AMappedMessageAndItsReceivers(bool only)
    {
        await using var server = await TestServer.FromConfigAsync("server_name: S1\nmappings: { foo: bar }");
        await using var publisher = await TestClient.ConnectAsync(server.ClientUrl, new TestClientOptions { Name = "pub" });
        await using var receiver = await TestClient.ConnectAsync(server.ClientUrl, new TestClientOptions { Name = "sub1And2" });
        var events = await publisher.SubscribeAsync(Events);
        TestSubscription[] subscriptions = [await receiver.SubscribeAsync("bar"), await receiver.SubscribeAsync("bar"), await receiver.SubscribeAsync("*")];
        await receiver.FlushAsync();
        await publisher.PublishAsync("foo", "hello!", headers: Asking(only, ("App", "some value")));
        var report = await TraceReport.NextAsync(events);
        report.Server.ShouldBe("S1");
        report.Headers.ShouldBe($"App=some value Nats-Trace-Dest={Events}" + (only ? " Nats-Trace-Only=true" : ""));
        report.Size.ShouldBe(6 + Asking(only, ("App", "some value")).ToBytes().Length);
        (report.IngressKind, report.Hops, report.Error).ShouldBe((0, 0, null));
        report.Ingress.GetProperty("cid").GetUInt64().ShouldBe(publisher.Info.GetProperty("client_id").GetUInt64());
        (TraceReport.Text(report.Ingress, "name"), TraceReport.Text(report.Ingress, "acc"), TraceReport.Text(report.Ingress, "subj")).ShouldBe(("pub", "$G", "foo"));
        report.Steps.ShouldBe(["sm to=bar", "eg kind=0 name=sub1And2 sub=bar", "eg kind=0 name=sub1And2 sub=bar", "eg kind=0 name=sub1And2 sub=*"], ignoreOrder: true);
        report.Egresses.ShouldAllBe(egress => egress.GetProperty("cid").GetUInt64() == receiver.Info.GetProperty("client_id").GetUInt64());
        await receiver.FlushAsync();
        foreach (var subscription in subscriptions)
        {
            var message = subscription.TryTake();
            (message is null).ShouldBe(only);
            message?.Headers![TraceHeader].ShouldBe(Events);
        }
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceBasic")]
    public async Task AMessageForNobody()
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientUrl);
        var events = await client.SubscribeAsync(Events);
        await client.PublishAsync("dummy", "hello!", headers: Asking(only: true));
        var report = await TraceReport.NextAsync(events);
        report.Steps.ShouldBeEmpty();
        TraceReport.Text(report.Ingress, "name").ShouldBeNull();
        await client.FlushAsync();
        events.TryTake().ShouldBeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithQueueSub")]
    public async Task OneMemberOfEachQueueGroup(bool only)
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientUrl);
        var events = await client.SubscribeAsync(Events);
        TestSubscription[] members = [await client.SubscribeAsync("foo", "bar"), await client.SubscribeAsync("foo", "bar"), await client.SubscribeAsync("*", "baz")];
        await client.PublishAsync("foo", "hello", headers: Asking(only));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["eg kind=0 sub=foo queue=bar", "eg kind=0 sub=* queue=baz"], ignoreOrder: true);
        await client.FlushAsync();
        members.Sum(member => member.Count).ShouldBe(only ? 0 : 2);
    }

    [Theory]
    [InlineData(true, "bar.baz", null, "Permissions Violation for Publish to \"bar.baz\"")]
    [InlineData(false, "bar.baz", null, "Permissions Violation for Publish to \"bar.baz\"")]
    [InlineData(false, "_GR_.foo", null, "Permissions Violation for Publish to \"_GR_.foo\"")]
    [InlineData(true, "foo", "_R_.bar", "Permissions Violation for Publish with Reply of \"_R_.bar\"")]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressErrors")]
    public async Task WhatIsNotLetInSaysWhy(bool only, string subject, string? reply, string error)
    {
        await using var server = await RestrictedAsync();
        await using var client = await ConnectAsync(server, "a");
        var events = await client.SubscribeAsync(Events);
        await client.SubscribeAsync("foo");
        await client.PublishAsync(subject, "hello", reply, Asking(only));
        var report = await TraceReport.NextAsync(events);
        report.Error.ShouldBe(error);
        report.Steps.ShouldBeEmpty();
        await client.WaitForErrorAsync(error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceEgressErrors")]
    public async Task WhatDoesNotGoOutSaysWhy(bool only)
    {
        await using var server = await RestrictedAsync();
        await using var tracer = await ConnectAsync(server, "a");
        var events = await tracer.SubscribeAsync(Events);
        await tracer.FlushAsync();
        await using var silent = await TestClient.ConnectAsync(server.ClientUrl, new TestClientOptions { User = "a", Password = "a", Echo = false });
        await silent.SubscribeAsync("foo");
        await silent.SubscribeAsync("foo", "q");
        await silent.PublishAsync("foo", headers: Asking(only));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(
            ["eg kind=0 sub=foo error=Not delivered because of no echo", "eg kind=0 sub=foo queue=q error=Not delivered because of no echo"]);
        var denied = await silent.SubscribeAsync("bar.>");
        await tracer.FlushAsync();
        await silent.FlushAsync();
        await tracer.PublishAsync("bar.bat", headers: Asking(only));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["eg kind=0 sub=bar.> error=Not delivered because subscription denies this subject"]);
        server.Accounts.Find("A")!.Subscriptions.Match("bar.bar"u8).Plain.ShouldHaveSingleItem().Close();
        await tracer.PublishAsync("bar.bar", headers: Asking(only));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["eg kind=0 sub=bar.> error=Not delivered because subscription is closed"]);
        denied.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceEgressErrors")]
    public async Task AnEndedSubscriptionSaysSo()
    {
        await using var server = await RestrictedAsync();
        await using var tracer = await ConnectAsync(server, "a");
        await using var receiver = await ConnectAsync(server, "a");
        var events = await tracer.SubscribeAsync(Events);
        var messages = await receiver.SubscribeAsync("foo");
        await messages.UnsubscribeAsync(max: 10);
        await receiver.FlushAsync();
        server.Accounts.Find("A")!.Subscriptions.Match("foo"u8).Plain.ShouldHaveSingleItem().Delivered = 20;
        await tracer.PublishAsync("foo", headers: Asking(only: false));
        // The try removes the subscription; which of the two the trace meets is a matter of threads.
        (await TraceReport.NextAsync(events)).Steps.ShouldHaveSingleItem().ShouldBeOneOf(
            "eg kind=0 sub=foo error=Not delivered because auto-unsubscribe exceeded",
            "eg kind=0 sub=foo error=Not delivered because subscription is closed");
    }

    [Theory]
    [InlineData(true, Events, false)]
    [InlineData(false, Events, false)]
    [InlineData(true, Events, true)]
    [InlineData(false, "_GR_.trace", false)]
    [InlineData(true, "$NRG.trace", false)]
    [InlineData(false, "$NRG.trace", true)]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressRequiresPublishPermissionForTraceDest")]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressRejectsReservedTraceDest")]
    public async Task WhoMayNotPublishToTheDestinationPublishesNothing(bool only, string destination, bool external)
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            accounts { A {
              users: [ { user: tracer, password: tracer }, { user: pub, password: pub, permissions: { publish: [ "foo" ] } } ]
              {{(external ? $"trace_dest: \"{destination}\"" : "")}}
            } }
            """);
        await using var tracer = await ConnectAsync(server, "tracer");
        var all = await tracer.SubscribeAsync(">");
        await tracer.FlushAsync();
        foreach (var user in destination == Events ? ["pub"] : new[] { "pub", "tracer" })
        {
            await using var publisher = await ConnectAsync(server, user);
            var headers = TestHeaders.Of(external ? ("traceparent", Parent) : (TraceHeader, destination), ("Nats-Trace-Only", only ? "true" : "false"));
            await publisher.PublishAsync("foo", "hello", headers: headers);
            await publisher.WaitForErrorAsync($"Permissions Violation for Publish to \"{destination}\"");
            await publisher.FlushAsync();
        }
        await tracer.FlushAsync();
        all.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("foo.*")]
    [InlineData("foo..bar")]
    public async Task ABadDestinationTracesNothing(string destination)
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientUrl);
        var all = await client.SubscribeAsync(">");
        await client.PublishAsync("foo", "delivered", headers: TestHeaders.Of((TraceHeader, destination)));
        await client.PublishAsync("foo", "dropped", headers: TestHeaders.Of((TraceHeader, destination), ("Nats-Trace-Only", "1")));
        await client.FlushAsync();
        (await all.NextAsync()).Text.ShouldBe("delivered");
        all.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [Upstream("msgtrace_test.go", "TestMsgTraceRejectsOriginAccountHeader")]
    public async Task TheOldHeaderOfServersSwitchesTracingOff(bool external, bool only)
    {
        var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Parse($"accounts {{ A {{ users: [ {{ user: a, password: a }} ], trace_dest: \"{Events}\" }} }}"), log);
        await using var client = await ConnectAsync(server, "a");
        var events = await client.SubscribeAsync(Events);
        var messages = await client.SubscribeAsync("foo.>");
        await client.PublishAsync("foo.bar", "hello", headers: TestHeaders.Of(
            ("Nats-Trace-Origin-Account", "B"), external ? ("traceparent", Parent) : (TraceHeader, Events), ("Nats-Trace-Only", only ? "on" : "no")));
        await client.FlushAsync();
        events.Count.ShouldBe(0);
        messages.Count.ShouldBe(only && !external ? 0 : 1);
        messages.TryTake()?.Headers![TraceHeader].ShouldBe("trace disabled");
        log.Contains("Message tracing disabled because of header \"Nats-Trace-Origin-Account\" with value=\"B\"").ShouldBeTrue();
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("Snappy", "snappy")]
    [InlineData("s2", "snappy")]
    [InlineData("zstd", "identity")]
    [InlineData(null, null)]
    [Upstream("msgtrace_test.go", "TestMsgTraceWithCompression")]
    public async Task EventsAreEncodedAsAsked(string? accepted, string? encoding)
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientUrl);
        var events = await client.SubscribeAsync(Events);
        await client.PublishAsync("foo", headers: accepted is null ? Asking(only: true) : Asking(only: true, ("Accept-Encoding", accepted)));
        var message = await events.NextAsync();
        message.Headers?["Content-Encoding"].ShouldBe(encoding);
        (message.Headers is null).ShouldBe(encoding is null);
        if (encoding == "snappy") message.Payload.AsSpan(4, 6).SequenceEqual("sNaPpY"u8).ShouldBeTrue();
        var json = encoding switch
        {
            "gzip" => Inflate(message.Payload),
            "snappy" => S2Decoder.DecodeAll(message.Payload, 1 << 20),
            _ => message.Payload,
        };
        TraceReport.Parse(json).Server.ShouldBe(server.Name);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressMaxPayloadError")]
    public async Task AMessageThatIsTooLargeIsToldOf(bool only)
    {
        await using var server = await TestServer.FromConfigAsync("max_payload: 1024");
        await using var tracer = await TestClient.ConnectAsync(server.ClientUrl);
        var events = await tracer.SubscribeAsync(Events);
        await tracer.FlushAsync();
        using var raw = await RawClient.OpenAsync(server.ClientEndPoint!);
        var header = $"NATS/1.0\r\n{TraceHeader}:{Events}\r\n{(only ? "Nats-Trace-Only:true\r\n" : "")}\r\n";
        await raw.SendAsync($"HPUB foo {header.Length} 2048\r\n{header}AAAAAAAAAAAAAAAA");
        var report = await TraceReport.NextAsync(events);
        report.Error.ShouldBe("maximum payload exceeded");
        (report.Steps.Length, report.Size).ShouldBe((0, 2048));
        (await raw.ReadToCloseAsync()).ShouldContain("Maximum Payload Violation");
    }

    [Theory]
    [InlineData("", "NATS/1.0\r\n", "AA\r\nNats-Trace-Dest:my.trace.subj\r\n")]
    [InlineData("\"user\":\"pub\",\"pass\":\"pub\",", "NATS/1.0\r\nNats-Trace-Dest:my.trace.subj\r\n\r\n", "AAAA")]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressMaxPayloadErrorDoesNotScanPayloadForTraceDest")]
    [Upstream("msgtrace_test.go", "TestMsgTraceIngressMaxPayloadErrorRequiresPublishPermissionForTraceDest")]
    public async Task ATooLargeMessageAsksInItsHeadersAndWithPermission(string user, string header, string payload)
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            max_payload: 1024
            no_auth_user: tracer
            accounts { A { users: [ { user: tracer, password: tracer }, { user: pub, password: pub, permissions: { publish: [ "foo" ] } } ] } }
            """);
        await using var tracer = await ConnectAsync(server, "tracer");
        var events = await tracer.SubscribeAsync(Events);
        await tracer.FlushAsync();
        using var raw = await RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,{user}\"protocol\":1,\"headers\":true,\"no_responders\":true}}\r\n");
        await raw.SendAsync($"HPUB foo {header.Length} 2048\r\n{header}{payload}");
        (await raw.ReadToCloseAsync()).ShouldContain("Maximum Payload Violation");
        await tracer.FlushAsync();
        events.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData("", null, 0)]
    [InlineData("msg_trace: { sampling: 50 }", null, 0)]
    [InlineData("msg_trace: { dest: foo }", "foo", 100)]
    [InlineData("msg_trace: { dest: foo, sampling: 20 }", "foo", 20)]
    [InlineData("msg_trace: { dest: foo, sampling: 50% }", "foo", 50)]
    [InlineData("trace_dest: foo", "foo", 100)]
    [Upstream("msgtrace_test.go", "TestMsgTraceParseAccountDestWithSampling")]
    public void TheAccountsDestinationIsRead(string text, string? destination, int sampling)
    {
        var account = TestServer.Parse($"accounts {{ A {{ users: [ {{ user: a, password: a }} ]\n {text}\n }} }}").Accounts.ShouldHaveSingleItem();
        (account.TraceDestination, account.TraceSampling).ShouldBe((destination, sampling));
        UnsupportedOptions.Find(TestServer.Options with { Accounts = [account] }).ShouldBeEmpty();
    }

    internal const string TraceHeader = "Nats-Trace-Dest";

    internal static TestHeaders Asking(bool only, params (string, string)[] others) =>
        TestHeaders.Of([.. others, (TraceHeader, Events), .. only ? [("Nats-Trace-Only", "true")] : Array.Empty<(string, string)>()]);

    internal static Task<TestClient> ConnectAsync(NatsServer server, string user, string? name = null) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user, Name = name });

    private static Task<NatsServer> RestrictedAsync() => TestServer.FromConfigAsync(
        """
        accounts { A { users: [ { user: a, password: a, permissions {
          subscribe: { allow: [ "my.trace.subj", "foo", "bar.>" ], deny: "bar.bat" }
          publish: { allow: [ "foo", "bar.>", "my.trace.subj" ], deny: [ "bar.baz" ] }
        } } ] } }
        """);

    private static byte[] Inflate(byte[] data)
    {
        using var gzip = new GZipStream(new MemoryStream(data), CompressionMode.Decompress);
        using var output = new MemoryStream();
        gzip.CopyTo(output);
        return output.ToArray();
    }
}
