using System.Diagnostics.Metrics;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Clustering.Routes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Hosting.Telemetry;

/// <summary>
/// A server's figures as instruments of the meter <see cref="MeterName"/>. All of them read counters that exist
/// anyway, when somebody collects; every measurement names its server, since one process may hold several.
/// </summary>
internal sealed class ServerMeter : IDisposable
{
    /// <summary>Name of the meter, and of the source of spans.</summary>
    public const string MeterName = MessageSpans.SourceName;

    private readonly Meter _meter = new(MeterName, Defaults.Version);
    private readonly KeyValuePair<string, object?>[] _server;
    private readonly ClientHub _clients;
    private readonly AccountRegistry _accounts;
    private readonly RouteManager? _routes;
    private readonly LeafManager? _leafs;
    private readonly IReadOnlyList<IoLoop> _loops;

    public ServerMeter(NatsServer server, IReadOnlyList<IoLoop> loops)
    {
        _server = [new("nats.server.name", server.Name), new("nats.server.id", server.Id)];
        _clients = server.Clients;
        _accounts = server.Accounts;
        _routes = server.Routes;
        _leafs = server.LeafNodes;
        _loops = loops;
        CreateConnectionInstruments();
        CreateTrafficInstruments();
        _meter.CreateObservableGauge(
            "nats.server.uptime", () => Of((TimeProvider.System.GetUtcNow() - server.StartedAt).TotalSeconds), "s", "Time since the start.");
        _meter.CreateObservableCounter(
            "nats.server.loop.long_turns", () => Of(_loops.Sum(loop => loop.LongTurns)), "{turn}", "Turns of I/O loops above 10 ms.");
    }

    public void Dispose() => _meter.Dispose();

    private void CreateConnectionInstruments()
    {
        _meter.CreateObservableUpDownCounter("nats.server.connections", () => Of(_clients.Count), "{connection}", "Clients connected now.");
        _meter.CreateObservableCounter(
            "nats.server.connections.accepted", () => Of(_clients.Total), "{connection}", "Clients accepted since the start.");
        _meter.CreateObservableCounter(
            "nats.server.slow_consumers", () => Of(_clients.SlowConsumers), "{connection}", "Clients cut off because they read too slowly.");
        _meter.CreateObservableUpDownCounter(
            "nats.server.subscriptions", () => Of(_accounts.All.Sum(account => (long)account.Subscriptions.Count)), "{subscription}", "Subscriptions of all accounts.");
        _meter.CreateObservableUpDownCounter(
            "nats.server.routes", () => Of(_routes?.ConnectionCount ?? 0), "{connection}", "Route connections, pool members counted.");
        _meter.CreateObservableUpDownCounter(
            "nats.server.leafnodes", () => Of(_leafs?.Count ?? 0), "{connection}", "Leaf node connections, at either end.");
        _meter.CreateObservableUpDownCounter(
            "nats.server.peers", () => Of(_routes?.CompletePeerCount ?? 0), "{server}", "Other servers of the cluster with a full set of routes.");
    }

    private void CreateTrafficInstruments()
    {
        _meter.CreateObservableCounter("nats.server.messages", () => Traffic(static sum => (sum.InMessages, sum.OutMessages)), "{message}", "Messages of clients and routes, by direction.");
        _meter.CreateObservableCounter("nats.server.io", () => Traffic(static sum => (sum.InBytes, sum.OutBytes)), "By", "Header and payload bytes of messages, by direction.");
    }

    private IEnumerable<Measurement<long>> Traffic(Func<TrafficCounters, (long In, long Out)> select)
    {
        var clients = select(_clients.Traffic);
        yield return Of(clients.In, "client", "receive");
        yield return Of(clients.Out, "client", "transmit");
        if (_routes is null) yield break;
        var routed = select(_routes.Traffic);
        yield return Of(routed.In, "route", "receive");
        yield return Of(routed.Out, "route", "transmit");
    }

    private Measurement<T> Of<T>(T value) where T : struct => new(value, _server);

    private Measurement<long> Of(long value, string kind, string direction) =>
        new(value, [.. _server, new("nats.connection.kind", kind), new("network.io.direction", direction)]);
}
