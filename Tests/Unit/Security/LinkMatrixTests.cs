using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Security.Matrix;

namespace NatsAspire.Tests.Unit.Security;

/// <summary>
/// A leaf never gains what its permissions deny, and gets all that they allow: generated permissions, denials, subscriptions
/// and messages against an oracle that shares no code with the server; also from beyond a gateway, and after a reload that
/// brings other permissions.
/// </summary>
public sealed class LinkMatrixTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 40, false)]
    [InlineData(10_000, 15, true)]
    public async Task LinksLetThroughWhatTheOracleSays(int firstSeed, int worlds, bool hasGateway)
    {
        var (cases, crossings, kept) = (0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + worlds; seed++)
        {
            var world = new LinkWorld(seed, hasGateway);
            await using var super = hasGateway ? await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + world.Accounts()) : null;
            await using var alone = hasGateway ? null : await LeafPair.HubAsync(accounts: world.Accounts());
            var hub = alone ?? super!["A1"];
            await using var leaf = await LeafPair.LeafAsync("leaf", hub, world.Remote(), "leaf");
            await LeafPair.ConnectedAsync(hub, 1);
            await LeafPair.ConnectedAsync(leaf, 1);
            var connection = hub.LeafNodes!.Snapshot().Single().Id;
            var places = new Dictionary<LinkPlace, NatsServer> { [LinkPlace.Leaf] = leaf, [LinkPlace.Hub] = hub };
            if (super is not null) places[LinkPlace.Beyond] = super["B1"];
            await using var run = new LinkRun(world, places);
            await run.OpenAsync();
            await run.RunAsync();
            hub.LeafNodes!.Snapshot().Single().Id.ShouldBe(connection, "nothing was tried that the hub would have cut off");
            if (!hasGateway) await NarrowAsync(world, hub, leaf, connection, run);
            cases += run.Cases;
            crossings += run.Crossings;
            kept += run.Kept;
        }
        output.WriteLine($"{worlds} worlds, {cases} messages, {crossings} crossed, {kept} were kept from somebody who wanted them");
        crossings.ShouldBeGreaterThan(cases / 10);
        kept.ShouldBeGreaterThan(cases / 10);
    }

    private static async Task NarrowAsync(LinkWorld world, NatsServer hub, NatsServer leaf, ulong connection, LinkRun run)
    {
        world.Narrow();
        var options = TestServer.Parse($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: {hub.LeafNodeEndPoint!.Port} }}\n{world.Accounts()}");
        await hub.ReloadAsync(options with { LeafNode = options.LeafNode with { Port = hub.Options.LeafNode.Port } });
        await Wait.Until(
            "the leaf has come back under other permissions",
            () => hub.LeafNodes!.Snapshot() is [var now] && now.Id != connection && leaf.LeafNodeCount == 1,
            () => $"{string.Join(", ", hub.LeafNodes!.Snapshot().Select(one => one.Id))}; {world}");
        await run.RunAsync();
    }
}
