using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using NatsAspire.Hosting;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Primitives.S2;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>What a hub and its leaf say to each other while clients do what was done when 2.14.5 was recorded, item by item.</summary>
public sealed partial class LeafGoldenReplayTests
{
    private static readonly byte[] StreamIdentifier = [0xff, 6, 0, 0, .. "S2sTwO"u8];

    [Theory]
    [InlineData("leaf-plain", "a")]
    [InlineData("leaf-isolate", "a")]
    [InlineData("leaf-sys-account", "sys")]
    [InlineData("leaf-s2-fast", "a")]
    [InlineData("leaf-s2-auto", "a")]
    [InlineData("leaf-cluster-origin", "a")]
    public async Task AConversationIsThatOfTheRecording(string capture, string user)
    {
        var recorded = Golden.Json("serverwire", capture + ".json");
        var isCluster = capture == "leaf-cluster-origin";
        var cluster = new TestCluster();
        await using var disposal = cluster;
        var hub = await StartAsync(recorded, isCluster ? "hub1" : "hub", "");
        cluster.Servers.Add(hub);
        await using var proxy = InterposingProxy.Start(hub.LeafNodeEndPoint!);
        if (isCluster)
        {
            cluster.Servers.Add(await StartAsync(recorded, "hub2", $"nats://127.0.0.1:{hub.ClusterEndPoint!.Port}"));
            await cluster.WaitForMeshAsync();
        }
        await using var leaf = await StartAsync(recorded, isCluster ? "leaf1" : "leaf", "", proxy.EndPoint.Port);
        await LeafPair.ConnectedAsync(hub, 1);
        await LeafPair.ConnectedAsync(leaf, 1);
        await ActAsync(cluster.Servers[^1], leaf, user);
        await ActAsync(leaf, cluster.Servers[^1], user);
        foreach (var (side, direction) in new[] { ("A", proxy.ToTarget), ("B", proxy.FromTarget) })
        {
            var expected = Said(recorded.GetProperty("connections")[0], side);
            List<string> Got() => Items(Decompressed(direction.Passed));
            await Wait.Until($"{side} has said {expected.Count} items", () => Got().Count >= expected.Count, () => string.Join('\n', Got().TakeLast(10)));
            var got = Got();
            got.Where(item => !IsEnd(item)).ShouldBe(expected.Where(item => !IsEnd(item)), $"{capture}: what {side} says, in its order");
            got.Where(IsEnd).Order().ShouldBe(expected.Where(IsEnd).Order(), $"{capture}: what {side} no longer wants");
        }
    }

    /// <summary>What the recording's marks say, but for the burst of 1,200 subscriptions.</summary>
    private static async Task ActAsync(NatsServer near, NatsServer far, string user)
    {
        await using var c0 = await LeafPair.ClientAsync(near, user);
        await using var c1 = await LeafPair.ClientAsync(far, user);
        var account = user == "sys" ? "SYS" : "A";
        await c1.SubscribeAsync("foo");
        await c1.SubscribeAsync("foo.*");
        await c1.SubscribeAsync("bar.>");
        await c1.SubscribeAsync("foo");
        TestSubscription[] members = [await c1.SubscribeAsync("qs", "q1"), await c1.SubscribeAsync("qs", "q1"), await c1.SubscribeAsync("qs", "q2")];
        await c1.FlushAsync();
        await Wait.Until("the queues are known", () => near.Accounts.Find(account)!.Subscriptions.Match("qs"u8).Queues.Length == 2);
        var (one, two) = (TestHeaders.Of(("X", "1")), TestHeaders.Of(("X", "1"), ("Y", "2")));
        await c0.PublishAsync("foo", "one");
        await c0.PublishAsync("foo.x", "two", "reply.to");
        await c0.PublishAsync("bar.y");
        await c0.PublishAsync("bar.rep", "", "reply.empty");
        await c0.PublishAsync("foo", "hdr", headers: one);
        await c0.PublishAsync("foo.h", "hdrr", "reply.h", two);
        await c0.PublishAsync("bar.he", "", headers: TestHeaders.Of(("Z", "z")));
        await c0.PublishAsync("qs", "q");
        await c0.PublishAsync("qs", "qr", "reply.q");
        await c0.PublishAsync("qs", "qh", headers: one);
        await c0.PublishAsync("qs", "qhr", "reply.qh", one);
        var local = await c0.SubscribeAsync("qs", "q1");
        await c0.PublishAsync("qs", "q2");
        await c0.FlushAsync();
        (await local.NextAsync()).Text.ShouldBe("q2");
        await Wait.Until("all have crossed", () => members[2].Count == 5, () => $"{members[2].Count}");
        foreach (var member in members) await member.UnsubscribeAsync();
        await c1.SendAsync("UNSUB 2\r\n");
        var once = await c1.SubscribeAsync("once");
        await once.UnsubscribeAsync(1);
        await c1.FlushAsync();
        await LeafPair.HasInterestAsync(near, "once", account: account);
        await c0.PublishAsync("once", "1");
        await once.NextAsync();
        var service = await c1.SubscribeAsync("svc");
        await c1.FlushAsync();
        await LeafPair.HasInterestAsync(near, "svc", account: account);
        await LeafPair.HasInterestAsync(near, "once", isWanted: false, account: account);
        var answer = c0.RequestAsync("svc", "ask");
        await c1.PublishAsync((await service.NextAsync()).Reply!, "resp");
        (await answer).Text.ShouldBe("resp");
        await c0.PublishAsync("foo", string.Concat(Enumerable.Repeat("abcdefghij", 1000)));
        await c0.FlushAsync();
        var last = await c1.SubscribeAsync("last");
        await c1.FlushAsync();
        await LeafPair.HasInterestAsync(near, "last", account: account);
        await c0.PublishAsync("last");
        await last.NextAsync();
    }

