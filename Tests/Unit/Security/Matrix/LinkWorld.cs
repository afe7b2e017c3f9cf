using System.Globalization;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Where a client is.</summary>
internal enum LinkPlace
{
    Leaf,
    Hub,

    /// <summary>In another cluster, beyond the hub's gateway.</summary>
    Beyond,
}

/// <summary>A subscription in account A.</summary>
/// <param name="Place">Where.</param>
/// <param name="Subject">To what.</param>
/// <param name="Queue">Null: none.</param>
internal sealed record LinkSubscription(LinkPlace Place, string Subject, string? Queue);

/// <summary>A message that is published; its id is its payload.</summary>
/// <param name="Id">Unique.</param>
/// <param name="Place">Where.</param>
/// <param name="Subject">In account A, whatever account it is published in.</param>
/// <param name="Reply">Where an answer is awaited; null: nowhere.</param>
/// <param name="Wire">The subject its publisher says: another if it is published in account B, or answers a request that went there.</param>
/// <param name="ReturnsTo">It answers a request of another cluster, which was made here; null: it does not.</param>
internal sealed record LinkPublish(int Id, LinkPlace Place, string Subject, string? Reply, string Wire, LinkPlace? ReturnsTo = null)
{
    /// <summary>It is published in account B, of which A takes it as a stream.</summary>
    public bool IsOfOther => Wire.StartsWith("news.", StringComparison.Ordinal);
}

/// <summary>
/// A hub, perhaps with another cluster behind it, a leaf, what the leaf's user may do at the hub, what the leaf's remote denies,
/// and what clients at all places ask for and say. The hub's account takes a stream and a service of account B.
/// </summary>
internal sealed class LinkWorld
{
    /// <summary>A queue group with members in several places.</summary>
    public const string SharedQueue = "shared";

    /// <summary>All tokens: few, so that patterns overlap all the time.</summary>
    public static readonly string[] Words = ["a", "b", "c"];

    private readonly Random _random;
    private readonly int _places;
    private int _ids;

    public LinkWorld(int seed, bool hasGateway)
    {
        _random = new Random(seed);
        _places = hasGateway ? 3 : 2;
        Seed = seed;
        ChangeRights();
        for (var i = 0; i < 14; i++)
        {
            var queue = _random.Next(9) switch { 0 => SharedQueue, < 4 => $"q{i}", _ => null };
            Subscriptions.Add(new LinkSubscription(AnyPlace(), Pattern(), queue));
        }
        for (var place = 0; place < _places; place++) Subscriptions.Add(new LinkSubscription((LinkPlace)place, InboxOf((LinkPlace)place) + ".*", null));
    }

    public int Seed { get; }

    /// <summary>What the user may whom the leaf connects as.</summary>
    public MatrixPermissions User { get; private set; } = null!;

    /// <summary>What the leaf's remote does not let in.</summary>
    public string[] DenyImports { get; private set; } = [];

    /// <summary>What the leaf's remote does not let out.</summary>
    public string[] DenyExports { get; private set; } = [];

    public List<LinkSubscription> Subscriptions { get; } = [];

    /// <summary>Other rights, as reloads of both ends bring them.</summary>
    public void ChangeRights()
    {
        User = new MatrixPermissions(Allowed(), Some(0.4, 2, queues: false), Allowed(), Some(0.4, 2, queues: true), null);
        DenyImports = Some(0.4, 2, queues: false) ?? [];
        DenyExports = Some(0.4, 2, queues: false) ?? [];
    }

