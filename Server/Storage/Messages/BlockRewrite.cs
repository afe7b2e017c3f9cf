namespace NatsAspire.Server.Storage.Messages;

/// <summary>Blocks that a checkpoint makes one new block of, with what is live of them.</summary>
internal sealed class BlockRewrite(ulong file, List<StoreBlock> sources)
{
    /// <summary>Number of the new file.</summary>
    public ulong File { get; } = file;

    /// <summary>The blocks as the store has them: its thread's.</summary>
    public List<StoreBlock> Sources { get; } = sources;

    /// <summary>The blocks as they were when the checkpoint began: the checkpoint's thread's.</summary>
    public List<StoreBlock> Copies { get; } = sources.ConvertAll(block => block.Copy());

    public long LiveAtBegin { get; } = sources.Sum(block => block.LiveBytes);

    public int ErasuresAtBegin { get; } = sources.Sum(block => block.Erasures);

    public bool Erases => ErasuresAtBegin > 0;

    /// <summary>The new block; null: nothing was live.</summary>
    public StoreBlock? Result { get; set; }
}
