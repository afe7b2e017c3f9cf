using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace NatsAspire.Tests.Support;

/// <summary>A stand-in for an OpenTelemetry collector: takes OTLP over HTTP and keeps what it was told.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _application;

    private OtlpCollector(WebApplication application) => _application = application;

    /// <summary>What OTEL_EXPORTER_OTLP_ENDPOINT is set to.</summary>
    public string Url => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>instance: span name, trace id in hex, attributes.</summary>
    public ConcurrentQueue<(string Instance, string Name, string TraceId, Dictionary<string, string> Tags)> Spans { get; } = new();

    /// <summary>instance: name of a metric.</summary>
    public ConcurrentQueue<(string Instance, string Name)> Metrics { get; } = new();

    /// <summary>instance: text of a log line.</summary>
    public ConcurrentQueue<(string Instance, string Text)> Logs { get; } = new();

    /// <summary>Every service.name seen.</summary>
    public ConcurrentDictionary<string, bool> Services { get; } = new();

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var collector = new OtlpCollector(builder.Build());
        collector._application.Run(collector.TakeAsync);
        await collector._application.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var request = new ProtoMessage(body.ToArray());
        // resource_spans, resource_metrics and resource_logs are all field 1, their resource is field 1 again.
        foreach (var resource in request.All(1))
        {
            var attributes = Attributes(resource.At(1, 1));
            Services.TryAdd(attributes.GetValueOrDefault("service.name", ""), true);
            var instance = attributes.GetValueOrDefault("service.instance.id", "");
            switch (context.Request.Path.Value)
            {
                case "/v1/traces":
                    foreach (var span in resource.At(2, 2)) Spans.Enqueue((instance, First(span, 5), Convert.ToHexStringLower(span.All(1).First().Bytes.Span), Attributes(span.All(9))));
                    break;
                case "/v1/metrics":
                    foreach (var metric in resource.At(2, 2)) Metrics.Enqueue((instance, First(metric, 1)));
                    break;
                case "/v1/logs":
                    foreach (var record in resource.At(2, 2)) Logs.Enqueue((instance, record.At(5, 1).FirstOrDefault().Text));
                    break;
                default:
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                    return;
            }
        }
        context.Response.ContentType = "application/x-protobuf";
    }

    private static string First(ProtoMessage message, int field) => message.All(field).FirstOrDefault().Text;

    /// <summary>key_value pairs whose values are texts.</summary>
    private static Dictionary<string, string> Attributes(IEnumerable<ProtoMessage> pairs) =>
        pairs.GroupBy(pair => First(pair, 1)).ToDictionary(group => group.Key, group => group.First().At(2, 1).FirstOrDefault().Text);
}
