using System.Diagnostics.Metrics;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting.Telemetry;

/// <summary>The instruments of a server, as a collector in the process reads them.</summary>
public sealed class ServerMeterTests
{
    [Fact]
    public async Task FiguresFollowWhatHappens()
    {
        await using var cluster = await TestServer.ClusterAsync(2);
        using var publisher = await RawClient.OpenAsync(cluster[0].ClientEndPoint!);
        using var subscriber = await RawClient.OpenAsync(cluster[1].ClientEndPoint!);
        await subscriber.SendAsync("SUB s 1\r\n");
        await subscriber.FlushAsync();
        await Wait.Until("the interest has spread", async () =>
        {
            await publisher.SendAsync("PUB s 3\r\nabc\r\n");
            await publisher.FlushAsync();
            return Read(cluster[0], "nats.server.messages", "route", "transmit") > 0;
        });
        var one = cluster[0];
        Read(one, "nats.server.connections").ShouldBe(1);
        Read(one, "nats.server.connections.accepted").ShouldBe(1);
        Read(one, "nats.server.peers").ShouldBe(1);
        Read(one, "nats.server.routes").ShouldBe(one.RouteConnectionCount);
        Read(one, "nats.server.slow_consumers").ShouldBe(0);
        Read(one, "nats.server.loop.long_turns").ShouldBeGreaterThanOrEqualTo(0);
        Read(one, "nats.server.uptime").ShouldBeInRange(0.001, 60);
        Read(cluster[1], "nats.server.subscriptions").ShouldBeGreaterThanOrEqualTo(1);
        var sent = Read(one, "nats.server.messages", "client", "receive");
        sent.ShouldBeGreaterThanOrEqualTo(1);
        Read(one, "nats.server.io", "client", "receive").ShouldBe(3 * sent);
        await Wait.Until("the other server delivered", () => Read(cluster[1], "nats.server.messages", "client", "transmit") >= 1);
        Read(cluster[1], "nats.server.messages", "route", "receive").ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task AServerThatHasEndedIsNoLongerMeasured()
    {
        var server = await TestServer.StartAsync();
        Collect(server).ShouldNotBeEmpty();
        await server.DisposeAsync();
        Collect(server).ShouldBeEmpty();
    }

    private static double Read(NatsServer server, string instrument, string? kind = null, string? direction = null) =>
        Collect(server).Single(found => found.Instrument == instrument && found.Kind == kind && found.Direction == direction).Value;

    private static List<(string Instrument, string? Kind, string? Direction, double Value)> Collect(NatsServer server)
    {
        var found = new List<(string, string?, string?, double)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == MessageSpans.SourceName) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return found;

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var named = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
            if (!Equals(named["nats.server.id"], server.Id)) return;
            named["nats.server.name"].ShouldBe(server.Name);
            found.Add((instrument.Name, named.GetValueOrDefault("nats.connection.kind") as string, named.GetValueOrDefault("network.io.direction") as string, value));
        }
    }
}
