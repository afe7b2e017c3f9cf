namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>
/// Says what every publish leads to, by trying every subscription and import. Two servers of a cluster are told apart
/// only where it matters: who serves an import, and whom a queue group's lot may fall on.
/// </summary>
internal sealed class MatrixOracle
{
    private readonly Dictionary<string, MatrixAccount> _accounts;
    private readonly List<MatrixSubscription> _active = [];
    private readonly Dictionary<string, Way> _ways = [];
    private readonly Dictionary<(int Connection, string Reply), int> _grants = [];

    private readonly bool _areClusters;

    /// <param name="world">What is configured.</param>
    /// <param name="areClusters">Its two servers are clusters of their own: a queue group is served in its own.</param>
    public MatrixOracle(MatrixWorld world, bool areClusters)
    {
        _accounts = world.Accounts.ToDictionary(account => account.Name);
        _areClusters = areClusters;
    }

    public MatrixNames Names { get; } = new();

    /// <summary>A subscription.</summary>
    /// <returns>The error it meets; null: none.</returns>
    public string? Subscribe(MatrixSubscription subscription)
    {
        var (connection, subject, queue) = (subscription.Connection, subscription.Subject, subscription.Queue);
        if (!connection.Permissions.MaySubscribe(subject, queue))
        {
            return $"-ERR 'Permissions Violation for Subscription to \"{subject}\"{(queue is null ? "" : $" using queue \"{queue}\"")}'";
        }
        if (!subscription.Unsubscribed) _active.Add(subscription);
        return null;
    }

    /// <summary>A publish; <paramref name="publish"/> may name a real reply subject.</summary>
    public MatrixOutcome Publish(MatrixPublish publish)
    {
        var outcome = new MatrixOutcome();
        var (connection, subject) = (publish.Connection, Names.InventedFor(publish.Subject));
        if (!connection.Permissions.MayPublish(subject) && !MayAnswer(connection, publish.Subject))
        {
            outcome.Error = $"-ERR 'Permissions Violation for Publish to \"{publish.Subject}\"'";
            return outcome;
        }
        if (publish.Reply is { } reply && new[] { "_R_.", "_GR_.", "$JS.ACK." }.Any(prefix => reply.StartsWith(prefix, StringComparison.Ordinal)))
        {
            outcome.Error = $"-ERR 'Permissions Violation for Publish with Reply of \"{reply}\"'";
            return outcome;
        }
        var delivered = Deliver(new Step(connection.Account.Name, subject, publish.Reply, connection.Server, connection, []), outcome);
        if (delivered || publish.Reply is null) return outcome;
        outcome.NoResponders.AddRange(_active
            .Where(own => own.Connection == connection && own.Queue is null && NaiveSubjects.Matches(publish.Reply, own.Subject))
            .Select(own => new MatrixDelivery(connection.Index, own.Sid, publish.Reply, null)));
        return outcome;
    }

    /// <summary>Answers to another cluster go straight back for a moment, and it depends on that which cluster they are at home in.</summary>
    public bool IsHomeless(string subject) => _areClusters && (subject.StartsWith("inbox.", StringComparison.Ordinal) || subject.StartsWith("_R_.", StringComparison.Ordinal));

    /// <summary>A client got a message with this reply subject, so that it may answer.</summary>
    public void Grant(MatrixConnection connection, string reply)
    {
        if (connection.Permissions?.MaxResponses is not { } max || connection.Permissions.MayPublish(Names.InventedFor(reply))) return;
        _grants[(connection.Index, reply)] = max < 0 ? int.MaxValue : max;
    }

    /// <summary>Whether an answer to another request comes by this reply subject, at a moment that cannot be foretold.</summary>
    public bool IsOnTheWayOfAnother(string reply)
    {
        var name = Names.InventedFor(reply);
        return _ways.Values.Any(way => way.Reply == name);
    }

    private bool MayAnswer(MatrixConnection connection, string subject)
    {
        if (!_grants.TryGetValue((connection.Index, subject), out var left) || left == 0) return false;
        _grants[(connection.Index, subject)] = left - 1;
        return true;
    }

    /// <returns>Whether the server that does it thinks that somebody got it.</returns>
    private bool Deliver(Step step, MatrixOutcome outcome)
    {
        var delivered = false;
        var groups = new Dictionary<string, List<Receiver>>();
        foreach (var receiver in Receivers(step))
        {
            if (receiver.Queue is { } queue)
            {
                if (!groups.TryGetValue(queue, out var members)) groups[queue] = members = [];
                members.Add(receiver);
                continue;
            }
            delivered |= receiver.IsRemote || receiver.Takes;
            if (receiver.Takes) outcome.Plain.Add(receiver.Delivery);
        }
        foreach (var members in groups.Values) delivered |= Draw(members, IsHomeless(step.Subject), outcome);
        foreach (var import in _accounts[step.Account].Imports.Where(import => import.Export.IsService)) delivered |= Ask(step, import, outcome);
        return delivered | Answer(step, outcome);
    }

    /// <summary>Those of the account, and those of others who import it as a stream.</summary>
    private IEnumerable<Receiver> Receivers(Step step)
    {
        foreach (var subscription in _active)
        {
            var connection = subscription.Connection;
            var isRemote = connection.Server != step.Server;
            if (connection.Account.Name == step.Account)
            {
                if (!NaiveSubjects.Matches(step.Subject, subscription.Subject)) continue;
                var isOwn = connection == step.Publisher && !connection.Echo;
                yield return Receive(subscription, step.Subject, step.Reply, isRemote, isShut: isOwn);
                continue;
            }
            foreach (var import in connection.Account.Imports.Where(import => !import.Export.IsService && import.Exporter == step.Account))
            {
                if (NaiveSubjects.Translate(step.Subject, import.Subject, import.Local) is not { } local) continue;
                if (!NaiveSubjects.Matches(local, subscription.Subject)) continue;
                // What came through a service import goes no further; another server cannot tell any more.
                yield return Receive(subscription, local, step.Reply, isRemote, isShut: step.Through.Length > 0 && !isRemote);
            }
        }
    }

    private static Receiver Receive(MatrixSubscription subscription, string subject, string? reply, bool isRemote, bool isShut) => new(
        new MatrixDelivery(subscription.Connection.Index, subscription.Sid, subject, reply), subscription.Queue, isRemote,
        !isShut && !subscription.Connection.Permissions.Denies(subject, subscription.Queue));

    private bool Draw(List<Receiver> members, bool isHomeless, MatrixOutcome outcome)
    {
        if (_areClusters && !isHomeless && members.Exists(member => !member.IsRemote && member.Takes)) members = [.. members.Where(member => !member.IsRemote)];
        var remote = members.Where(member => member.IsRemote).ToList();
        var candidates = members.Where(member => member.Takes).ToList();
        // Once the lot has fallen on the other server, nobody here gets it any more.
        var isCertain = isHomeless ? members.TrueForAll(member => member.Takes) : remote.Count > 0 ? remote.Exists(member => member.Takes) : candidates.Count > 0;
        if (candidates.Count > 0) outcome.Groups.Add(new MatrixGroup([.. candidates.Select(member => member.Delivery)], isCertain));
        return remote.Count > 0 || candidates.Count > 0;
    }

    private bool Ask(Step step, MatrixImport import, MatrixOutcome outcome)
    {
        if (step.Through.Any(export => ReferenceEquals(export, import.Export))) return false;
        if (NaiveSubjects.Translate(step.Subject, import.Local, import.Subject) is not { } subject) return false;
        Way? way = null;
        if (step.Reply is not null)
        {
            way = new Way(import.Exporter, step.Account, step.Reply, !import.Export.Streamed, step.Server);
            _ways[MatrixNames.Invent(_ways.Count + 1)] = way;
        }
        var reply = way is null ? null : MatrixNames.Invent(_ways.Count);
        var delivered = Deliver(new Step(import.Exporter, subject, reply, step.Server, null, [.. step.Through, import.Export]), outcome);
        if (way is not null && !delivered) way.IsOpen = false;
        return delivered;
    }

    /// <summary>An answer finds its way back at the server that made the way.</summary>
    private bool Answer(Step step, MatrixOutcome outcome)
    {
        if (!step.Subject.StartsWith("_R_.oracle.", StringComparison.Ordinal) || _ways[step.Subject] is not { } way || way.Exporter != step.Account) return false;
        if (!way.IsOpen) return way.Server != step.Server;
        var delivered = Deliver(new Step(way.Requestor, way.Reply, null, way.Server, null, [way]), outcome);
        if (way.IsSingle || !delivered) way.IsOpen = false;
        return delivered || way.Server != step.Server;
    }

    /// <summary>A message in an account, at the server that routes it.</summary>
    private sealed record Step(string Account, string Subject, string? Reply, int Server, MatrixConnection? Publisher, object[] Through);

    private sealed record Receiver(MatrixDelivery Delivery, string? Queue, bool IsRemote, bool Takes);

    /// <summary>The way back of a request.</summary>
    private sealed class Way(string exporter, string requestor, string reply, bool isSingle, int server)
    {
        public string Exporter => exporter;

        public string Requestor => requestor;

        public string Reply => reply;

        public bool IsSingle => isSingle;

        public int Server => server;

        public bool IsOpen { get; set; } = true;
    }
}
