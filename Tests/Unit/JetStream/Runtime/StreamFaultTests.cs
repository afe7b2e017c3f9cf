using System.Text;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Runtime;

/// <summary>Streams on a disk that fails, and after a loss of power at any moment.</summary>
public sealed class StreamFaultTests
{
    private const int InsufficientResources = 10023;

    [Theory]
    [InlineData(DiskCall.Sync, DiskFault.Device)]
    [InlineData(DiskCall.Write, DiskFault.Device)]
    [InlineData(DiskCall.Write, DiskFault.Full)]
    [InlineData(DiskCall.Write, DiskFault.ReadOnly)]
    public async Task AFailedLogFencesItsStreamsAndNobodyElse(DiskCall call, DiskFault fault)
    {
        var disk = new SimulatedDisk();
        await using (var engine = EngineOnSimulatedDisk.Start(disk))
        {
            var stream = engine.Create("""{"name":"S","subjects":["s"]}""");
            engine.Create("""{"name":"M","subjects":["m"],"storage":"memory"}""");
            engine.Publish("s", 1);
            (await engine.AnswerAsync(1)).GetProperty("seq").GetInt32().ShouldBe(1);
            disk.Fail(call, "/log/", fault: fault, times: int.MaxValue);
            engine.Publish("s", 2);
            ErrorOf(await engine.AnswerAsync(2)).ShouldBe(InsufficientResources);
            stream.Fault.ShouldNotBeNull();
            engine.Publish("s", 3);
            ErrorOf(await engine.AnswerAsync(3)).ShouldBe(InsufficientResources);
            engine.Publish("m", 4);
            (await engine.AnswerAsync(4)).GetProperty("seq").GetInt32().ShouldBe(1);
        }
        await using var again = EngineOnSimulatedDisk.Start(disk.PowerCut());
        var recovered = again.Streams.Find("S").ShouldNotBeNull();
        TextOf(recovered.Store, 1).ShouldBe("1");
        recovered.Fault.ShouldBeNull();
    }

    [Fact]
    public async Task EveryCrashStateHasWhatWasAcknowledged()
    {
        var disk = new SimulatedDisk();
        await using var engine = EngineOnSimulatedDisk.Start(disk);
        engine.Create("""{"name":"S","subjects":["s.*"],"max_msgs_per_subject":20}""");
        var created = disk.Operations;
        engine.Acknowledged = number => disk.Mark(number);
        for (var number = 1; number <= 60; number++)
        {
            engine.Publish($"s.{number % 7}", number);
            if (number % 4 == 0) await engine.AnswerAsync(number);
            if (number % 20 == 10) engine.Streams.Find("S")!.RequestCheckpoint();
        }
        await engine.AnswerAsync(60);
        var states = 0;
        foreach (var state in disk.CrashStates(new CrashOptions { FirstCut = created, PerCut = 12 }))
        {
            states++;
            await using var recovered = EngineOnSimulatedDisk.Start(state.Disk);
            var stream = recovered.Streams.Find("S").ShouldNotBeNull($"crash after {state.Cut}, {state.Choice}: {string.Join(',', recovered.Streams.Offline.Values)}");
            foreach (var number in state.Marks.OfType<int>()) TextOf(stream.Store, (ulong)number).ShouldBe($"{number}", $"crash after {state.Cut}, {state.Choice}");
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{states:N0} crash states");
        states.ShouldBeGreaterThan(200);
    }

    private static int ErrorOf(System.Text.Json.JsonElement answer) => answer.GetProperty("error").GetProperty("err_code").GetInt32();

    private static string TextOf(IMessageStore store, ulong sequence)
    {
        var message = new MessageBuffer();
        return store.TryLoad(sequence, message) ? Encoding.ASCII.GetString(message.Payload) : "nothing";
    }
}
