using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Security.Matrix;

namespace NatsAspire.Tests.Unit.Security;

/// <summary>
/// A leaf never gains what its permissions deny, and gets all that they allow: generated rights, denials, subscriptions,
/// messages, requests and answers against an oracle that shares no code with the server; also from beyond a gateway, and after
/// reloads of both ends that bring other rights.
/// </summary>
public sealed class LinkMatrixTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1, 40, false)]
    [InlineData(10_000, 12, true)]
    public async Task LinksLetThroughWhatTheOracleSays(int firstSeed, int worlds, bool hasGateway)
    {
        var (cases, crossings, kept, answers) = (0, 0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + worlds; seed++)
        {
            var world = new LinkWorld(seed, hasGateway);
            await using var super = hasGateway ? await SuperCluster.StartAsync(more: "leafnodes { host: 127.0.0.1, port: -1 }\n" + world.HubAccounts()) : null;
            await using var alone = hasGateway ? null : await TestServer.FromConfigAsync(Hub(world));
            var hub = alone ?? super!["A1"];
            await using var leaf = await TestServer.FromConfigAsync(Leaf(world, hub));
            await JoinedAsync(world, hub, leaf, 0);
            var connection = hub.LeafNodes!.Snapshot().Single().Id;
            var places = new Dictionary<LinkPlace, NatsServer> { [LinkPlace.Leaf] = leaf, [LinkPlace.Hub] = hub };
            if (super is not null) places[LinkPlace.Beyond] = super["B1"];
            await using var run = new LinkRun(world, places);
            await run.OpenAsync();
            await run.RunAsync();
            hub.LeafNodes!.Snapshot().Single().Id.ShouldBe(connection, "nothing was tried that the hub would have cut off");
            if (!hasGateway) await ChangeRightsAsync(world, hub, leaf, run);
            cases += run.Cases;
            crossings += run.Crossings;
            kept += run.Kept;
            answers += run.Answers;
        }
        output.WriteLine($"{worlds} worlds, {cases} messages, {answers} of them answers, {crossings} crossed, {kept} were kept from somebody who wanted them");
        // A generator that has become harmless would find nothing.
        crossings.ShouldBeGreaterThan(cases / 10);
        kept.ShouldBeGreaterThan(cases / 10);
        answers.ShouldBeGreaterThan(cases / 10);
    }

    private static async Task ChangeRightsAsync(LinkWorld world, NatsServer hub, NatsServer leaf, LinkRun run)
    {
        world.ChangeRights();
        var old = hub.LeafNodes!.Snapshot().Single().Id;
        await hub.ReloadAsync(TestServer.Parse(Hub(world)) with { Port = hub.Options.Port });
        await leaf.ReloadAsync(TestServer.Parse(Leaf(world, hub)) with { Port = leaf.Options.Port });
        await JoinedAsync(world, hub, leaf, old);
        await run.RunAsync();
    }

    private static Task JoinedAsync(LinkWorld world, NatsServer hub, NatsServer leaf, ulong old) => Wait.Until(
        "the leaf has joined, with another connection than before",
        () => hub.LeafNodes!.Snapshot() is [{ HasJoined: true } there] && there.Id != old && leaf.LeafNodes!.Snapshot() is [{ HasJoined: true }],
        () => $"{string.Join(", ", hub.LeafNodes!.Snapshot().Select(one => one.Id))}, before: {old}; {world}");

    private static string Hub(LinkWorld world) => $"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1 }}\n{world.HubAccounts()}";

    private static string Leaf(LinkWorld world, NatsServer hub) =>
        $"server_name: leaf\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://leaf:leaf@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: A, {world.Remote()} }} ] }}\n{LinkWorld.LeafAccounts}";
}
