using System.Text;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>A server with JetStream in a folder of its own, and a client that asks and publishes.</summary>
public sealed class StreamServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("natsaspire-streams-");
    private readonly string _config;
    private readonly TestClientOptions? _user;
    private readonly CapturedLog _log = new(Microsoft.Extensions.Logging.LogLevel.Information);

    private StreamServer(string config, TestClientOptions? user) => (_config, _user) = (config, user);

    public NatsServer Server { get; private set; } = null!;

    public TestClient Client { get; private set; } = null!;

    /// <summary>What all its servers said, from information on.</summary>
    public CapturedLog Log => _log;

    /// <summary>Its store, gone at the end.</summary>
    public string Folder => _folder.FullName;

    /// <param name="jetStream">What stands in the jetstream block.</param>
    /// <param name="more">The rest of the configuration.</param>
    /// <param name="user">Whom the client connects as; null: nobody.</param>
    public static async Task<StreamServer> StartAsync(string jetStream = "", string more = "", string? user = null)
    {
        var made = new StreamServer($"jetstream {{ {jetStream} }}\n{more}", user is null ? null : new TestClientOptions { User = user, Password = user });
        await made.BeginAsync();
        return made;
    }

    /// <summary>Stops the server and starts another one over the same store.</summary>
    public async Task RestartAsync()
    {
        await EndAsync();
        await BeginAsync();
    }

    /// <summary>Asks the API.</summary>
    /// <param name="operation">The subject behind <c>$JS.API.</c></param>
    /// <param name="request">JSON; empty: none.</param>
    public async Task<JsonElement> AskAsync(string operation, string request = "") => Parse(await Client.RequestAsync("$JS.API." + operation, request));

    /// <summary>Makes a stream, which must succeed.</summary>
    public async Task<JsonElement> CreateAsync(string configuration)
    {
        var answer = await AskAsync($"STREAM.CREATE.{NameIn(configuration)}", configuration);
        ErrorOf(answer).ShouldBe(0, answer.ToString());
        return answer;
    }

    /// <summary>The code of the error of making a stream; 0: none.</summary>
    public async Task<int> TryCreateAsync(string configuration) => ErrorOf(await AskAsync($"STREAM.CREATE.{NameIn(configuration)}", configuration));

    /// <summary>The code of the error of changing a stream; 0: none.</summary>
    public async Task<int> TryUpdateAsync(string configuration) => ErrorOf(await AskAsync($"STREAM.UPDATE.{NameIn(configuration)}", configuration));

    /// <summary>Publishes and returns the acknowledgement, be it an error.</summary>
    public async Task<JsonElement> PublishAsync(string subject, string payload = "", params (string Name, string Value)[] headers)
    {
        var message = await Client.RequestAsync(subject, payload, headers.Length == 0 ? null : TestHeaders.Of(headers));
        message.IsNoResponders.ShouldBeFalse($"no stream takes {subject}");
        return Parse(message);
    }

    /// <summary>Publishes many and waits for the acknowledgement of the last.</summary>
    public async Task PublishManyAsync(string subject, int count, string payload = "")
    {
        for (var i = 1; i < count; i++) await Client.PublishAsync(subject, payload);
        ErrorOf(await PublishAsync(subject, payload)).ShouldBe(0);
    }

    /// <summary>The state of a stream.</summary>
    public async Task<JsonElement> StateAsync(string stream, string request = "") => (await AskAsync($"STREAM.INFO.{stream}", request)).GetProperty("state");

    /// <summary>Messages, first and last sequence of a stream.</summary>
    public async Task<(ulong Messages, ulong First, ulong Last)> EndsAsync(string stream)
    {
        var state = await StateAsync(stream);
        return (state.GetProperty("messages").GetUInt64(), state.GetProperty("first_seq").GetUInt64(), state.GetProperty("last_seq").GetUInt64());
    }

    /// <summary>A stored message.</summary>
    /// <param name="stream">Of this stream.</param>
    /// <param name="request">The members of the request, as <c>"seq":1</c>.</param>
    /// <returns>Its text; null: there is none.</returns>
    public async Task<string?> ReadAsync(string stream, string request)
    {
        var answer = await AskAsync($"STREAM.MSG.GET.{stream}", $"{{{request}}}");
        if (ErrorOf(answer) != 0) return null;
        return answer.GetProperty("message").TryGetProperty("data", out var data) ? Encoding.UTF8.GetString(data.GetBytesFromBase64()) : "";
    }

    /// <summary>The code of an answer's error; 0: it has none.</summary>
    public static int ErrorOf(JsonElement answer) => answer.TryGetProperty("error", out var error) ? error.GetProperty("err_code").GetInt32() : 0;

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _log.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string NameIn(string configuration) => JsonDocument.Parse(configuration).RootElement.GetProperty("name").GetString()!;

    private static JsonElement Parse(TestMessage message) => JsonDocument.Parse(message.Payload).RootElement;

    private async Task BeginAsync()
    {
        var options = TestServer.Parse(_config) with { StoreDirectory = _folder.FullName };
        Server = await NatsServer.StartAsync(options, _log, TestContext.Current.CancellationToken);
        Client = await TestClient.ConnectAsync(Server.ClientEndPoint!, _user);
    }

    private async Task EndAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
