using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.JetStream.Streams.Migration;

namespace NatsAspire.Tests.Unit.JetStream.Runtime;

/// <summary>A server of ours started in the store directory that a Go server has left.</summary>
public sealed class GoMigrationTests : IDisposable
{
    /// <summary>Their messages have ended, or their schedules are due, since they were recorded.</summary>
    private static readonly string[] Moving = ["TTL", "TTLM", "SCHED"];

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-migration-");

    public static TheoryData<string> Folders =>
    [
        .. GoFolder.Recorded().Select(one => one.Folder).Distinct(),
    ];

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task StreamsAreThereAsTheGoServerHadThem(string folder)
    {
        var names = Place(folder);
        var before = Fingerprint();
        await using (var server = await StartAsync(folder))
        {
            await using var client = await ConnectAsync(server);
            foreach (var name in names)
            {
                var expected = GoStreamTests.Expected(folder, name);
                var info = await client.AskAsync($"$JS.API.STREAM.INFO.{name}");
                info.TryGetProperty("error", out var error).ShouldBeFalse($"{folder}/{name}: {error}");
                info.GetProperty("created").GetString().ShouldBe(expected.Info.GetProperty("created").GetString());
                if (Moving.Contains(name))
                {
                    info.GetProperty("state").GetProperty("last_seq").GetUInt64().ShouldBeGreaterThanOrEqualTo(expected.Info.GetProperty("state").GetProperty("last_seq").GetUInt64());
                    continue;
                }
                foreach (var count in new[] { "messages", "bytes", "first_seq", "last_seq", "first_ts", "last_ts" })
                {
                    info.GetProperty("state").GetProperty(count).GetRawText().ShouldBe(expected.Info.GetProperty("state").GetProperty(count).GetRawText(), $"{folder}/{name}: {count}");
                }
                await CompareAsync(server, name, expected, $"{folder}/{name}");
            }
        }
        Fingerprint().ShouldBe(before);
        // Not a second time, and all is there.
        await using (var server = await StartAsync(folder))
        {
            foreach (var name in names.Except(Moving)) await CompareAsync(server, name, GoStreamTests.Expected(folder, name), $"{folder}/{name} again");
        }
    }

