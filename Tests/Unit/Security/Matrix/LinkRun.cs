using System.Globalization;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>One world on real servers.</summary>
/// <param name="world">It.</param>
/// <param name="servers">The servers of its places.</param>
internal sealed class LinkRun(LinkWorld world, IReadOnlyDictionary<LinkPlace, NatsServer> servers) : IAsyncDisposable
{
    private readonly Dictionary<LinkPlace, TestClient> _clients = [];
    private readonly List<TestSubscription> _subscriptions = [];
    private readonly Dictionary<LinkPlace, TestSubscription> _sentinels = [];
    private TestClient? _other;

    public int Cases { get; private set; }

    /// <summary>Messages that had to cross, and did.</summary>
    public int Crossings { get; private set; }

    /// <summary>Messages that somebody wanted beyond, and that must not cross.</summary>
    public int Kept { get; private set; }

    public async Task OpenAsync()
    {
        foreach (var (place, server) in servers) _clients[place] = await LeafPair.ClientAsync(server);
        _other = await LeafPair.ClientAsync(servers[LinkPlace.Hub], "b");
        foreach (var one in world.Subscriptions) _subscriptions.Add(await _clients[one.Place].SubscribeAsync(one.Subject, one.Queue));
        foreach (var (place, client) in _clients)
        {
            _sentinels[place] = await client.SubscribeAsync($"sentinel.{place}");
            await client.FlushAsync();
        }
    }

    /// <summary>Publishes everything, and compares.</summary>
    public async Task RunAsync()
    {
        await WaitForInterestAsync();
        var oracle = new LinkOracle(world);
        foreach (var publish in world.Publishes)
        {
            var client = publish.IsOfOther ? _other! : _clients[publish.Place];
            await client.PublishAsync(publish.Subject, publish.Id.ToString(CultureInfo.InvariantCulture));
        }
        await _other!.FlushAsync();
        await CrossAsync();
        var got = _subscriptions.Select(Take).ToList();
        foreach (var publish in world.Publishes) Compare(publish, oracle.Receivers(publish), got);
    }

    private void Compare(LinkPublish publish, IReadOnlySet<int> expected, List<Dictionary<int, int>> got)
    {
        var actual = got.Select((ids, index) => (Count: ids.GetValueOrDefault(publish.Id), index)).Where(one => one.Count > 0).ToList();
        actual.Select(one => one.index).Order().ShouldBe(expected.Order(), $"{publish} reached others than it should; {world}");
        actual.ShouldAllBe(one => one.Count == 1, $"{publish} came more than once; {world}");
        Cases++;
        var isAcross = (int index) => (world.Subscriptions[index].Place == LinkPlace.Leaf) != (publish.Place == LinkPlace.Leaf);
        Crossings += expected.Count(isAcross);
        var subject = publish.IsOfOther ? "b" + publish.Subject["news".Length..] : publish.Subject;
        Kept += Enumerable.Range(0, world.Subscriptions.Count).Count(index => isAcross(index) && !expected.Contains(index) && NaiveSubjects.Matches(subject, world.Subscriptions[index].Subject));
    }

    /// <summary>Interest goes in order: behind the sentinel's all other is known.</summary>
    private async Task WaitForInterestAsync()
    {
        foreach (var (at, server) in servers)
        {
            foreach (var place in servers.Keys) await Wait.Until($"{at} knows of {place}'s sentinel", () => Knows(server, $"sentinel.{place}"), () => world.ToString());
        }
    }

    private static bool Knows(NatsServer server, string subject) => server.Accounts.Find("A")!.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes(subject));

    /// <summary>What was published at each place has got to all others.</summary>
    private async Task CrossAsync()
    {
        foreach (var client in _clients.Values)
        {
            foreach (var place in _clients.Keys) await client.PublishAsync($"sentinel.{place}", "end");
        }
        foreach (var sentinel in _sentinels.Values)
        {
            for (var i = 0; i < _clients.Count; i++) await sentinel.NextAsync();
        }
        foreach (var client in _clients.Values) await client.FlushAsync();
    }

    private static Dictionary<int, int> Take(TestSubscription subscription)
    {
        var ids = new Dictionary<int, int>();
        while (subscription.TryTake() is { } message)
        {
            if (!int.TryParse(message.Text, CultureInfo.InvariantCulture, out var id)) continue;
            ids[id] = ids.GetValueOrDefault(id) + 1;
        }
        return ids;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values) await client.DisposeAsync();
        if (_other is not null) await _other.DisposeAsync();
    }
}
