using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What the nats command line asks about streams and consumers, as it asks it, one command after the other.</summary>
public sealed class CommandLineRequestsTests
{
    private const string Stream = """
        {"name":"ORDERS","subjects":["ORDERS.*"],"retention":"limits","max_consumers":-1,"max_msgs_per_subject":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msg_size":-1,
        "storage":"file","discard":"old","num_replicas":1,"duplicate_window":120000000000,"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,
        "allow_direct":true,"mirror_direct":false,"consumer_limits":{}}
        """;

    private const string Consumer = """
        {"stream_name":"ORDERS","action":"create","pedantic":false,"config":{"name":"NEW","durable_name":"NEW","ack_policy":"explicit","ack_wait":30000000000,"deliver_policy":"all",
        "filter_subject":"ORDERS.new","max_ack_pending":1000,"max_deliver":-1,"max_waiting":512,"replay_policy":"instant","num_replicas":0}}
        """;

    private const string Pinned = """
        {"stream_name":"ORDERS","action":"create","config":{"name":"PIN","durable_name":"PIN","ack_policy":"explicit","deliver_policy":"all","replay_policy":"instant",
        "priority_policy":"pinned_client","priority_groups":["g"],"priority_timeout":60000000000}}
        """;

    [Fact]
    public async Task EveryRequestIsAnswered()
    {
        await using var server = await StreamServer.StartAsync();
        await ExpectAsync(server, "INFO", "", "account_info");
        await ExpectAsync(server, "STREAM.CREATE.ORDERS", Stream, "stream_create");
        await ExpectAsync(server, "STREAM.UPDATE.ORDERS", Stream.Replace("\"max_msgs\":-1", "\"max_msgs\":1000", StringComparison.Ordinal), "stream_update");
        foreach (var subject in new[] { "ORDERS.new", "ORDERS.new", "ORDERS.done" }) await server.PublishAsync(subject, "{}");
        await ExpectAsync(server, "STREAM.NAMES", """{"offset":0}""", "stream_names");
        await ExpectAsync(server, "STREAM.NAMES", """{"offset":0,"subject":"ORDERS.new"}""", "stream_names");
        await ExpectAsync(server, "STREAM.LIST", """{"offset":0}""", "stream_list");
        await ExpectAsync(server, "STREAM.INFO.ORDERS", "", "stream_info");
        await ExpectAsync(server, "STREAM.INFO.ORDERS", """{"offset":0,"subjects_filter":"\u003e"}""", "stream_info");
        await ExpectAsync(server, "STREAM.INFO.ORDERS", """{"deleted_details":true,"offset":0}""", "stream_info");
        await ExpectAsync(server, "STREAM.MSG.GET.ORDERS", """{"last_by_subj":"ORDERS.new"}""", "stream_msg_get");
        await ExpectAsync(server, "CONSUMER.CREATE.ORDERS.NEW.ORDERS.new", Consumer, "consumer_create");
        await ExpectAsync(server, "CONSUMER.CREATE.ORDERS.PIN", Pinned, "consumer_create");
        await ExpectAsync(server, "CONSUMER.NAMES.ORDERS", """{"offset":0}""", "consumer_names");
        await ExpectAsync(server, "CONSUMER.LIST.ORDERS", """{"offset":0}""", "consumer_list");
        await ExpectAsync(server, "CONSUMER.INFO.ORDERS.NEW", "", "consumer_info");
        var next = await server.Client.RequestAsync("$JS.API.CONSUMER.MSG.NEXT.ORDERS.NEW", """{"expires":5000000000,"batch":1}""");
        (next.Subject, next.Sequence()).ShouldBe(("ORDERS.new", 1));
        await server.AckAsync(next);
        var pause = TimeProvider.System.GetUtcNow().AddHours(1).UtcDateTime.ToString("o");
        (await ExpectAsync(server, "CONSUMER.PAUSE.ORDERS.NEW", $$"""{"pause_until":"{{pause}}"}""", "consumer_pause")).GetProperty("paused").GetBoolean().ShouldBeTrue();
        (await ExpectAsync(server, "CONSUMER.PAUSE.ORDERS.NEW", """{"pause_until":"0001-01-01T00:00:00Z"}""", "consumer_pause")).GetProperty("paused").GetBoolean().ShouldBeFalse();
        await ExpectAsync(server, "CONSUMER.RESET.ORDERS.NEW", """{"seq":1}""", "consumer_reset");
        await server.FetchAsync("ORDERS", "NEW");
        await server.PullAsync("ORDERS", "PIN", """{"batch":1,"group":"g","expires":1000000000}""");
        await server.Client.FlushAsync();
        await ExpectAsync(server, "CONSUMER.UNPIN.ORDERS.PIN", """{"group":"g"}""", "consumer_unpin");
        await ExpectAsync(server, "CONSUMER.DELETE.ORDERS.NEW", "", "consumer_delete");
        await ExpectAsync(server, "STREAM.MSG.DELETE.ORDERS", """{"seq":1}""", "stream_msg_delete");
        await ExpectAsync(server, "STREAM.PURGE.ORDERS", """{"keep":1}""", "stream_purge");
        await ExpectAsync(server, "STREAM.DELETE.ORDERS", "", "stream_delete");
    }

