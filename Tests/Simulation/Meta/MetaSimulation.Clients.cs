using System.Globalization;
using System.Text;
using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Simulation.Cluster;

namespace NatsAspire.Tests.Simulation.Meta;

// Who makes, changes and removes streams and consumers, and publishes.
internal sealed partial class MetaSimulation
{
    private const string Inbox = "_INBOX.M.";
    private const long Patience = 2 * SimulatedWorld.Second;

    private readonly List<Asset> _assets = [];
    private readonly Dictionary<int, Action<string?>> _waiting = [];
    private int _requests;
    private int _names;
    private int _messages;
    private Asset? _probe;

    private void AskSome()
    {
        if (_isCalm) return;
        _world.At(_world.Between(0, 2 * _plan.AskEvery), AskSome);
        if (_assets.Count(asset => asset.State != Known.Open) < _plan.Streams) _assets.Add(new Asset($"S{_names++}"));
        var asset = _assets[Math.Max(0, _assets.Count - 1 - _random.Below(2 * _plan.Streams))];
        if (asset.IsBusy) return;
        switch (_random.Below(10))
        {
            case < 4 when asset.State == Known.Absent: Create(asset, _random.Of([1, 3, 3])); break;
            case < 2: Delete(asset); break;
            case < 5 when asset.State == Known.Present: Update(asset, _plan.Scales && _random.Chance(0.6) ? 4 - asset.Replicas : asset.Replicas); break;
            case < 7 when _plan.Consumes && asset.State == Known.Present: Consume(asset); break;
            case < 9 when _plan.Moves && asset.State == Known.Present: Move(asset); break;
        }
    }

    private void Create(Asset asset, int replicas)
    {
        asset.Generation++;
        asset.Stored.Clear();
        (asset.Replicas, asset.Version, asset.Consumer, asset.State) = (replicas, 0, Known.Absent, Known.Open);
        Ask(asset, $"$JS.API.STREAM.CREATE.{asset.Name}", ConfigurationOf(asset), isDone => asset.State = isDone ? Known.Present : Known.Open);
    }

    private void Update(Asset asset, int replicas)
    {
        (asset.Replicas, asset.Version, asset.State) = (replicas, asset.Version + 1, Known.Open);
        Ask(asset, $"$JS.API.STREAM.UPDATE.{asset.Name}", ConfigurationOf(asset), isDone =>
        {
            if (isDone) asset.State = Known.Present;
            else asset.Lose();
        });
    }

    private void Delete(Asset asset)
    {
        var wasOpen = asset.State == Known.Open;
        asset.Lose();
        // What is open stays so: what made it so may come about yet.
        Ask(asset, $"$JS.API.STREAM.DELETE.{asset.Name}", "", isDone =>
        {
            if (isDone && !wasOpen) asset.State = asset.Consumer = Known.Absent;
        });
    }

    private void Consume(Asset asset)
    {
        if (asset.Consumer == Known.Open) return;
        var (makes, generation) = (asset.Consumer == Known.Absent, asset.Generation);
        asset.Consumer = Known.Open;
        var subject = makes ? $"$JS.API.CONSUMER.DURABLE.CREATE.{asset.Name}.D" : $"$JS.API.CONSUMER.DELETE.{asset.Name}.D";
        var body = makes ? $"{{\"stream_name\":\"{asset.Name}\",\"config\":{{\"durable_name\":\"D\",\"ack_policy\":\"explicit\"}}}}" : "";
        Ask(asset, subject, body, isDone =>
        {
            if (isDone && asset.Generation == generation) asset.Consumer = makes ? Known.Present : Known.Absent;
        });
    }

    private void Move(Asset asset)
    {
        var server = _random.Of(_servers).Name;
        Request($"$JS.API.ACCOUNT.STREAM.MOVE.$G.{asset.Name}", $"{{\"server\":\"{server}\"}}", "$SYS", answer => _world.Note("operator", $"moves {asset.Name} away from {server}: {answer ?? "no answer"}"));
    }

    private static string ConfigurationOf(Asset asset) =>
        $"{{\"name\":\"{asset.Name}\",\"subjects\":[\"{asset.Name}.>\"],\"retention\":\"limits\",\"storage\":\"file\",\"num_replicas\":{asset.Replicas},\"description\":\"{DescriptionOf(asset)}\"}}";

    private static string DescriptionOf(Asset asset) => $"v{asset.Version}";

