using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Security.Matrix;

namespace NatsAspire.Tests.Unit.Security;

/// <summary>
/// A leaf that keeps to nothing it was told: whatever it sends or asks for, the hub lets through what its user may, cuts it off
/// where it says so, and gives it nothing else. Generated rights against the oracle's rules.
/// </summary>
public sealed class RogueLeafTests(ITestOutputHelper output)
{
    private static readonly string[] Literals =
        [.. from first in LinkWorld.Words from second in LinkWorld.Words select $"{first}.{second}", .. from first in LinkWorld.Words from third in LinkWorld.Words select $"{first}.a.{third}"];

    [Theory]
    [InlineData(20_000, 25)]
    public async Task WhatALeafMayNotItDoesNotGet(int firstSeed, int worlds)
    {
        var (sent, refused, asked, kept) = (0, 0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + worlds; seed++)
        {
            var world = new LinkWorld(seed, hasGateway: false);
            await using var hub = await TestServer.FromConfigAsync($"server_name: hub\nleafnodes {{ host: 127.0.0.1, port: -1, compression: off }}\n{world.HubAccounts()}");
            await using var client = await MatrixClient.OpenAsync(hub, "a", inProcess: true, echo: false);
            await using var service = await MatrixClient.OpenAsync(hub, "b", inProcess: true, echo: false);
            await client.SendAsync("SUB > 1\r\n");
            await service.SendAsync("SUB svc.* 1\r\n");
            await client.FlushAsync();
            await service.FlushAsync();
            foreach (var subject in Literals)
            {
                sent++;
                if (!await SayAsync(world, hub, client, service, subject)) refused++;
            }
            for (var i = 0; i < 12; i++)
            {
                asked++;
                kept += await AskAsync(world, hub, client, world.AnyPattern(), i % 3 == 0 ? $"q{i}" : null);
            }
        }
        output.WriteLine($"{worlds} worlds, {sent} messages, {refused} of them refused, {asked} subscriptions, {kept} messages kept from them");
        refused.ShouldBeGreaterThan(sent / 10);
        (sent - refused).ShouldBeGreaterThan(sent / 10);
        kept.ShouldBeGreaterThan(asked);
    }

    /// <summary>A message of the leaf's: through, or its end.</summary>
    private static async Task<bool> SayAsync(LinkWorld world, NatsServer hub, MatrixClient client, MatrixClient service, string subject)
    {
        using var leaf = await JoinAsync(hub);
        await leaf.SendAsync($"LMSG {subject} 3\r\nsay\r\nPING\r\n");
        var may = world.User.MayPublish(subject);
        if (may) await ReadToAsync(leaf, "PONG");
        else (await leaf.ReadToCloseAsync()).ShouldContain($"-ERR 'Permissions Violation for Publish to \"{subject}\"'", Case.Sensitive, $"{world}");
        await client.FlushAsync();
        await service.FlushAsync();
        client.Take().Messages.Select(message => message.Subject).ShouldBe(may ? [subject] : [], $"{subject}; {world}");
        var isService = may && NaiveSubjects.Matches(subject, "c.*");
        service.Take().Messages.Select(message => message.Subject).ShouldBe(isService ? ["svc" + subject[1..]] : [], $"{subject}; {world}");
        return may;
    }

    /// <summary>A subscription of the leaf's, and all that is said at the hub afterwards.</summary>
    /// <returns>How many messages it wanted and did not get.</returns>
    private static async Task<int> AskAsync(LinkWorld world, NatsServer hub, MatrixClient client, string pattern, string? queue)
    {
        using var leaf = await JoinAsync(hub);
        var rules = world.User with { SubscribeDeny = [.. (world.User.SubscribeDeny ?? []).Where(rule => !rule.Contains(' '))] };
        await leaf.SendAsync($"LS+ sentinel.end\r\nLS+ {pattern}{(queue is null ? "" : $" {queue} 1")}\r\nPING\r\n");
        var wanted = Literals.Where(subject => NaiveSubjects.Matches(subject, pattern)).ToList();
        if (!pattern.Contains('*') && !pattern.Contains('>') && !rules.MaySubscribe(pattern, null))
        {
            (await leaf.ReadToCloseAsync()).ShouldContain($"-ERR 'Permissions Violation for Subscription to \"{pattern}\"'", Case.Sensitive, $"{world}");
            return wanted.Count;
        }
        await ReadToAsync(leaf, "PONG");
        foreach (var subject in Literals.Append("sentinel.end")) await client.SendAsync($"PUB {subject} 3\r\nsay\r\n");
        var lines = await ReadToAsync(leaf, "LMSG sentinel.end");
        var got = lines.Where(line => line.StartsWith("LMSG ", StringComparison.Ordinal)).Select(line => line.Split(' ')).ToList();
        var may = wanted.Where(subject => rules.MaySubscribe(subject, null)).ToList();
        // A queue that may not have a message is not named, and its leaf need not get it.
        var sure = may.Where(subject => queue is null || !world.User.Denies(subject, queue)).ToList();
        got.Select(parts => parts[1]).ShouldBeSubsetOf(may, $"{pattern} {queue}; {world}");
        got.Where(parts => queue is null ? parts.Length == 3 : parts.Contains(queue)).Select(parts => parts[1]).ShouldBe(sure, $"{pattern} {queue}; {world}");
        return wanted.Count - sure.Count;
    }

    private static async Task<RawClient> JoinAsync(NatsServer hub)
    {
        var leaf = await RawClient.ConnectAsync(hub.LeafNodeEndPoint!);
        await leaf.ReadInfoAsync();
        await leaf.SendAsync("CONNECT {\"version\":\"2.14.5\",\"user\":\"leaf\",\"pass\":\"leaf\",\"server_id\":\"ROGUE\",\"name\":\"rogue\",\"cluster\":\"rogue\",\"headers\":true,\"compress_mode\":\"off\",\"remote_account\":\"A\",\"protocol\":3}\r\nPING\r\n");
        await ReadToAsync(leaf, "PONG");
        return leaf;
    }

    private static async Task<List<string>> ReadToAsync(RawClient leaf, string end)
    {
        var lines = new List<string>();
        while (await leaf.ReadLineAsync() is var line && !line.StartsWith(end, StringComparison.Ordinal)) lines.Add(line);
        return lines;
    }
}