    [Fact]
    public async Task ADeletedStreamDoesNotComeBack()
    {
        Place("plain", "PLAIN");
        await using (var server = await StartAsync("plain"))
        {
            await using var client = await ConnectAsync(server);
            (await client.AskAsync("plain.k1", "new")).GetProperty("seq").GetInt32().ShouldBe(131);
            (await client.AskAsync("$JS.API.STREAM.DELETE.PLAIN")).GetProperty("success").GetBoolean().ShouldBeTrue();
        }
        await using (var server = await StartAsync("plain"))
        {
            await using var client = await ConnectAsync(server);
            (await client.AskAsync("$JS.API.STREAM.INFO.PLAIN")).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10059);
        }
    }

    [Fact]
    public async Task WithoutTheKeyItIsLeftOutAndComesWithIt()
    {
        Place("chacha", "PLAIN");
        await using (var server = await StartAsync("plain"))
        {
            await using var client = await ConnectAsync(server);
            (await client.AskAsync("$JS.API.STREAM.NAMES")).GetProperty("streams").ValueKind.ShouldBe(JsonValueKind.Null);
        }
        await using (var server = await StartAsync("chacha"))
        {
            await CompareAsync(server, "PLAIN", GoStreamTests.Expected("chacha", "PLAIN"), "with its key");
        }
    }

    [Fact]
    public async Task AnUnfinishedImportBeginsAgain()
    {
        Place("plain", "PLAIN");
        var draft = Directory.CreateDirectory(Path.Combine(_store.FullName, "natsaspire/accounts/A/.draft-PLAIN-5/messages"));
        await using (var server = await StartAsync("plain"))
        {
            draft.Refresh();
            draft.Exists.ShouldBeFalse();
            await CompareAsync(server, "PLAIN", GoStreamTests.Expected("plain", "PLAIN"), "after a crash");
        }
        // The crash came behind the stream, but before the note of it.
        File.Delete(Path.Combine(_store.FullName, "natsaspire/imported/A/PLAIN"));
        await using (var server = await StartAsync("plain"))
        {
            await CompareAsync(server, "PLAIN", GoStreamTests.Expected("plain", "PLAIN"), "after another crash");
            await using var client = await ConnectAsync(server);
            await client.AskAsync("$JS.API.STREAM.DELETE.PLAIN");
        }
        await using (var server = await StartAsync("plain"))
        {
            await using var client = await ConnectAsync(server);
            (await client.AskAsync("$JS.API.STREAM.INFO.PLAIN")).TryGetProperty("error", out _).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task WhatIsDamagedNeitherStopsTheStartNorItsNeighbours()
    {
        Place("plain", "PLAIN", "CONS", "MMPS", "DELS");
        File.WriteAllText(PathOf("CONS", "meta.inf"), "{");
        Directory.Delete(PathOf("MMPS"), recursive: true);
        File.WriteAllText(PathOf("MMPS"), "no directory");
        var block = File.ReadAllBytes(PathOf("DELS", "msgs/1.blk"));
        block[block.Length / 2] ^= 0xff;
        File.WriteAllBytes(PathOf("DELS", "msgs/1.blk"), block);
        await using var server = await StartAsync("plain");
        await CompareAsync(server, "PLAIN", GoStreamTests.Expected("plain", "PLAIN"), "beside damage");
        await using var client = await ConnectAsync(server);
        (await client.AskAsync("$JS.API.STREAM.NAMES")).GetProperty("streams").EnumerateArray().Select(name => name.GetString()).ShouldBe(["DELS", "PLAIN"]);
        var state = (await client.AskAsync("$JS.API.STREAM.INFO.DELS")).GetProperty("state");
        state.GetProperty("messages").GetUInt64().ShouldBeLessThan(GoStreamTests.Expected("plain", "DELS").MessageCount);
        state.GetProperty("messages").GetUInt64().ShouldBeGreaterThan(0UL);
    }

    [Fact]
    public async Task ConsumersAreKeptAndGoIntoSnapshots()
    {
        Place("plain", "CONS");
        await using var server = await StartAsync("plain");
        await using var client = await ConnectAsync(server);
        var (answer, archive) = await client.SnapshotAsync("CONS");
        var names = GoStreamTests.Expected("plain", "CONS").Consumers.EnumerateArray().Select(consumer => consumer.GetProperty("name").GetString()!).ToList();
        var files = TestArchive.Unpack(archive);
        foreach (var name in names) files.Select(file => file.Name).ShouldContain($"obs/{name}/meta.inf");
        names.ShouldNotBeEmpty();
        // And through a restore.
        await client.AskAsync("$JS.API.STREAM.DELETE.CONS");
        (await client.RestoreAsync("CONS", answer.GetProperty("config").GetRawText(), archive)).TryGetProperty("error", out var error).ShouldBeFalse(error.ToString());
        var (_, again) = await client.SnapshotAsync("CONS");
        var restored = TestArchive.Unpack(again);
        foreach (var file in files.Where(file => file.Name.StartsWith("obs/", StringComparison.Ordinal)))
        {
            restored.Single(one => one.Name == file.Name).Content.ShouldBe(file.Content, file.Name);
        }
    }

    public void Dispose() => _store.Delete(recursive: true);

    private string PathOf(string stream, string file = "") => Path.Combine(_store.FullName, "jetstream/A/streams", stream, file).TrimEnd('/');

    private List<string> Place(string folder, params string[] only)
    {
        var names = GoFolder.Recorded().Where(one => one.Folder == folder && (only.Length == 0 || only.Contains(one.Stream))).Select(one => one.Stream).ToList();
        foreach (var (path, content) in names.SelectMany(name => GoFolder.Load(folder, name).Files))
        {
            var target = Path.Combine(_store.FullName, "jetstream/A", path);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, content);
        }
        return names;
    }

    private string[] Fingerprint() => [.. new DirectoryInfo(Path.Combine(_store.FullName, "jetstream")).GetFiles("*", SearchOption.AllDirectories)
        .OrderBy(file => file.FullName, StringComparer.Ordinal)
        .Select(file => $"{file.FullName} {file.LastWriteTimeUtc:O} {file.Length}")];

    private Task<NatsServer> StartAsync(string folder)
    {
        var key = Golden.Json("disk", folder, "about.json").GetProperty("encryption_key");
        var secret = key.ValueKind == JsonValueKind.Null ? "" : $"""key: "{key.GetString()}", """;
        return TestServer.FromConfigAsync($$"""
            jetstream { store_dir: "{{_store.FullName}}", {{secret}} max_file: 1GB }
            accounts { A { users [{user: a, password: a}], jetstream: enabled }, SYS { users [{user: s, password: s}] } }
            system_account: SYS
            """);
    }

    private static Task<TestClient> ConnectAsync(NatsServer server) => TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "a", Password = "a" });

    /// <summary>In the stream's mailbox, to which its store belongs.</summary>
    private static async Task CompareAsync(NatsServer server, string name, GoExpectation expected, string what)
    {
        StreamHost stream = server.JetStream.ShouldNotBeNull().Accounts["A"].Find(name).ShouldNotBeNull(what);
        var compared = new TaskCompletionSource();
        stream.Post(() =>
        {
            try
            {
                expected.ShouldBeHeldBy(stream.Store, what);
                compared.SetResult();
            }
            catch (Exception difference)
            {
                compared.SetException(difference);
            }
        });
        await Wait.For(what, BoolOf(compared.Task));
    }

    private static async Task<bool> BoolOf(Task task)
    {
        await task;
        return true;
    }
}
