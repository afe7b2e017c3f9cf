using System.Globalization;
using System.Text;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>One world on real servers: everything its clients do is done, and what comes of it compared with the oracle.</summary>
internal sealed class MatrixRun(MatrixWorld world, IReadOnlyList<NatsServer> servers) : IAsyncDisposable
{
    private const int ShownDifferences = 12;
    private readonly MatrixOracle _oracle = new(world, servers[0].Gateways is not null);
    private readonly List<MatrixClient> _clients = [];
    private readonly Dictionary<(string Account, int Server), MatrixClient> _sentinels = [];
    private readonly List<string> _differences = [];
    private readonly Random _random = new(world.Seed);
    private int _marks;

    /// <summary>Operations judged.</summary>
    public int Cases { get; private set; }

    /// <summary>Messages they led to, all as expected.</summary>
    public int Messages { get; private set; }

    /// <summary>Those of them that went to another account than their publisher's.</summary>
    public int Crossings { get; private set; }

    /// <summary>Answers to requests that got to somebody of another account.</summary>
    public int AnswersAcross { get; private set; }

    /// <summary>Operations that had to be refused, and were.</summary>
    public int Refusals { get; private set; }

    public async Task RunAsync()
    {
        foreach (var connection in world.Connections)
        {
            _clients.Add(await MatrixClient.OpenAsync(servers[connection.Server], connection.User.Name, connection.InProcess, connection.Echo));
        }
        if (servers.Count > 1) await PostSentinelsAsync();
        await SubscribeAsync();
        if (servers[0].Gateways is not null) await SettleAsync();
        var seen = await PublishAsync(world.Publishes);
        await PublishAsync(Answers(seen));
        if (_differences.Count == 0) return;
        Assert.Fail($"Seed {world.Seed}, {servers.Count} server(s), {_differences.Count} differences:\n"
            + string.Join('\n', _differences.Take(ShownDifferences)) + "\n" + world.Write());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Concat(_sentinels.Values)) await client.DisposeAsync();
    }

    private async Task SubscribeAsync()
    {
        var texts = world.Connections.Select(_ => new StringBuilder()).ToList();
        var errors = world.Connections.Select(_ => new List<string>()).ToList();
        foreach (var subscription in world.Subscriptions)
        {
            var text = texts[subscription.Connection.Index];
            text.Append(CultureInfo.InvariantCulture, $"SUB {subscription.Subject} {subscription.Queue} {subscription.Sid}\r\n");
            if (subscription.Unsubscribed) text.Append(CultureInfo.InvariantCulture, $"UNSUB {subscription.Sid}\r\n");
            if (_oracle.Subscribe(subscription) is { } error) errors[subscription.Connection.Index].Add(error);
        }
        await SendAllAsync(texts);
        Cases += world.Subscriptions.Count;
        foreach (var connection in world.Connections) CompareErrors(connection, errors[connection.Index], _clients[connection.Index].Take().Errors);
    }

    /// <summary>Publishes, compares, and returns who really got what.</summary>
    private async Task<List<MatrixDelivery>> PublishAsync(IReadOnlyList<MatrixPublish> publishes)
    {
        var texts = world.Connections.Select(_ => new StringBuilder()).ToList();
        foreach (var publish in publishes)
        {
            var id = publish.Id.ToString(CultureInfo.InvariantCulture);
            texts[publish.Connection.Index].Append(CultureInfo.InvariantCulture, $"PUB {publish.Subject} {publish.Reply} {id.Length}\r\n{id}\r\n");
        }
        await SendAllAsync(texts);
        var errors = world.Connections.Select(_ => new List<string>()).ToList();
        var received = Collect(errors);
        var expectedErrors = world.Connections.Select(_ => new List<string>()).ToList();
        foreach (var publish in publishes)
        {
            var outcome = _oracle.Publish(publish);
            if (outcome.Error is not null) expectedErrors[publish.Connection.Index].Add(outcome.Error);
            var actual = received.Deliveries.GetValueOrDefault(publish.Id) ?? [];
            var fits = _oracle.IsHomeless(publish.Subject) ? AgreeOnReturned(publish, outcome, actual) : MatrixComparison.Agree(outcome, actual, _oracle.Names);
            if (!fits) Differ(publish, outcome, actual);
            var foreign = actual.Count(delivery => world.Connections[delivery.Connection].Account != publish.Connection.Account);
            Crossings += foreign;
            if (foreign > 0 && publish.Subject.StartsWith("_R_.", StringComparison.Ordinal)) AnswersAcross++;
            CompareStatus(publish, outcome, publish.Reply is null ? [] : received.Statuses.GetValueOrDefault(publish.Reply) ?? []);
        }
        foreach (var connection in world.Connections) CompareErrors(connection, expectedErrors[connection.Index], errors[connection.Index]);
        Cases += publishes.Count;
        Messages += received.Deliveries.Values.Sum(list => list.Count);
        return [.. received.Deliveries.OrderBy(entry => entry.Key).SelectMany(entry => entry.Value)];
    }

    /// <summary>
    /// What goes straight back to another cluster comes from there like anybody's, so that who does not want its own may get it; and who
    /// listens in its own account for others' answers need not hear it.
    /// </summary>
    private bool AgreeOnReturned(MatrixPublish publish, MatrixOutcome expected, List<MatrixDelivery> actual)
    {
        var rest = new MatrixOutcome();
        rest.Plain.AddRange(expected.Plain.Where(delivery => !IsOverheard(delivery)));
        rest.Groups.AddRange(expected.Groups.Where(group => !IsOverheard(group.Candidates[0])));
        var allowed = expected.Plain.Concat(expected.Groups.SelectMany(group => group.Candidates)).Select(delivery => (delivery.Connection, delivery.Sid)).ToHashSet();
        var others = publish.Connection.Echo ? actual : [.. actual.Where(delivery => delivery.Connection != publish.Connection.Index)];
        return others.Where(IsOverheard).All(delivery => allowed.Contains((delivery.Connection, delivery.Sid)))
            && MatrixComparison.Agree(rest, [.. others.Where(delivery => !IsOverheard(delivery))], _oracle.Names);
    }

    private static bool IsOverheard(MatrixDelivery delivery) => delivery.Subject.StartsWith("_R_.", StringComparison.Ordinal);

    /// <summary>
    /// Answers to requests: mostly by somebody who got them, else by anybody of that account; a reply subject has one
    /// answerer, who answers up to three times.
    /// </summary>
    private List<MatrixPublish> Answers(List<MatrixDelivery> seen)
    {
        var answers = new List<MatrixPublish>();
        foreach (var delivery in seen.Where(delivery => delivery.Reply is not null)) _oracle.Grant(world.Connections[delivery.Connection], delivery.Reply!);
        foreach (var copies in seen.Where(delivery => delivery.Reply is not null).GroupBy(delivery => delivery.Reply!))
        {
            // Who answers in the middle of a chain races with the answer from its end.
            if (copies.Key.StartsWith("_R_.", StringComparison.Ordinal) && _oracle.IsOnTheWayOfAnother(copies.Key)) continue;
            var receivers = copies.OrderBy(copy => copy.Connection).ThenBy(copy => copy.Sid, StringComparer.Ordinal).ToList();
            var receiver = world.Connections[receivers[_random.Next(receivers.Count)].Connection];
            var company = world.Connections.Where(other => other.Account == receiver.Account).ToList();
            var answerer = _random.Next(100) < 70 ? receiver : company[_random.Next(company.Count)];
            for (var i = _random.Next(1, 4); i > 0; i--)
            {
                answers.Add(new MatrixPublish(world.Publishes.Count + answers.Count + 1, answerer, copies.Key, null));
            }
        }
        return answers;
    }

    private async Task SendAllAsync(List<StringBuilder> texts)
    {
        await Task.WhenAll(_clients.Select((client, i) => client.SendAsync(texts[i].ToString())));
        await Task.WhenAll(_clients.Select(client => client.FlushAsync()));
        if (servers.Count > 1)
        {
            // An answer goes over to the server that asks, and from there on to whoever waits at the other one.
            for (var i = 0; i < 3; i++) await CrossAsync();
        }
        await Task.WhenAll(_clients.Select(client => client.FlushAsync()));
    }

    private (Dictionary<int, List<MatrixDelivery>> Deliveries, Dictionary<string, List<MatrixDelivery>> Statuses) Collect(List<List<string>> errors)
    {
        var deliveries = new Dictionary<int, List<MatrixDelivery>>();
        var statuses = new Dictionary<string, List<MatrixDelivery>>();
        for (var i = 0; i < _clients.Count; i++)
        {
            var (messages, newErrors) = _clients[i].Take();
            errors[i].AddRange(newErrors);
            foreach (var message in messages)
            {
                var delivery = new MatrixDelivery(i, message.Sid, message.Subject, message.Reply);
                if (message.Headers.StartsWith("NATS/1.0 503", StringComparison.Ordinal)) Add(statuses, message.Subject, delivery);
                else if (int.TryParse(message.Payload, CultureInfo.InvariantCulture, out var id)) Add(deliveries, id, delivery);
            }
        }
        return (deliveries, statuses);

        static void Add<TKey>(Dictionary<TKey, List<MatrixDelivery>> all, TKey key, MatrixDelivery delivery)
            where TKey : notnull
        {
            if (!all.TryGetValue(key, out var list)) all[key] = list = [];
            list.Add(delivery);
        }
    }

    private void Differ(MatrixPublish publish, MatrixOutcome outcome, List<MatrixDelivery> actual) => _differences.Add(
        $"{publish.Id}: {Describe(publish.Connection)} publishes {publish.Subject} reply {publish.Reply}\n  expected: {outcome.Error} {string.Join(", ", outcome.Plain.Select(Describe))}"
        + string.Concat(outcome.Groups.Select(group => $" {(group.IsCertain ? "one" : "at most one")} of [{string.Join(", ", group.Candidates.Select(Describe))}]"))
        + $"\n  received: {string.Join(", ", actual.Select(Describe))}");

    private void CompareStatus(MatrixPublish publish, MatrixOutcome outcome, List<MatrixDelivery> actual)
    {
        var fits = outcome.NoResponders.Count == 0 ? actual.Count == 0 : actual.Count == 1 && outcome.NoResponders.Contains(actual[0]);
        if (fits) return;
        _differences.Add($"{publish.Id}: {Describe(publish.Connection)} publishes {publish.Subject} reply {publish.Reply}: nobody listens\n"
            + $"  told expected: {string.Join(" or ", outcome.NoResponders.Select(Describe))}\n  told: {string.Join(", ", actual.Select(Describe))}");
    }

    private void CompareErrors(MatrixConnection connection, List<string> expected, List<string> actual)
    {
        Refusals += expected.Count;
        if (expected.SequenceEqual(actual)) return;
        var at = expected.Zip(actual).TakeWhile(pair => pair.First == pair.Second).Count();
        _differences.Add($"{Describe(connection)}: {expected.Count} errors expected, {actual.Count} came; the {at + 1}th: "
            + $"{expected.ElementAtOrDefault(at)} expected, {actual.ElementAtOrDefault(at)} came");
    }

    private static string Describe(MatrixConnection connection) => $"c{connection.Index} ({connection.User.Name}@s{connection.Server})";

    private string Describe(MatrixDelivery delivery)
    {
        var wanted = world.Subscriptions.Find(subscription => subscription.Connection.Index == delivery.Connection && subscription.Sid == delivery.Sid);
        return $"{Describe(world.Connections[delivery.Connection])} sid {delivery.Sid} <{wanted?.Subject} {wanted?.Queue}> {delivery.Subject} reply {delivery.Reply}";
    }

    private async Task PostSentinelsAsync()
    {
        foreach (var account in world.Accounts)
        {
            for (var i = 0; i < servers.Count; i++)
            {
                var sentinel = await MatrixClient.OpenAsync(servers[i], account.Sentinel, inProcess: true, echo: true);
                await sentinel.SendAsync($"SUB sentinel.s{i} 1\r\n");
                await sentinel.FlushAsync();
                _sentinels[(account.Name, i)] = sentinel;
            }
        }
    }

    /// <summary>
    /// All that is subscribed to is known in the other cluster. Twice: the first may be in the list that begins an account, which
    /// has no order; the second is told behind it.
    /// </summary>
    private async Task SettleAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            foreach (var ((_, server), sentinel) in _sentinels)
            {
                var subject = $"sentinel.settled.{++_marks}";
                await sentinel.SendAsync($"SUB {subject} {_marks + 10}\r\n");
                await sentinel.FlushAsync();
                await ToldInterest.WaitAsync(servers[1 - server], subject);
            }
        }
    }

    /// <summary>What was on its way between the servers has arrived: both account's links are as ordered as a pipe.</summary>
    private async Task CrossAsync()
    {
        var mark = $"mark{++_marks}";
        await Task.WhenAll(_sentinels.Select(async entry =>
        {
            var ((account, server), sentinel) = entry;
            var other = 1 - server;
            await Wait.Until($"{mark} of {account} gets from s{server} to s{other}", async () =>
            {
                if (_sentinels[(account, other)].HasGot(mark)) return true;
                // Only the first time it may go astray: until the other side's interest is known.
                await sentinel.SendAsync($"PUB sentinel.s{other} {mark.Length}\r\n{mark}\r\n");
                return false;
            });
        }));
        foreach (var sentinel in _sentinels.Values) sentinel.Take();
    }
}
