using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream;

/// <summary>Traces of messages that streams take (ADR-41).</summary>
public sealed class MessageTraceStreamTests
{
    private const string Events = "my.trace.subj";

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceJetStream")]
    public async Task WhatAStreamSaysStandsInTheTraceAndOnlyTracedIsNotStored()
    {
        await using var server = await StreamServer.StartAsync("max_memory_store: 10000");
        var events = await server.Client.SubscribeAsync(Events);
        const string Stream = """{"name":"TEST","subjects":["foo"],"storage":"memory","allow_rollup_hdrs":true,"subject_transform":{"src":"foo","dest":"bar"}""";
        await server.CreateAsync(Stream + "}");
        StreamServer.ErrorOf(await server.PublishAsync("foo", new string('x', 50), ("Nats-Msg-Id", "MyId"))).ShouldBe(0);
        (await TraceAsync("foo", only: true)).ShouldBe("js stream=TEST subject=bar");
        await HoldsAsync(1);
        (await TraceAsync("foo", only: false)).ShouldBe("js stream=TEST subject=bar");
        await HoldsAsync(2);
        await RefusedAsync("expected stream does not match", "Nats-Expected-Stream", "WRONG");
        await RefusedAsync("msgid is duplicate", "Nats-Msg-Id", "MyId");
        await RefusedAsync("last sequence by subject mismatch", "Nats-Expected-Last-Subject-Sequence", "10");
        await RefusedAsync("last sequence mismatch", "Nats-Expected-Last-Sequence", "10");
        await RefusedAsync("last msgid mismatch", "Nats-Expected-Last-Msg-Id", "MyId3");
        await RefusedAsync("rollup value invalid: \"wrong\"", "Nats-Rollup", "wrong");
        (await server.TryUpdateAsync(Stream.Replace("true", "false") + ",\"max_msg_size\":200}")).ShouldBe(0);
        await RefusedAsync("rollup not permitted", "Nats-Rollup", "sub");
        (await TraceAsync("foo", only: true, new string('x', 300))).ShouldBe("js stream=TEST error=maximum payload exceeded");
        (await server.TryUpdateAsync(Stream.Replace("true", "false") + ",\"max_msg_size\":200,\"sealed\":true}")).ShouldBe(0);
        await RefusedAsync("invalid operation on sealed stream");
        await HoldsAsync(2);

        async Task RefusedAsync(string error, params string[] header)
        {
            (string, string)[] headers = header.Length == 0 ? [] : [(header[0], header[1])];
            (await TraceAsync("foo", only: true, "hello", headers)).ShouldStartWith($"js stream=TEST error={error}");
        }

        async Task HoldsAsync(ulong messages) => (await server.EndsAsync("TEST")).Messages.ShouldBe(messages);

        async Task<string> TraceAsync(string subject, bool only, string payload = "hello", params (string, string)[] headers)
        {
            await server.Client.PublishAsync(subject, payload, headers: Asking(only, headers));
            return (await TraceReport.NextAsync(events)).Steps.ShouldHaveSingleItem();
        }
    }

    [Fact]
    [Upstream("msgtrace_test.go", "TestMsgTraceJetStream")]
    public async Task WhatNobodyWantsIsSaidAndWhoReadsAStreamIsNotTraced()
    {
        await using var server = await StreamServer.StartAsync();
        var events = await server.Client.SubscribeAsync(Events);
        await server.CreateAsync("""{"name":"NO_INTEREST","subjects":["baz"],"retention":"interest"}""");
        await server.Client.PublishAsync("baz", "hello", headers: Asking(true));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["js stream=NO_INTEREST subject=baz nointerest=True"]);
        await server.CreateAsync("""{"name":"PLAIN","subjects":["plain"]}""");
        await server.Client.PublishAsync("plain", "hello", headers: Asking(false));
        (await TraceReport.NextAsync(events)).Steps.ShouldBe(["js stream=PLAIN subject=plain"]);
        var copies = await server.Client.SubscribeAsync("copies");
        StreamServer.ErrorOf(await server.AskAsync("CONSUMER.CREATE.PLAIN", """{"stream_name":"PLAIN","config":{"deliver_subject":"copies","ack_policy":"none"}}""")).ShouldBe(0);
        var copy = await copies.NextAsync();
        (copy.Text, copy.Headers!["Nats-Trace-Dest"]).ShouldBe(("hello", "trace disabled"));
        await server.Client.FlushAsync();
        events.TryTake().ShouldBeNull();
    }

    [Fact]
    public async Task TheLeaderOfAReplicatedStreamSaysIt()
    {
        await using var cluster = await StreamCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        await StreamCluster.CreateAsync(client, "S", 3);
        await StreamCluster.PublishAsync(client, "S.1", "one");
        var leader = cluster.Servers[await cluster.LeaderOfAsync("S")]!.Name;
        var events = await client.SubscribeAsync(Events);
        foreach (var only in new[] { true, false })
        {
            var steps = new List<string>();
            await Wait.Until("the leader's event", async () =>
            {
                // A server that hears of the interest in events later has told its event to nobody.
                await client.PublishAsync("S.1", "traced", headers: Asking(only));
                var end = TimeProvider.System.GetTimestamp();
                while (TimeProvider.System.GetElapsedTime(end) < TimeSpan.FromSeconds(1) && events.TryTake() is var message)
                {
                    if (message is null)
                    {
                        await client.FlushAsync();
                        continue;
                    }
                    var report = TraceReport.Parse(message.Payload);
                    if (report.Server == leader) steps.AddRange(report.Steps);
                }
                return steps.Contains("js stream=S subject=S.1");
            }, () => string.Join("; ", steps));
            var state = (await StreamCluster.AskAsync(client, "STREAM.INFO.S")).GetProperty("state").GetProperty("messages").GetInt32();
            if (only) state.ShouldBe(1);
            else state.ShouldBeGreaterThan(1);
        }
    }

    private static TestHeaders Asking(bool only, params (string, string)[] others) =>
        TestHeaders.Of([.. others, ("Nats-Trace-Dest", Events), .. only ? [("Nats-Trace-Only", "true")] : Array.Empty<(string, string)>()]);
}
