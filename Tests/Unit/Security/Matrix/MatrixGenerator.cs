namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>
/// Worlds from a seed: a few accounts, of which later ones import from earlier ones, users with all kinds of
/// permissions, and what their clients do. Few tokens, so that patterns overlap all the time.
/// </summary>
internal sealed class MatrixGenerator(int seed, int servers)
{
    private const int PublishesPerConnection = 50;
    private static readonly string[] Heads = ["s", "t", "q", "r", "m", "n", "a"];
    private static readonly string[] Tails = ["x", "y", "A", "B", "C"];
    private static readonly string[] Queues = ["q1", "q2", "v.1"];
    private static readonly string[] QueueRules = ["q1", "q2", "v.1", "v.*", "*", ">"];
    private static readonly string[] ReservedReplies = ["_R_.forged.x", "$JS.ACK.s.c.1.1.1.1.1", "_GR_.c.s.inbox"];
    private readonly Random _random = new(seed);

    public MatrixWorld Generate()
    {
        var accounts = new List<MatrixAccount>();
        var names = new[] { "A", "B", "C" }[..(Chance(30) ? 2 : 3)];
        foreach (var name in names)
        {
            var exports = Exports(names);
            accounts.Add(new MatrixAccount(name, Users(name), exports, Imports(name, accounts), Chance(30) ? Permissions() : null));
        }
        var connections = new List<MatrixConnection>();
        foreach (var account in accounts)
        {
            foreach (var user in account.Users)
            {
                var count = Chance(30) ? 2 : 1;
                for (var i = 0; i < count; i++)
                {
                    connections.Add(new MatrixConnection(connections.Count, account, user, _random.Next(servers), Chance(30), Chance(80)));
                }
            }
        }
        return new MatrixWorld(seed, accounts, connections, [.. connections.SelectMany(Subscriptions)], Publishes(connections));
    }

    /// <summary>An import that the exporter does not allow, in a world that was fine without it.</summary>
    public MatrixImport ForbiddenImport(MatrixAccount exporter, string importer) => _random.Next(4) switch
    {
        0 => new MatrixImport(exporter.Name, new MatrixExport("z.>", false), Chance(50) ? "z.>" : "z.x", "", ""),
        1 => new MatrixImport(exporter.Name, new MatrixExport("z.*", true), Chance(50) ? "z.*" : "z.x", "to", Chance(50) ? "z.*" : "z.x"),
        2 => new MatrixImport(exporter.Name, new MatrixExport("w.*.*", false), Chance(50) ? "w.*.*" : "w.x.not" + importer, "", ""),
        _ => new MatrixImport(exporter.Name, new MatrixExport("absent", false), Chance(50) ? ">" : "absent.x", "", ""),
    };

    private List<MatrixUser> Users(string account) =>
        [.. Enumerable.Range(1, 3).Select(number => new MatrixUser($"{account}{number}", Chance(75) ? Permissions() : null))];

    private MatrixPermissions Permissions()
    {
        var publishes = _random.Next(5);
        var subscribes = _random.Next(5);
        return new MatrixPermissions(
            publishes is 0 or 1 or 2 ? List(false, allow: true) : null, publishes is 2 or 3 ? List(false, allow: false) : null,
            subscribes is 0 or 1 or 2 ? List(true, allow: true) : null, subscribes is 2 or 3 ? List(true, allow: false) : null,
            Chance(35) ? Pick(1, 1, 2, 3, -1) : null);
    }

    private string[] List(bool queues, bool allow)
    {
        var list = Enumerable.Range(0, _random.Next(1, allow ? 6 : 4)).Select(_ => Rule(queues)).ToList();
        if (allow && Chance(50)) list.Add(queues || Chance(50) ? ">" : "*.>");
        if (Chance(allow ? 50 : 10)) list.Add("inbox.>");
        if (Chance(10)) list.Add("_R_.>");
        return [.. list.Distinct()];
    }

    private string Rule(bool queues) => Pattern() + (queues && Chance(30) ? " " + Pick(QueueRules) : "");

    private List<MatrixExport> Exports(string[] accounts)
    {
        var exports = new List<MatrixExport>();
        if (Chance(80)) exports.Add(new MatrixExport(Pick("s.>", "s.*", "s.x.>", "s.*.*", "s.*.>"), false));
        if (Chance(50)) exports.Add(Chance(50) ? new MatrixExport("t.>", false, Some(accounts)) : new MatrixExport("t.*.*", false, null, _random.Next(2, 4)));
        // A stream beside the service below: its importers must not see requests.
        if (Chance(50)) exports.Add(new MatrixExport(Pick("q.>", "q.*"), false));
        if (Chance(80)) exports.Add(new MatrixExport(Pick("q.*", "q.>", "q.*.*", "q.x"), true, Streamed: Chance(30)));
        if (Chance(50)) exports.Add(Chance(50) ? new MatrixExport("r.*", true, Some(accounts)) : new MatrixExport("r.*.*", true, null, _random.Next(2, 4)));
        return exports;
    }

