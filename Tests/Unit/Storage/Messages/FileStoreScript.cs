using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>A file store under random operations, with the log of them beside it, as a server would have.</summary>
internal sealed class FileStoreScript(IDisk disk, FileStoreOptions options, int seed, int subjects, int maxPayload)
{
    public const string Directory = "/data/stream";

    private readonly Random _random = new(seed);
    private IStoreCheckpoint? _underWay;

    public FileStoreOptions Options { get; set; } = options;

    public StoreModel Model { get; } = new();

    /// <summary>Operation i has index i + 1.</summary>
    public List<StoreOperation> Log { get; } = [];

    public FileMessageStore Store { get; private set; } = FileMessageStore.Open(disk, Directory, options);

    public Random Random => _random;

    /// <summary>Applied indexes of checkpoints that are done, as they were.</summary>
    public Action<ulong>? Durable { get; set; }

    public void Step()
    {
        var operation = StoreOperation.Random(_random, Model, subjects, maxPayload);
        Log.Add(operation);
        operation.Apply(Store);
        operation.Apply(Model);
    }

    /// <summary>Begins, runs or ends a checkpoint: operations come in between.</summary>
    public void StepCheckpoint()
    {
        if (_underWay is null)
        {
            _underWay = Store.BeginCheckpoint((ulong)Log.Count);
            if (_random.Next(2) == 0) return;
        }
        _underWay.Run();
        if (_random.Next(3) == 0) Step();
        _underWay.Complete();
        _underWay = null;
        Durable?.Invoke(Store.AppliedIndex);
    }

    public void Reopen()
    {
        Store.Dispose();
        _underWay = null;
        Store = Recover(disk, Options, Log);
    }

    public void Compare()
    {
        StoreComparison.Sample(Store, Model, _random, subjects);
    }

    public static FileMessageStore Recover(IDisk disk, FileStoreOptions options, IReadOnlyList<StoreOperation> log)
    {
        var store = FileMessageStore.Open(disk, Directory, options);
        for (var i = (int)store.AppliedIndex; i < log.Count; i++) log[i].Apply(store);
        return store;
    }
}
