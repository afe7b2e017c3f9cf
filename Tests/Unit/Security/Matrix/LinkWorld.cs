using System.Globalization;
using System.Text;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>A subscription at one end of a leaf node connection; each queue has one member.</summary>
/// <param name="Place">Where: leaf, hub, or beyond a gateway.</param>
/// <param name="Subject">To what.</param>
/// <param name="Queue">Null: none.</param>
internal sealed record LinkSubscription(LinkPlace Place, string Subject, string? Queue);

internal sealed record LinkPublish(int Id, LinkPlace Place, string Subject, bool IsOfOther);

internal enum LinkPlace
{
    Leaf,
    Hub,
    Beyond,
}

/// <summary>
/// A hub, perhaps with another cluster behind it, a leaf, what the leaf's user may do, what the leaf denies itself, and what
/// clients at all places ask for and say. The hub's account takes a stream and a service of another account.
/// </summary>
internal sealed class LinkWorld
{
    private static readonly string[] Words = ["a", "b", "c"];
    private readonly Random _random;

    public LinkWorld(int seed, bool hasGateway)
    {
        _random = new Random(seed);
        Seed = seed;
        HasGateway = hasGateway;
        Narrow();
        DenyImports = Some(0.4, 2, queues: false) ?? [];
        DenyExports = Some(0.4, 2, queues: false) ?? [];
        var places = hasGateway ? 3 : 2;
        for (var i = 0; i < 14; i++)
        {
            Subscriptions.Add(new LinkSubscription((LinkPlace)_random.Next(places), Pattern(), _random.Next(3) == 0 ? $"q{i}" : null));
        }
        for (var i = 0; i < 60; i++)
        {
            var isOfOther = _random.Next(6) == 0;
            Publishes.Add(new LinkPublish(i, isOfOther ? LinkPlace.Hub : (LinkPlace)_random.Next(places), isOfOther ? "news." + Literal() : Literal(), isOfOther));
        }
    }

    public int Seed { get; }

    public bool HasGateway { get; }

    /// <summary>What the user may whom the leaf connects as.</summary>
    public MatrixPermissions User { get; private set; } = null!;

    public string[] DenyImports { get; }

    public string[] DenyExports { get; }

    public List<LinkSubscription> Subscriptions { get; } = [];

    public List<LinkPublish> Publishes { get; } = [];

    /// <summary>Other permissions, as a reload brings them.</summary>
    public void Narrow() => User = new MatrixPermissions(Allowed(), Some(0.4, 2, queues: false), Allowed(), Some(0.4, 2, queues: true), null);

    public string Accounts() =>
        $$"""
        accounts {
          SYS: { users: [{user: sys, password: sys}] }
          A: {
            users: [{user: a, password: a}, {user: leaf, password: leaf, permissions: {{User.Write()}}}]
            imports: [ {stream: {account: B, subject: "news.>"}, to: "b.>"}, {service: {account: B, subject: "svc.*"}, to: "c.*"} ]
          }
          B: { users: [{user: b, password: b}], exports: [ {stream: "news.>"}, {service: "svc.*"} ] }
        }
        system_account: SYS
        no_auth_user: a

        """;

    public string Remote() => $"deny_imports: [ {Quoted(DenyImports)} ], deny_exports: [ {Quoted(DenyExports)} ]";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seed {Seed}: {User.Write()} {Remote()}\n")
        + string.Join('\n', Subscriptions.Select((one, i) => string.Create(CultureInfo.InvariantCulture, $"  {i}: {one.Place} {one.Subject} {one.Queue}")));

    private static string Quoted(IEnumerable<string> subjects) => string.Join(", ", subjects.Select(subject => $"\"{subject}\""));

    /// <summary>Always with what the test itself needs.</summary>
    private string[]? Allowed() => Some(0.6, 4, queues: false) is { } some ? [.. some, "sentinel.>"] : null;

    private string[]? Some(double chance, int most, bool queues)
    {
        if (_random.NextDouble() > chance) return null;
        var rules = new List<string>();
        for (var i = _random.Next(1, most + 1); i > 0; i--)
        {
            var rule = Pattern();
            if (rule is ">" or "*.>") continue;
            rules.Add(queues && _random.Next(4) == 0 ? $"{rule} q{_random.Next(14)}" : rule);
        }
        return rules.Count == 0 ? null : [.. rules];
    }

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
