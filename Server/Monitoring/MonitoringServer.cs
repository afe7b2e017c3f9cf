using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Monitoring;

/// <summary>The HTTP pages, on Kestrel.</summary>
public sealed class MonitoringServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private MonitoringServer(WebApplication application, Uri url)
    {
        _application = application;
        Url = url;
    }

    /// <summary>http://host:port as bound.</summary>
    public Uri Url { get; }

    /// <summary>Binds and serves.</summary>
    /// <exception cref="IOException">The address is taken.</exception>
    public static async Task<MonitoringServer> StartAsync(
        MonitoringOptions options, string host, MonitoringSource source, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(Resolve(host), Math.Max(0, options.HttpPort));
        });
        builder.Services.AddRoutingCore();
        var application = builder.Build();
        Map(application, options.BasePath.TrimEnd('/'), source);
        await application.StartAsync(cancellation).ConfigureAwait(false);
        var bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var port = new Uri(bound).Port;
        var reachable = Resolve(host).Equals(IPAddress.Any) ? "127.0.0.1" : host;
        return new MonitoringServer(application, new Uri($"http://{new HostAndPort(reachable, port)}"));
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static void Map(WebApplication application, string basePath, MonitoringSource source) =>
        application.Run(context =>
        {
            var path = context.Request.Path.Value ?? "/";
            if (basePath.Length > 0 && !path.StartsWith(basePath, StringComparison.Ordinal)) return NotFound(context);
            return path[basePath.Length..].TrimEnd('/') switch
            {
                "/varz" => Json(context, JsonSerializer.Serialize(Varz.Collect(source), MonitoringJson.Default.Varz)),
                "/healthz" => Json(context, """{"status":"ok"}"""),
                _ => NotFound(context),
            };
        });

    private static Task Json(HttpContext context, string body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync("404 page not found\n");
    }

    private static IPAddress Resolve(string host) =>
        IPAddress.TryParse(host.Trim('[', ']'), out var address) ? address : Dns.GetHostAddresses(host)[0];
}

/// <summary>Source-generated JSON of the pages.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Varz))]
internal sealed partial class MonitoringJson : JsonSerializerContext;
