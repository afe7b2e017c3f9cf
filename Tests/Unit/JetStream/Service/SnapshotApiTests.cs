using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Snapshots and restores of a running server.</summary>
public sealed class SnapshotApiTests : IDisposable
{
    private const string Configuration = """{"name":"S","subjects":["s.*"],"storage":"file","retention":"limits","max_msgs":-1,"max_bytes":-1,"num_replicas":1}""";

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-snapshots-");

    [Fact]
    public async Task WhatWasSavedIsThereAgainAfterARestoreAndAfterTheNextStart()
    {
        JsonElement before;
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await using var watcher = await TestClient.ConnectAsync(server.ClientEndPoint!);
            var advisories = await watcher.SubscribeAsync("$JS.EVENT.ADVISORY.STREAM.*.S");
            await watcher.FlushAsync();
            await FillAsync(client, 300);
            foreach (var sequence in new[] { 1, 10, 11, 300 }) (await client.AskAsync("$JS.API.STREAM.MSG.DELETE.S", $$"""{"seq":{{sequence}}}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
            before = await client.AskAsync("$JS.API.STREAM.INFO.S");
            var (answer, archive) = await client.SnapshotAsync("S", 1024);
            answer.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(296);
            await client.AskAsync("$JS.API.STREAM.DELETE.S");
            Same(await client.RestoreAsync("S", answer.GetProperty("config").GetRawText(), archive, 1000), before);
            await PublishAsync(client, 301);
            await SeenAsync(advisories, "CREATED", "SNAPSHOT_CREATE", "SNAPSHOT_COMPLETE", "DELETED", "RESTORE_CREATE", "RESTORE_COMPLETE");
        }
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            (await client.AskAsync("$JS.API.STREAM.MSG.DELETE.S", """{"seq":301}""")).GetProperty("success").GetBoolean().ShouldBeTrue();
            var info = await client.AskAsync("$JS.API.STREAM.INFO.S");
            info.GetProperty("created").GetString().ShouldBe(before.GetProperty("created").GetString());
            info.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(296);
            (await client.AskAsync("$JS.API.STREAM.MSG.GET.S", """{"seq":299}""")).GetProperty("message").GetProperty("data").GetBytesFromBase64().ShouldBe("message 299"u8.ToArray());
        }
    }

    [Fact]
    public async Task AClosedWindowWaitsForAcknowledgements()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 500);
        var chunks = await client.SubscribeAsync("chunks");
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"chunks","chunk_size":1024,"window_size":3072}""");
        var first = new[] { await chunks.NextAsync(), await chunks.NextAsync(), await chunks.NextAsync() };
        first[2].Reply!.ShouldEndWith(".1024.3");
        // Others are served meanwhile, and no fourth chunk comes.
        await PublishAsync(client, 501);
        chunks.TryTake().ShouldBeNull();
        await client.PublishAsync(first[0].Reply!);
        (await chunks.NextAsync()).Reply!.ShouldEndWith(".1024.4");
        await PublishAsync(client, 502);
        chunks.TryTake().ShouldBeNull();
    }

    [Fact]
    public async Task OnlyWhoListensGetsASnapshot()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 500);
        var ends = await client.SubscribeAsync("$JS.EVENT.ADVISORY.STREAM.SNAPSHOT_COMPLETE.S");
        // Nobody comes at all; somebody comes late; somebody goes.
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"nobody"}""");
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"late"}""");
        var late = await client.SubscribeAsync("late");
        (await late.NextAsync()).Payload.Length.ShouldBeGreaterThan(0);
        (await late.NextAsync()).Headers!.Status.ShouldBe("204");
        await ends.NextAsync();
        var gone = await client.SubscribeAsync("gone");
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"gone","chunk_size":1024,"window_size":1024}""");
        await gone.NextAsync();
        await gone.UnsubscribeAsync();
        await ends.NextAsync();
        await ends.NextAsync();
    }

    [Fact]
    public async Task WhoFallsSilentIsGivenUp()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 500);
        var restored = await client.SubscribeAsync("$JS.EVENT.ADVISORY.STREAM.RESTORE_COMPLETE.T");
        var target = await client.BeginRestoreAsync("T", """{"name":"T"}""");
        var chunks = await client.SubscribeAsync("chunks");
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"chunks","chunk_size":1024,"window_size":1024}""");
        (await chunks.NextAsync()).Payload.Length.ShouldBe(1024);
        (await chunks.NextAsync()).Headers!.Status.ShouldBe("408 No Flow Response");
        await restored.NextAsync();
        (await client.RequestAsync(target)).IsNoResponders.ShouldBeTrue();
        Drafts().ShouldBeEmpty();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamSnapshotRejectsWildcardDeliverSubject")]
    public async Task WildcardsAreNoPlaceForChunks()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 1);
        foreach (var subject in new[] { "snap.*", "snap.>" })
        {
            ErrorOf(await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", $$"""{"deliver_subject":"{{subject}}"}""")).ShouldBe(10015);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamSnapshotsAPIRestoreLimits")]
    public async Task AnArchiveThatDoesNotFitIsRefused()
    {
        await using var source = await StartAsync();
        await using var client = await TestClient.ConnectAsync(source.ClientEndPoint!);
        await FillAsync(client, 100);
        var (answer, archive) = await client.SnapshotAsync("S");
        var store = _store.CreateSubdirectory("tight");
        await using var tight = await TestServer.FromConfigAsync($$"""
            jetstream { store_dir: "{{store.FullName}}", max_file: 1GB }
            accounts { A { users [{user: a, password: a}], jetstream { max_mem: 1024, max_file: 1024 } }, SYS { users [{user: s, password: s}] } }
            system_account: SYS
            """);
        await using var there = await TestClient.ConnectAsync(tight.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });
        ErrorOf(await there.RestoreAsync("S", answer.GetProperty("config").GetRawText(), archive)).ShouldBe(10047);
        Drafts().ShouldBeEmpty();
        await using var wide = await StartAsync(_store.CreateSubdirectory("wide").FullName);
        await using var elsewhere = await TestClient.ConnectAsync(wide.ClientEndPoint!);
        (await elsewhere.RestoreAsync("S", answer.GetProperty("config").GetRawText(), archive)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(100);
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamRestoreBadStream")]
    public async Task WhatDoesNotBelongThereIsRefusedWithoutATrace()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 10);
        var (answer, archive) = await client.SnapshotAsync("S");
        await client.AskAsync("$JS.API.STREAM.DELETE.S");
        var files = TestArchive.Unpack(archive);
        foreach (var name in new[] { "fail1.txt", "../../fail2.txt", "/fail3.txt" })
        {
            var refused = await client.RestoreAsync("S", answer.GetProperty("config").GetRawText(), TestArchive.Pack([.. files, (name, "x"u8.ToArray())]));
            refused.GetProperty("error").GetProperty("description").GetString()!.ShouldContain("unexpected");
        }
        _store.EnumerateFiles("fail*", SearchOption.AllDirectories).ShouldBeEmpty();
        Drafts().ShouldBeEmpty();
        (await client.RestoreAsync("S", answer.GetProperty("config").GetRawText(), archive)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(10);
    }

    [Fact]
    public async Task WhatBecameImpossibleMeanwhileIsRefusedAtTheEnd()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 10);
        var (_, archive) = await client.SnapshotAsync("S");
        // Its subjects are taken, its name is taken.
        await client.AskAsync("$JS.API.STREAM.DELETE.S");
        await client.AskAsync("$JS.API.STREAM.CREATE.OTHER", """{"name":"OTHER","subjects":["s.1"]}""");
        ErrorOf(await client.RestoreAsync("S", Configuration, archive)).ShouldBe(10065);
        await client.AskAsync("$JS.API.STREAM.DELETE.OTHER");
        var target = await client.BeginRestoreAsync("S", Configuration);
        (await client.SendChunkAsync(target, archive)).Text.ShouldBeEmpty();
        await client.AskAsync("$JS.API.STREAM.CREATE.S", Configuration);
        ErrorOf(Golden.ParseText((await client.SendChunkAsync(target, [])).Text)).ShouldBe(10130);
        (await client.AskAsync("$JS.API.STREAM.INFO.S")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(0);
        // An archive of another stream, and half an archive.
        ErrorOf(await client.RestoreAsync("T", """{"name":"T"}""", archive)).ShouldBe(10062);
        ErrorOf(await client.RestoreAsync("T", """{"name":"T"}""", archive[..^40])).ShouldBe(10062);
        Drafts().ShouldBeEmpty();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamInvalidRestoreRequests")]
    public async Task WhatCannotBeAStreamIsRefusedAtTheStart()
    {
        await using var server = await TestServer.FromConfigAsync($$"""
            jetstream { store_dir: "{{_store.FullName}}", max_mem_store: 2MB, max_file_store: 8MB }
            no_auth_user: u
            accounts { ONE { users [{user: u, password: p}], jetstream { max_store: 1Mb, max_streams: 1 } }, $SYS { users [{user: admin, password: p}] } }
            """);
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "u", Password = "p" });
        (await RefusalAsync(client, """{"name":"fail","max_bytes":1024,"storage":"file","num_replicas":6}""")).ShouldBe("maximum replicas is 5");
        (await RefusalAsync(client, """{"name":"fail","max_bytes":2072576,"storage":"file","num_replicas":1}""")).ShouldBe("insufficient storage resources available");
        await client.AskAsync("$JS.API.STREAM.CREATE.stream", """{"name":"stream","max_bytes":1024,"storage":"file"}""");
        (await RefusalAsync(client, """{"name":"fail","max_bytes":1024,"storage":"file"}""")).ShouldBe("maximum number of streams reached");
    }

    [Fact]
    public async Task AServerThatStopsLeavesNoHalfStream()
    {
        byte[] archive;
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await FillAsync(client, 200);
            (_, archive) = await client.SnapshotAsync("S");
            await client.AskAsync("$JS.API.STREAM.DELETE.S");
            var target = await client.BeginRestoreAsync("S", Configuration);
            (await client.SendChunkAsync(target, archive[..(archive.Length / 2)])).Text.ShouldBeEmpty();
            Drafts().ShouldNotBeEmpty();
        }
        Drafts().ShouldBeEmpty();
        // What a crash leaves goes at the next start.
        Directory.CreateDirectory(Path.Combine(_store.FullName, "natsaspire/accounts/$G/.draft-S-1/messages"));
        await using (var server = await StartAsync())
        {
            Drafts().ShouldBeEmpty();
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            ErrorOf(await client.AskAsync("$JS.API.STREAM.INFO.S")).ShouldBe(10059);
            (await client.RestoreAsync("S", Configuration, archive)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(200);
        }
    }

    [Fact]
    public async Task ADeletedStreamEndsItsSnapshot()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await FillAsync(client, 500);
        var chunks = await client.SubscribeAsync("chunks");
        await client.AskAsync("$JS.API.STREAM.SNAPSHOT.S", """{"deliver_subject":"chunks","chunk_size":1024,"window_size":1024,"jsck":true}""");
        var first = await chunks.NextAsync();
        (await client.AskAsync("$JS.API.STREAM.DELETE.S")).GetProperty("success").GetBoolean().ShouldBeTrue();
        await client.PublishAsync(first.Reply!);
        (await chunks.NextAsync()).Headers!.Status.ShouldBe("500 Stream Closed");
    }

    [Fact]
    public async Task AnEncryptedServerRestoresEncrypted()
    {
        var keys = new JetStreamOptions { EncryptionKey = "secret", Cipher = JetStreamCipher.Aes };
        byte[] archive;
        await using (var server = await StartAsync(options: keys))
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await FillAsync(client, 50);
            (_, archive) = await client.SnapshotAsync("S");
            await client.AskAsync("$JS.API.STREAM.DELETE.S");
            (await client.RestoreAsync("S", Configuration, archive)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(50);
        }
        _store.EnumerateFiles("*", SearchOption.AllDirectories).Where(file => File.ReadAllBytes(file.FullName).AsSpan().IndexOf("message 7"u8) >= 0).ShouldBeEmpty();
        await using (var server = await StartAsync(options: keys))
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            (await client.AskAsync("$JS.API.STREAM.MSG.GET.S", """{"seq":7}""")).GetProperty("message").GetProperty("data").GetBytesFromBase64().ShouldBe("message 7"u8.ToArray());
        }
    }

    public void Dispose() => _store.Delete(recursive: true);

    private Task<NatsServer> StartAsync(string? directory = null, JetStreamOptions? options = null) => TestServer.StartAsync(plain => plain with
    {
        StoreDirectory = directory ?? _store.FullName,
        JetStream = (options ?? new JetStreamOptions()) with { Enabled = true },
    });

    private IEnumerable<string> Drafts() => _store.EnumerateDirectories(".draft-*", SearchOption.AllDirectories).Select(directory => directory.FullName);

    private static async Task FillAsync(TestClient client, int count)
    {
        (await client.AskAsync("$JS.API.STREAM.CREATE.S", Configuration)).TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        for (var i = 1; i < count; i++) await client.PublishAsync($"s.{i % 7}", $"message {i}", headers: i % 5 == 0 ? TestHeaders.Of(("Random", $"{Guid.NewGuid()}")) : null);
        await PublishAsync(client, count);
    }

    private static async Task PublishAsync(TestClient client, int number) =>
        (await client.AskAsync($"s.{number % 7}", $"message {number}")).GetProperty("seq").GetInt32().ShouldBe(number);

    private static void Same(JsonElement restored, JsonElement before)
    {
        restored.TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        foreach (var part in new[] { "config", "created", "state" }) restored.GetProperty(part).GetRawText().ShouldBe(before.GetProperty(part).GetRawText());
    }

    private static async Task SeenAsync(TestSubscription advisories, params string[] kinds)
    {
        foreach (var kind in kinds) (await advisories.NextAsync()).Subject.ShouldBe($"$JS.EVENT.ADVISORY.STREAM.{kind}.S");
    }

    private static int ErrorOf(JsonElement answer) => answer.GetProperty("error").GetProperty("err_code").GetInt32();

    private static async Task<string?> RefusalAsync(TestClient client, string configuration) =>
        (await client.AskAsync("$JS.API.STREAM.RESTORE.fail", $$"""{"config":{{configuration}}}""")).GetProperty("error").GetProperty("description").GetString();
}
