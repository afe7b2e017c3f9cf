using System.Text.Json;
using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>Servers whose monitoring pages are on a free port, and what the pages answer.</summary>
public static class Monitored
{
    private static readonly HttpClient Http = new(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true });

    public static Task<NatsServer> StartAsync(string config = "", Func<ServerOptions, ServerOptions>? change = null)
    {
        var loaded = ConfigLoader.LoadText(config, CommandLine.Checks).Options;
        var options = loaded with
        {
            Host = "127.0.0.1",
            Port = Defaults.RandomPort,
            Monitoring = loaded.Monitoring with { Host = "127.0.0.1", HttpPort = loaded.Monitoring.HttpsPort == 0 ? Defaults.RandomPort : 0 },
        };
        return NatsServer.StartAsync(change is null ? options : change(options), cancellation: TestContext.Current.CancellationToken);
    }

    /// <summary>What a page answers.</summary>
    /// <param name="server">Whose.</param>
    /// <param name="path">With the base path.</param>
    public static async Task<PageReply> GetAsync(this NatsServer server, string path)
    {
        using var answer = await Http.GetAsync(new Uri(server.MonitoringUrl!, path), TestContext.Current.CancellationToken);
        var origin = answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values.Single() : null;
        return new PageReply((int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString() ?? "", await answer.Content.ReadAsStringAsync(), origin);
    }

    /// <summary>The JSON of a page that answers 200.</summary>
    public static async Task<JsonElement> GetJsonAsync(this NatsServer server, string path)
    {
        var reply = await server.GetAsync(path);
        reply.Status.ShouldBe(200, reply.Text);
        return reply.Json;
    }

    public static Task<TestClient> ConnectAsync(this NatsServer server, TestClientOptions? options = null) =>
        TestClient.ConnectAsync(server.ClientEndPoint!, options);
}

/// <summary>An answer over HTTP.</summary>
/// <param name="Status">Its code.</param>
/// <param name="ContentType">Its kind.</param>
/// <param name="Text">Its body.</param>
/// <param name="AllowedOrigin">Access-Control-Allow-Origin; null: none.</param>
public sealed record PageReply(int Status, string ContentType, string Text, string? AllowedOrigin)
{
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;
}
