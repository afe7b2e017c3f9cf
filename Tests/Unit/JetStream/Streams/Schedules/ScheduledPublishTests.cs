using System.Globalization;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Schedules;

/// <summary>Messages that a stream publishes by itself when their time has come (ADR-51).</summary>
public sealed class ScheduledPublishTests
{
    private static readonly StreamConfiguration Scheduling = LedStream.Plain with { AllowMessageSchedules = true, AllowMessageTtl = true, Subjects = new(["s.>", "t.>"]) };

    [Fact]
    [Upstream("memstore_test.go", "TestMemStoreMessageSchedule")]
    [Upstream("filestore_test.go", "TestFileStoreMessageSchedule")]
    public void ADelayedMessageComesOnce()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.one", $"Nats-Schedule: @at {Time(stream, 10)}\r\nNats-Schedule-Target: t.x\r\nAny: thing\r\nNats-Msg-Id: id", "hello");
        stream.Messages[0].Headers.ShouldEndWith("Nats-Msg-Id: id|Nats-Rollup: sub", customMessage: "it replaces an earlier one of its subject");
        stream.Leader.NextTick.ShouldBe(stream.Nanoseconds + (10 * LedStream.Second));
        stream.Pass(9.9);
        stream.Held.ShouldBe("1:s.one");
        stream.Pass(0.1);
        stream.Messages.ShouldBe([(2UL, "t.x", "Any: thing|Nats-Scheduler: s.one|Nats-Schedule-Next: purge", "hello")]);
        stream.Leader.NextTick.ShouldBeNull();
        stream.Replica.Schedules!.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("memstore_test.go", "TestMemStoreMessageScheduleEverySubSecondPrecision")]
    public void ARepeatedMessageTellsWhenItComesNext()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.many", "Nats-Schedule: @every 1.5s\r\nNats-Schedule-Target: t.x\r\nNats-Schedule-TTL: 1m\r\nNats-Schedule-Rollup: sub", "tick");
        stream.Pass(1.5);
        stream.Messages[1].ShouldBe((2UL, "t.x", $"Nats-Scheduler: s.many|Nats-Schedule-Next: {Time(stream, 1.5)}|Nats-TTL: 1m|Nats-Rollup: sub", "tick"), "rounded to seconds first");
        stream.Leader.NextTick.ShouldBe(stream.Nanoseconds + (2 * LedStream.Second));
        stream.Pass(2);
        stream.Held.ShouldBe("1:s.many 3:t.x");
    }

    [Fact]
    public void CronsComeInTheirTimeZone()
    {
        using var stream = new LedStream(Scheduling) { Now = DateTimeOffset.Parse("2026-06-01T07:30:00Z", CultureInfo.InvariantCulture).ToUnixTimeSeconds() };
        stream.Publish("s.daily", "Nats-Schedule: 0 0 10 * * *\r\nNats-Schedule-Time-Zone: Europe/Berlin\r\nNats-Schedule-Target: t.x");
        stream.Pass(1799);
        stream.Held.ShouldBe("1:s.daily");
        stream.Pass(1);
        stream.Messages[1].Headers.ShouldBe("Nats-Scheduler: s.daily|Nats-Schedule-Next: 2026-06-02T10:00:00+02:00");
        stream.Leader.NextTick.ShouldBe(stream.Nanoseconds + (86_400 * LedStream.Second));
    }

    /// <summary>What went by while nobody was there is made up for once.</summary>
    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledMessageNotTriggering")]
    public void MissedTimesAreMadeUpForOnce()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.many", "Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t.x");
        stream.Now += 1000;
        stream.Restart();
        stream.Pass(0);
        stream.Held.ShouldBe("1:s.many 2:t.x");
        stream.Pass(4);
        stream.Held.ShouldBe("1:s.many 2:t.x");
        stream.Pass(1);
        stream.Held.ShouldBe("1:s.many 2:t.x 3:t.x");
    }

    [Fact]
    public void TheSourcesLastMessageIsPublishedInstead()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.copy", "Nats-Schedule: @every 1s\r\nNats-Schedule-Target: t.x\r\nNats-Schedule-Source: s.data\r\nOwn: yes", "none yet");
        stream.Pass(1);
        stream.Messages[^1].Payload.ShouldBe("none yet");
        stream.Publish("s.data", "Nats-Msg-Id: m\r\nNats-Expected-Last-Sequence: 2\r\nNats-TTL: 9\r\nNats-Rollup: sub\r\nOther: yes", "data");
        stream.Pass(1);
        stream.Messages[^1].Payload.ShouldBe("data");
        stream.Messages[^1].Headers.ShouldStartWith("Other: yes|Nats-Scheduler: s.copy|Nats-Schedule-Next: 20");
    }

    [Theory]
    [InlineData("Nats-Scheduler: s.x\r\nNats-Schedule-Next: purge", "t.y", 0)]
    [InlineData("", "s.x", 0)]
    [InlineData("Nats-Schedule: @every 9s\r\nNats-Schedule-Target: t.x", "s.x", 1)]
    [InlineData("", "s.y", 1)]
    [Upstream("filestore_test.go", "TestFileStorePurgeMsgBlockRemovesSchedules")]
    public void AScheduleIsReplacedOrTakenAway(string headers, string subject, int left)
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.x", "Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t.x");
        stream.Publish(subject, headers)!.ShouldContain("\"seq\":2");
        stream.Replica.Schedules!.Count.ShouldBe(left);
        stream.Pass(20);
        stream.Messages.Any(message => message.Subject == "t.x").ShouldBe(left > 0);
    }

    /// <summary>An ordinary message on a schedule's subject, which comes from a schedule, leaves the schedule alone.</summary>
    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledMessageDeliveryPreservesTargetSchedule")]
    public void WhatASchedulePublishesEndsNoSchedule()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.target", "Nats-Schedule: @every 10s\r\nNats-Schedule-Target: t.x");
        stream.Publish("s.first", $"Nats-Schedule: @at {Time(stream, 1)}\r\nNats-Schedule-Target: s.target", "now");
        stream.Pass(1);
        stream.Replica.Schedules!.Entries.Select(entry => entry.Subject).ShouldBe(["s.target"]);
        stream.Pass(9);
        stream.Messages[^1].Subject.ShouldBe("t.x");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledMessageNotDeactivated")]
    public void WhatCannotBeStoredIsTriedAgain()
    {
        using var stream = new LedStream(Scheduling with { MaxMessages = 2, Discard = DiscardPolicy.New });
        stream.Publish("s.x", $"Nats-Schedule: @at {Time(stream, 1)}\r\nNats-Schedule-Target: t.x");
        stream.Publish("s.full");
        stream.Pass(1);
        stream.Held.ShouldBe("1:s.x 2:s.full");
        stream.Update(configuration => configuration with { MaxMessages = 5 });
        stream.Pass(1);
        stream.Held.ShouldBe("2:s.full 3:t.x");
    }

    [Fact]
    public void ADeletedScheduleDoesNothing()
    {
        using var stream = new LedStream(Scheduling with { MaxMessages = 1 });
        stream.Publish("s.x", "Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t.x");
        stream.Publish("t.other");
        stream.Pass(5);
        stream.Held.ShouldBe("2:t.other");
        stream.Replica.Schedules!.Count.ShouldBe(0);
        stream.Leader.NextTick.ShouldBeNull();
    }

    [Fact]
    public void SchedulesThatAreGoneDoNotAddUp()
    {
        using var stream = new LedStream(Scheduling with { MaxMessages = 10 });
        for (var i = 0; i < 1000; i++) stream.Publish($"s.{i}", $"Nats-Schedule: @at 2999-01-01T00:00:00Z\r\nNats-Schedule-Target: t.x");
        stream.Replica.Schedules!.Count.ShouldBeLessThan(100);
    }

    [Fact]
    public void AnUpdateBeginsAndEndsThem()
    {
        using var stream = new LedStream(Scheduling);
        stream.Publish("s.x", "Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t.x");
        stream.Update(configuration => configuration with { AllowMessageSchedules = false });
        stream.Pass(100);
        stream.Held.ShouldBe("1:s.x");
        stream.Update(configuration => configuration with { AllowMessageSchedules = true });
        stream.Pass(0);
        stream.Held.ShouldBe("1:s.x 2:t.x");
    }

    /// <summary>Replicas know the same schedules, those that have started again too; none is published twice.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [Upstream("filestore_test.go", "TestFileStoreMessageScheduleRecovered")]
    public void TheIndexFollowsFromWhatIsStored(int seed)
    {
        var random = new Random(seed);
        using var stream = new LedStream(Scheduling);
        for (var i = 0; i < 300; i++)
        {
            var subject = $"s.{random.Next(8)}";
            var schedule = random.Next(5) switch
            {
                0 => $"Nats-Schedule: @at {Time(stream, random.Next(60))}\r\nNats-Schedule-Target: t.{i}",
                1 => $"Nats-Schedule: @every {random.Next(1, 30)}s\r\nNats-Schedule-Target: t.{random.Next(4)}",
                2 => $"Nats-Schedule: {random.Next(60)} * * * * *\r\nNats-Schedule-Target: t.{random.Next(4)}",
                3 => $"Nats-Scheduler: {subject}\r\nNats-Schedule-Next: purge",
                _ => "",
            };
            stream.Publish(schedule.Contains("purge") ? "t.end" : subject, schedule);
            stream.Pass(random.Next(4));
        }
        using var follower = new LedStream(Scheduling);
        foreach (var entry in stream.Log) follower.Replica.Apply(entry).ShouldBeTrue();
        follower.Describe().ShouldBe(stream.Describe(), $"seed {seed}");
        follower.Replica.Schedules!.Entries.ShouldBe(stream.Replica.Schedules!.Entries, $"seed {seed}");
        var before = stream.Replica.Schedules!.Entries.ToList();
        before.ShouldNotBeEmpty();
        stream.Restart();
        stream.Replica.Schedules!.Entries.ShouldBe(before, $"seed {seed}");
    }

    private static string Time(LedStream stream, double seconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)((Math.Round(stream.Now) + seconds) * 1000)).ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
}