    /// <summary>What is said next.</summary>
    public List<LinkPublish> Publishes(int count)
    {
        var publishes = new List<LinkPublish>();
        while (publishes.Count < count)
        {
            var (id, place) = (++_ids, AnyPlace());
            if (place != LinkPlace.Leaf && _random.Next(5) == 0) publishes.Add(OfOther(id, place, Literal()));
            else publishes.Add(OfOwn(id, place, Literal(), _random.Next(3) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{InboxOf(place)}.{id}") : null));
        }
        return publishes;
    }

    /// <summary>An answer to a message.</summary>
    /// <param name="request">It.</param>
    /// <param name="place">Where the answer comes into account A.</param>
    /// <param name="wire">The subject who answers was given.</param>
    /// <param name="isService">The answer comes from account B.</param>
    public LinkPublish Answer(LinkPublish request, LinkPlace place, string wire, bool isService)
    {
        var isBetween = !isService && (request.Place == LinkPlace.Beyond) != (place == LinkPlace.Beyond);
        return new LinkPublish(++_ids, place, request.Reply!, null, wire, !isBetween ? null : request.Place == LinkPlace.Beyond ? LinkPlace.Beyond : LinkPlace.Hub);
    }

    /// <summary>Something to subscribe to.</summary>
    public string AnyPattern() => Pattern();

    public int Pick(int count) => _random.Next(count);

    /// <summary>The accounts of the hub and of what is beyond it.</summary>
    public string HubAccounts() =>
        $$"""
        accounts {
          SYS: { users: [{user: sys, password: pw}] }
          A: {
            users: [{user: a, password: pw}, {user: leaf, password: leaf, permissions: {{User.Write()}}}]
            imports: [ {stream: {account: B, subject: "news.>"}, to: "b.>"}, {service: {account: B, subject: "svc.*"}, to: "c.*"} ]
          }
          B: { users: [{user: b, password: pw}], exports: [ {stream: "news.>"}, {service: "svc.*"} ] }
        }
        system_account: SYS

        """;

    /// <summary>Those of the leaf: its B has nothing to do with the hub's.</summary>
    public const string LeafAccounts =
        """
        accounts { SYS: { users: [{user: sys, password: pw}] }, A: { users: [{user: a, password: pw}] }, B: { users: [{user: b, password: pw}] } }
        system_account: SYS

        """;

    /// <summary>What stands in the leaf's remote.</summary>
    public string Remote() => $"deny_imports: [ {Quoted(DenyImports)} ], deny_exports: [ {Quoted(DenyExports)} ]";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: {User.Write()} {Remote()}\n")
        + string.Join('\n', Subscriptions.Select((one, i) => string.Create(CultureInfo.InvariantCulture, $"  {i}: {one.Place} {one.Subject} {one.Queue}")));

    private static LinkPublish OfOther(int id, LinkPlace place, string rest) => new(id, place, "b." + rest, null, "news." + rest);

    private static LinkPublish OfOwn(int id, LinkPlace place, string subject, string? reply) => new(id, place, subject, reply, subject);

    private static string InboxOf(LinkPlace place) => $"inbox.{place}";

    private static string Quoted(IEnumerable<string> subjects) => string.Join(", ", subjects.Select(subject => $"\"{subject}\""));

    /// <summary>Always with what the test itself needs.</summary>
    private string[]? Allowed()
    {
        if (Some(0.6, 4, queues: false) is not { } some) return null;
        return _random.Next(3) == 0 ? [.. some, "sentinel.>"] : [.. some, "inbox.>", "sentinel.>"];
    }

    private string[]? Some(double chance, int most, bool queues)
    {
        if (_random.NextDouble() > chance) return null;
        var rules = new List<string>();
        for (var i = _random.Next(1, most + 1); i > 0; i--)
        {
            var rule = _random.Next(12) == 0 ? "inbox.>" : Pattern();
            if (rule == ">") continue;
            rules.Add(queues && _random.Next(3) == 0 ? $"{rule} {(_random.Next(3) == 0 ? SharedQueue : $"q{_random.Next(14)}")}" : rule);
        }
        return rules.Count == 0 ? null : [.. rules];
    }

    private LinkPlace AnyPlace() => (LinkPlace)_random.Next(_places);

    private string Literal() => _random.Next(3) == 0 ? $"{Word()}.{Word()}.{Word()}" : $"{Word()}.{Word()}";

    private string Pattern() => _random.Next(9) switch
    {
        0 => ">",
        1 => $"{Word()}.>",
        2 => $"{Word()}.*",
        3 => $"*.{Word()}",
        4 => $"{Word()}.*.{Word()}",
        _ => Literal(),
    };

    private string Word() => Words[_random.Next(Words.Length)];
}
