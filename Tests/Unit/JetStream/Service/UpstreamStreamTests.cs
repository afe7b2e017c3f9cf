using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What upstream's tests of streams show of limits, accounts, permissions and leaf nodes.</summary>
public sealed class UpstreamStreamTests
{
    private const string Tests = "jetstream_test.go";

    [Theory]
    [InlineData("", "file", 681, 682, true)]
    [InlineData("", "memory", 681, 682, true)]
    [InlineData("", "file", 1024, 1025, false)]
    [InlineData("", "memory", 1024, 1025, false)]
    [InlineData("", "file", 1023, 1024, true)]
    [InlineData("", "memory", 1023, 1024, true)]
    [InlineData("max_mem: 512, max_file: 512", "file", 341, 342, true)]
    [InlineData("max_mem: 512, max_file: 512", "memory", 341, 342, true)]
    [InlineData("max_mem: 512, max_file: 512", "file", 512, 513, false)]
    [InlineData("max_mem: 512, max_file: 512", "memory", 512, 513, false)]
    [InlineData("max_mem: 512, max_file: 512", "file", 511, 512, true)]
    [InlineData("max_mem: 512, max_file: 512", "memory", 511, 512, true)]
    [Upstream(Tests, "TestJetStreamStorageReservedBytes")]
    public async Task WhatAStreamMayTakeIsReserved(string limits, string storage, int before, int after, bool fits)
    {
        await using var server = await StreamServer.StartAsync(
            "max_mem: 1024, max_file: 1024", $"accounts {{ A: {{ jetstream: {{ {limits} }}, users: [{{user: a, password: a}}] }} }}".Replace("{  }", "enabled"), "a");
        var config = server.Server.Varz().JetStream.Config!;
        (config.MaxMemory, config.MaxStorage).ShouldBe((1024, 1024));
        await server.CreateAsync(Stream(before));
        (await server.TryUpdateAsync(Stream(after)) == 0).ShouldBe(fits);
        Reserved().ShouldBe((ulong)(fits ? after : before));
        (await server.AskAsync("STREAM.DELETE.TEST")).GetProperty("success").GetBoolean().ShouldBeTrue();
        Reserved().ShouldBe(0UL);

        string Stream(int bytes) => $$"""{"name":"TEST","subjects":["foo"],"storage":"{{storage}}","max_bytes":{{bytes}}}""";

        ulong Reserved() => server.Server.Varz().JetStream.Statistics is { } stats ? (storage == "file" ? stats.ReservedStorage : stats.ReservedMemory) : 0;
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamImportReload")]
    public async Task WhatIsNoLongerImportedIsNoLongerStored()
    {
        const string with = """
            accounts {
              A: { users: [{user: a, password: a}], exports: [{stream: news.>}] }
              B: { users: [{user: b, password: b}], jetstream: enabled, imports: [{stream: {subject: news.>, account: A}}] }
            }
            """;
        const string without = """
            accounts {
              A: { users: [{user: a, password: a}] }
              B: { users: [{user: b, password: b}], jetstream: enabled }
            }
            """;
        await using var server = await StreamServer.StartAsync(more: with, user: "b");
        await server.CreateAsync("""{"name":"news","subjects":["news.>"]}""");
        await using var other = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        await other.PublishAsync("news.article", "");
        await Wait.Until("it is stored", async () => await server.EndsAsync("news") == (1, 1, 1));
        await server.Server.ReloadAsync(TestServer.Parse("jetstream {}\n" + without) with { StoreDirectory = server.Folder, Port = server.Server.Options.Port });
        await other.PublishAsync("news.article", "");
        await other.FlushAsync();
        // Whatever had come before this one would be stored before it.
        await server.PublishAsync("news.own", "");
        (await server.EndsAsync("news")).ShouldBe((2UL, 1UL, 2UL));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamMirrorUpdatesNotSupported")]
    public async Task AMirrorBecomesAStreamOfItsOwn()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"SOURCE"}""");
        await server.CreateAsync("""{"name":"M","mirror":{"name":"SOURCE"}}""");
        await server.PublishAsync("SOURCE", "one");
        await Wait.Until("it is mirrored", async () => await server.EndsAsync("M") == (1, 1, 1));
        (await server.TryUpdateAsync("""{"name":"M","subjects":["M"]}""")).ShouldBe(0);
        (await server.PublishAsync("M", "two")).GetProperty("seq").GetInt32().ShouldBe(2);
        await server.PublishAsync("SOURCE", "elsewhere");
        (await server.AskAsync("STREAM.INFO.M")).TryGetProperty("mirror", out _).ShouldBeFalse();
        (await server.EndsAsync("M")).ShouldBe((2UL, 1UL, 2UL));
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamDirectGetBySubject")]
    public async Task PermissionsOfDirectGetsGoByTheSubjectThatIsRead()
    {
        await using var server = await StreamServer.StartAsync(
            more: """
            accounts { A: { jetstream: enabled, users: [
              {user: a, password: a}
              {user: b, password: b, permissions: { publish: { allow: "$JS.API.DIRECT.GET.KV.vid.22.>" } }}
            ] } }
            """,
            user: "a");
        await server.CreateAsync("""{"name":"KV","storage":"memory","subjects":["vid.*.>"],"max_msgs_per_subject":1,"allow_direct":true}""");
        await server.CreateAsync("""{"name":"M","storage":"memory","mirror":{"name":"KV"},"mirror_direct":true}""");
        await server.PublishAsync("vid.22.speed", "100");
        await server.PublishAsync("vid.33.speed", "55");
        await using var other = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = "b", Password = "b" });
        (await other.RequestAsync("$JS.API.DIRECT.GET.KV.vid.22.speed")).Text.ShouldBe("100");
        await other.PublishAsync("$JS.API.DIRECT.GET.KV.vid.33.speed", "", "nowhere");
        await other.WaitForErrorAsync("Permissions Violation for Publish to \"$JS.API.DIRECT.GET.KV.vid.33.speed\"");
        await Wait.Until("the mirror answers too", async () => (await other.RequestAsync("$JS.API.DIRECT.GET.KV.vid.22.speed")).Headers?["Nats-Stream"] == "M");
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamSnapshotRestoreStallAndHealthz")]
    public async Task WhatARestoreHasLeftBehindIsNoIllness()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"ORDERS","subjects":["orders.*"]}""");
        await server.PublishManyAsync("orders.created", 1000, "new order");
        Health().ShouldBe(("ok", null));
        Directory.CreateDirectory(Path.Combine(server.Folder, "jetstream", ".snap-staging"));
        Directory.CreateDirectory(Path.Combine(server.Folder, ".snap-staging"));
        Health().ShouldBe(("ok", null));
        await server.RestartAsync();
        Health().ShouldBe(("ok", null));

