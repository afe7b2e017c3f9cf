using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Clustering.RouteCompressionTests;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Other modes while the routes stand: a level changes in place, whether there is compression is agreed on anew.</summary>
public sealed class RouteCompressionReloadTests
{
    [Fact]
    [Upstream("reload_test.go", "TestConfigReloadRouteCompression")]
    public async Task ModesChangeWhileServersRun()
    {
        await using var one = await StartAsync("A", "");
        var port = one.ClusterEndPoint!.Port;
        await using var two = await StartAsync("B", "", one);
        await using var old = await StartAsync("C", "compression: \"not supported\"", one);
        await MeetAsync(one, two, old);
        await WaitForAllAsync(one, two, old);
        var routes = new Routes(one, two, old);
        await routes.ExpectAsync("off", "off", isNew: false);

        Task ReloadOneAsync(string mode) => ReloadAsync(one, "A", mode.Length == 0 ? "" : $"compression: {mode}");
        Task ReloadTwoAsync(string mode) => ReloadAsync(two, "B", mode.Length == 0 ? "" : $"compression: {mode}", port);

        await ReloadOneAsync("on");
        await routes.ExpectAsync("s2_fast", "s2_fast", isNew: true);
        await ReloadTwoAsync("on");
        await routes.ExpectAsync("s2_fast", "s2_fast", isNew: false);
        await ReloadOneAsync("s2_better");
        await routes.ExpectAsync("s2_better", "s2_fast", isNew: false);
        await ReloadTwoAsync("s2_better");
        await routes.ExpectAsync("s2_better", "s2_better", isNew: false);
        await ReloadTwoAsync("{ mode: s2_auto, rtt_thresholds: [ 10s ] }");
        await routes.ExpectAsync("s2_better", "s2_uncompressed", isNew: false);
        await ReloadTwoAsync("s2_best");
        await routes.ExpectAsync("s2_better", "s2_best", isNew: false);
        await ReloadOneAsync("off");
        await routes.ExpectAsync("off", "off", isNew: true);
        await ReloadTwoAsync("off");
        await routes.ExpectAsync("off", "off", isNew: false);
        // Off is not accept: both have to want it.
        await ReloadOneAsync("s2_better");
        await routes.ExpectAsync("off", "off", isNew: true);
        await ReloadTwoAsync("s2_better");
        await routes.ExpectAsync("s2_better", "s2_better", isNew: true);
        await ReloadOneAsync("s2_best");
        await routes.ExpectAsync("s2_best", "s2_better", isNew: false);
        // Accept takes the peer's level, which it has to hear of.
        await ReloadOneAsync("");
        await routes.ExpectAsync("s2_better", "s2_better", isNew: true);
        await ReloadTwoAsync("");
        await routes.ExpectAsync("off", "off", isNew: true);
    }

    [Fact]
    public async Task ALevelChangesInTheMiddleOfAFlood()
    {
        await using var one = await StartAsync("A", "pool_size: -1, compression: s2_fast");
        await using var two = await StartAsync("B", "pool_size: -1, compression: s2_fast", one);
        await MeetAsync(one, two);
        using var subscriber = await RawClient.OpenAsync(two.ClientEndPoint!);
        await subscriber.SendAsync("SUB x 1\r\n");
        await subscriber.FlushAsync();
        await Wait.Until("interest crosses", () => one.Accounts.Global.Subscriptions.HasInterest("x"u8));
        using var publisher = await RawClient.OpenAsync(one.ClientEndPoint!);
        var stream = one.Routes!.Snapshot().Single();
        var flood = PublishAsync(publisher, 20_000);
        foreach (var mode in new[] { "{ mode: auto, rtt_thresholds: [ 10s ] }", "s2_best", "{ mode: auto, rtt_thresholds: [ 20s ] }", "s2_fast" })
        {
            await ReloadAsync(one, "A", $"pool_size: -1, compression: {mode}");
        }
        for (var i = 0; i < 20_000; i++) await subscriber.ExpectAsync($"MSG x 1 105\r\n{Payload(i)}\r\n");
        await flood;
        one.Routes.Snapshot().Single().ShouldBeSameAs(stream);
        await Wait.Until("the last level", () => stream.Compression == "s2_fast");
    }

    private static async Task PublishAsync(RawClient publisher, int count)
    {
        for (var i = 0; i < count; i++) await publisher.SendAsync($"PUB x 105\r\n{Payload(i)}\r\n");
    }

    private static string Payload(int i) => $"{i:D5}" + new string('p', 100);

    private static Task WaitForAllAsync(params NatsServer[] servers) => Wait.Until(
        "every connection of the mesh",
        () => servers.All(server => server.RouteConnectionCount == (servers.Length - 1) * 4),
        () => string.Join(", ", servers.Select(server => $"{server.Name}: {server.RouteConnectionCount}")));

    /// <summary>The routes between two servers, as they were and are; those to a third stay.</summary>
    private sealed class Routes(NatsServer one, NatsServer two, NatsServer old)
    {
        private HashSet<ulong> _of1 = Ids(one, two.Id);
        private HashSet<ulong> _of2 = Ids(two, one.Id);
        private readonly HashSet<ulong> _old = [.. Ids(one, old.Id)];

        public async Task ExpectAsync(string mode1, string mode2, bool isNew)
        {
            await Wait.Until(
                $"{mode1} and {mode2}, {(isNew ? "on new connections" : "on the same connections")}",
                () => Has(one, two.Id, mode1, _of1, isNew) && Has(two, one.Id, mode2, _of2, isNew),
                () => $"{string.Join(' ', Modes(one))} and {string.Join(' ', Modes(two))}");
            (_of1, _of2) = (Ids(one, two.Id), Ids(two, one.Id));
            Ids(one, old.Id).SetEquals(_old).ShouldBeTrue("a server without compression is not touched");
            one.Routes!.Snapshot().Where(route => route.RemoteId == old.Id).ShouldAllBe(route => route.Compression == "not supported");
        }

        private static bool Has(NatsServer server, string peer, string mode, HashSet<ulong> before, bool isNew)
        {
            var routes = server.Routes!.Snapshot().Where(route => route.RemoteId == peer).ToArray();
            return routes.Length == 4
                && routes.All(route => route.Compression == mode)
                && (isNew ? !routes.Any(route => before.Contains(route.Id)) : routes.All(route => before.Contains(route.Id)));
        }

        private static HashSet<ulong> Ids(NatsServer server, string peer) =>
            [.. server.Routes!.Snapshot().Where(route => route.RemoteId == peer).Select(route => route.Id)];
    }
}
