using System.Globalization;
using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>One world on real servers.</summary>
/// <param name="world">It.</param>
/// <param name="servers">The servers of its places.</param>
internal sealed class LinkRun(LinkWorld world, IReadOnlyDictionary<LinkPlace, NatsServer> servers) : IAsyncDisposable
{
    private const int PerRun = 60;
    private readonly Dictionary<(LinkPlace Place, string User), MatrixClient> _clients = [];
    private readonly LinkSentinels _sentinels = new(servers);

    /// <summary>Messages judged.</summary>
    public int Cases { get; private set; }

    /// <summary>Deliveries that crossed the link, as they had to.</summary>
    public int Crossings { get; private set; }

    /// <summary>Deliveries somebody wanted beyond the link, and that must not be.</summary>
    public int Kept { get; private set; }

    /// <summary>Answers judged.</summary>
    public int Answers { get; private set; }

    private int Service => world.Subscriptions.Count;

    public async Task OpenAsync()
    {
        foreach (var (place, server) in servers)
        {
            foreach (var user in place == LinkPlace.Leaf ? ["a"] : new[] { "a", "b" }) _clients[(place, user)] = await MatrixClient.OpenAsync(server, user, inProcess: true, echo: true);
        }
        await _sentinels.OpenAsync();
        for (var i = 0; i < world.Subscriptions.Count; i++)
        {
            var one = world.Subscriptions[i];
            await _clients[(one.Place, "a")].SendAsync(string.Create(CultureInfo.InvariantCulture, $"SUB {one.Subject} {one.Queue} {i}\r\n"));
        }
        await _clients[(LinkPlace.Hub, "b")].SendAsync(string.Create(CultureInfo.InvariantCulture, $"SUB svc.* {Service}\r\n"));
        await FlushAsync();
    }

    /// <summary>Publishes, has some of it answered, and compares with the oracle.</summary>
    public async Task RunAsync()
    {
        await _sentinels.SettleAsync();
        var publishes = world.Publishes(PerRun);
        var seen = await PublishAsync(publishes);
        await AnswerAsync(publishes, seen);
    }

    /// <summary>Somebody who got a request answers it, each in account A or, as the service, in B.</summary>
    private async Task AnswerAsync(List<LinkPublish> publishes, List<Got> seen)
    {
        var answers = new List<LinkPublish>();
        foreach (var publish in publishes.Where(publish => publish.Reply is not null))
        {
            var got = seen.Where(one => one.Id == publish.Id).OrderBy(one => one.Subscription).ToList();
            if (got.Count == 0) continue;
            var one = got[world.Pick(got.Count)];
            // The answer of the service comes out where the request went into it: at the hub, if it came from the leaf.
            var isService = one.Subscription == Service;
            var place = !isService ? world.Subscriptions[one.Subscription].Place : publish.Place == LinkPlace.Leaf ? LinkPlace.Hub : publish.Place;
            var answer = world.Answer(publish, place, one.Reply!, isService);
            answers.Add(answer);
            await SendAsync(_clients[isService ? (LinkPlace.Hub, "b") : (place, "a")], answer);
        }
        await CompareAsync(answers);
        Answers += answers.Count;
    }

    private async Task<List<Got>> PublishAsync(List<LinkPublish> publishes)
    {
        foreach (var publish in publishes) await SendAsync(_clients[(publish.Place, publish.IsOfOther ? "b" : "a")], publish);
        return await CompareAsync(publishes);
    }

    private static Task SendAsync(MatrixClient client, LinkPublish publish)
    {
        var payload = publish.Id.ToString(CultureInfo.InvariantCulture);
        return client.SendAsync(string.Create(CultureInfo.InvariantCulture, $"PUB {publish.Wire} {publish.Reply} {payload.Length}\r\n{payload}\r\n"));
    }

    private async Task FlushAsync()
    {
        foreach (var client in _clients.Values) await client.FlushAsync();
    }

    private async Task<List<Got>> CompareAsync(List<LinkPublish> publishes)
    {
        await FlushAsync();
        // What the service answers goes over to where the request was taken in, and from there on to who asked.
        for (var i = 0; i < 3; i++) await _sentinels.CrossAsync();
        await FlushAsync();
        var got = Take();
        var oracle = new LinkOracle(world);
        foreach (var publish in publishes) Compare(oracle, publish, [.. got.Where(one => one.Id == publish.Id)]);
        return got;
    }

    private void Compare(LinkOracle oracle, LinkPublish publish, List<Got> all)
    {
        all.ShouldAllBe(one => !one.Subject.StartsWith("_GR_.", StringComparison.Ordinal) || one.Subscription == Service, $"{publish}; {world}");
        var got = all.Select(one => one.Subscription).ToList();
        // An answer to another cluster goes straight back for a moment, and then as interest leads it.
        var expected = publish.ReturnsTo is { } to ? new[] { oracle.Judge(publish), oracle.JudgeReturned(publish, to) } : [oracle.Judge(publish)];
        if (!expected.Any(one => one.Allows(got))) Assert.Fail($"{publish} reached {string.Join(", ", got.Order())}, and should: {string.Join(" or ", expected.AsEnumerable())}\n{world}");
        Cases++;
        var across = oracle.Wanting(publish.Subject).Where(index => oracle.IsAcross(index, publish)).ToList();
        Crossings += across.Count(got.Contains);
        Kept += across.Count(index => !expected.Any(one => one.MayReach(index)));
    }

    private List<Got> Take()
    {
        var all = new List<Got>();
        foreach (var (at, client) in _clients)
        {
            var (messages, errors) = client.Take();
            errors.ShouldBeEmpty($"at {at}; {world}");
            all.AddRange(from message in messages
                         where message.Payload.Length > 0 && char.IsAsciiDigit(message.Payload[0])
                         select new Got(int.Parse(message.Payload, CultureInfo.InvariantCulture), int.Parse(message.Sid, CultureInfo.InvariantCulture), message.Subject, message.Reply));
        }
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values) await client.DisposeAsync();
        await _sentinels.DisposeAsync();
    }

    private sealed record Got(int Id, int Subscription, string Subject, string? Reply);
}