    /// <summary>Services come from one other account only, so that no request reaches the same account on two ways.</summary>
    private List<MatrixImport> Imports(string importer, List<MatrixAccount> earlier)
    {
        var imports = new List<MatrixImport>();
        if (earlier.Count == 0) return imports;
        var services = earlier[_random.Next(earlier.Count)];
        foreach (var exporter in earlier)
        {
            foreach (var export in exporter.Exports)
            {
                if (export.IsService && exporter != services) continue;
                if (!Chance(75) || (export.Accounts is { } chosen && !chosen.Contains(importer))) continue;
                var import = Import(importer, exporter.Name, export);
                if (!imports.Exists(other => other.Export.IsService && other.Local == import.Local)) imports.Add(import);
            }
        }
        return imports;
    }

    private MatrixImport Import(string importer, string exporter, MatrixExport export)
    {
        var tokens = export.Subject.Split('.');
        if (export.TokenPosition > 0) tokens[export.TokenPosition - 1] = importer;
        for (var i = 1; i < tokens.Length; i++)
        {
            if (tokens[i] == "*" && Chance(15)) tokens[i] = Pick(Tails);
            else if (tokens[i] == ">" && Chance(30)) tokens[i] = Pick("x", "*", "*.>", "*.*");
        }
        var subject = string.Join('.', tokens);
        var kind = _random.Next(10);
        if (kind < 3) return new MatrixImport(exporter, export, subject, "", "");
        if (!export.IsService && kind < 6) return new MatrixImport(exporter, export, subject, "prefix", Pick("m", "m.x", "s"));
        var local = subject.Split('.');
        local[0] = export.IsService ? "n" : "m";
        var stars = Enumerable.Range(0, local.Length).Where(i => local[i] == "*").ToArray();
        if (stars.Length == 2 && Chance(60)) (local[stars[0]], local[stars[1]]) = ("$2", "$1");
        return new MatrixImport(exporter, export, subject, "to", string.Join('.', local));
    }

    private IEnumerable<MatrixSubscription> Subscriptions(MatrixConnection connection)
    {
        var count = _random.Next(8, 15);
        for (var sid = 1; sid <= count; sid++)
        {
            var subject = _random.Next(20) switch
            {
                < 2 => $"inbox.c{connection.Index}.>",
                2 => Pick("inbox.>", "inbox.*.*"),
                3 => "_R_.>",
                < 6 => Literal(),
                < 11 => Pattern(),
                _ => Blur(Offered(connection.Account, toSubscribers: true)),
            };
            yield return new MatrixSubscription(connection, $"{sid}", subject, Chance(30) ? Pick(Queues) : null, Chance(5));
        }
    }

    private List<MatrixPublish> Publishes(List<MatrixConnection> connections)
    {
        var publishes = new List<MatrixPublish>();
        foreach (var connection in connections)
        {
            for (var i = 0; i < PublishesPerConnection; i++)
            {
                var id = publishes.Count + 1;
                var reply = Chance(2) ? Pick(ReservedReplies) : Chance(35) ? $"inbox.c{connection.Index}.{id}" : null;
                publishes.Add(new MatrixPublish(id, connection, Subject(connection.Account), reply));
            }
        }
        return publishes;
    }

    private string Subject(MatrixAccount account) =>
        Chance(2) ? Pattern() : Chance(50) ? Fill(Offered(account, toSubscribers: false)) : Literal();

    /// <summary>A pattern at which something crosses between this account and others.</summary>
    private string Offered(MatrixAccount account, bool toSubscribers)
    {
        var exports = account.Exports.Where(export => export.IsService == toSubscribers).Select(export => export.Subject);
        var imports = account.Imports.Where(import => import.Export.IsService != toSubscribers).Select(import => import.Local);
        string[] patterns = [.. exports, .. imports];
        if (patterns.Length == 0) return Pattern();
        return string.Join('.', Pick(patterns).Split('.').Select(token => token[0] == '$' ? "*" : token));
    }

    private string Fill(string pattern) =>
        string.Join('.', pattern.Split('.').Select(token => token == "*" ? Pick(Tails) : token == ">" ? Pick("x", "y", "x.y") : token));

    private string Blur(string pattern)
    {
        if (Chance(20)) return Fill(pattern);
        var tokens = pattern.Split('.');
        if (Chance(30)) tokens[_random.Next(tokens.Length)] = Pick("*", "x");
        return string.Join('.', tokens);
    }

    private string Literal()
    {
        var tokens = new List<string> { Pick(Heads) };
        var depth = Pick(1, 2, 2, 2, 2, 3, 3, 3, 3, 4);
        while (tokens.Count < depth) tokens.Add(Pick(Tails));
        return string.Join('.', tokens);
    }

    private string Pattern()
    {
        var tokens = new List<string> { Chance(12) ? "*" : Chance(6) ? ">" : Pick(Heads) };
        var depth = Pick(1, 2, 2, 2, 3, 3);
        while (tokens.Count < depth && tokens[^1] != ">") tokens.Add(Chance(35) ? "*" : Chance(30) ? ">" : Pick(Tails));
        return string.Join('.', tokens);
    }

    private string[] Some(string[] accounts)
    {
        var some = accounts.Where(_ => Chance(60)).ToArray();
        return some.Length == 0 ? [accounts[^1]] : some;
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];
}
