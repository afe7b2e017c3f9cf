using System.Net;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.ServiceDefaults;

/// <summary>Traces, metrics and logs of nats-server processes as a collector gets them.</summary>
public sealed class TelemetryExportTests
{
    private const int Terminate = 15;
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task ACollectorHearsOfThreeServers()
    {
        await using var collector = await OtlpCollector.StartAsync();
        var ports = new NatsAspire.Hosting.FreePorts().Take(6);
        var servers = new List<RunningProcess>();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                servers.Add(RunningProcess.Start(
                    Peers.OurServer(), Variables(collector.Url),
                    "-a", "127.0.0.1", "-n", $"s{i}", "-p", $"{ports[i]}", "--cluster_name", "C", "--cluster", $"nats://127.0.0.1:{ports[3 + i]}",
                    "--routes", $"nats://127.0.0.1:{ports[3]}"));
            }
            foreach (var server in servers) await server.WaitForOutputAsync("Server is ready");
            await PassATracedMessageAsync(ports);
            foreach (var name in new[] { "s0", "s1", "s2" })
            {
                await Wait.Until($"metrics of {name}", () => collector.Metrics.Any(metric => metric == (name, "nats.server.messages")), () => Describe(collector));
                await Wait.Until($"metrics of .NET of {name}", () => collector.Metrics.Any(metric => metric.Instance == name && metric.Name.StartsWith("dotnet.", StringComparison.Ordinal)), () => Describe(collector));
                await Wait.Until($"logs of {name}", () => collector.Logs.Contains((name, "Server is ready")), () => Describe(collector));
                await Wait.Until($"spans of {name}", () => collector.Spans.Any(span => span.Instance == name && span.TraceId == TraceId), () => Describe(collector));
            }
        }
        finally
        {
            foreach (var server in servers) server.Signal(Terminate);
            foreach (var server in servers)
            {
                (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
                await server.DisposeAsync();
            }
        }
        collector.Services.Keys.ShouldBe(["nats-server"]);
        var hop = collector.Spans.First(span => span.TraceId == TraceId);
        hop.Name.ShouldBe("nats.route");
        (hop.Tags["messaging.system"], hop.Tags["messaging.destination.name"], hop.Tags["nats.account"]).ShouldBe(("nats", "traced", "$G"));
        collector.Spans.Where(span => span.TraceId == TraceId).Select(span => span.Tags["nats.connection.kind"]).Distinct().Order().ShouldBe(["client", "route"]);
    }

    [Fact]
    public async Task TheLastWordsAreExportedToo()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var server = RunningProcess.Start(
            Peers.OurServer(), new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_SERVICE_NAME"] = "mine" },
            "-a", "127.0.0.1", "-p", "-1", "-n", "last");
        await server.WaitForOutputAsync("Server is ready");
        server.Signal(Terminate);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        collector.Logs.ShouldContain(("last", "Server Exiting.."));
        collector.Metrics.ShouldContain(("last", "nats.server.connections"));
        collector.Services.Keys.ShouldBe(["mine"]);
    }

    [Fact]
    public async Task ACollectorThatIsNotThereHoldsUpNothing()
    {
        await using var server = RunningProcess.Start(Peers.OurServer(), Variables("http://127.0.0.1:1"), "-a", "127.0.0.1", "-p", "-1");
        await server.WaitForOutputAsync("Server is ready");
        server.Signal(Terminate);
        (await server.WaitForExitAsync(TimeSpan.FromSeconds(6))).ShouldBe(0);
    }

    [Fact]
    public async Task TheAppHostPassesTheVariablesOn()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var app = RunningProcess.Start(Distributed.AppHostTests.AppHost, Variables(collector.Url));
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        await Wait.Until("metrics of three servers", () => collector.Metrics.Where(metric => metric.Name == "nats.server.peers").Select(metric => metric.Instance).Distinct().Count() == 3, () => Describe(collector));
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        collector.Metrics.Select(metric => metric.Instance).Distinct().Order().ShouldBe(["nats-1", "nats-2", "nats-3"]);
    }

    private static async Task PassATracedMessageAsync(IReadOnlyList<int> ports)
    {
        // Published at the first and wanted at the other two.
        var subscribers = new List<TestSubscription>();
        var clients = new List<TestClient>();
        foreach (var port in ports.Take(3)) clients.Add(await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)));
        foreach (var client in clients.Skip(1))
        {
            subscribers.Add(await client.SubscribeAsync("traced"));
            await client.FlushAsync();
        }
        var got = subscribers.Select(subscriber => subscriber.NextAsync(Wait.Default)).ToArray();
        await Wait.Until("the message reaches both other servers", async () =>
        {
            await clients[0].SendAsync($"HPUB traced 82 84\r\nNATS/1.0\r\ntraceparent: 00-{TraceId}-00f067aa0ba902b7-01\r\n\r\nhi\r\n");
            await clients[0].FlushAsync();
            return got.All(task => task.IsCompletedSuccessfully);
        });
        foreach (var client in clients) await client.DisposeAsync();
    }

    private static Dictionary<string, string> Variables(string url) => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    private static string Describe(OtlpCollector collector) =>
        $"spans: {string.Join(' ', collector.Spans.Take(5))}; metrics: {string.Join(' ', collector.Metrics.Distinct().Take(60))}; logs: {string.Join(' ', collector.Logs.Take(9))}";
}
