using System.Globalization;
using System.Text;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>A message that clients want stored, once.</summary>
internal sealed record Publication(int Number, string Subject, string Text)
{
    public string? Id { get; init; }

    public ulong? ExpectedLast { get; init; }

    public ulong? ExpectedOfSubject { get; init; }

    /// <summary>The batch it ends, and the messages before it.</summary>
    public IReadOnlyList<Publication> Batch { get; init; } = [];

    public int Tries { get; set; }

    public bool IsDone { get; set; }

    /// <summary>Acknowledged with this sequence; 0: not.</summary>
    public ulong Sequence { get; set; }

    /// <summary>What it was refused with, for good; null: it was not.</summary>
    public string? Refused { get; set; }

    public bool MayBeRemoved => Subject.StartsWith("s.del.", StringComparison.Ordinal);
}

// Who publishes, purges and deletes.
internal sealed partial class ClusterSimulation
{
    private const int MostTries = 30;
    private const string Inbox = "_INBOX.P.";

    private readonly List<Publication> _publications = [];
    private readonly Dictionary<ulong, Publication> _acked = [];
    private readonly Dictionary<string, ulong> _lastOfSubject = [];
    private int _open;
    private ulong _lastSeen;
    private Publication? _probe;

    private void StartClients()
    {
        _world.At(Plan.PublishEvery, PublishSome);
        if (Plan.Deletes) _world.At(40 * SimulatedWorld.Millisecond, RemoveSome);
        foreach (var consumer in ConsumerPlans) _world.At(30 * SimulatedWorld.Millisecond, () => Pull(consumer.Name));
    }

    private void PublishSome()
    {
        if (_isCalm) return;
        _world.At(_world.Between(0, 2 * Plan.PublishEvery), PublishSome);
        if (_open < 200) Begin(_random.Below(14));
    }

    private void Begin(int kind)
    {
        var key = _random.Below(4);
        switch (kind)
        {
            case < 3:
                Try(Add($"s.k.{key}", id: null));
                break;
            case < 6:
                Try(Add($"s.k.{key}", id: $"id{_publications.Count}"));
                break;
            case < 8:
                Try(Add($"s.del.{key}", id: $"id{_publications.Count}"));
                break;
            case 8:
                Try(Add($"s.k.{key}", id: null, expectedLast: _lastSeen));
                break;
            case < 11:
                var subject = $"s.cas.{key}";
                Try(Add(subject, id: _random.Chance(0.5) ? $"id{_publications.Count}" : null, expectedOfSubject: _lastOfSubject.GetValueOrDefault(subject)));
                break;
            case 11:
                TryBatch();
                break;
            default:
                SendAgain();
                break;
        }
    }

    private Publication Add(string subject, string? id, ulong? expectedLast = null, ulong? expectedOfSubject = null, IReadOnlyList<Publication>? batch = null)
    {
        var number = _publications.Count;
        var publication = new Publication(number, subject, $"m{number}{new string('.', _random.Below(Plan.Payload))}") { Id = id, ExpectedLast = expectedLast, ExpectedOfSubject = expectedOfSubject, Batch = batch ?? [] };
        _publications.Add(publication);
        return publication;
    }

    private void Try(Publication publication)
    {
        publication.Tries++;
        _open++;
        var tries = publication.Tries;
        Transmit(publication, HeadersOf(publication), isPart: false);
        _world.At(300 * SimulatedWorld.Millisecond, () => TimeOut(publication, tries));
    }

    // Whoever gave no id cannot ask again: it may have been stored.
    private void TimeOut(Publication publication, int tries)
    {
        if (publication.IsDone || publication.Tries != tries) return;
        _open--;
        if (publication.Id is not null && tries < MostTries) Try(publication);
        else publication.IsDone = true;
    }

    // A client that has not understood that it was answered: it is told the same.
    private void SendAgain()
    {
        if (_publications.Count == 0) return;
        var publication = _publications[Math.Max(0, _publications.Count - 1 - _random.Below(200))];
        if (publication is { Id: not null, Sequence: not 0 }) Transmit(publication, HeadersOf(publication), isPart: false);
    }

    private void TryBatch()
    {
        var count = 2 + _random.Below(3);
        var parts = new List<Publication>();
        for (var i = 1; i < count; i++) parts.Add(Add("s.k.b", id: null));
        var last = Add("s.k.b", id: null, batch: parts);
        var id = $"batch{last.Number}";
        last.Tries = 1;
        _open++;
        long delay = 0;
        for (var i = 0; i < count; i++)
        {
            var part = i < parts.Count ? parts[i] : last;
            part.IsDone = part != last;
            var headers = $"Nats-Batch-Id: {id}\r\nNats-Batch-Sequence: {i + 1}\r\n{(part == last ? "Nats-Batch-Commit: 1\r\n" : "")}";
            delay += _world.Between(0, 2 * SimulatedWorld.Millisecond);
            _world.At(delay, () => Transmit(part, headers, isPart: part != last));
        }
        _world.At(delay + (300 * SimulatedWorld.Millisecond), () => TimeOut(last, 1));
    }

