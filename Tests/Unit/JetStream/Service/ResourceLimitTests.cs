using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Bytes that an account and a server may hold, while messages come.</summary>
public sealed class ResourceLimitTests
{
    private const int AccountFull = 10002;
    private const int ServerFull = 10023;
    private const string Account = "accounts { A { jetstream { max_mem: 10KB, max_file: 20KB }, users: [ {user: a, password: a} ] }, B { jetstream: enabled, users: [ {user: b, password: b} ] } }";
    private static readonly string Kilobyte = new('x', 1000);

    [Theory]
    [InlineData("memory", 8)]
    [InlineData("file", 16)]
    public async Task AnAccountHoldsNoMoreThanItMay(string storage, int least)
    {
        await using var server = await StreamServer.StartAsync(more: Account, user: "a");
        await server.CreateAsync($$"""{"name":"ONE","subjects":["one"],"storage":"{{storage}}"}""");
        await server.CreateAsync($$"""{"name":"TWO","subjects":["two"],"storage":"{{storage}}"}""");
        await server.CreateAsync($$"""{"name":"OTHER","subjects":["other"],"storage":"{{(storage == "file" ? "memory" : "file")}}"}""");
        var stored = await FillAsync(server, ["one", "two"]);
        stored.ShouldBeGreaterThanOrEqualTo(least);
        (await UsedAsync(server, storage)).ShouldBeLessThanOrEqualTo(storage == "memory" ? 10 * 1024 : 20 * 1024);
        StreamServer.ErrorOf(await server.PublishAsync("other", Kilobyte)).ShouldBe(0);
        (await server.EndsAsync("ONE")).Messages.ShouldBe((ulong)(stored + 1) / 2);
        server.Log.Contains($"JetStream {storage} resource limits exceeded for account: \"A\"").ShouldBeTrue();
        StreamServer.ErrorOf(await server.AskAsync("STREAM.PURGE.TWO")).ShouldBe(0);
        StreamServer.ErrorOf(await server.PublishAsync("one", Kilobyte)).ShouldBe(0);
        await using var neighbour = await server.Server.ConnectAsync(new TestClientOptions { User = "b", Password = "b" });
        (await neighbour.RequestAsync("$JS.API.STREAM.CREATE.N", """{"name":"N","subjects":["n"]}""")).Text.ShouldNotContain("error");
        for (var i = 0; i < 30; i++) (await neighbour.RequestAsync("n", Kilobyte)).Text.ShouldNotContain("error");
    }

    [Fact]
    public async Task WhatIsThereAfterARestartCounts()
    {
        await using var server = await StreamServer.StartAsync(more: Account, user: "a");
        await server.CreateAsync("""{"name":"ONE","subjects":["one"]}""");
        var stored = await FillAsync(server, ["one"]);
        await server.RestartAsync();
        (await FillAsync(server, ["one"])).ShouldBe(0);
        (await server.EndsAsync("ONE")).Messages.ShouldBe((ulong)stored);
        StreamServer.ErrorOf(await server.AskAsync("STREAM.DELETE.ONE")).ShouldBe(0);
        await server.CreateAsync("""{"name":"NEW","subjects":["one"]}""");
        (await FillAsync(server, ["one"])).ShouldBe(stored);
    }

    [Fact]
    public async Task LimitsChangeWithAReload()
    {
        await using var server = await StreamServer.StartAsync(more: Account, user: "a");
        await server.CreateAsync("""{"name":"ONE","subjects":["one"]}""");
        var stored = await FillAsync(server, ["one"]);
        await server.Server.ReloadAsync(TestServer.Parse("jetstream {}\n" + Account.Replace("20KB", "40KB", StringComparison.Ordinal)) with { StoreDirectory = server.Folder });
        (await FillAsync(server, ["one"])).ShouldBeInRange(stored - 1, stored + 2);
    }

    [Theory]
    [InlineData("memory", "max_mem: 10KB")]
    [InlineData("file", "max_file: 10KB")]
    public async Task AServerHoldsLittleMoreThanItMay(string storage, string limit)
    {
        await using var server = await StreamServer.StartAsync(limit);
        await server.CreateAsync($$"""{"name":"ONE","subjects":["one"],"storage":"{{storage}}"}""");
        var stored = await FillAsync(server, ["one"], ServerFull);
        stored.ShouldBeInRange(8, 12);
        server.Log.Contains($"JetStream {storage} resource limits exceeded for server").ShouldBeTrue();
        (await FillAsync(server, ["one"], ServerFull)).ShouldBe(0);
    }

    [Fact]
    public async Task BatchesCountToo()
    {
        await using var server = await StreamServer.StartAsync(more: Account, user: "a");
        await server.CreateAsync("""{"name":"ONE","subjects":["one"],"allow_atomic":true}""");
        for (var i = 1; i < 30; i++) await server.Client.PublishAsync("one", Kilobyte, headers: TestHeaders.Of(("Nats-Batch-Id", "b"), ("Nats-Batch-Sequence", $"{i}")));
        StreamServer.ErrorOf(await server.PublishAsync("one", Kilobyte, ("Nats-Batch-Id", "b"), ("Nats-Batch-Sequence", "30"), ("Nats-Batch-Commit", "1"))).ShouldBe(AccountFull);
        (await server.EndsAsync("ONE")).Messages.ShouldBe(0UL);
        await FillAsync(server, ["one"]);
        StreamServer.ErrorOf(await server.PublishAsync("one", Kilobyte, ("Nats-Batch-Id", "c"), ("Nats-Batch-Sequence", "1"), ("Nats-Batch-Commit", "1"))).ShouldBe(AccountFull);
    }

    [Fact]
    public async Task CopiesWaitForRoomAndLoseNothing()
    {
        await using var server = await StreamServer.StartAsync(more: Account, user: "a");
        await server.CreateAsync("""{"name":"FULL","subjects":["full"],"storage":"memory"}""");
        await server.CreateAsync("""{"name":"ORIGIN","subjects":["one"]}""");
        await FillAsync(server, ["full"]);
        while ((await UsedAsync(server, "memory")) <= 10 * 1024 - 200) StreamServer.ErrorOf(await server.PublishAsync("full", new string('x', 100))).ShouldBe(0);
        await server.CreateAsync("""{"name":"COPY","sources":[{"name":"ORIGIN"}],"storage":"memory"}""");
        for (var i = 0; i < 12; i++) StreamServer.ErrorOf(await server.PublishAsync("one", $"{i}" + Kilobyte[..200])).ShouldBe(0);
        await Wait.Until("no room is told", async () => (await server.AskAsync("STREAM.INFO.COPY")).GetProperty("sources")[0].TryGetProperty("error", out _));
        await server.AskAsync("STREAM.DELETE.FULL");
        await Wait.Until("all are there", async () => (await server.EndsAsync("COPY")).Messages == 12, timeout: TimeSpan.FromSeconds(30));
    }

    /// <summary>Publishes a kilobyte to each subject in turn until one is refused.</summary>
    private static async Task<int> FillAsync(StreamServer server, string[] subjects, int error = AccountFull)
    {
        for (var i = 0; i < 60; i++)
        {
            var answer = await server.PublishAsync(subjects[i % subjects.Length], Kilobyte);
            if (StreamServer.ErrorOf(answer) == 0) continue;
            StreamServer.ErrorOf(answer).ShouldBe(error, answer.ToString());
            return i;
        }
        return 60;
    }

    private static async Task<long> UsedAsync(StreamServer server, string storage) =>
        (await server.AskAsync("INFO")).GetProperty(storage == "memory" ? "memory" : "storage").GetInt64();
}
