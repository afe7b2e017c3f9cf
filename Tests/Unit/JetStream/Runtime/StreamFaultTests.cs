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

    /// <summary>Whoever asks is told, and what was not deleted is still there.</summary>
    [Theory]
    [InlineData(DiskCall.Rename, "STREAM.DELETE.S", "")]
    [InlineData(DiskCall.Rename, "STREAM.UPDATE.S", """{"name":"S","subjects":["s","t"]}""")]
    public async Task ARequestThatTheDiskFailsIsAnswered(DiskCall call, string subject, string request)
    {
        var disk = new SimulatedDisk();
        await using (var first = EngineOnSimulatedDisk.Start(disk))
        {
            first.Create("""{"name":"S","subjects":["s"]}""");
            first.Publish("s", 1);
            await first.AnswerAsync(1);
        }
        await using var engine = EngineOnSimulatedDisk.Start(disk);
        disk.Fail(call);
        engine.Request(subject, request, 2);
        ErrorOf(await engine.AnswerAsync(2)).ShouldBe(InsufficientResources);
        var stream = engine.Streams.Find("S").ShouldNotBeNull();
        await Wait.Until("the stream to be fenced", () => stream.Fault is not null);
        engine.Request("STREAM.INFO.S", "", 3);
        (await engine.AnswerAsync(3)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task ACommandThatFailsLetsNoOtherHappenTwiceOrNever()
    {
        await using var engine = EngineOnSimulatedDisk.Start(new SimulatedDisk());
        var stream = engine.Create("""{"name":"S","subjects":["s"]}""");
        var counts = new int[3];
        using var together = new ManualResetEventSlim();
        using var last = new SemaphoreSlim(0);
        stream.Post(together.Wait);
        stream.Post(() => counts[0]++);
        stream.Post(() => throw new InvalidOperationException("As a defect would."));
        stream.Post(() => counts[1]++);
        together.Set();
        await Wait.Until("the stream to be fenced", () => stream.Fault is not null);
        for (var i = 0; i < 3; i++)
        {
            stream.Post(() =>
            {
                counts[2]++;
                last.Release();
            });
            (await last.WaitAsync(Wait.Default, TestContext.Current.CancellationToken)).ShouldBeTrue();
        }
        counts.ShouldBe([1, 1, 3]);
    }

    /// <summary>The API's own queue is bounded; what it hands on must be too.</summary>
    [Fact]
    public async Task RequestsThatWaitForABusyStreamAreLimited()
    {
        const int Limit = 10_000;
        await using var engine = EngineOnSimulatedDisk.Start(new SimulatedDisk());
        var stream = engine.Create("""{"name":"S","subjects":["s"]}""");
        using var free = new ManualResetEventSlim();
        using var isBusy = new ManualResetEventSlim();
        stream.Post(() =>
        {
            isBusy.Set();
            free.Wait();
        });
        isBusy.Wait(TestContext.Current.CancellationToken);
        for (var number = 1; number <= Limit; number++)
        {
            stream.TryPost(() => { }).ShouldBeTrue();
        }
        engine.Request("STREAM.INFO.S", "", 1);
        (await engine.AnswerAsync(1)).GetProperty("error").GetProperty("err_code").GetInt32().ShouldBe(10167);
        free.Set();
        await Wait.Until("the stream to serve again", () => stream.TryPost(() => { }));
        engine.Request("STREAM.INFO.S", "", 2);
        (await engine.AnswerAsync(2)).TryGetProperty("error", out _).ShouldBeFalse();
    }

    /// <summary>What an update removes is not in the log; neither is it in the store before the next checkpoint.</summary>
    [Fact]
    public async Task WhatAnUpdateMadeTooMuchIsGoneAfterALossOfPower()
    {
        var disk = new SimulatedDisk();
        await using var engine = EngineOnSimulatedDisk.Start(disk);
        engine.Create("""{"name":"S","subjects":["s"]}""");
        for (var number = 1; number <= 10; number++) engine.Publish("s", number);
        await engine.AnswerAsync(10);
        engine.Request("STREAM.UPDATE.S", """{"name":"S","subjects":["s"],"max_msgs":3}""", 11);
        (await engine.AnswerAsync(11)).GetProperty("state").GetProperty("messages").GetInt32().ShouldBe(3);
        await using var again = EngineOnSimulatedDisk.Start(disk.PowerCut());
        again.Streams.Find("S")!.State.Messages.ShouldBe(3UL);
    }

    /// <summary>How far a source is may not be kept before what has been copied.</summary>
    [Fact]
    public async Task EveryCrashStateOfAStreamThatSourcesEndsWithoutGapsOrRepetitions()
    {
        const int Count = 40;
        var disk = new SimulatedDisk();
        await using var engine = EngineOnSimulatedDisk.Start(disk);
        engine.Create("""{"name":"O","subjects":["o"]}""");
        var copy = engine.Create("""{"name":"C","sources":[{"name":"O"}]}""");
        var created = disk.Operations;
        for (var number = 1; number <= Count; number++)
        {
            engine.Publish("o", number);
            if (number % 3 == 0) copy.RequestCheckpoint();
            if (number % 5 == 0) await engine.AnswerAsync(number);
        }
        await Wait.Until("the copy to be whole", () => copy.State.Messages == Count);
        var states = 0;
        foreach (var state in disk.CrashStates(new CrashOptions { FirstCut = created, PerCut = 3 }))
        {
            states++;
            await using var recovered = EngineOnSimulatedDisk.Start(state.Disk);
            var (origin, again) = (recovered.Streams.Find("O")!, recovered.Streams.Find("C")!);
            var last = origin.State.LastSequence;
            await Wait.Until($"the copy to catch up after {state.Cut}, {state.Choice}", () => again.State.Messages >= last);
            for (ulong number = 1; number <= last; number++) TextOf(again.Store, number).ShouldBe($"{number}", $"crash after {state.Cut}, {state.Choice}");
            again.State.LastSequence.ShouldBe(last);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{states:N0} crash states");
        states.ShouldBeGreaterThan(50);
    }

    private static int ErrorOf(System.Text.Json.JsonElement answer) => answer.GetProperty("error").GetProperty("err_code").GetInt32();

    private static string TextOf(IMessageStore store, ulong sequence)
    {
        var message = new MessageBuffer();
        return store.TryLoad(sequence, message) ? Encoding.ASCII.GetString(message.Payload) : "nothing";
    }
}
