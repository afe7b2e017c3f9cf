using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Every state a crash may leave: the store opens, is what it was at its applied index, and takes the rest from the log.</summary>
public sealed class FileStoreCrashTests
{
    [Theory]
    [InlineData(1, 20, 200, "plain")]
    [InlineData(2, 5, 3_000, "plain")]
    [InlineData(3, 40, 500, "compressed")]
    [InlineData(4, 10, 500, "all")]
    public void Every_crash_state_recovers(int seed, int subjects, int maxPayload, string kind)
    {
        var disk = new SimulatedDisk();
        var script = new FileStoreScript(disk, FileMessageStoreTests.OptionsFor(kind), seed, subjects, maxPayload) { Durable = index => disk.Mark(index) };
        var opened = disk.Operations;
        var models = new Dictionary<ulong, StoreModel> { [0] = new() };
        for (var i = 0; i < 260; i++)
        {
            script.Step();
            models[(ulong)script.Log.Count] = script.Model.Clone();
            if (i % 13 == 5) script.StepCheckpoint();
            if (i % 90 == 80) script.Reopen();
        }
        for (var index = 1; index <= script.Log.Count; index++) models.TryAdd((ulong)index, null!);
        var states = 0;
        foreach (var state in disk.CrashStates(new CrashOptions { Seed = seed, PerCut = 10 }))
        {
            states++;
            var promised = state.Marks.OfType<ulong>().LastOrDefault();
            if (state.Cut >= opened) Recovers(state, script, models, promised);
            if (states % 100 != 0) continue;
            foreach (var second in state.Disk.CrashStates(new CrashOptions { Seed = states, PerCut = 8 }))
            {
                states++;
                if (state.Cut >= opened) Recovers(second, script, models, promised);
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {states:N0} crash states of {disk.Operations:N0} disk operations");
        states.ShouldBeGreaterThan(2_000);
        script.Store.Dispose();
    }

    [Fact]
    public void A_crash_while_a_store_is_made_leaves_none_or_an_empty_one()
    {
        var disk = new SimulatedDisk();
        FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small).Dispose();
        foreach (var state in disk.CrashStates())
        {
            using var store = FileMessageStore.Open(state.Disk, FileStoreScript.Directory, FileMessageStoreTests.Small);
            store.State.LastSequence.ShouldBe(0UL);
        }
    }

    private static void Recovers(CrashState state, FileStoreScript script, Dictionary<ulong, StoreModel> models, ulong promised)
    {
        try
        {
            using (var store = FileMessageStore.Open(state.Disk, FileStoreScript.Directory, script.Options))
            {
                if (store.AppliedIndex < promised) throw new ShouldAssertException($"Applied {store.AppliedIndex}, promised {promised}.");
                if (models[store.AppliedIndex] is { } model) Same(store, model);
            }
            using var replayed = FileStoreScript.Recover(state.Disk, script.Options, script.Log);
            Same(replayed, script.Model);
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"Crash after operation {state.Cut}, {state.Choice}: {error.Message}", error);
        }
    }

    private static void Same(FileMessageStore store, StoreModel model)
    {
        var state = store.State;
        var same = state.FirstSequence == model.First && state.LastSequence == model.Last && state.Messages == (ulong)model.Sequences.Count
            && state.Bytes == model.Bytes(30, 4) && state.Subjects == model.Entries.Select(entry => entry.Subject).Distinct().Count();
        if (!same) throw new ShouldAssertException($"{state} is not {model.First} to {model.Last} with {model.Sequences.Count}.");
        StoreComparison.Messages(store, model);
    }
}
