using System.Numerics;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Publishing;

/// <summary>A stream "S" with three messages: a (1, id one), b (2), a (3, id three).</summary>
public sealed class PublishAdmissionTests : IDisposable
{
    private static readonly StreamConfiguration Plain = new() { Name = "S", MaxMessages = -1, MaxBytes = -1, MaxMessagesPerSubject = -1, MaxMessageSize = -1 };
    private readonly MemoryMessageStore _store = new();
    private readonly DedupeWindow _dedupe = new(1000);

    public PublishAdmissionTests()
    {
        Store("a", "one");
        Store("b", "");
        Store("a", "three");
    }

    [Theory]
    [InlineData("Nats-Expected-Stream: S", 0)]
    [InlineData("Nats-Expected-Stream: T", 10060)]
    [InlineData("Nats-Expected-Last-Sequence: 3", 0)]
    [InlineData("Nats-Expected-Last-Sequence: 2", 10071)]
    [InlineData("Nats-Expected-Last-Sequence: 0", 10071)]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 3", 0)]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 1", 10071)]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 2\r\nNats-Expected-Last-Subject-Sequence-Subject: b", 0)]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 0\r\nNats-Expected-Last-Subject-Sequence-Subject: new", 0)]
    [InlineData("Nats-Expected-Last-Subject-Sequence: 1\r\nNats-Expected-Last-Subject-Sequence-Subject: new", 10071)]
    [InlineData("Nats-Expected-Last-Subject-Sequence-Subject: b", 10193)]
    [InlineData("Nats-Expected-Last-Msg-Id: three", 0)]
    [InlineData("Nats-Expected-Last-Msg-Id: one", 10070)]
    [InlineData("Nats-Rollup: sub", 10111)]
    [InlineData("Nats-TTL: 5", 10166)]
    [InlineData("Nats-TTL: soon", 10165)]
    [InlineData("Nats-Incr: 1", 10168)]
    [InlineData("Nats-Incr: one", 10171)]
    public void AHeaderThatIsNotMetRefusesTheMessage(string header, int error) =>
        ((int)(Judge(Plain, header).Error?.ErrorCode ?? 0)).ShouldBe(error, header);

    [Fact]
    public void AnErrorTellsWhatIsThereInstead()
    {
        Judge(Plain, "Nats-Expected-Last-Sequence: 2").Error!.Description.ShouldBe("wrong last sequence: 3");
        Judge(Plain, "Nats-Expected-Last-Subject-Sequence: 1").Error!.Description.ShouldBe("wrong last sequence: 3");
        Judge(Plain, "Nats-Expected-Last-Msg-Id: one").Error!.Description.ShouldBe("wrong last msg ID: three");
    }

    [Theory]
    [InlineData("one", 1UL)]
    [InlineData("three", 3UL)]
    [InlineData("four", 0UL)]
    public void AnIdWithinTheWindowIsADuplicate(string id, ulong sequence)
    {
        var admission = Judge(Plain, $"Nats-Msg-Id: {id}");
        (admission.Error, admission.Duplicate).ShouldBe((null, sequence));
    }

    [Fact]
    public void ConditionsComeBeforeDuplicatesAndDuplicatesBeforeTheLastId()
    {
        Judge(Plain, "Nats-Msg-Id: one\r\nNats-Expected-Last-Sequence: 9").Error!.ErrorCode.ShouldBe((ushort)10071);
        Judge(Plain, "Nats-Msg-Id: one\r\nNats-Expected-Last-Msg-Id: one").Duplicate.ShouldBe(1UL);
    }

    [Fact]
    public void ARollupNeedsThePermission()
    {
        var allowing = Plain with { AllowRollup = true };
        Judge(allowing, "Nats-Rollup: sub").Rollup.ShouldBe(Rollup.Subject);
        Judge(allowing, "Nats-Rollup: ALL").Rollup.ShouldBe(Rollup.All);
        Judge(allowing, "Nats-Rollup: some").Error!.Description.ShouldContain("rollup value invalid: \"some\"");
        Judge(allowing with { DenyPurge = true }, "Nats-Rollup: sub").Error!.Description.ShouldContain("rollup not permitted");
    }

    [Fact]
    public void ATimeToLiveNeedsThePermission()
    {
        var allowing = Plain with { AllowMessageTtl = true };
        Judge(allowing, "Nats-TTL: 5").TtlSeconds.ShouldBe(5);
        Judge(allowing, "Nats-TTL: 1h").TtlSeconds.ShouldBe(3600);
        Judge(allowing, "Nats-TTL: never").TtlSeconds.ShouldBe(PublishHeaders.NeverExpires);
        Judge(allowing, "Nats-TTL: 1ms").Error!.ErrorCode.ShouldBe((ushort)10165);
    }

    [Fact]
    public void SizesAreLimited()
    {
        Judge(Plain with { MaxMessageSize = 10 }, "", payload: new byte[10]).Error.ShouldBeNull();
        Judge(Plain with { MaxMessageSize = 10 }, "", payload: new byte[11]).Error!.ErrorCode.ShouldBe((ushort)10054);
        Judge(Plain with { MaxMessageSize = 10 }, "Any: thing").Error!.ErrorCode.ShouldBe((ushort)10054, "headers count");
        Judge(Plain, $"Any: {new string('x', 65536)}").Error!.ErrorCode.ShouldBe((ushort)10097);
        Judge(Plain with { Discard = DiscardPolicy.New, MaxMessages = 3 }, "").Error!.Description.ShouldBe("maximum messages exceeded");
    }

    [Fact]
    public void NothingGoesIntoASealedStream() => Judge(Plain with { Sealed = true }, "").Error.ShouldBe(JetStreamErrors.JSStreamSealedErr);

    [Theory]
    [InlineData("Nats-Schedule: @every 5s\r\nNats-Schedule-Target: t", 0)]
    [InlineData("Nats-Schedule: @every 5s\r\nNats-Schedule-Target: elsewhere.x", 10190)]
    [InlineData("Nats-Scheduler: b\r\nNats-Schedule-Next: purge", 10212)]
    [InlineData("Nats-Scheduler: none\r\nNats-Schedule-Next: purge", 0)]
    public void SchedulesAreChecked(string header, int error)
    {
        var scheduling = Plain with { AllowMessageSchedules = true, Subjects = new(["a", "b", "t", "none"]) };
        ((int)(Judge(scheduling, header).Error?.ErrorCode ?? 0)).ShouldBe(error);
    }

    [Fact]
    public void ACounterAddsUp()
    {
        var counting = Plain with { AllowMessageCounter = true };
        Judge(counting, "").Error.ShouldBe(JetStreamErrors.JSMessageIncrMissingErr);
        Judge(counting, "Nats-Incr: +5", "n").Counter.ShouldBe(new BigInteger(5));
        Judge(counting, "Nats-Incr: 1", "n", new byte[1]).Error.ShouldBe(JetStreamErrors.JSMessageIncrPayloadErr);
        Judge(counting, "Nats-Incr: 1\r\nNats-Expected-Last-Sequence: 3", "n").Error.ShouldBe(JetStreamErrors.JSMessageIncrInvalidErr);
        Store("n", "", CounterValue.Format(BigInteger.Pow(10, 40)));
        Judge(counting, "Nats-Incr: -1", "n").Counter.ShouldBe(BigInteger.Pow(10, 40) - 1);
        Judge(counting, "Nats-Incr: -1", "a").Error.ShouldBe(JetStreamErrors.JSMessageCounterBrokenErr);
    }

    [Theory]
    [InlineData("{\"val\":\"12\"}", true)]
    [InlineData("{\"val\":\"-12\", \"more\": []}", true)]
    [InlineData("{\"val\":12}", false)]
    [InlineData("{\"val\":\"x\"}", false)]
    [InlineData("{\"val\":\"1\"", false)]
    [InlineData("12", false)]
    [InlineData("", false)]
    public void OnlyACounterReadsAsOne(string payload, bool isCounter) => CounterValue.TryParse(Encoding.UTF8.GetBytes(payload), out _).ShouldBe(isCounter);

    public void Dispose() => _store.Dispose();

    private void Store(string subject, string id, byte[]? payload = null)
    {
        var sequence = _store.State.LastSequence + 1;
        _store.Append(new StoredMessage { Sequence = sequence, Timestamp = (long)sequence, Subject = Encoding.ASCII.GetBytes(subject), Payload = payload });
        _dedupe.Add(Encoding.ASCII.GetBytes(id), sequence, (long)sequence);
    }

    private Admission Judge(StreamConfiguration configuration, string headers, string subject = "a", byte[]? payload = null) =>
        new PublishAdmission(configuration, _store, _dedupe).Judge(new StoredMessage
        {
            Sequence = _store.State.LastSequence + 1,
            Timestamp = 10,
            Subject = Encoding.ASCII.GetBytes(subject),
            Headers = headers.Length == 0 ? default : Encoding.ASCII.GetBytes($"NATS/1.0\r\n{headers}\r\n\r\n"),
            Payload = payload,
        });
}
