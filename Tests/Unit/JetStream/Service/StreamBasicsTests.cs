using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Streams as clients see them: made, published to, limited, changed.</summary>
public sealed class StreamBasicsTests
{
    public static TheoryData<string> Storages => ["memory", "file"];

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamAddStream")]
    [Upstream("jetstream_test.go", "TestJetStreamBasicAckPublish")]
    [Upstream("jetstream_test.go", "TestJetStreamPubAck")]
    [Upstream("jetstream_test.go", "TestJetStreamStateTimestamps")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamPurge")]
    public async Task MessagesAreCountedAndNumbered(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        var start = TimeProvider.System.GetUtcNow();
        await server.CreateAsync($$"""{"name":"foo","storage":"{{storage}}","retention":"limits","max_age":3600000000000}""");
        for (var i = 1; i <= 1000; i++)
        {
            var ack = await server.PublishAsync("foo", "HELLO");
            (ack.GetProperty("stream").GetString(), ack.GetProperty("seq").GetInt32()).ShouldBe(("foo", i));
        }
        var state = await server.StateAsync("foo");
        (state.GetProperty("messages").GetInt32(), state.GetProperty("bytes").GetInt64() > 0).ShouldBe((1000, true));
        var (first, last) = Times(state);
        first.ShouldBeGreaterThanOrEqualTo(start);
        last.ShouldBeGreaterThan(first);
        (await server.AskAsync("STREAM.PURGE.foo")).GetProperty("purged").GetInt32().ShouldBe(1000);
        state = await server.StateAsync("foo");
        (state.GetProperty("messages").GetInt32(), state.GetProperty("bytes").GetInt64(), Times(state).First.Year).ShouldBe((0, 0L, 1));
        await server.PublishAsync("foo", "again");
        (first, var only) = Times(await server.StateAsync("foo"));
        (only, first > last).ShouldBe((first, true));
        (await server.AskAsync("STREAM.DELETE.foo")).GetProperty("success").GetBoolean().ShouldBeTrue();
        (await server.Client.RequestAsync("foo")).IsNoResponders.ShouldBeTrue();
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamDiscardNew")]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamMaxMsgSize")]
    public async Task WhatIsTooMuchIsRefused(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"foo","max_msgs":10,"max_bytes":4096,"discard":"new","storage":"{{storage}}"}""");
        for (var i = 1; i <= 10; i++) (await server.PublishAsync("foo", $"MSG: {i}")).GetProperty("seq").GetInt32().ShouldBe(i);
        await ExpectAsync("foo", "discard me", "maximum messages exceeded");
        await server.AskAsync("STREAM.PURGE.foo");
        await ExpectAsync("foo", new string('x', 8192), "maximum bytes exceeded");
        await server.CreateAsync($$"""{"name":"small","max_msg_size":22,"storage":"{{storage}}"}""");
        StreamServer.ErrorOf(await server.PublishAsync("small", "Hello World!")).ShouldBe(0);
        await ExpectAsync("small", "1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZ", "message size exceeds maximum allowed");

        async Task ExpectAsync(string subject, string payload, string error)
        {
            var answer = await server.PublishAsync(subject, payload);
            (answer.GetProperty("error").GetProperty("description").GetString(), answer.GetProperty("stream").GetString()).ShouldBe((error, subject));
        }
    }

    [Theory]
    [InlineData("foo.bar")]
    [InlineData("foo.bar.")]
    [InlineData("foo.*")]
    [InlineData("foo.>")]
    [InlineData("*")]
    [InlineData(">")]
    [InlineData("*>")]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamCanonicalNames")]
    public async Task ANameIsOneToken(string name)
    {
        await using var server = await StreamServer.StartAsync();
        // The subject must be one that reaches the request; the name in it is what counts.
        var answer = await server.AskAsync("STREAM.CREATE.X", $$"""{"name":"{{name}}"}""");
        StreamServer.ErrorOf(answer).ShouldNotBe(0);
        (await server.AskAsync("STREAM.NAMES")).GetProperty("total").GetInt32().ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamNoAckStream")]
    [Upstream("jetstream_test.go", "TestJetStreamLimitLockBug")]
    public async Task NoAcknowledgementAndALimit(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"foo","no_ack":true,"max_msgs":10,"storage":"{{storage}}"}""");
        var inbox = await server.Client.SubscribeAsync("inbox");
        for (var i = 0; i < 100; i++) await server.Client.PublishAsync("foo", "ok", "inbox");
        await server.Client.FlushAsync();
        await Wait.Until("all are stored", async () => await server.EndsAsync("foo") == (10, 91, 100));
        inbox.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPublishExpect")]
    public async Task ExpectationsHoldOverARestart()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"EXPECT","subjects":["foo.*"],"max_age":3600000000000}""");
        StreamServer.ErrorOf(await server.PublishAsync("foo.bar", "HELLO", ("Nats-Expected-Stream", "EXPECT"))).ShouldBe(0);
        StreamServer.ErrorOf(await server.PublishAsync("foo.bar", "HELLO", ("Nats-Expected-Stream", "ORDERS"))).ShouldBe(10060);
        foreach (var wrong in new[] { "10", "0" })
        {
            StreamServer.ErrorOf(await server.PublishAsync("foo.bar", "HELLO", ("Nats-Expected-Stream", "EXPECT"), ("Nats-Expected-Last-Sequence", wrong))).ShouldBe(10071);
        }
        StreamServer.ErrorOf(await server.PublishAsync("foo.bar", "HELLO", ("Nats-Msg-Id", "AAA"))).ShouldBe(0);
        StreamServer.ErrorOf(await server.PublishAsync("foo.bar", "HELLO", ("Nats-Msg-Id", "ZZZ"), ("Nats-Expected-Last-Msg-Id", "BBB"))).ShouldBe(10070);
        await server.RestartAsync();
        StreamServer.ErrorOf(await server.PublishAsync("foo.baz", "HELLO AGAIN", ("Nats-Expected-Last-Sequence", "2"), ("Nats-Expected-Last-Msg-Id", "AAA"), ("Nats-Msg-Id", "BBB"))).ShouldBe(0);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPublishDeDupe")]
    public async Task AMessageWithAnIdIsStoredOnce()
    {
        await using var server = await StreamServer.StartAsync();
        const string hour = "3600000000000";
        string Config(string window) => $$"""{"name":"DeDupe","subjects":["foo.*"],"max_age":{{hour}},"duplicate_window":{{window}}}""";
        var made = await server.CreateAsync($$"""{"name":"DeDupe","subjects":["foo.*"],"max_age":{{hour}}}""");
        made.GetProperty("config").GetProperty("duplicate_window").GetInt64().ShouldBe(120_000_000_000);
        (await server.TryUpdateAsync(Config("-25000000"))).ShouldNotBe(0);
        (await server.TryUpdateAsync(Config("7200000000000"))).ShouldNotBe(0);
        foreach (var (sequence, id) in new[] { (1, "AA"), (2, "BB"), (3, "CC"), (4, "ZZ"), (1, "AA"), (2, "BB"), (4, "ZZ") }) await SendAsync(sequence, id);
        (await server.EndsAsync("DeDupe")).Messages.ShouldBe(4UL);
        (await server.TryUpdateAsync(Config("100000000"))).ShouldBe(0);
        var next = 5;
        await Wait.Until("the window has passed", async () =>
        {
            var ack = await server.PublishAsync("foo.x", "", ("Nats-Msg-Id", "AA"));
            if (ack.TryGetProperty("duplicate", out _)) return false;
            ack.GetProperty("seq").GetInt32().ShouldBe(next);
            return true;
        });
        (await server.TryUpdateAsync(Config("1800000000000"))).ShouldBe(0);
        await server.AskAsync("STREAM.PURGE.DeDupe");
        string[] ids = ["AAAA", "BBBB", "CCCC", "DDDD", "EEEE"];
        foreach (var id in ids) await SendAsync(++next, id);
        await server.RestartAsync();
        for (var i = 0; i < 5; i++) (await SendAsync(6 + i, ids[i])).GetProperty("duplicate").GetBoolean().ShouldBeTrue();
        (await server.EndsAsync("DeDupe")).ShouldBe((5UL, 6UL, 10UL));
        await server.AskAsync("STREAM.PURGE.DeDupe");
        (await SendAsync(6, "AAAA")).GetProperty("duplicate").GetBoolean().ShouldBeTrue();

        async Task<JsonElement> SendAsync(int sequence, string id)
        {
            var ack = await server.PublishAsync($"foo.{sequence}", "Hello DeDupe!", ("Nats-Msg-Id", id));
            ack.GetProperty("seq").GetInt32().ShouldBe(sequence, id);
            return ack;
        }
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("jetstream_test.go", "TestJetStreamMaxMsgsPerSubject")]
    public async Task EachSubjectHoldsSoMany(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["foo","bar","baz.*"],"max_msgs_per_subject":5,"storage":"{{storage}}"}""");
        foreach (var (subject, count, expected) in new[] { ("foo", 1, 1), ("foo", 4, 5), ("foo", 2, 5), ("baz.22", 5, 10), ("baz.33", 5, 15), ("baz.22", 5, 15), ("baz.33", 5, 15), ("", 0, 0), ("foo", 1, 1), ("foo", 4, 5), ("baz.22", 5, 10), ("baz.33", 5, 15) })
        {
            if (count == 0) await server.AskAsync("STREAM.PURGE.TEST");
            else await server.PublishManyAsync(subject, count, "TSLA");
            (await server.EndsAsync("TEST")).Messages.ShouldBe((ulong)expected, subject);
        }
    }

    private static (DateTimeOffset First, DateTimeOffset Last) Times(JsonElement state) =>
        (state.GetProperty("first_ts").GetDateTimeOffset(), state.GetProperty("last_ts").GetDateTimeOffset());
}
