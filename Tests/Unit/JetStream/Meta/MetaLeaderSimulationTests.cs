using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>
/// Random requests, servers that come and go, moves at every stage, proposals that are applied late or never. Whatever
/// happens, assignments stay such that servers can live by them.
/// </summary>
public sealed class MetaLeaderSimulationTests
{
    private const int Steps = 150;
    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_META_SEEDS"), out var seeds) ? seeds : 150;
    private static readonly string[] Servers = ["a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3"];
    private static readonly int[] Sizes = [1, 1, 2, 3, 3, 5];

    [Fact]
    public void Assignments_stay_sound()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Run(seed);
            for (var step = 0; step < Steps; step++) run.Step(step);
            run.Finish();
        }
    }

    private sealed class Run
    {
        private readonly int _seed;
        private readonly Random _random;
        private readonly LedMeta _meta;
        private readonly HashSet<string> _members = [.. Servers];
        private readonly List<string> _history = [];

        public Run(int seed)
        {
            _seed = seed;
            _random = new Random(seed);
            _meta = new LedMeta(seed, servers: Servers)
            {
                Account = new MetaAccount { Name = "A", Tiers = AccountTiers.For(new() { MaxStreams = 5, MaxConsumers = 4 }) },
                Facts = (_, _) => _random.Next(4) == 0 ? null : new AssetFacts { Leader = NodeHash.Of(Servers[_random.Next(Servers.Length)]), ConsumerState = new RawJson("{}"u8.ToArray()) },
            };
            foreach (var server in Servers) Describe(server);
        }

        public void Step(int step)
        {
            _meta.IsSlow = _random.Next(3) > 0;
            var stream = "S" + _random.Next(7);
            var consumer = "C" + _random.Next(6);
            var what = _random.Next(16);
            _history.Add($"{step}: {what} {stream} {consumer}");
            Do(what, stream, consumer);
            if (_random.Next(3) == 0) _meta.ApplyAll();
            if (_random.Next(40) == 0)
            {
                // What is on its way comes in another reign, or was lost with it.
                _meta.Leader.LeaderChanged(true);
                _meta.ApplyAll();
            }
        }

        public void Finish()
        {
            _meta.IsSlow = false;
            _meta.ApplyAll();
            _meta.Proposals.Count.ShouldBe(0, Story());
            foreach (var server in Servers) Describe(server);
            for (var round = 0; round < 20; round++) Migrate();
            Check(isSettled: true);
        }

        private void Do(int what, string stream, string consumer)
        {
            var known = _meta.Current.Find("A", stream)?.Assignment;
            switch (what)
            {
                case 0 or 1: _meta.Create(new StreamConfiguration { Name = stream, Subjects = [_random.Next(5) == 0 ? "shared.>" : stream], Replicas = Sizes[_random.Next(Sizes.Length)], Placement = RandomPlacement() }); break;
                case 2 when known is not null: _meta.Update(known.Configuration with { Replicas = Sizes[_random.Next(Sizes.Length)] }); break;
                case 3 when known is not null: _meta.Update(known.Configuration with { Placement = RandomPlacement() }); break;
                case 4 when _random.Next(3) == 0: _meta.Leader.DeleteStream(_meta.Request(), stream); break;
                case 5 or 6: _meta.CreateConsumer(stream, new ConsumerConfiguration { Durable = consumer, Name = consumer, AckPolicy = AckPolicy.Explicit, Replicas = _random.Next(3) == 0 ? Sizes[_random.Next(Sizes.Length)] : 0 }); break;
                case 7: _meta.CreateConsumer(stream, new ConsumerConfiguration { AckPolicy = AckPolicy.Explicit }); break;
                case 8: _meta.Leader.DeleteConsumer(_meta.Request(), stream, consumer); break;
                case 9: _meta.Leader.MoveStream(_meta.Request(), stream, new StreamMoveRequest { Server = _random.Next(2) == 0 ? Servers[_random.Next(Servers.Length)] : null }); break;
                case 10: _meta.Leader.CancelMove(_meta.Request(), stream); break;
                case 11: _meta.Leader.RemoveStreamPeer(_meta.Request(), stream, new PeerRemoveRequest { Peer = Servers[_random.Next(Servers.Length)] }); break;
                case 12: Change(Servers[_random.Next(Servers.Length)]); break;
                case 13: _meta.TakeOffline(Servers[_random.Next(Servers.Length)]); break;
                case 14: Describe(Servers[_random.Next(Servers.Length)]); break;
                default: Migrate(); break;
            }
            _meta.Answers.Clear();
            Check(isSettled: false);
        }

        private Placement? RandomPlacement() => _random.Next(5) switch
        {
            0 => new Placement { Cluster = "B" },
            1 => new Placement { Cluster = "A" },
            2 => new Placement { Tags = ["odd"] },
            _ => null,
        };

        private void Describe(string server) => _meta.Add(server, cluster: server.StartsWith('a') ? "A" : "B", tags: (server[1] - '0') % 2 == 1 ? ["odd"] : ["even"]);

        /// <summary>Out of the cluster, or back into it; never all of them.</summary>
        private void Change(string server)
        {
            if (_members.Contains(server) && _members.Count > 5)
            {
                _members.Remove(server);
                _meta.Remove(server);
            }
            else if (_members.Add(server))
            {
                Describe(server);
                _meta.Leader.PeerAdded(NodeHash.Of(server));
            }
        }

        /// <summary>What the leaders of assets that move do.</summary>
        private void Migrate()
        {
            foreach (var stream in _meta.Current.All.ToList())
            {
                foreach (var consumer in stream.Consumers.Values)
                {
                    if (consumer.Assignment.Group.Peers.IsEmpty) continue;
                    Carry(AssetMigration.Next(consumer.Assignment, stream.Assignment.Configuration, consumer.Assignment.Group.Peers[^1], "A", _ => true));
                }
                if (_meta.Current.Find(stream.Account, stream.Name) is { } now) Carry(AssetMigration.Next(now, now.Assignment.Group.Peers[^1], "A", _ => true));
            }
        }

        private void Carry(Migration migration)
        {
            if (migration.Entry is { } entry) _meta.Applied.Apply(entry);
        }

        private void Check(bool isSettled)
        {
            var subjects = new HashSet<string>();
            var all = _meta.Current.All.ToList();
            (all.Count <= 5).ShouldBeTrue(Story());
            foreach (var stream in all)
            {
                var assignment = stream.Assignment;
                var group = assignment.Group;
                CheckGroup(group, assignment.Name);
                foreach (var subject in assignment.Configuration.Subjects) subjects.Add(subject).ShouldBeTrue($"{subject} twice: {Story()}");
                if (isSettled) (group.Peers.Count <= assignment.Configuration.Replicas).ShouldBeTrue($"{assignment.Name} moves for ever: {Story()}");
                stream.Consumers.Values.Count(consumer => consumer.Assignment.Configuration is { Direct: false }).ShouldBeLessThanOrEqualTo(4, Story());
                if (!isSettled) continue;
                foreach (var consumer in stream.Consumers.Values)
                {
                    CheckGroup(consumer.Assignment.Group, $"{assignment.Name}/{consumer.Assignment.Name}");
                    consumer.Assignment.Group.Peers.All(group.IsMember).ShouldBeTrue($"{assignment.Name}/{consumer.Assignment.Name} is where its stream is not: {string.Join(",", _meta.Servers(consumer.Assignment.Group))} of {string.Join(",", _meta.Servers(group))}: {Story()}");
                }
            }
        }

        private void CheckGroup(RaftGroupAssignment group, string name)
        {
            group.Peers.IsEmpty.ShouldBeFalse($"{name} has no server: {Story()}");
            group.Peers.Distinct().Count().ShouldBe(group.Peers.Count, $"{name} has a server twice: {Story()}");
            (group.Preferred is null || group.IsMember(group.Preferred)).ShouldBeTrue($"{name} prefers a stranger: {Story()}");
        }

        private string Story() => $"seed {_seed}\n{string.Join('\n', _meta.Current.All.Select(Describe))}\n{string.Join('\n', _history)}";

        private string Describe(AssignedStream stream) =>
            $"{stream.Name} R{stream.Assignment.Configuration.Replicas} {string.Join(",", _meta.Servers(stream.Assignment.Group))} "
            + string.Join(' ', stream.Consumers.Values.Select(consumer => $"{consumer.Assignment.Name} R{consumer.Assignment.Configuration.Replicas} {string.Join(",", _meta.Servers(consumer.Assignment.Group))}"));
    }
}