        (string, string?) Health() => (server.Server.Healthz().Status, server.Server.Healthz().Error);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamRateLimitHighStreamIngest")]
    public async Task WhatComesTooFastIsRefusedWithAStatus()
    {
        await using var server = await StreamServer.StartAsync("max_buffered_size: 1kb, max_buffered_msgs: 1");
        await server.CreateAsync("""{"name":"TEST","subjects":["test"]}""");
        var inbox = await server.Client.SubscribeAsync("inbox");
        await Wait.Until(
            "one is refused",
            async () =>
            {
                await server.Client.SendAsync(string.Concat(Enumerable.Repeat("PUB test inbox 0\r\n\r\n", 1000)));
                for (var i = 0; i < 1000; i++)
                {
                    var answer = await inbox.NextAsync();
                    if (answer.Headers is not { Status: "429 Too Many Requests" }) continue;
                    JsonDocument.Parse(answer.Payload).RootElement.GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10167);
                    return true;
                }
                return false;
            });
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamRejectLargePublishes")]
    public async Task WhatNoFileMayHoldIsRefused()
    {
        const int most = 32 << 20;
        await using var server = await StreamServer.StartAsync(more: $"max_payload: {most + 2048}");
        await server.CreateAsync("""{"name":"TEST","subjects":["test"]}""");
        StreamServer.ErrorOf(await server.PublishAsync("test", new string('x', most - 1024))).ShouldBe(0);
        var refused = await server.PublishAsync("test", new string('x', most + 1024));
        refused.GetProperty("error").GetProperty("description").GetString().ShouldBe("message too large");
        (await server.PublishAsync("test", "ok")).GetProperty("seq").GetInt32().ShouldBe(2);
        await server.CreateAsync("""{"name":"MEMORY","subjects":["memory"],"storage":"memory"}""");
        StreamServer.ErrorOf(await server.PublishAsync("memory", new string('x', most + 1024))).ShouldBe(0);
    }

    [Fact]
    [Upstream(Tests, "TestJetStreamSourcingClipStartSeq")]
    public async Task ASourceThatIsToBeginBehindTheEndBeginsThere()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"ORIGIN","subjects":["test"]}""");
        await server.PublishManyAsync("test", 10);
        await server.CreateAsync("""{"name":"SOURCING","sources":[{"name":"ORIGIN","opt_start_seq":20}]}""");
        await Wait.Until("it listens", async () => (await server.AskAsync("STREAM.INFO.SOURCING")).GetProperty("sources")[0].GetProperty("active").GetInt64() >= 0);
        await server.PublishAsync("test", "eleven");
        await Wait.Until("the next one is sourced", async () => (await server.EndsAsync("SOURCING")).Messages == 1);
        (await server.ReadAsync("SOURCING", "\"seq\":1")).ShouldBe("eleven");
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamFastBatchPublishAccImportExport")]
    public async Task FastBatchesCrossAccounts(string user)
    {
        await using var server = await StreamServer.StartAsync(
            more: """
            accounts {
              A: { jetstream: enabled, users: [{user: a, password: a}], exports: [{service: "foo"}] }
              B: { users: [{user: b, password: b}], imports: [{service: {subject: "foo", account: A}}] }
            }
            """,
            user: "a");
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"allow_batched":true}""");
        await using var client = await TestClient.ConnectAsync(server.Server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });
        var inbox = await client.SubscribeAsync("inbox.>");
        await client.PublishAsync("foo", "x", "inbox.uuid.0.fail.1.2.$FI");
        var ack = JsonDocument.Parse((await inbox.NextAsync()).Payload).RootElement;
        ack.TryGetProperty("error", out _).ShouldBeFalse(ack.ToString());
        (ack.GetProperty("batch").GetString(), ack.GetProperty("count").GetInt32()).ShouldBe(("uuid", 1));
        // More than one: each message has a way back of its own.
        await client.PublishAsync("foo", "x", "inbox.next.0.fail.1.0.$FI");
        await inbox.NextAsync();
        await client.PublishAsync("foo", "x", "inbox.next.0.fail.2.2.$FI");
        ack = JsonDocument.Parse((await inbox.NextAsync()).Payload).RootElement;
        (ack.GetProperty("batch").GetString(), ack.GetProperty("count").GetInt32()).ShouldBe(("next", 2));
        (await server.EndsAsync("TEST")).ShouldBe((3UL, 1UL, 3UL));
    }
}
