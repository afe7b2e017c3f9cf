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

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task TheLastWordsAreExportedToo(string protocol)
    {
        await using var collector = await OtlpCollector.StartAsync(grpc: protocol == "grpc");
        var variables = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
            ["OTEL_SERVICE_NAME"] = "mine",
        };
        await using var server = RunningProcess.Start(Peers.OurServer(), variables, "-a", "127.0.0.1", "-p", "-1", "-n", "last");
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
        await using var app = Distributed.AppHostTests.Start(Variables(collector.Url));
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        await Wait.Until("metrics of three servers", () => collector.Metrics.Where(metric => metric.Name == "nats.server.peers").Select(metric => metric.Instance).Distinct().Count() == 3, () => Describe(collector));
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(10))).ShouldBe(0);
        collector.Metrics.Select(metric => metric.Instance).Distinct().Order().ShouldBe(["nats-1", "nats-2", "nats-3"]);
    }

    /// <summary>One message's spans: the client's server at the edge, the leaf link, the stream that takes it, the gateway.</summary>
    [Fact]
    public async Task AMessageIsFollowedOverLeafGatewayAndStream()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var app = Distributed.AppHostTests.Start(Variables(collector.Url), "--topology", "supercluster", "--servers", "1", "--no-console");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        await using var east = await ClientOfAsync(app, "east");
        await using var edge = await ClientOfAsync(app, "edge");
        await east.SubscribeAsync("orders.*");
        await east.FlushAsync();
        string[] wanted = ["edge-1 nats.route client", "west-1 nats.route leafnode", "west-1 nats.store orders", "east-1 nats.route gateway"];
        await Wait.Until("spans of all of its way", async () =>
        {
            // Until interest has crossed; each try is another trace.
            var trace = Guid.NewGuid().ToString("N");
            await edge.SendAsync($"HPUB orders.1 82 84\r\nNATS/1.0\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n\r\nhi\r\n");
            await edge.FlushAsync();
            await Wait.Until("its first span", () => collector.Spans.Any(span => span.TraceId == trace), () => Describe(collector));
            return wanted.All(Told(collector).Contains);
        }, () => string.Join("; ", Told(collector)), TimeSpan.FromSeconds(30));
        var stored = collector.Spans.First(span => span.Name == "nats.store").Tags;
        (stored["messaging.destination.name"], stored["nats.account"]).ShouldBe(("orders.1", "$G"));
        foreach (var server in new[] { "edge-1", "west-1", "east-1" })
        {
            await Wait.Until($"logs and metrics of {server}", () => collector.Logs.Any(one => one.Instance == server) && collector.Metrics.Contains((server, "nats.server.messages")), () => Describe(collector));
        }
        app.Signal(Terminate);
        (await app.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0);
    }

    private static HashSet<string> Told(OtlpCollector collector) =>
        [.. collector.Spans.Select(span => $"{span.Instance} {span.Name} {span.Tags.GetValueOrDefault("nats.stream") ?? span.Tags.GetValueOrDefault("nats.connection.kind")}")];

    private static Task<TestClient> ClientOfAsync(RunningProcess app, string cluster)
    {
        var url = new Uri(app.Output.Split($"Connection string of {cluster}: ")[1].Split('\n')[0].Trim());
        return TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, url.Port));
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