    [Fact]
    public async Task WhatNeedsAClusterIsRefusedClearly()
    {
        await using var server = await StreamServer.StartAsync();
        await server.AskAsync("STREAM.CREATE.ORDERS", Stream);
        await server.AskAsync("CONSUMER.CREATE.ORDERS.NEW.ORDERS.new", Consumer);
        foreach (var request in new[] { "STREAM.LEADER.STEPDOWN.ORDERS", "CONSUMER.LEADER.STEPDOWN.ORDERS.NEW", "STREAM.PEER.REMOVE.ORDERS" })
        {
            StreamServer.ErrorOf(await server.AskAsync(request, request.StartsWith("STREAM.PEER", StringComparison.Ordinal) ? """{"peer":"x"}""" : "")).ShouldBe(10010, request);
        }
    }

    [Fact]
    public async Task ReportsAreMadeFromWhatTheSystemAccountIsTold()
    {
        await using var server = await StreamServer.StartAsync(more: """
            accounts { A { jetstream: enabled, users: [{user: a, password: a}] }, SYS { users: [{user: s, password: s}] } }
            system_account: SYS
            """, user: "a");
        await server.AskAsync("STREAM.CREATE.ORDERS", Stream);
        await server.AskAsync("CONSUMER.CREATE.ORDERS.NEW.ORDERS.new", Consumer);
        await using var system = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = "s", Password = "s" });
        var told = JsonDocument.Parse((await system.RequestAsync("$SYS.REQ.SERVER.PING.JSZ", """{"accounts":true,"streams":true,"consumer":true,"config":true,"raft":true,"limit":10000}""")).Payload).RootElement;
        told.GetProperty("server").GetProperty("jetstream").GetBoolean().ShouldBeTrue();
        var stream = told.GetProperty("data").GetProperty("account_details")[0].GetProperty("stream_detail")[0];
        stream.GetProperty("config").GetProperty("subjects")[0].GetString().ShouldBe("ORDERS.*");
        stream.GetProperty("consumer_detail")[0].GetProperty("config").GetProperty("filter_subject").GetString().ShouldBe("ORDERS.new");
        var user = JsonDocument.Parse((await server.Client.RequestAsync("$SYS.REQ.USER.INFO")).Payload).RootElement;
        user.GetProperty("data").GetProperty("account").GetString().ShouldBe("A");
    }

    private static async Task<JsonElement> ExpectAsync(StreamServer server, string operation, string request, string type)
    {
        var answer = await server.AskAsync(operation, request);
        StreamServer.ErrorOf(answer).ShouldBe(0, $"{operation}: {answer}");
        answer.GetProperty("type").GetString().ShouldBe($"io.nats.jetstream.api.v1.{type}_response");
        return answer;
    }
}
