using System.Text;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;
using NatsAspire.Tests.Unit.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

public sealed class StreamLimitsTests
{
    private static readonly StreamConfiguration Unlimited = new() { MaxMessages = -1, MaxBytes = -1, MaxMessagesPerSubject = -1 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreMsgLimit")]
    [Upstream("memstore_test.go", "TestMemStoreMsgLimit")]
    public void TheOldestGoBeyondTheNumber(bool inFile)
    {
        using var stream = new Stream(Unlimited with { MaxMessages = 10 }, inFile);
        for (var i = 0; i < 15; i++) stream.Publish("foo");
        stream.State.Messages.ShouldBe(10UL);
        (stream.State.FirstSequence, stream.State.LastSequence).ShouldBe((6UL, 15UL));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreBytesLimit")]
    [Upstream("memstore_test.go", "TestMemStoreBytesLimit")]
    public void TheOldestGoBeyondTheBytes(bool inFile)
    {
        using var stream = new Stream(Unlimited, inFile);
        stream.Publish("foo", 512);
        var size = stream.State.Bytes;
        using var limited = new Stream(Unlimited with { MaxBytes = (long)size * 4 }, inFile);
        for (var i = 0; i < 9; i++) limited.Publish("foo", 512);
        limited.State.Messages.ShouldBe(4UL);
        limited.State.Bytes.ShouldBe(size * 4);
        limited.State.FirstSequence.ShouldBe(6UL);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreMaxMsgsPerSubject")]
    [Upstream("filestore_test.go", "TestFileStoreUpdateMaxMsgsPerSubject")]
    [Upstream("memstore_test.go", "TestMemStoreUpdateMaxMsgsPerSubject")]
    [Upstream("store_test.go", "TestStoreMaxMsgsPerUpdateBug")]
    public void EachSubjectKeepsItsNewest(bool inFile)
    {
        using var stream = new Stream(Unlimited with { MaxMessagesPerSubject = 2 }, inFile);
        for (var i = 0; i < 12; i++) stream.Publish($"s.{i % 3}");
        stream.State.Messages.ShouldBe(6UL);
        stream.State.FirstSequence.ShouldBe(7UL);
        stream.Change(Unlimited with { MaxMessagesPerSubject = 1 });
        stream.State.Messages.ShouldBe(3UL);
        stream.State.FirstSequence.ShouldBe(10UL);
    }

    /// <summary>Subjects whose messages lie far apart, and the newest of one removed before.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Upstream("filestore_test.go", "TestFileStoreFullStateTestSysRemovals")]
    [Upstream("filestore_test.go", "TestFileStoreRebuildStateProperlyWithMaxMsgsPerSubject")]
    [Upstream("filestore_test.go", "TestFileStoreRestartWithExpireAndLockingBug")]
    [Upstream("store_test.go", "TestStoreMaxMsgsPerUpdateToOneRemoveNewest")]
    public void LimitsHoldWhereverTheMessagesAre(bool inFile)
    {
        using var stream = new Stream(Unlimited, inFile);
        for (var round = 0; round < 3; round++)
        {
            stream.Publish("foo.0", 0);
            for (var i = 1; i <= 9 && round < 2; i++) stream.Publish($"foo.{i}", 5_000);
        }
        stream.Store.Remove(21, erase: false).ShouldBeTrue();
        stream.Change(Unlimited with { MaxMessagesPerSubject = 1 });
        stream.Store.OfSubject("foo.0"u8).ShouldBe(new FilteredState(1, 11, 11));
        (stream.State.Messages, stream.State.FirstSequence, stream.State.Subjects).ShouldBe((10UL, 11UL, 10));
        stream.Publish("baz");
        for (var i = 0; i < 300; i++) stream.Publish(i % 2 == 0 ? "foo.1" : "foo.2");
        (stream.State.Messages, stream.State.Subjects).ShouldBe((11UL, 11));
        stream.Change(Unlimited with { MaxMessagesPerSubject = 1, MaxMessages = 3 });
        (stream.State.Messages, stream.State.FirstSequence, stream.State.LastSequence).ShouldBe((3UL, 22UL, 322UL));
        stream.Publish("new");
        (stream.State.Messages, stream.State.FirstSequence, stream.State.LastSequence).ShouldBe((3UL, 321UL, 323UL));
    }

    [Theory]
    [InlineData(3, -1, -1, false, "a", LimitReached.Messages)]
    [InlineData(4, -1, -1, false, "a", LimitReached.None)]
    [InlineData(3, -1, 1, false, "a", LimitReached.None)]
    [InlineData(3, -1, 1, false, "new", LimitReached.Messages)]
    [InlineData(-1, -1, 1, true, "a", LimitReached.MessagesPerSubject)]
    [InlineData(-1, -1, 1, true, "new", LimitReached.None)]
    [InlineData(-1, 3, -1, false, "a", LimitReached.Bytes)]
    [InlineData(-1, 3, 1, false, "a", LimitReached.None)]
    [InlineData(-1, 4, -1, false, "a", LimitReached.None)]
    [Upstream("filestore_test.go", "TestFileStoreBytesLimitWithDiscardNew")]
    [Upstream("filestore_test.go", "TestFileStoreMaxMsgsAndMaxMsgsPerSubject")]
    [Upstream("memstore_test.go", "TestMemStoreBytesLimitWithDiscardNew")]
    [Upstream("store_test.go", "TestStoreDiscardNew")]
    public void DiscardingNewMessagesRefusesThem(int messages, int sizes, int perSubject, bool perSubjectToo, string subject, LimitReached expected)
    {
        foreach (var inFile in new[] { false, true }) Refuses(inFile, messages, sizes, perSubject, perSubjectToo, subject, expected);
    }

    private static void Refuses(bool inFile, int messages, int sizes, int perSubject, bool perSubjectToo, string subject, LimitReached expected)
    {
        using var stream = new Stream(Unlimited, inFile);
        var size = 0UL;
        foreach (var one in new[] { "a", "b", "c" }) size = stream.Publish(one, 10);
        stream.Change(Unlimited with
        {
            Discard = DiscardPolicy.New,
            MaxMessages = messages,
            MaxBytes = sizes < 0 ? -1 : sizes * (long)size,
            MaxMessagesPerSubject = perSubject,
            DiscardNewPerSubject = perSubjectToo,
        });
        stream.Check(subject, 10, false).ShouldBe(expected);
        if (expected == LimitReached.MessagesPerSubject) stream.Check(subject, 10, true).ShouldBe(LimitReached.None, "a rollup makes room");
        if (sizes == 3 && perSubject == 1) stream.Check(subject, 11, false).ShouldBe(LimitReached.Bytes, "its predecessor was smaller");
    }

    private sealed class Stream(StreamConfiguration configuration, bool inFile) : IDisposable
    {
        public IMessageStore Store { get; } = inFile
            ? FileMessageStore.Open(new SimulatedDisk(), FileStoreScript.Directory, FileMessageStoreTests.Small)
            : new MemoryMessageStore();

        public StreamLimits Limits { get; private set; } = null!;

        public StoreState State => Store.State;

        public ulong Publish(string subject, int size = 8, long at = 1)
        {
            Limits ??= new StreamLimits(configuration, Store);
            var bytes = Encoding.ASCII.GetBytes(subject);
            var message = new StoredMessage { Sequence = State.LastSequence + 1, Timestamp = at, Subject = bytes, Payload = new byte[size] };
            Store.Append(message);
            Limits.Enforce(bytes);
            return Store.SizeOf(message);
        }

        public LimitReached Check(string subject, int size, bool isRollup) => Limits.Check(
            new StoredMessage { Sequence = State.LastSequence + 1, Timestamp = 1, Subject = Encoding.ASCII.GetBytes(subject), Payload = new byte[size] }, isRollup);

        public void Change(StreamConfiguration other)
        {
            Limits = new StreamLimits(other, Store);
            Limits.EnforceAll();
        }

        public void Dispose() => Store.Dispose();
    }
}
