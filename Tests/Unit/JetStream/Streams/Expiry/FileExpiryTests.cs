using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Expiry;

/// <summary>Messages of a file store go when their time is over, be it while nobody looks.</summary>
public sealed class FileExpiryTests
{
    private static readonly StreamConfiguration Aged = LedStream.Plain with { MaxAge = 10 * LedStream.Second };

    public static TheoryData<string> Kinds => KeptStore.FileKinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreAgeLimit")]
    [Upstream("filestore_test.go", "TestFileStoreEncryptedKeepIndexNeedBekResetBug")]
    public void AgedMessagesGo(string kind)
    {
        using var kept = new KeptStore(kind);
        using var stream = new LedStream(Aged, store: kept.Store);
        for (var i = 0; i < 500; i++) stream.Publish("foo", payload: "Hello World");
        stream.Pass(10);
        (kept.State.Messages, kept.State.Bytes).ShouldBe((0UL, 0UL));
        for (var i = 0; i < 500; i++) stream.Publish("foo", payload: $"ouch {i}");
        kept.Text(1_000).ShouldBe("ouch 499");
        foreach (var sequence in new ulong[] { 502, 602, 702, 802 }) kept.Store.Remove(sequence, erase: false).ShouldBeTrue();
        stream.Pass(9.9);
        kept.State.Messages.ShouldBe(496UL);
        stream.Pass(0.1);
        kept.Ends.ShouldBe((0UL, 1_001UL, 1_000UL));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreAgeLimitRecovery")]
    [Upstream("filestore_test.go", "TestFileStoreExpireMsgsOnStart")]
    [Upstream("filestore_test.go", "TestFileStoreExpireOnRecoverSubjectAccounting")]
    [Upstream("filestore_test.go", "TestFileStoreFSSCloseAndKeepOnExpireOnRecoverBug")]
    [Upstream("filestore_test.go", "TestFileStoreBadFirstAndFailedExpireAfterRestart")]
    [Upstream("filestore_test.go", "TestFileStoreShortIndexWriteBug")]
    [Upstream("filestore_test.go", "TestFileStoreRecoverDoesNotResetStreamState")]
    public void AgedMessagesGoAtTheStart(string kind)
    {
        using var kept = new KeptStore(kind);
        using var stream = new LedStream(Aged, store: kept.Store);
        for (var i = 1; i <= 150; i++) stream.Publish($"orders.{i % 10}", payload: new string('A', 100));
        stream.Pass(5);
        for (var i = 1; i <= 100; i++) stream.Publish($"late.{i % 10}", payload: new string('A', 100));
        kept.Store.Remove(151, erase: false).ShouldBeTrue();
        Restart(5);
        kept.Ends.ShouldBe((99UL, 152UL, 250UL));
        kept.State.Subjects.ShouldBe(10);
        kept.State.FirstTimestamp.ShouldBe(stream.Nanoseconds - (5 * LedStream.Second));
        kept.Filtered("late.*").ShouldBe(new FilteredState(99, 152, 250));
        var time = kept.State.LastTimestamp;
        Restart(5);
        (kept.Ends, kept.State.Subjects, kept.State.LastTimestamp).ShouldBe(((0UL, 251UL, 250UL), 0, time));
        Restart(0);
        kept.Ends.ShouldBe((0UL, 251UL, 250UL));

        void Restart(double seconds)
        {
            kept.Restart(stream.Log.Count);
            stream.Restart(kept.Store);
            stream.Pass(seconds);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTLRestart")]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTLRecovered")]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTLRecoveredSingleMessageWithoutStreamState")]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTLWriteTombstone")]
    [Upstream("filestore_test.go", "TestFileStoreMessageTTLRecoveredOffByOne")]
    [Upstream("filestore_test.go", "TestFileStoreRecoverTTLAndScheduleStateAndCounters")]
    public void TimesAndSchedulesAreFoundInTheMessages(string kind)
    {
        using var kept = new KeptStore(kind);
        using var stream = new LedStream(LedStream.Plain with { AllowMessageTtl = true, AllowMessageSchedules = true }, store: kept.Store);
        stream.Publish("test", "Nats-TTL: 1");
        stream.Publish("test");
        for (var i = 0; i < 300; i++) stream.Publish("test", "Nats-TTL: 2", "x");
        stream.Publish("sched", "Nats-TTL: 5\r\nNats-Schedule: @at 2023-11-14T22:13:23Z\r\nNats-Schedule-Target: target");
        for (var round = 0; round < 2; round++)
        {
            kept.Restart(stream.Log.Count);
            stream.Restart(kept.Store);
            stream.Replica.Expiry.Count.ShouldBe(302);
        }
        stream.Pass(1);
        kept.Ends.ShouldBe((302UL, 2UL, 303UL));
        kept.Restart(stream.Log.Count);
        stream.Restart(kept.Store);
        stream.Pass(1);
        stream.Held.ShouldBe("2:test 303:sched");
        stream.Pass(1);
        stream.Messages.ShouldContain(message => message.Subject == "target");
    }
}
