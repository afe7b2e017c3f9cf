using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What streams say they hold after updates, purges and removals.</summary>
public sealed class StreamAccountingTests
{
    public static TheoryData<string> Storages => ["file", "memory"];

    [Theory]
    [InlineData("\"max_msgs\":1")]
    [InlineData("\"max_bytes\":100033")]
    [Upstream("filestore_test.go", "TestFileStorePurgeMsgBlockAccounting")]
    public async Task ANarrowerLimitGivesBackWhatTheAccountUses(string limit)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        await server.PublishManyAsync("foo", 10, new string('x', 100_000));
        (await UsedAsync()).ShouldBe(1_000_330);
        (await server.TryUpdateAsync($$"""{"name":"TEST","subjects":["foo"],{{limit}}}""")).ShouldBe(0);
        (await server.StateAsync("TEST")).GetProperty("bytes").GetInt64().ShouldBe(100_033);
        (await UsedAsync()).ShouldBe(100_033);

        async Task<long> UsedAsync() => (await server.AskAsync("INFO")).GetProperty("storage").GetInt64();
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("filestore_test.go", "TestJetStreamFileStoreSubjectsRemovedAfterSecureErase")]
    public async Task AnErasedMessagesSubjectIsGone(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["test.*"],"storage":"{{storage}}"}""");
        for (var i = 1; i <= 3; i++) await server.PublishAsync($"test.{i}", $"msg{i}");
        (await server.AskAsync("STREAM.MSG.DELETE.TEST", """{"seq":1}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
        var state = await server.StateAsync("TEST", """{"subjects_filter":">"}""");
        state.GetProperty("num_subjects").GetInt32().ShouldBe(2);
        state.GetProperty("subjects").EnumerateObject().Select(subject => subject.Name).ShouldBe(["test.2", "test.3"], ignoreOrder: true);
    }

    /// <summary>As in upstream: what a purge names as the first sequence is the first, stored yet or not.</summary>
    [Theory]
    [MemberData(nameof(Storages))]
    public async Task APurgeUpToASequenceThatIsNotThereYetUsesItUp(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["test"],"storage":"{{storage}}"}""");
        await server.PublishManyAsync("test", 3);
        (await server.AskAsync("STREAM.PURGE.TEST", """{"seq":1000}""")).GetProperty("purged").GetInt32().ShouldBe(3);
        (await server.EndsAsync("TEST")).ShouldBe((0UL, 1_000UL, 999UL));
        (await server.PublishAsync("test")).GetProperty("seq").GetInt32().ShouldBe(1_000);
        await server.RestartAsync();
        if (storage == "file") (await server.EndsAsync("TEST")).ShouldBe((1UL, 1_000UL, 1_000UL));
    }

    [Theory]
    [MemberData(nameof(Storages))]
    [Upstream("filestore_test.go", "TestFileStoreInitialFirstSeq")]
    [Upstream("memstore_test.go", "TestMemStoreInitialFirstSeq")]
    public async Task AStreamMayBeginAnywhere(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"zzz","first_seq":1000,"storage":"{{storage}}"}""");
        (await server.PublishAsync("zzz")).GetProperty("seq").GetInt32().ShouldBe(1_000);
        (await server.PublishAsync("zzz")).GetProperty("seq").GetInt32().ShouldBe(1_001);
        (await server.EndsAsync("zzz")).ShouldBe((2UL, 1_000UL, 1_001UL));
    }

    [Fact]
    [Upstream("store_test.go", "TestStoreSkipMsgNoInterestAdvancesLastTime")]
    public async Task WhatNobodyWantsCountsInSequenceAndTime()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"retention":"interest"}""");
        await server.PublishAsync("foo");
        var first = await server.StateAsync("TEST");
        await server.PublishAsync("foo");
        var second = await server.StateAsync("TEST");
        (second.GetProperty("messages").GetInt32(), second.GetProperty("last_seq").GetInt32()).ShouldBe((0, 2));
        second.GetProperty("last_ts").GetDateTime().ShouldBeGreaterThan(first.GetProperty("last_ts").GetDateTime());
    }

    [Fact]
    [Upstream("filestore_test.go", "TestFileStoreStreamDeleteDirNotEmpty")]
    public async Task AStreamGoesWithWhateverLiesInItsDirectory()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        await server.PublishManyAsync("foo", 10, "Hello World!");
        var directories = Directory.GetFiles(server.Folder, "*.blk", SearchOption.AllDirectories).Concat(Directory.GetFiles(server.Folder, "manifest*", SearchOption.AllDirectories))
            .Select(Path.GetDirectoryName).Distinct().ToList();
        directories.ShouldNotBeEmpty();
        foreach (var directory in directories) await File.WriteAllTextAsync(Path.Combine(directory!, "g"), "OK", TestContext.Current.CancellationToken);
        (await server.AskAsync("STREAM.DELETE.TEST")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await server.RestartAsync();
        StreamServer.ErrorOf(await server.AskAsync("STREAM.INFO.TEST")).ShouldBe(10059);
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"]}""");
        (await server.EndsAsync("TEST")).Messages.ShouldBe(0UL);
    }
}
