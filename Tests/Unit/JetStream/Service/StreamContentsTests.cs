using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What streams hold, read by sequence, subject and time; purged and counted by subject.</summary>
public sealed class StreamContentsTests
{
    public static TheoryData<string> Storages => ["memory", "file"];

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamStreamInfoSubjectsDetails")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamInfoSubjectsDetailsWithDeleteAndPurge")]
    [Upstream("jetstream_test.go", "TestJetStreamMemoryPurgeClearsSubjectsState")]
    public async Task SubjectsAreCounted(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["*"],"storage":"{{storage}}"}""");
        foreach (var subject in new[] { "foo", "foo", "bar", "baz", "baz", "bar", "bar" }) await server.PublishAsync(subject, "ok");
        await ExpectAsync(">", "bar 3, baz 2, foo 2", 3);
        await ExpectAsync("*", "bar 3, baz 2, foo 2", 3);
        await ExpectAsync("foo", "foo 2", 3);
        await server.AskAsync("STREAM.MSG.DELETE.TEST", """{"seq":6}""");
        await ExpectAsync(">", "bar 2, baz 2, foo 2", 3);
        await server.AskAsync("STREAM.MSG.DELETE.TEST", """{"seq":5}""");
        await server.PublishAsync("baz", "ok");
        await ExpectAsync(">", "bar 2, baz 2, foo 2", 3);
        await server.AskAsync("STREAM.PURGE.TEST", """{"filter":"bar"}""");
        await ExpectAsync(">", "baz 2, foo 2", 2);
        if (storage == "file")
        {
            await server.RestartAsync();
            await ExpectAsync(">", "baz 2, foo 2", 2);
        }
        await server.AskAsync("STREAM.PURGE.TEST", """{"seq":100}""");
        await ExpectAsync(">", "", 0);

        async Task ExpectAsync(string filter, string expected, int all)
        {
            var state = await server.StateAsync("TEST", $$"""{"subjects_filter":"{{filter}}"}""");
            var subjects = state.TryGetProperty("subjects", out var told) ? told.EnumerateObject().Select(one => $"{one.Name} {one.Value}").Order(StringComparer.Ordinal).ToArray() : [];
            string.Join(", ", subjects).ShouldBe(expected);
            (state.TryGetProperty("num_subjects", out var number) ? number.GetInt32() : 0).ShouldBe(all);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamDirectMsgGet")]
    [Upstream("jetstream_test.go", "TestJetStreamDirectMsgGetNext")]
    public async Task DirectGetsFindTheLastAndTheNext()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"DSMG","storage":"memory","subjects":["foo","bar","baz"],"allow_direct":true}""");
        string[] subjects = ["foo", .. Enumerable.Repeat("bar", 10), .. Enumerable.Repeat("baz", 10), "foo"];
        foreach (var subject in subjects) await server.PublishAsync(subject, subject);
        foreach (var (request, sequence, subject) in new[]
        {
            ("\"last_by_subj\":\"foo\"", 22, "foo"), ("\"last_by_subj\":\"bar\"", 11, "bar"), ("\"last_by_subj\":\"baz\"", 21, "baz"),
            ("\"seq\":0,\"next_by_subj\":\"foo\"", 1, "foo"), ("\"seq\":1,\"next_by_subj\":\"foo\"", 1, "foo"), ("\"seq\":2,\"next_by_subj\":\"foo\"", 22, "foo"),
            ("\"seq\":2,\"next_by_subj\":\"bar\"", 2, "bar"), ("\"seq\":5,\"next_by_subj\":\"baz\"", 12, "baz"), ("\"seq\":14,\"next_by_subj\":\"baz\"", 14, "baz"),
        })
        {
            var message = await server.Client.RequestAsync("$JS.API.DIRECT.GET.DSMG", $"{{{request}}}");
            var headers = message.Headers!;
            (message.Text, headers["Nats-Stream"], headers["Nats-Sequence"], headers["Nats-Subject"]).ShouldBe((subject, "DSMG", $"{sequence}", subject));
            headers["Nats-Time-Stamp"].ShouldNotBeNullOrEmpty();
        }
        foreach (var (request, status) in new[]
        {
            ("", "408 Empty Request"), ("{}", "408 Empty Request"), ("""{"seq":1,"last_by_subj":"foo"}""", "408 Bad Request"),
            ("""{"last_by_subj":"foobar"}""", "404 Message Not Found"), ("""{"seq":2222}""", "404 Message Not Found"),
        })
        {
            var message = await server.Client.RequestAsync("$JS.API.DIRECT.GET.DSMG", request);
            (message.Headers!.Status, message.Payload.Length).ShouldBe((status, 0), request);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamDirectGetMultiMaxAllowed")]
    [Upstream("jetstream_test.go", "TestJetStreamAllowDirectAfterUpdate")]
    public async Task DirectGetsComeAndGoWithAnUpdate()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.*"]}""");
        for (var i = 1; i < 1025; i++) await server.Client.PublishAsync($"foo.{i}", "OK");
        await server.PublishAsync("foo.1025", "OK");
        (await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST", """{"seq":1}""")).IsNoResponders.ShouldBeTrue();
        (await server.TryUpdateAsync("""{"name":"TEST","subjects":["foo.*"],"allow_direct":true}""")).ShouldBe(0);
        (await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST", """{"seq":1}""")).Text.ShouldBe("OK");
        var many = await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST", """{"seq":1,"multi_last":["foo.*"]}""");
        (many.Headers!.Status, many.Payload.Length).ShouldBe(("413 Too Many Results", 0));
        (await server.TryUpdateAsync("""{"name":"TEST","subjects":["foo.*"],"allow_direct":false}""")).ShouldBe(0);
        (await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST", """{"seq":1}""")).IsNoResponders.ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMsgGetAsOfTime")]
    public async Task AMessageIsFoundByItsTime()
    {
        const int bad = 10003, none = 10037;
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.*"],"allow_direct":true}""");
        var before = Now();
        await ExpectAsync($$"""{"start_time":"{{before}}","last_by_subj":"foo.1"}""", 0, bad);
        await ExpectAsync($$"""{"start_time":"{{before}}","seq":1}""", 0, bad);
        await ExpectAsync($$"""{"start_time":"{{before}}"}""", 0, none);
        await server.PublishAsync("foo.1");
        await ExpectAsync($$"""{"start_time":"{{before}}"}""", 1, 0);
        var between = Now();
        await server.PublishAsync("foo.2");
        await ExpectAsync($$"""{"start_time":"{{before}}"}""", 1, 0);
        await ExpectAsync($$"""{"start_time":"{{before}}","next_by_subj":"foo.2"}""", 2, 0);
        await ExpectAsync($$"""{"start_time":"{{between}}"}""", 2, 0);
        await ExpectAsync($$"""{"start_time":"{{Now()}}"}""", 0, none);

        static string Now() => TimeProvider.System.GetUtcNow().ToString("O");

        async Task ExpectAsync(string request, int sequence, int error)
        {
            var answer = await server.AskAsync("STREAM.MSG.GET.TEST", request);
            StreamServer.ErrorOf(answer).ShouldBe(error, request);
            if (error == 0) answer.GetProperty("message").GetProperty("seq").GetInt32().ShouldBe(sequence, request);
        }
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamPurgeExAndAccounting")]
    public async Task WhatIsPurgedIsUsedNoMore(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["*"],"storage":"{{storage}}"}""");
        await server.PublishManyAsync("foo", 100, "accounting");
        await server.PublishManyAsync("bar", 100, "accounting");
        var used = await UsedAsync();
        await server.AskAsync("STREAM.PURGE.TEST", """{"filter":"foo"}""");
        (await UsedAsync()).ShouldBe(used / 2);

        async Task<long> UsedAsync() => (await server.AskAsync("INFO")).GetProperty(storage == "memory" ? "memory" : "storage").GetInt64();
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamPurgeExSeqSimple")]
    [Upstream("jetstream_test.go", "TestJetStreamPurgeExSeqInInteriorDeleteGap")]
    public async Task APurgeUpToASequenceLeavesNoHoles(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["test.*"],"storage":"{{storage}}"}""");
        var payload = new string('x', 1024);
        await server.PublishManyAsync("test.start", 1, payload);
        await server.PublishManyAsync("test.mid", 10_000, payload);
        await server.PublishManyAsync("test.end", 1, payload);
        await server.AskAsync("STREAM.PURGE.TEST", """{"filter":"test.mid"}""");
        (await StateAsync()).ShouldBe((2, 10_000, 1, 10_002));
        await server.AskAsync("STREAM.PURGE.TEST", """{"filter":">","seq":5000}""");
        (await StateAsync()).ShouldBe((1, 0, 10_002, 10_002));
        await server.PublishManyAsync("test.mid", 10_000, payload);
        await server.AskAsync("STREAM.PURGE.TEST", """{"seq":19000}""");
        (await StateAsync()).ShouldBe((1003, 0, 19_000, 20_002));

        async Task<(int, int, int, int)> StateAsync()
        {
            var state = await server.StateAsync("TEST");
            var deleted = state.TryGetProperty("num_deleted", out var number) ? number.GetInt32() : 0;
            return (state.GetProperty("messages").GetInt32(), deleted, state.GetProperty("first_seq").GetInt32(), state.GetProperty("last_seq").GetInt32());
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMsgIDHeaderCollision")]
    public async Task OnlyTheHeaderItselfIsAnId()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["ORDERS.*"]}""");
        (string, string)[][] headers =
        [
            [("Nats-Msg-Id", "1")], [("Orig-Nats-Msg-Id", "1")], [("Original-Nats-Msg-Id", "1")],
            [("Original-Nats-Msg-Id", "1"), ("Really-Original-Nats-Msg-Id", "1")], [("X", "Nats-Msg-Id:1")],
        ];
        foreach (var block in headers) (await server.PublishAsync("ORDERS.test", "ok", block)).TryGetProperty("duplicate", out _).ShouldBeFalse();
        (await server.EndsAsync("TEST")).Messages.ShouldBe(5UL);
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamMaxMsgsPerSubjectWithDiscardNew")]
    [Upstream("jetstream_test.go", "TestJetStreamMessagePerSubjectKeepBug")]
    public async Task ASubjectsOldestMakesRoomForItsNewest(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        foreach (var keep in new[] { 10, 1 })
        {
            await server.CreateAsync($$"""{"name":"KEEP{{keep}}","max_msgs_per_subject":{{keep}},"storage":"{{storage}}"}""");
            await server.PublishManyAsync($"KEEP{keep}", 100, "test");
            (await server.EndsAsync($"KEEP{keep}")).ShouldBe(((ulong)keep, 101 - (ulong)keep, 100UL));
        }
        await server.CreateAsync($$"""{"name":"TEST","subjects":["foo","bar","baz","x"],"discard":"new","max_msgs_per_subject":4,"max_msgs":10,"max_bytes":500,"storage":"{{storage}}"}""");
        foreach (var (subject, count, expected) in new[] { ("foo", 1, 1), ("foo", 4, 4), ("bar", 8, 8), ("baz", 2, 10), ("foo", 1, 10), ("bar", 1, 10) })
        {
            for (var i = 0; i < count; i++) StreamServer.ErrorOf(await server.PublishAsync(subject, "TSLA")).ShouldBe(0, subject);
            (await server.EndsAsync("TEST")).Messages.ShouldBe((ulong)expected);
        }
        StreamServer.ErrorOf(await server.PublishAsync("bar", new string('X', 300))).ShouldBe(10077);
        StreamServer.ErrorOf(await server.PublishAsync("x", "XX")).ShouldBe(10077);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPublishExpectNoMsg")]
    public async Task ASubjectWithoutMessagesStandsAtZero()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"KV","subjects":["KV.>"],"max_msgs_per_subject":5}""");
        StreamServer.ErrorOf(await server.PublishAsync("KV.22", "hello world")).ShouldBe(0);
        StreamServer.ErrorOf(await server.PublishAsync("KV.33", "", ("Nats-Expected-Last-Subject-Sequence", "0"))).ShouldBe(0);
        StreamServer.ErrorOf(await server.PublishAsync("KV.22", "", ("Nats-Expected-Last-Subject-Sequence", "0"))).ShouldBe(10071);
        await server.AskAsync("STREAM.PURGE.KV");
        StreamServer.ErrorOf(await server.PublishAsync("KV.22", "", ("Nats-Expected-Last-Subject-Sequence", "0"))).ShouldBe(0);
    }
}
