using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NatsAspire.ConsolePage;

namespace NatsAspire.Hosting;

/// <summary>
/// The console page of a run: a static page, what it shows as server-sent events, and its buttons. Only on loopback, only
/// for who knows the token in its URL.
/// </summary>
public sealed class ConsoleServer : IAsyncDisposable
{
    private const int MaxRequest = 8 * 1024, MaxViewers = 50;
    private const string PageName = "page.html";
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(5);
    private readonly WebApplication _app;
    private readonly ClusterWatch _watch;
    private readonly RunnerLogRing _lines;
    private readonly ConsoleCommands _commands;
    private readonly byte[] _token;
    private readonly CancellationTokenSource _stopping = new();

    private ConsoleServer(WebApplication app, LocalRunner runner, ClusterWatch watch, RunnerLogRing lines, string token)
    {
        _app = app;
        _watch = watch;
        _lines = lines;
        _token = Encoding.UTF8.GetBytes(token);
        _commands = new ConsoleCommands(runner, lines);
        Url = new Uri("http://127.0.0.1/");
    }

    /// <summary>Where it is, token and all.</summary>
    public Uri Url { get; private set; }

    /// <summary>Serves until it is disposed of.</summary>
    /// <param name="port">On loopback; 0: a free one.</param>
    /// <param name="runner">Whose servers the buttons are for.</param>
    /// <param name="watch">What is shown.</param>
    /// <param name="lines">Recent log lines.</param>
    /// <exception cref="TopologyException">The port is taken.</exception>
    public static async Task<ConsoleServer> StartAsync(int port, LocalRunner runner, ClusterWatch watch, RunnerLogRing lines)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, OwnersLifetime>();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaxRequest;
            options.Limits.MaxConcurrentConnections = MaxViewers;
            options.Listen(IPAddress.Loopback, port);
        });
        var app = builder.Build();
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var console = new ConsoleServer(app, runner, watch, lines, token);
        app.Run(console.AnswerAsync);
        try
        {
            await app.StartAsync();
        }
        catch (IOException error)
        {
            await console.DisposeAsync();
            throw new TopologyException($"The console cannot listen on port {port}: {error.Message} --console PORT names another, --no-console does without.");
        }
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        console.Url = new Uri($"{address}/?token={token}");
        return console;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _app.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ConsoleAsset.SecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        // A page of another site may reach loopback under a name of its own; ours is known by address only.
        if (context.Request.Host.Host is not ("127.0.0.1" or "localhost"))
        {
            await SayAsync(context, 421, "The console is at 127.0.0.1.");
            return;
        }
        var path = context.Request.Path.Value!.TrimStart('/');
        if (path != PageName && ConsoleAsset.Find(path) is { } asset) await FileAsync(context, asset);
        else if (!IsKnown(context.Request)) await SayAsync(context, 403, "The console's URL holds a token; open the one that the runner printed.");
        else await (path switch
        {
            "" => FileAsync(context, ConsoleAsset.Find(PageName)!),
            "snapshot" => JsonAsync(context, _watch.Current, ConsoleJson.Default.ConsoleSnapshot),
            "events" => EventsAsync(context),
            "command" when context.Request.Method == "POST" => CommandAsync(context),
            "command" => SayAsync(context, 405, "Commands are posted."),
            _ => SayAsync(context, 404, "There is no such page."),
        });
    }

    private bool IsKnown(HttpRequest request)
    {
        // A header for commands: no other site's form or image can set one.
        var given = request.Method == "POST" ? request.Headers["X-Token"].ToString() : request.Query["token"].ToString();
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), _token);
    }

    private static Task FileAsync(HttpContext context, ConsoleAsset asset)
    {
        context.Response.ContentType = asset.ContentType;
        return context.Response.Body.WriteAsync(asset.Bytes, context.RequestAborted).AsTask();
    }

    private async Task CommandAsync(HttpContext context)
    {
        CommandRequest? request;
        try
        {
            request = await JsonSerializer.DeserializeAsync(context.Request.Body, ConsoleJson.Default.CommandRequest, context.RequestAborted);
        }
        catch (JsonException)
        {
            await SayAsync(context, 400, "That is no command.");
            return;
        }
        if (request is null) await SayAsync(context, 400, "That is no command.");
        else await JsonAsync(context, await _commands.RunAsync(request, context.RequestAborted), ConsoleJson.Default.CommandResponse);
    }

    /// <summary>A snapshot with each look, and the log lines since the last one.</summary>
    private async Task EventsAsync(HttpContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        context.Response.ContentType = "text/event-stream";
        var last = 0L;
        try
        {
            while (true)
            {
                await SendAsync(context, "snapshot", _watch.Current, ConsoleJson.Default.ConsoleSnapshot, ended.Token);
                if (_lines.After(last) is { Length: > 0 } lines)
                {
                    last = lines[^1].Number;
                    await SendAsync(context, "log", lines, ConsoleJson.Default.LogViewArray, ended.Token);
                }
                await _watch.NextAsync(Beat, ended.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The viewer went, or the run ends.
        }
    }

    private static async Task SendAsync<T>(HttpContext context, string kind, T value, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        await context.Response.WriteAsync($"event: {kind}\ndata: {JsonSerializer.Serialize(value, type)}\n\n", cancellation);
        await context.Response.Body.FlushAsync(cancellation);
    }

    private static Task JsonAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(value, type), context.RequestAborted);
    }

    private static Task SayAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>Signals are the runner's business.</summary>
    private sealed class OwnersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