    private static string HeadersOf(Publication publication) =>
        (publication.Id is { } id ? $"Nats-Msg-Id: {id}\r\n" : "")
        + (publication.ExpectedLast is { } last ? $"Nats-Expected-Last-Sequence: {last}\r\n" : "")
        + (publication.ExpectedOfSubject is { } ofSubject ? $"Nats-Expected-Last-Subject-Sequence: {ofSubject}\r\n" : "");

    // In order, as from one connection: the parts of a batch must not pass each other.
    private void Transmit(Publication publication, string headers, bool isPart)
    {
        var head = headers.Length == 0 ? "" : $"NATS/1.0\r\n{headers}\r\n";
        var post = new SimulatedPost(
            Encoding.UTF8.GetBytes(publication.Subject), isPart ? [] : Encoding.UTF8.GetBytes($"{Inbox}{publication.Number}"), head.Length, Encoding.UTF8.GetBytes($"{head}{publication.Text}\r\n"));
        _world.Note("client", $"publishes m{publication.Number} on {publication.Subject} {headers.Replace("\r\n", " ")}");
        foreach (var server in _servers) ToServer(server, () => server.HearClient(post));
    }

    private void ToServer(SimulatedServer server, Action deliver)
    {
        if (!_isCalm && _random.Chance(Plan.Drop)) return;
        server.At(_world.Between(100 * SimulatedWorld.Microsecond, SimulatedWorld.Millisecond), deliver);
    }

    /// <summary>A server says something to a client; on its way out, which is when it counts.</summary>
    public void Tell(SimulatedServer server, in Message message)
    {
        var inbox = TextOf(message.Address.IsEmpty ? message.Subject : message.Address);
        _world.Mix((ulong)message.BodyAndCrlf.Length, (ulong)inbox.Length);
        if (inbox.StartsWith(Inbox, StringComparison.Ordinal)) TellPublisher(server, _publications[int.Parse(inbox[Inbox.Length..], CultureInfo.InvariantCulture)], TextOf(message));
        else if (inbox.StartsWith("_INBOX.C.", StringComparison.Ordinal)) TellConsumer(server, inbox.Split('.')[2], SimulatedPost.Of(message));
        else if (inbox.StartsWith("_INBOX.A.", StringComparison.Ordinal)) TellConfirmed(server, inbox);
    }

    private void TellPublisher(SimulatedServer server, Publication publication, string answer)
    {
        _world.Note(server.Name, $"answers m{publication.Number}: {answer}");
        var sequence = NumberIn(answer, "\"seq\":");
        var error = NumberIn(answer, "\"err_code\":");
        if (error == 0 && sequence > 0) NoteAcknowledged(server, publication, sequence, answer.Contains("duplicate", StringComparison.Ordinal));
        else if (error is 10071 or 10070 or 10164) publication.Refused = answer;
        if (!_isCalm && _random.Chance(Plan.Drop)) return;
        _world.At(_world.Between(100 * SimulatedWorld.Microsecond, Plan.MaxDelay), () =>
        {
            if (publication.IsDone) return;
            // A server that can take nothing now is asked again later.
            if (error is 10023 or 10077 && publication.Id is not null) return;
            publication.IsDone = true;
            _open--;
            if (error == 0)
            {
                _lastSeen = Math.Max(_lastSeen, sequence);
                _lastOfSubject[publication.Subject] = Math.Max(_lastOfSubject.GetValueOrDefault(publication.Subject), sequence);
            }
        });
    }

    private static ulong NumberIn(string answer, string key)
    {
        var at = answer.IndexOf(key, StringComparison.Ordinal);
        if (at < 0) return 0;
        var end = at += key.Length;
        while (end < answer.Length && char.IsAsciiDigit(answer[end])) end++;
        return ulong.Parse(answer.AsSpan(at, end - at), CultureInfo.InvariantCulture);
    }

    private void RemoveSome()
    {
        if (_isCalm) return;
        _world.At(_world.Between(20, 300) * SimulatedWorld.Millisecond, RemoveSome);
        var subject = $"s.del.{_random.Below(4)}";
        var (purges, keep, sequence) = (_random.Chance(0.4), (ulong)_random.Below(3), _lastOfSubject.GetValueOrDefault(subject));
        foreach (var server in _servers)
        {
            ToServer(server, () => server.Stream?.Post(() =>
            {
                if (server.Stream is not { Leads: true, Fault: null, IsStopping: false } stream) return;
                if (purges) stream.ProposePurge(new() { Filter = subject, Keep = keep }, null, "$JS.API.STREAM.PURGE.S", "_INBOX.R");
                else if (sequence > 0) stream.ProposeRemoval(sequence, noErase: true, null, "$JS.API.STREAM.MSG.DELETE.S", "_INBOX.R");
            }));
        }
    }

    // When all is calm a publish is acknowledged.
    private void Probe()
    {
        _probe = Add("s.k.probe", id: $"probe{Seed}");
        Try(_probe);
        foreach (var publication in _publications.Where(one => one is { Id: not null, Sequence: not 0 }).TakeLast(100).ToList()) Transmit(publication, HeadersOf(publication), isPart: false);
    }
}