    private static bool IsEnd(string item) => item.StartsWith("LS- ", StringComparison.Ordinal);

    private static List<string> Said(System.Text.Json.JsonElement connection, string side) => Items(connection.TryGetProperty("transcript", out var transcript)
        ? string.Concat(transcript.EnumerateArray().Where(entry => entry.TryGetProperty("dir", out var dir) && dir.GetString() == side && entry.TryGetProperty("data", out _)).Select(entry => entry.GetProperty("data").GetString()))
        : connection.GetProperty(side + "_s2_decoded").GetString()!);

    /// <summary>What was said of the clients' doing, an item each; inboxes have no numbers, queues are sorted.</summary>
    private static List<string> Items(string said)
    {
        var items = new List<string>();
        for (var at = 0; said.IndexOf("\r\n", at, StringComparison.Ordinal) is var end and >= 0;)
        {
            var line = said[at..end];
            at = end + 2;
            var body = "";
            if (line.StartsWith("LMSG ", StringComparison.Ordinal) || line.StartsWith("HMSG ", StringComparison.Ordinal))
            {
                var length = int.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
                if (at + length + 2 > said.Length) break;
                body = said.Substring(at, length);
                at += length + 2;
            }
            if (IsOfClients(line)) items.Add(Inbox().Replace(Sorted(line), "_INBOX") + (body.Length == 0 ? "" : "\n" + body));
        }
        return items;
    }

    private static bool IsOfClients(string line) =>
        line.Split(' ') is [var operation, var subject, ..] && operation is "LS+" or "LS-" or "LMSG" or "HMSG"
        && line.Split(' ')[1] is var named && named[0] != '$' && named != "last" && !named.StartsWith("burst.", StringComparison.Ordinal)
        && !(operation[0] == 'L' && operation[1] == 'S' && named.StartsWith("_INBOX", StringComparison.Ordinal)) && subject.Length > 0;

    private static string Sorted(string line) => line.Replace(" q2 q1 ", " q1 q2 ", StringComparison.Ordinal);

    private static string Decompressed(string passed)
    {
        var bytes = Encoding.Latin1.GetBytes(passed);
        var at = bytes.AsSpan().IndexOf(StreamIdentifier);
        return at < 0 ? passed : Encoding.Latin1.GetString(S2StreamTests.Decode(bytes[at..], 4096));
    }

    private static Task<NatsServer> StartAsync(System.Text.Json.JsonElement recorded, string name, string route, int hubPort = 0)
    {
        var text = recorded.GetProperty("servers").GetProperty(name).GetString()!;
        if (hubPort != 0) text = Url().Replace(text, match => $"{match.Groups[1].Value}@127.0.0.1:{hubPort}");
        var options = TestServer.Parse(Listening().Replace(text, "$1 127.0.0.1:-1"));
        if (options.Cluster.Enabled) options = options with { Cluster = options.Cluster with { Routes = route.Length == 0 ? [] : [new Uri(route)] } };
        return NatsServer.StartAsync(options);
    }

    [GeneratedRegex(@"_INBOX\.\S+")]
    private static partial Regex Inbox();

    [GeneratedRegex(@"(nats://\w+:\w+)@127\.0\.0\.1:\d+")]
    private static partial Regex Url();

    [GeneratedRegex(@"(listen:) 127\.0\.0\.1:\d+")]
    private static partial Regex Listening();
}
