using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>
/// Random operations on a consumer and on a model of it, which must agree about everything that is sent and told.
/// <c>NATSASPIRE_CONSUMER_TRACES</c> says how many traces (4,000 without it). A failing seed is named: put it in the InlineData.
/// </summary>
public sealed class ConsumerSimulationTests
{
    private const int DefaultTraces = 4000;
    private const int OperationsPerTrace = 60;

    [Fact]
    public void RandomTracesEqualTheModel()
    {
        var traces = int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_CONSUMER_TRACES"), CultureInfo.InvariantCulture, out var asked) ? asked : DefaultTraces;
        Parallel.For(0, traces, new ParallelOptions { MaxDegreeOfParallelism = 2 }, (seed, state) =>
        {
            if (!state.IsStopped) Run(seed);
        });
    }

    [Theory]
    [InlineData(51000)]
    [InlineData(16841)]
    [InlineData(87039)]
    public void SeedsThatFailedOnceDoNoMore(int seed) => Run(seed);

    private static void Run(int seed)
    {
        using var trace = new Trace(seed);
        try
        {
            for (var i = 0; i < OperationsPerTrace; i++) trace.Step();
        }
        catch (Exception exception)
        {
            throw new ShouldAssertException($"seed {seed}: {exception.Message}\n{trace.Story}", exception);
        }
    }

    private sealed class Trace : IDisposable
    {
        private const long Millisecond = LedConsumer.Second / 1000;

        private static readonly string[] Subjects = ["a", "a", "b", "c"];

        private readonly Random _random;
        private readonly LedConsumer _real;
        private readonly ConsumerModel _model;
        private readonly List<(ulong Sequence, ulong Consumer, ulong Delivered)> _deliveries = [];
        private readonly bool _usesDeaf;
        private bool _listening;
        private int _replies;

        public Trace(int seed)
        {
            _random = new Random(seed);
            var configuration = Configuration();
            _usesDeaf = configuration.MaxWaiting > 10;
            _model = new ConsumerModel(configuration, LedConsumer.Start);
            var before = _random.Next(12);
            Story.AppendLine(CultureInfo.InvariantCulture, $"{configuration}\n{before} messages before");
            var subjects = Enumerable.Range(0, before).Select(_ => Any(Subjects)).ToList();
            _real = new LedConsumer(configuration, subjects) { Budget = _random.Next(1, 6) };
            subjects.ForEach(_model.Publish);
            _model.Begin();
            _model.Pump();
            _listening = configuration.DeliverSubject is not null;
            Compare();
        }

        public StringBuilder Story { get; } = new();

        public void Dispose() => _real.Dispose();

        public void Step()
        {
            var choice = _random.Next(100);
            if (choice < 22) Publish();
            else if (choice < 42) Ask();
            else if (choice < 68) Ack();
            else if (choice < 80) Pass();
            else if (choice < 85) Remove();
            else if (choice < 88) Purge();
            else if (choice < 93) Update();
            else if (choice < 95) Restart();
            else if (choice < 97) Reset();
            else Interest();
            Compare();
        }

        private ConsumerConfiguration Configuration()
        {
            var isPush = _random.Next(4) == 0;
            var policy = (AckPolicy)Any(0, 1, 2, 2, 2, 2);
            var deliver = Any(DeliverPolicy.All, DeliverPolicy.All, DeliverPolicy.Last, DeliverPolicy.New, DeliverPolicy.ByStartSequence, DeliverPolicy.LastPerSubject);
            return (isPush ? LedConsumer.Push : LedConsumer.Pull) with
            {
                AckPolicy = policy,
                AckWait = _random.Next(1, 5000) * Millisecond,
                MaxDeliver = Any(-1L, -1, 1, 2, 3),
                MaxAckPending = Any(-1L, 1, 3, 1000),
                MaxWaiting = isPush ? 0 : Any(2L, 512, 512),
                Backoff = policy != AckPolicy.None && _random.Next(3) == 0 ? new([.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => _random.Next(1, 9000) * Millisecond)]) : default,
                DeliverPolicy = deliver,
                StartSequence = deliver == DeliverPolicy.ByStartSequence ? (ulong)_random.Next(1, 15) : 0,
                FilterSubject = Any(null, null, "a"),
                Heartbeat = isPush && _random.Next(2) == 0 ? _random.Next(1, 10) * LedConsumer.Second : 0,
            };
        }

        private void Publish()
        {
            var subject = Any(Subjects);
            Tell($"publish {subject}");
            _real.Publish(subject);
            _model.Publish(subject);
        }

        private void Ask()
        {
            var (batch, noWait) = (_random.Next(1, 5), _random.Next(4) == 0);
            var expires = _random.Next(3) == 0 ? 0 : _random.Next(1, 20_000) * Millisecond;
            var heartbeat = expires > 0 && _random.Next(3) == 0 ? Math.Max(1, expires / Millisecond / _random.Next(2, 6)) * Millisecond : 0;
            if (heartbeat * 2 > expires) heartbeat = 0;
            var reply = $"r{++_replies}";
            var json = $$"""{"batch":{{batch}},"expires":{{expires}},"idle_heartbeat":{{heartbeat}},"no_wait":{{(noWait ? "true" : "false")}}}""";
            Tell($"ask {reply} {json}");
            _real.Ask(json, reply);
            _model.Ask(reply, batch, expires, heartbeat, noWait);
        }

