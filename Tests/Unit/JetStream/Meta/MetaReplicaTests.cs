using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>
/// Random logs, applied in every way a server may come by them: lived through, replayed after a restart, taken from a
/// snapshot with what follows, caught up while running. All agree, and each runs exactly what it is to run.
/// </summary>
public sealed class MetaReplicaTests
{
    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_META_SEEDS"), out var seeds) ? seeds : 60;
    private static readonly string[] Servers = ["n1", "n2", "n3", "n4"];

    [Fact]
    public void All_ways_through_a_log_lead_to_the_same()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            var log = Log(random, 120);
            foreach (var self in Servers) Check(seed, self, random, log);
        }
    }

    private static void Check(int seed, string self, Random random, List<MetaEntry> log)
    {
        var lived = new AppliedMeta(self).Replay(log);
        var cut = random.Next(log.Count);
        var upTo = new AppliedMeta(self).Replay(log[..cut]);
        var snapshot = MetaSnapshot.Encode(upTo.Current);

        var replayed = new AppliedMeta(self, isRecovered: false).Replay(log);
        replayed.State.EndRecovery();
        Agree(replayed, lived, $"seed {seed} {self} replayed");

        var restarted = new AppliedMeta(self, isRecovered: false);
        restarted.State.ApplySnapshot(snapshot).ShouldBeNull();
        restarted.Replay(log[cut..]);
        restarted.State.EndRecovery();
        Agree(restarted, lived, $"seed {seed} {self} snapshot at {cut}");

        // It had something, fell behind, and is caught up by a snapshot and the rest, staged or not.
        foreach (var staged in new[] { true, false })
        {
            var behind = new AppliedMeta(self).Replay(log[..random.Next(cut + 1)]);
            if (staged) behind.State.BeginRecovery();
            behind.State.ApplySnapshot(snapshot).ShouldBeNull();
            var from = random.Next(cut, log.Count + 1);
            behind.Replay(log[cut..from]);
            if (staged) behind.State.EndRecovery();
            behind.Replay(log[from..]);
            Agree(behind, lived, $"seed {seed} {self} behind, {(staged ? "staged" : "live")}");
        }
    }

    private static void Agree(AppliedMeta replica, AppliedMeta lived, string how)
    {
        replica.Json.ShouldBe(lived.Json, how);
        replica.Running.OrderBy(one => one.Key, StringComparer.Ordinal).ShouldBe(lived.Running.OrderBy(one => one.Key, StringComparer.Ordinal), how);
        foreach (var server in Servers) replica.Current.LoadOf(server).ShouldBe(lived.Current.LoadOf(server), how);
        var wanted = replica.Current.All.Where(stream => stream.Assignment.Group.IsMember(replica.State.Self))
            .Select(stream => stream.Name);
        replica.Running.Keys.Where(name => !name.Contains('/')).Order().ShouldBe(wanted.Order(), how);
    }

    /// <summary>A log as leaders write it: few names, so that they come again; mistakes of leaders that know too little included.</summary>
    private static List<MetaEntry> Log(Random random, int length)
    {
        var log = new List<MetaEntry>();
        var (groups, time) = (0, 0);
        var streams = new Dictionary<string, StreamAssignment>();
        var consumers = new Dictionary<(string, string), ConsumerAssignment>();
        while (log.Count < length)
        {
            var stream = "S" + random.Next(4);
            var consumer = "C" + random.Next(3);
            var known = streams.GetValueOrDefault(stream);
            switch (random.Next(7))
            {
                case 0 or 1 when known is null:
                    known = Made.Stream(stream, $"S-R3F-{++groups:D8}", ++time, Peers(random));
                    streams[stream] = known;
                    log.Add(MetaEntry.AssignStream(known));
                    break;
                case 2 when known is not null:
                    known = known with { Group = known.Group with { Peers = [.. Peers(random)], Name = random.Next(3) == 0 ? $"S-R3F-{++groups:D8}" : known.Group.Name } };
                    streams[stream] = known;
                    log.Add(random.Next(2) == 0 ? MetaEntry.UpdateStream(known) : MetaEntry.AssignStream(known));
                    break;
                case 3 when random.Next(3) == 0:
                    log.Add(MetaEntry.RemoveStream(known ?? Made.Stream(stream, "S-R3F-gone", ++time)));
                    streams.Remove(stream);
                    foreach (var key in consumers.Keys.Where(key => key.Item1 == stream).ToList()) consumers.Remove(key);
                    break;
                case 4 or 5:
                    var assigned = consumers.TryGetValue((stream, consumer), out var before) && random.Next(2) == 0
                        ? before with { Group = before.Group with { Peers = [.. Peers(random)] } }
                        : before is null || known is null ? Made.Consumer(stream, consumer, $"C-R3F-{++groups:D8}", ++time, Peers(random)) : before;
                    // Without a stream nobody takes it.
                    if (known is not null) consumers[(stream, consumer)] = assigned;
                    log.Add(random.Next(4) == 0 ? MetaEntry.AssignCompressedConsumer(assigned) : MetaEntry.AssignConsumer(assigned));
                    break;
                case 6:
                    var removed = consumers.GetValueOrDefault((stream, consumer));
                    // Sometimes one that went long ago under the same name.
                    if (removed is null || random.Next(4) == 0) removed = Made.Consumer(stream, consumer, "C-R3F-gone", ++time);
                    else consumers.Remove((stream, consumer));
                    log.Add(MetaEntry.RemoveConsumer(removed));
                    break;
            }
        }
        return log;
    }

    private static string[] Peers(Random random)
    {
        string[] servers = [.. Servers];
        random.Shuffle(servers);
        return servers[..random.Next(1, 4)];
    }
}
