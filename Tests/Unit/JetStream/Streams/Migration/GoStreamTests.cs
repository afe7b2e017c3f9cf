using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Migration;

/// <summary>Directories that real Go servers wrote, read as they would read them.</summary>
public sealed class GoStreamTests
{
    public static TheoryData<string, string> Recorded
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (folder, stream) in GoFolder.Recorded()) data.Add(folder, stream);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Every_recorded_stream_is_imported_as_it_was(string folder, string name)
    {
        using var store = Import(GoFolder.Load(folder, name), folder, name, out var stream);
        Expected(folder, name).ShouldBeHeldBy(store, $"{folder}/{name}");
        stream.Report.IsClean.ShouldBeTrue(stream.Report.ToString());
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Configuration_and_creation_time_are_read(string folder, string name)
    {
        using var store = Import(GoFolder.Load(folder, name), folder, name, out var stream);
        var info = Expected(folder, name).Info;
        stream.Created.ToString().ShouldBe(info.GetProperty("created").GetString());
        StreamConfiguration.ParseStored(JsonSerializer.SerializeToUtf8Bytes(info.GetProperty("config")), out var expected).ShouldBeNull();
        (stream.Configuration with { Metadata = stream.Configuration.Metadata.AsStored() }).ShouldBe(expected with { Metadata = expected.Metadata.AsStored() });
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Consumers_are_read_with_their_states(string folder, string name)
    {
        using var store = Import(GoFolder.Load(folder, name), folder, name, out var stream);
        var expected = Expected(folder, name).Consumers.EnumerateArray().OrderBy(one => one.GetProperty("name").GetString(), StringComparer.Ordinal).ToArray();
        stream.Consumers.Select(one => one.Name).ShouldBe(expected.Select(one => one.GetProperty("name").GetString()!));
        foreach (var (consumer, info) in stream.Consumers.Zip(expected))
        {
            // Old servers answered a time of their own until the next start.
            ApiTime.Parse(info.GetProperty("created").GetString()!, out var created);
            Math.Abs(consumer.Created.UnixNanoseconds - created.UnixNanoseconds).ShouldBeLessThan(1_000_000);
            JsonDocument.Parse(consumer.Configuration).RootElement.GetProperty("durable_name").GetString().ShouldBe(consumer.Name);
            var state = consumer.State ?? new GoConsumerState();
            if (folder == "killed")
            {
                // The server had not written all it knew.
                var decoded = Golden.Json("disk", folder, "CONS.decoded.json").GetProperty($"obs/{consumer.Name}/o.dat").GetProperty("consumer_state").GetProperty("state");
                (state.DeliveredConsumer, state.DeliveredStream).ShouldBe(Pair(decoded.GetProperty("delivered")), consumer.Name);
                continue;
            }
            (state.DeliveredConsumer, state.DeliveredStream).ShouldBe(Pair(info.GetProperty("delivered")), consumer.Name);
            (state.AckFloorConsumer, state.AckFloorStream).ShouldBe(Pair(info.GetProperty("ack_floor")), consumer.Name);
            state.Pending.Length.ShouldBe(info.GetProperty("num_ack_pending").GetInt32(), consumer.Name);
            state.Redelivered.Length.ShouldBe(info.GetProperty("num_redelivered").GetInt32(), consumer.Name);
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("s2")]
    [InlineData("chacha")]
    [InlineData("aes-s2")]
    [InlineData("written-by-2.12.15")]
    [Upstream("filestore_test.go", "TestFileStoreRecoverWithRemovesAndNoIndexDB")]
    [Upstream("filestore_test.go", "TestFileStoreEraseAndNoIndexRecovery")]
    public void Without_its_index_it_is_read_from_the_blocks(string folder)
    {
        foreach (var (_, name) in GoFolder.Recorded().Where(one => one.Folder == folder))
        {
            var files = GoFolder.Load(folder, name);
            files.Files.Remove($"streams/{name}/msgs/index.db").ShouldBeTrue();
            using var store = Import(files, folder, name, out var stream);
            Expected(folder, name).ShouldBeHeldBy(store, $"{folder}/{name}");
            stream.Report.IsClean.ShouldBeTrue(stream.Report.ToString());
        }
    }

    [Fact]
    public void Times_to_live_are_read()
    {
        using var store = Import(GoFolder.Load("plain", "TTL"), "plain", "TTL", out var stream);
        var expected = Golden.Json("disk", "plain", "TTL.decoded.json").GetProperty("msgs/thw.db");
        stream.ReadExpiries(out var high).OrderBy(one => one.Sequence)
            .ShouldBe(expected.GetProperty("entries_sorted_by_seq").EnumerateArray().Select(one => new GoExpiry(one.GetProperty("seq").GetUInt64(), one.GetProperty("expires_ns").GetInt64())));
        high.ShouldBe(expected.GetProperty("high_seq").GetUInt64());
        Import(GoFolder.Load("plain", "SCHED"), "plain", "SCHED", out var scheduled).Dispose();
        scheduled.ReadSchedules(out _).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("chacha")]
    [InlineData("aes")]
    [Upstream("filestore_test.go", "TestFileStoreRestoreEncryptedWithNoKeyFuncFails")]
    public void Without_the_right_key_nothing_is_read_and_it_is_said(string folder)
    {
        var files = GoFolder.Load(folder, "PLAIN");
        var report = new GoStoreReport();
        GoStream.Open(files, "PLAIN", keys: null, report).ShouldBeNull();
        report.ToString().ShouldContain("no encryption key is configured");
        report = new GoStoreReport();
        GoStream.Open(files, "PLAIN", new GoKeys("A", "wrong"), report).ShouldBeNull();
        report.ToString().ShouldContain("no configured encryption key opens");
    }

    [Theory]
    [InlineData("chacha")]
    [InlineData("aes")]
    public void The_key_before_still_opens_what_it_closed(string folder)
    {
        var secret = Golden.Json("disk", folder, "about.json").GetProperty("encryption_key").GetString()!;
        var stream = GoStream.Open(GoFolder.Load(folder, "PLAIN"), "PLAIN", new GoKeys("A", "new one", secret), new GoStoreReport()).ShouldNotBeNull();
        using var store = new MemoryMessageStore();
        stream.Import(store);
        store.State.Messages.ShouldBe(Expected(folder, "PLAIN").MessageCount);
    }

    [Fact]
    public void A_directory_is_left_as_it_was()
    {
        var root = Directory.CreateTempSubdirectory("natsaspire-migrate-");
        try
        {
            var files = GoFolder.Load("plain", "PLAIN");
            foreach (var (path, bytes) in files.Files)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root.FullName, path))!);
                File.WriteAllBytes(Path.Combine(root.FullName, path), bytes);
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(root.FullName, path), UnixFileMode.UserRead);
            }
            var before = Fingerprint(root);
            GoStream.Names(new GoDirectory(root.FullName), new GoStoreReport()).ShouldBe(["PLAIN"]);
            using var store = new MemoryMessageStore();
            var stream = GoStream.Open(new GoDirectory(root.FullName), "PLAIN", keys: null, new GoStoreReport()).ShouldNotBeNull();
            stream.Import(store);
            store.State.Messages.ShouldBe(Expected("plain", "PLAIN").MessageCount);
            Fingerprint(root).ShouldBe(before);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    internal static GoExpectation Expected(string folder, string name) => new(Golden.Json("disk", folder, name + ".expected.json"));

    /// <summary>Imports into a store as the Go server counts bytes: that of files.</summary>
    internal static IMessageStore Import(GoFolder files, string folder, string name, out GoStream stream)
    {
        var report = new GoStoreReport();
        stream = GoStream.Open(files, name, GoFolder.KeysOf(folder), report).ShouldNotBeNull(report.ToString());
        var store = FileMessageStore.Open(new SimulatedDisk(), "/store", new FileStoreOptions { StreamId = 1 });
        stream.Import(store);
        return store;
    }

    private static (ulong, ulong) Pair(JsonElement pair) => (pair.GetProperty("consumer_seq").GetUInt64(), pair.GetProperty("stream_seq").GetUInt64());

    private static string[] Fingerprint(DirectoryInfo root) => [.. root.GetFiles("*", SearchOption.AllDirectories).OrderBy(file => file.FullName, StringComparer.Ordinal)
        .Select(file => $"{file.FullName} {file.LastWriteTimeUtc:O} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file.FullName)))}")];
}