        private void Ack()
        {
            var (sequence, consumer, delivered) = _deliveries.Count > 0 && _random.Next(20) > 0 ? _deliveries[Math.Max(0, _deliveries.Count - 1 - _random.Next(8))] : ((ulong)_random.Next(30), (ulong)_random.Next(30), 1UL);
            var kind = Any("ack", "ack", "ack", "nak", "delay", "wpi", "term");
            var delay = kind == "delay" ? _random.Next(0, 8000) * Millisecond : 0;
            var payload = kind switch { "ack" => "+ACK", "nak" => "-NAK", "delay" => $$"""-NAK {"delay":{{delay}}}""", "wpi" => "+WPI", _ => "+TERM why" };
            var reply = _random.Next(3) == 0 ? $"k{++_replies}" : "";
            Tell($"{payload} {sequence} {consumer} {reply}");
            _real.Ack(sequence, payload, reply, consumer, delivered);
            _model.Ack(kind, sequence, consumer, delivered, delay, reply);
        }

        private void Pass()
        {
            var time = _random.Next(Any(100, 2000, 2000, 30_000)) * Millisecond;
            Tell($"pass {time / Millisecond} ms");
            _real.PassExactly(time);
            _model.Pass(time);
        }

        private void Remove()
        {
            var sequence = (ulong)_random.Next((int)_model.Last + 2);
            Tell($"remove {sequence}");
            _real.Remove(sequence);
            _model.Remove(sequence);
        }

        private void Purge()
        {
            var (filter, below, keep) = (Any(null, "a", "b"), (ulong)Any(0, 0, _random.Next((int)_model.Last + 2)), Any(0, 0, 1, 2));
            if (below > 0) keep = 0;
            Tell($"purge {filter} {below} {keep}");
            _real.Purge(filter, below, (ulong)keep);
            _model.Purge(filter, below, keep);
        }

        private void Update()
        {
            var configuration = _model.Configuration;
            configuration = _random.Next(5) switch
            {
                0 => configuration with { MaxAckPending = Any(-1L, 1, 2, 1000) },
                1 => configuration with { AckWait = _random.Next(1, 5000) * Millisecond },
                2 => configuration with { MaxDeliver = Any(-1L, 1, 2, 3) },
                3 => configuration with { PauseUntil = ApiTime.FromUnix(_model.Now + (_random.Next(-1000, 9000) * Millisecond)) },
                _ => _random.Next(2) == 0
                    ? configuration with { FilterSubject = Any(null, "a", "b"), FilterSubjects = default }
                    : configuration with { FilterSubject = null, FilterSubjects = new ValueList<string>(["a", "c"]) },
            };
            Tell($"update {configuration}");
            _real.Update(_ => configuration);
            _model.Update(configuration);
        }

        private void Restart()
        {
            Tell("restart");
            _real.Restart();
            _model.Restart();
            if (_listening)
            {
                _real.Listen(true);
                _model.Listen(true);
            }
            _real.DoPump();
            _model.Pump();
        }

        private void Reset()
        {
            var sequence = (ulong)Any(0, _random.Next((int)_model.Last + 2));
            Tell($"reset {sequence}");
            _real.Reset(sequence);
            _model.Reset(sequence);
        }

        private void Interest()
        {
            if (_model.Configuration.DeliverSubject is not null)
            {
                _listening = !_listening;
                Tell($"listen {_listening}");
                _real.Listen(_listening);
                _model.Listen(_listening);
                return;
            }
            if (!_usesDeaf || _replies == 0) return;
            var reply = $"r{_replies - _random.Next(Math.Min(3, _replies))}";
            Tell($"{reply} is gone");
            _real.Deaf.Add(reply);
            _model.Deaf.Add(reply);
            // When the real one notices by itself is its own affair; from here on both know.
            _ = _real.Figures;
            _model.Sweep(false);
        }

        private void Compare()
        {
            var lines = Heard(_real.Trace);
            foreach (var line in lines) Story.AppendLine("  " + line);
            lines.ShouldBe(Heard(_model.Trace), "what was sent");
            _real.Trace.Clear();
            _model.Trace.Clear();
            foreach (var line in lines.Where(line => line.Contains(" $JS.ACK.")))
            {
                var numbers = line.Split('.');
                _deliveries.Add((ulong.Parse(numbers[5]), ulong.Parse(numbers[6]), ulong.Parse(numbers[4])));
            }
            if (_random.Next(2) == 0) return;
            var figures = _real.Figures;
            _model.Sweep(false);
            (figures.Delivered.Consumer, figures.Delivered.Stream).ShouldBe(_model.Delivered, "delivered");
            (figures.AckFloor.Consumer, figures.AckFloor.Stream).ShouldBe(_model.Floor, "floor");
            figures.Pending.ShouldBe(_model.Left, "messages left");
            figures.AckPending.ShouldBe(_model.Pending.Count, "messages that wait");
            figures.Redelivered.ShouldBe(_model.Configuration.MaxDeliver == 1 ? 0 : _model.Redelivered.Count, "redelivered");
            figures.Waiting.ShouldBe(_model.Waiting, "requests");
        }

        /// <summary>Whoever is gone is told of the end of his request or not: nobody hears it.</summary>
        private List<string> Heard(List<string> trace) => trace.FindAll(line => !_model.Deaf.Contains(line.Split(' ')[0]));

        private void Tell(string what) => Story.AppendLine(CultureInfo.InvariantCulture, $"{(_model.Now - LedConsumer.Start) / Millisecond} {what}");

        private T Any<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];
    }
}
