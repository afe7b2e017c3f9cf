using System.Text;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>What a server with JetStream has after its next start.</summary>
public sealed class StreamRecoveryTests : IDisposable
{
    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-recovery-");

    [Fact]
    public async Task StreamsAndMessagesAreThereAgain()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"S","subjects":["s.*"],"max_msgs_per_subject":2}""");
            await CreateAsync(client, """{"name":"M","subjects":["m"],"storage":"memory"}""");
            for (var i = 1; i <= 10; i++) (await PublishAsync(client, $"s.{i % 2}", $"{i}")).GetProperty("seq").GetInt32().ShouldBe(i);
            (await client.RequestAsync("$JS.API.STREAM.MSG.DELETE.S", """{"seq":9}""")).Text.ShouldContain("success");
        }
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            var state = (await InfoAsync(client, "S")).GetProperty("state");
            state.GetProperty("messages").GetInt32().ShouldBe(3);
            state.GetProperty("last_seq").GetInt32().ShouldBe(10);
            state.GetProperty("num_deleted").GetInt32().ShouldBe(1);
            (await PublishAsync(client, "s.1", "11")).GetProperty("seq").GetInt32().ShouldBe(11);
            (await client.RequestAsync("$JS.API.STREAM.INFO.M")).Text.ShouldContain("10059");
        }
    }

    [Fact]
    public async Task AnUpdateHoldsForWhatComesAfterItOnly()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"S","subjects":["s"],"max_msgs":2}""");
            for (var i = 0; i < 5; i++) await PublishAsync(client, "s", "x");
            (await client.RequestAsync("$JS.API.STREAM.UPDATE.S", """{"name":"S","subjects":["s","t"],"max_msgs":10}""")).Text.ShouldNotContain("error");
            for (var i = 0; i < 3; i++) await PublishAsync(client, "t", "y");
        }
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            var info = await InfoAsync(client, "S");
            info.GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(5);
            info.GetProperty("state").GetProperty("first_seq").GetInt32().ShouldBe(4);
            info.GetProperty("config").GetProperty("max_msgs").GetInt32().ShouldBe(10);
        }
    }

    [Fact]
    public async Task ADeletedStreamStaysDeleted()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"S","subjects":["s"]}""");
            await PublishAsync(client, "s", "old");
            (await client.RequestAsync("$JS.API.STREAM.DELETE.S")).Text.ShouldContain("success");
            await CreateAsync(client, """{"name":"S","subjects":["s"]}""");
            await PublishAsync(client, "s", "new");
        }
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            (await InfoAsync(client, "S")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
            var message = await client.RequestAsync("$JS.API.STREAM.MSG.GET.S", """{"seq":1}""");
            message.Text.ShouldContain(Convert.ToBase64String("new"u8));
        }
    }

    [Theory]
    [InlineData(JetStreamCipher.ChaCha)]
    [InlineData(JetStreamCipher.Aes)]
    public async Task AnEncryptedServerLeavesNothingInTheClear(JetStreamCipher cipher)
    {
        const string secret = "a-message-that-nobody-may-read";
        var keys = new JetStreamOptions { EncryptionKey = "first", Cipher = cipher };
        await using (var server = await StartAsync(keys))
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"S","subjects":["s"]}""");
            await PublishAsync(client, "s", secret);
            FilesWith(secret).ShouldBeEmpty();
        }
        FilesWith(secret).ShouldBeEmpty();
        await using (var server = await StartAsync(keys with { EncryptionKey = "second", PreviousEncryptionKey = "first" }))
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            (await client.RequestAsync("$JS.API.STREAM.MSG.GET.S", """{"seq":1}""")).Text.ShouldContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)));
        }
    }

    [Fact]
    public async Task AStreamThatCannotBeTrustedIsOfflineAndUntouched()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"BAD","subjects":["bad"]}""");
            await CreateAsync(client, """{"name":"GOOD","subjects":["good"]}""");
            await PublishAsync(client, "good", "x");
        }
        var record = Path.Combine(_store.FullName, "natsaspire/accounts/$G/BAD/stream");
        var damaged = File.ReadAllBytes(record);
        damaged[^5] ^= 1;
        File.WriteAllBytes(record, damaged);
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            (await InfoAsync(client, "GOOD")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
            var info = await client.RequestAsync("$JS.API.STREAM.INFO.BAD");
            info.Text.ShouldContain("checksum is wrong");
            (await client.RequestAsync("$JS.API.STREAM.CREATE.BAD", """{"name":"BAD","subjects":["bad"]}""")).Text.ShouldContain("error");
        }
        File.ReadAllBytes(record).ShouldBe(damaged);
    }

    public void Dispose() => _store.Delete(recursive: true);

    private Task<NatsServer> StartAsync(JetStreamOptions? options = null) => TestServer.StartAsync(plain => plain with
    {
        StoreDirectory = _store.FullName,
        JetStream = (options ?? new JetStreamOptions()) with { Enabled = true },
    });

    private static async Task CreateAsync(TestClient client, string configuration)
    {
        var name = JsonDocument.Parse(configuration).RootElement.GetProperty("name").GetString();
        (await client.RequestAsync($"$JS.API.STREAM.CREATE.{name}", configuration)).Text.ShouldContain("did_create");
    }

    private static async Task<JsonElement> PublishAsync(TestClient client, string subject, string payload)
    {
        var ack = JsonDocument.Parse((await client.RequestAsync(subject, payload)).Payload).RootElement;
        ack.TryGetProperty("error", out _).ShouldBeFalse(ack.ToString());
        return ack;
    }

    private static async Task<JsonElement> InfoAsync(TestClient client, string stream) =>
        JsonDocument.Parse((await client.RequestAsync($"$JS.API.STREAM.INFO.{stream}")).Payload).RootElement;

    private IEnumerable<string> FilesWith(string text) => Directory.EnumerateFiles(_store.FullName, "*", SearchOption.AllDirectories)
        .Where(path => ReadShared(path).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