    private void Ask(Asset asset, string subject, string body, Action<bool> answered)
    {
        asset.IsBusy = true;
        Request(subject, body, "$G", answer =>
        {
            asset.IsBusy = false;
            var isDone = answer is not null && !answer.Contains("\"error\"", StringComparison.Ordinal);
            if (isDone) Confirmed++;
            answered(isDone);
        });
    }

    /// <summary>Asks all servers, as one request that has come into the system account.</summary>
    private void Request(string subject, string body, string account, Action<string?> answered)
    {
        var number = _requests++;
        _waiting[number] = answered;
        var head = $"NATS/1.0\r\nNats-Request-Info: {{\"acc\":\"{account}\",\"cluster\":\"sim\"}}\r\n\r\n";
        var post = new SimulatedPost(Encoding.UTF8.GetBytes(subject), Encoding.UTF8.GetBytes($"{Inbox}{number}"), head.Length, Encoding.UTF8.GetBytes($"{head}{body}\r\n"));
        _world.Note("client", $"asks {number}: {subject} {body}");
        foreach (var server in _servers) ToServer(server, () => server.HearRequest(post));
        _world.At(Patience, () => Answered(number, null));
    }

    private void Answered(int number, string? answer)
    {
        if (_waiting.Remove(number, out var answered)) answered(answer);
    }

    private void ToServer(MetaServer server, Action deliver)
    {
        if (!_isCalm && _random.Chance(Plan.Drop)) return;
        server.At(_world.Between(100 * SimulatedWorld.Microsecond, SimulatedWorld.Millisecond), deliver);
    }

    /// <summary>A server says something to a client.</summary>
    public void Tell(MetaServer server, in Message message)
    {
        var inbox = TextOf(message.Address.IsEmpty ? message.Subject : message.Address);
        var text = TextOf(message.BodyAndCrlf[message.HeaderLength..^2]);
        _world.Mix((ulong)text.Length, (ulong)inbox.Length);
        if (!inbox.StartsWith(Inbox, StringComparison.Ordinal)) return;
        var number = int.Parse(inbox[Inbox.Length..], CultureInfo.InvariantCulture);
        if (_world.IsRecording) _world.Note(server.Name, $"answers {number}: {text[..Math.Min(text.Length, 300)]}");
        if (!_isCalm && _random.Chance(Plan.Drop)) return;
        _world.At(_world.Between(100 * SimulatedWorld.Microsecond, Plan.MaxDelay), () => Answered(number, text));
    }

    private void PublishSome()
    {
        if (_isCalm) return;
        _world.At(_world.Between(0, 20 * SimulatedWorld.Millisecond), PublishSome);
        if (_assets.Count == 0) return;
        var asset = _assets[Math.Max(0, _assets.Count - 1 - _random.Below(2 * _plan.Streams))];
        if (asset.State == Known.Present) Publish(asset);
    }

    private void Publish(Asset asset)
    {
        var (number, generation, text) = (_requests++, asset.Generation, $"m{_messages++}");
        _waiting[number] = answer => NotePublished(asset, generation, text, answer);
        var post = new SimulatedPost(Encoding.UTF8.GetBytes($"{asset.Name}.x"), Encoding.UTF8.GetBytes($"{Inbox}{number}"), 0, Encoding.UTF8.GetBytes($"{text}\r\n"));
        foreach (var server in _servers) ToServer(server, () => server.HearClient(post));
        _world.At(Patience, () => Answered(number, null));
    }

    private void NotePublished(Asset asset, int generation, string text, string? answer)
    {
        if (answer is null || asset.Generation != generation || answer.Contains("\"error\"", StringComparison.Ordinal)) return;
        var at = answer.IndexOf("\"seq\":", StringComparison.Ordinal) + 6;
        var sequence = ulong.Parse(answer.AsSpan(at, answer.AsSpan(at).IndexOfAnyExceptInRange('0', '9')), CultureInfo.InvariantCulture);
        Acknowledged++;
        if (!asset.Stored.TryAdd(sequence, text)) throw Violation($"{sequence} of {asset.Name} is acknowledged for '{text}' and was for '{asset.Stored[sequence]}'");
    }

    // When all is calm streams are made.
    private void Probe()
    {
        if (_probe is { State: Known.Present }) return;
        if (_probe is { IsBusy: false } or null)
        {
            _probe = new Asset($"P{_names++}");
            _assets.Add(_probe);
            Create(_probe, 3);
        }
        _world.At(500 * SimulatedWorld.Millisecond, Probe);
    }
}
