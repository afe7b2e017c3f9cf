using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Mirrors and sources of streams on the same server.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("natsaspire-copies-");

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMirrorBasics")]
    public async Task AMirrorHasTheSameMessagesUnderTheSameSequences()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await CreateAsync(client, """{"name":"M","mirror":{"name":"O"}}""");
        (await InfoAsync(client, "M")).GetProperty("mirror").GetProperty("active").GetInt64().ShouldBe(-1);
        await CreateAsync(client, """{"name":"O","subjects":["o.*"]}""");
        for (var i = 1; i <= 5; i++) await PublishAsync(client, $"o.{i}", $"{i}");
        (await client.RequestAsync("$JS.API.STREAM.MSG.DELETE.O", """{"seq":3}""")).Text.ShouldContain("success");
        for (var i = 6; i <= 400; i++) await PublishAsync(client, "o.x", $"{i}");
        await WaitForAsync(client, "M", state => state.GetProperty("last_seq").GetInt32() == 400);
        (await MessageAsync(client, "M", 400)).ShouldBe((await MessageAsync(client, "O", 400)));
        (await InfoAsync(client, "M")).GetProperty("mirror").GetProperty("lag").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task SourcesAreFilteredTransformedAndMarked()
    {
        await using var server = await StartAsync();
        await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
        await CreateAsync(client, """{"name":"A","subjects":["a.*"]}""");
        await CreateAsync(client, """{"name":"B","subjects":["b.*"]}""");
        await CreateAsync(client, """
            {"name":"ALL","subjects":["own"],"sources":[{"name":"A","filter_subject":"a.1"},
            {"name":"B","subject_transforms":[{"src":"b.*","dest":"from.b.{{wildcard(1)}}"}]}]}
            """);
        await PublishAsync(client, "a.1", "one");
        await PublishAsync(client, "a.2", "not wanted");
        await PublishAsync(client, "b.9", "two");
        await PublishAsync(client, "own", "three");
        await WaitForAsync(client, "ALL", state => state.GetProperty("messages").GetInt32() == 3);
        var message = await client.RequestAsync("$JS.API.STREAM.MSG.GET.ALL", """{"last_by_subj":"from.b.9"}""");
        var headers = JsonDocument.Parse(message.Payload).RootElement.GetProperty("message").GetProperty("hdrs").GetBytesFromBase64();
        TestHeaders.Parse(headers)["Nats-Stream-Source"].ShouldBe("B 1 b.* from.b.{{wildcard(1)}} b.9");
    }

    [Fact]
    public async Task SourcesGoOnWithoutGapOrRepetitionAfterARestart()
    {
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            await CreateAsync(client, """{"name":"A","subjects":["a"]}""");
            await CreateAsync(client, """{"name":"ALL","sources":[{"name":"A"}]}""");
            await CreateAsync(client, """{"name":"EMPTIED","sources":[{"name":"A"}]}""");
            for (var i = 1; i <= 20; i++) await PublishAsync(client, "a", $"{i}");
            await WaitForAsync(client, "ALL", state => state.GetProperty("messages").GetInt32() == 20);
            await WaitForAsync(client, "EMPTIED", state => state.GetProperty("messages").GetInt32() == 20);
            (await client.RequestAsync("$JS.API.STREAM.PURGE.EMPTIED")).Text.ShouldContain("success");
        }
        await using (var server = await StartAsync())
        {
            await using var client = await TestClient.ConnectAsync(server.ClientEndPoint!);
            for (var i = 21; i <= 30; i++) await PublishAsync(client, "a", $"{i}");
            await WaitForAsync(client, "ALL", state => state.GetProperty("messages").GetInt32() >= 30);
            await WaitForAsync(client, "EMPTIED", state => state.GetProperty("last_seq").GetInt32() >= 30);
            (await InfoAsync(client, "ALL")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(30);
            (await InfoAsync(client, "EMPTIED")).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(10);
            for (var i = 1; i <= 30; i++) (await MessageAsync(client, "ALL", i)).Data.ShouldBe(Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"{i}")));
        }
    }

    public void Dispose() => _store.Delete(recursive: true);

    private Task<NatsServer> StartAsync() => TestServer.StartAsync(plain => plain with
    {
        StoreDirectory = _store.FullName,
        JetStream = new JetStreamOptions { Enabled = true },
    });

    private static async Task CreateAsync(TestClient client, string configuration)
    {
        var name = JsonDocument.Parse(configuration).RootElement.GetProperty("name").GetString();
        (await client.RequestAsync($"$JS.API.STREAM.CREATE.{name}", configuration)).Text.ShouldContain("did_create");
    }

    private static async Task PublishAsync(TestClient client, string subject, string payload) =>
        (await client.RequestAsync(subject, payload)).Text.ShouldNotContain("error");

    private static async Task<JsonElement> InfoAsync(TestClient client, string stream) =>
        JsonDocument.Parse((await client.RequestAsync($"$JS.API.STREAM.INFO.{stream}")).Payload).RootElement;

    private static Task WaitForAsync(TestClient client, string stream, Func<JsonElement, bool> condition)
    {
        var last = "";
        return Wait.Until($"a state of {stream}", async () =>
        {
            var info = await InfoAsync(client, stream);
            last = info.ToString();
            return condition(info.GetProperty("state"));
        }, () => last);
    }

    private static async Task<(string Subject, string Data, string Time)> MessageAsync(TestClient client, string stream, int sequence)
    {
        var answer = await client.RequestAsync($"$JS.API.STREAM.MSG.GET.{stream}", $$"""{"seq":{{sequence}}}""");
        var message = JsonDocument.Parse(answer.Payload).RootElement.GetProperty("message");
        return (message.GetProperty("subject").GetString()!, message.GetProperty("data").GetString()!, message.GetProperty("time").GetString()!);
    }
}
