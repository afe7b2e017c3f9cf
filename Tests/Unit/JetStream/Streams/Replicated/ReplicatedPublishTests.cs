using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>A leader whose proposals are applied later gives the answers of one whose proposals are applied at once.</summary>
public sealed class ReplicatedPublishTests
{
    private const int Steps = 250;

    [Theory]
    [MemberData(nameof(Seeds), 60)]
    public void AnswersAreThoseOfAStreamAlone(int seed) => Compare(seed);

    /// <summary><c>NATSASPIRE_REPLICATED_SEEDS=20000</c> runs so many.</summary>
    [Fact]
    public void ManySeeds()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("NATSASPIRE_REPLICATED_SEEDS"), CultureInfo.InvariantCulture, out var asked) ? asked : 100;
        for (var seed = 1000; seed < 1000 + count; seed++) Compare(seed);
    }

    /// <summary>
    /// 2.14.5 stops here: every replica reports a critical write error, and the stream takes nothing more.
    /// </summary>
    [Fact]
    public void AnUnexpectedLastMessageIdHarmsNobody()
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.Publish("a", "Nats-Msg-Id: one", "1", "r1");
        group.Publish("a", "Nats-Expected-Last-Msg-Id: other", "2", "r2");
        group.Publish("a", "Nats-Expected-Last-Msg-Id: one\r\nNats-Msg-Id: two", "3", "r3");
        group.Publish("a", "Nats-Expected-Last-Msg-Id: two", "4", "r4");
        group.Publish("a", "", "5", "r5");
        group.Take("r2").ShouldBeNull("what it was refused for is not agreed upon");
        group.Commit();
        group.Take("r1").ShouldBe("""{"stream":"S","seq":1}""");
        group.Take("r2").ShouldNotBeNull().ShouldContain("10070");
        group.Take("r3").ShouldBe("""{"stream":"S","seq":2}""");
        group.Take("r4").ShouldBe("""{"stream":"S","seq":3}""");
        group.Take("r5").ShouldBe("""{"stream":"S","seq":4}""");
        group.ShouldBeAlike();
        group.Replica(1).Failed.ShouldBe(0UL);
    }

    /// <summary>What need not wait does not: nothing is agreed upon here until the end.</summary>
    [Fact]
    public void PublishersArePipelined()
    {
        using var group = new StreamGroup(LedStream.Plain with { MaxMessages = 100 });
        for (var i = 0; i < 1000; i++)
        {
            var headers = (i % 5) switch
            {
                1 => $"Nats-Msg-Id: {i}",
                2 => $"Nats-Expected-Last-Sequence: {i}",
                3 => $"Nats-Expected-Last-Msg-Id: \r\nNats-Msg-Id: {i}",
                4 => $"Nats-Expected-Last-Msg-Id: {i - 1}",
                _ => "",
            };
            group.TryPublish("a", headers, "", $"r{i}").ShouldBeTrue($"{i}");
        }
        group.Leader.InFlightMessages.ShouldBe(1000UL);
        group.Published.ShouldBeEmpty();
        group.Commit();
        group.Published.Select(one => one.Payload).ShouldAllBe(answer => !answer.Contains("error"));
        group.Leader.InFlightMessages.ShouldBe(0UL);
        group.ShouldBeAlike();
    }

    /// <summary>Updates of a key that follow each other need not wait once the leader knows that somebody asks for subjects.</summary>
    [Fact]
    public void UpdatesOfKeysArePipelined()
    {
        using var group = new StreamGroup(LedStream.Plain with { MaxMessagesPerSubject = 5 });
        group.Publish("k.0", "Nats-Expected-Last-Subject-Sequence: 0");
        group.Publish("k.1", "Nats-Expected-Last-Subject-Sequence: 0");
        group.Commit();
        group.Take();
        var last = new ulong[] { 1, 2 };
        for (var i = 0; i < 100; i++)
        {
            group.TryPublish($"k.{i % 2}", $"Nats-Expected-Last-Subject-Sequence: {last[i % 2]}", "", "u").ShouldBeTrue();
            last[i % 2] = 3 + (ulong)i;
        }
        group.TryPublish("k.0", "Nats-Expected-Last-Subject-Sequence: 1", "", "wrong").ShouldBeTrue();
        group.Commit();
        group.Take("u").ShouldNotBeNull().ShouldNotContain("error");
        group.Take("wrong").ShouldNotBeNull().ShouldContain("wrong last sequence: 101");
    }

    [Fact]
    [Upstream("jetstream_cluster_4_test.go", "TestJetStreamClusterMsgCounterRunningTotalConsistency")]
    public void CountersArePipelined()
    {
        using var group = new StreamGroup(LedStream.Plain with { AllowMessageCounter = true, AllowRollup = false });
        group.Publish("c", "Nats-Incr: 1");
        group.Commit();
        group.Publish("c", "Nats-Incr: 1");
        group.TryPublish("c", "Nats-Incr: 1").ShouldBeFalse("nobody has asked for subjects before");
        group.Commit();
        group.Take();
        for (var i = 0; i < 10; i++) group.TryPublish("c", "Nats-Incr: +5", "", "r").ShouldBeTrue();
        group.Commit();
        group.Take().ShouldNotBeNull().ShouldEndWith("""{"stream":"S","seq":12,"val":"52"}""");
        group.Leader.InFlightMessages.ShouldBe(0UL);
        group.ShouldBeAlike();
    }

    /// <summary>A leader that cannot get agreement takes only so much; nothing is lost of what it takes later.</summary>
    [Fact]
    public void WhatIsInFlightIsBounded()
    {
        using var group = new StreamGroup(LedStream.Plain);
        var taken = 0;
        while (group.TryPublish("a", "", "p", "r")) taken++;
        taken.ShouldBe(64 << 10);
        group.Commit(1);
        group.TryPublish("a", "", "p", "r").ShouldBeTrue();
        group.TryPublish("a", "", "p", "r").ShouldBeFalse();
        group.Commit();
        group.Store.State.Messages.ShouldBe((ulong)taken + 1);

        using var large = new StreamGroup(LedStream.Plain, members: 1);
        var payload = new string('x', 8 << 20);
        for (taken = 0; large.TryPublish("a", "", payload, "r"); taken++) taken.ShouldBeLessThan(20);
        taken.ShouldBe(16);
    }

    [Fact]
    public void RefusalsThatWaitAreBounded()
    {
        using var group = new StreamGroup(LedStream.Plain);
        group.TryPublish("a", "", "", "first").ShouldBeTrue();
        var refused = 0;
        while (group.TryPublish("a", "Nats-Expected-Last-Sequence: 77", "", "r")) refused++;
        refused.ShouldBe(16 << 10);
        group.Commit();
        group.Published.Count.ShouldBe(refused + 1);
        group.TryPublish("a", "", "", "r").ShouldBeTrue();
    }

    /// <summary>A message that a marker would replace may be under way.</summary>
    [Fact]
    public void AMarkerDoesNotTakeAMessageAwayThatIsUnderWay()
    {
        using var group = new StreamGroup(LedStream.Plain with { MaxAge = 10 * LedStream.Second, SubjectDeleteMarkerTtl = 60 * LedStream.Second, AllowMessageTtl = true });
        group.Publish("a", "", "old");
        group.Commit();
        group.Now += 11 * LedStream.Second;
        group.Publish("a", "", "new");
        group.Leader.Tick(group.Now, group);
        group.Commit();
        group.ShouldBeAlike();
        var buffer = new MessageBuffer();
        group.Store.TryLoadLast("a"u8, ulong.MaxValue, buffer).ShouldBeTrue();
        Encoding.ASCII.GetString(buffer.Payload).ShouldBe("new");
        (group.Store.State.Messages, group.Store.State.LastSequence).ShouldBe((1UL, 2UL));
    }

    [Fact]
    public void MarkersAndSchedulesAreAgreedUponOnce()
    {
        using var group = new StreamGroup(LedStream.Plain with
        {
            MaxAge = 10 * LedStream.Second,
            SubjectDeleteMarkerTtl = 60 * LedStream.Second,
            AllowMessageTtl = true,
            AllowMessageSchedules = true,
            Subjects = new([">"]),
        });
        group.Publish("a", "", "old");
        group.Publish("plan", "Nats-Schedule: @every 5s\r\nNats-Schedule-Target: target\r\nNats-TTL: never", "tick");
        group.Commit();
        for (var second = 0; second < 12; second++)
        {
            group.Now += LedStream.Second;
            // Nothing is agreed upon meanwhile, for a second.
            group.Leader.Tick(group.Now, group);
            group.Leader.Tick(group.Now, group);
            group.Commit();
        }
        group.ShouldBeAlike();
        StreamGroup.Describe(group.Store).Split('\n').Count(line => line.Contains(" target ")).ShouldBe(2);
        StreamGroup.Describe(group.Store).Split('\n').Count(line => line.Contains("Nats-Marker-Reason")).ShouldBe(1);
    }

    [Fact]
    public void AMirrorLeavesOutWhatItsOriginHasNot()
    {
        foreach (var ranges in new[] { true, false })
        {
            using var group = new StreamGroup(LedStream.Plain with { Mirror = new StreamSource { Name = "O" }, Subjects = [] }, options: new StreamLeaderOptions { ProposesRanges = ranges });
            foreach (var sequence in new ulong[] { 5, 6, 9, 6, 20_009 })
            {
                var message = new StoredMessage { Sequence = sequence, Timestamp = (long)sequence, Subject = "a"u8, Payload = "p"u8 };
                for (var turns = 0; !group.Leader.TakeMirrored(message, group); turns++)
                {
                    ranges.ShouldBeFalse();
                    turns.ShouldBeLessThan(3);
                }
            }
            group.Commit();
            group.ShouldBeAlike();
            (group.Store.State.FirstSequence, group.Store.State.LastSequence, group.Store.State.Messages).ShouldBe((5UL, 20_009UL, 4UL));
            group.Log.Any(entry => entry[0] == (byte)EntryOperation.DeleteRange).ShouldBe(ranges);
        }
    }

    public static TheoryData<int> Seeds(int count) => [.. Enumerable.Range(1, count)];

    private static void Compare(int seed)
    {
        var work = new PublishWorkload(seed);
        var configuration = work.Configure();
        using var alone = new LedStream(configuration);
        using var group = new StreamGroup(configuration);
        var answers = new List<(string Reply, string? Answer, string What)>();
        for (var step = 0; step < Steps; step++)
        {
            if (work.Happens(30)) alone.Now++;
            group.Now = alone.Nanoseconds;
            if (work.Happens(6)) Remove(work, alone, group);
            var (subject, headers, payload, reply) = work.Message(configuration, alone.Replica.Store);
            var answer = alone.Publish(subject, headers, payload, reply);
            if (reply.Length > 0) answers.Add((reply, answer, $"{subject} {headers}"));
            if (work.Happens(30)) group.Commit(work.Next(6));
            if (work.Happens(10)) group.Catch(work.Next(3));
            group.Publish(subject, headers, payload, reply);
        }
        group.Commit();
        group.Leader.InFlightMessages.ShouldBe(0UL);
        foreach (var (reply, answer, what) in answers) group.Take(reply).ShouldBe(answer, $"seed {seed}: {reply} {what}");
        StreamGroup.Describe(group.Store).ShouldBe(StreamGroup.Describe(alone.Replica.Store), $"seed {seed}");
        group.Published.Select(one => (one.Subject, one.Payload)).ShouldBe(alone.Published.Select(one => (one.Subject, one.Payload)), $"seed {seed}");
        group.ShouldBeAlike($"seed {seed}");
        group.Replica(0).Failed.ShouldBe(0UL, $"seed {seed}");
    }

    private static void Remove(PublishWorkload work, LedStream alone, StreamGroup group)
    {
        var state = alone.State;
        if (work.Happens(70))
        {
            var sequence = state.FirstSequence + (ulong)work.Next((int)(state.LastSequence + 2 - state.FirstSequence));
            alone.Leader.Propose(
                JsonEntry.Encode(EntryOperation.DeleteMessage, new DeleteMessageEntry { Stream = "S", Sequence = sequence, NoErase = true }, EntryJson.Default.DeleteMessageEntry), alone);
            group.Delete(sequence);
            return;
        }
        var (filter, keep) = (work.Happens(70) ? $"s.{work.Next(4)}" : null, (ulong)work.Next(3));
        alone.Leader.Propose(
            JsonEntry.Encode(
                EntryOperation.PurgeStream,
                new PurgeStreamEntry { Stream = "S", LastSequence = state.LastSequence, Request = new PurgeRequestEntry { Filter = filter, Keep = keep } },
                EntryJson.Default.PurgeStreamEntry),
            alone);
        group.Purge(filter, state.LastSequence, keep);
    }
}
