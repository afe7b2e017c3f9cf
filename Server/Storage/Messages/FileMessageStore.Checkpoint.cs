namespace NatsAspire.Server.Storage.Messages;

public sealed partial class FileMessageStore
{
    /// <summary>Small blocks are made one when there are so many in a row.</summary>
    private const int SmallBlocks = 4;

    /// <summary>So many blocks' worth of records are written anew by one checkpoint; those with erasures always.</summary>
    private const int MostRewritten = 8;

    private FileStoreCheckpoint? _underWay;

    /// <inheritdoc/>
    public override IStoreCheckpoint BeginCheckpoint(ulong appliedIndex)
    {
        if (_underWay is { HasFailed: false }) throw new InvalidOperationException("A checkpoint of this store is under way.");
        if (_open.Count > 0)
        {
            TightenOpen();
            WriteOpen();
        }
        if (_blocks.Count > 0 && !_blocks[^1].IsSealed && _blocks[^1].Erasures > 0) Seal(_blocks[^1]);
        var rewrites = ChooseRewrites();
        var tail = _blocks.Count > 0 && !_blocks[^1].IsSealed ? DirectoryOf(_blocks[^1]).Encode() : [];
        var unsynced = _files.Unsynced();
        _firstUnnamed = _nextFile;
        var manifest = new StoreManifest
        {
            Number = _checkpoints + 1,
            AppliedIndex = appliedIndex,
            NextFile = _nextFile,
            Landmark = Landmark,
            State = State,
            Blocks = _blocks.ConvertAll(block => block.Copy()),
            TailDirectory = tail,
            Wipes = [.. _wipes, .. rewrites.Where(rewrite => rewrite.Erases).SelectMany(rewrite => rewrite.Sources).Select(block => block.File)],
            Removed = RemovedSequences.Clone(),
            Subjects = Index.Clone(),
        };
        _underWay = new FileStoreCheckpoint(this, _disk, _directory, _options, manifest, rewrites, unsynced.ConvertAll(_files.Get))
        {
            SyncedWhole = unsynced.FindAll(file => !_blocks.Exists(block => block.File == file && !block.IsSealed)),
        };
        return _underWay;
    }

    /// <summary>A checkpoint is durable: its new blocks take their place.</summary>
    internal void Complete(FileStoreCheckpoint checkpoint)
    {
        if (checkpoint != _underWay || !checkpoint.IsDurable) throw new InvalidOperationException("Not a checkpoint that has been written.");
        _underWay = null;
        (_appliedIndex, _checkpoints) = (checkpoint.Manifest.AppliedIndex, checkpoint.Manifest.Number);
        _wipes.UnionWith(checkpoint.Manifest.Wipes);
        foreach (var rewrite in checkpoint.Rewrites) Install(rewrite);
        checkpoint.SyncedWhole.ForEach(_files.Synced);
        DropGarbage(checkpoint.Manifest.Blocks.ConvertAll(block => block.File));
        _garbage = checkpoint.Manifest.Blocks.FindAll(named => !_blocks.Exists(block => block.File == named.File)).Sum(block => block.End);
    }

    /// <summary>Puts a rewritten block in the place of what is left of its sources.</summary>
    private void Install(BlockRewrite rewrite)
    {
        var present = rewrite.Sources.FindAll(_blocks.Contains);
        Rewritten += rewrite.Sources.Count;
        if (rewrite.Result is not { } block) return;
        block.Erasures = rewrite.Sources.Sum(source => source.Erasures) - rewrite.ErasuresAtBegin;
        if (present.Count == 0)
        {
            if (block.Erasures > 0) _wipes.Add(block.File);
            return;
        }
        block.LiveBytes -= rewrite.LiveAtBegin - present.Sum(source => source.LiveBytes);
        _blocks[_blocks.IndexOf(present[0])] = block;
        _blocks.RemoveAll(present.Contains);
        if (block.Last > present[^1].Last) CutBlock(block, present[^1].Last);
    }

    /// <summary>Neighbours that are sparse, small, hold erased records or are under an old key, as far as they fit into one block.</summary>
    private List<BlockRewrite> ChooseRewrites()
    {
        var rewrites = new List<BlockRewrite>();
        long budget = (long)MostRewritten * _options.BlockSize;
        for (var i = 0; i < _blocks.Count; i++)
        {
            var sources = new List<StoreBlock>();
            long live = 0;
            while (i < _blocks.Count && IsWasteful(_blocks[i]) && (sources.Count == 0 || live + _blocks[i].LiveBytes <= _options.BlockSize))
            {
                live += _blocks[i].LiveBytes;
                sources.Add(_blocks[i++]);
            }
            if (sources.Count > 0) i--;
            var erases = sources.Exists(block => block.Erasures > 0);
            if (!erases && (budget < live || (!sources.Exists(MustGo) && sources.Count < SmallBlocks))) continue;
            budget -= live;
            rewrites.Add(new BlockRewrite(_nextFile++, sources));
        }
        return rewrites;
    }

    private bool IsWasteful(StoreBlock block) => block.IsSealed && (MustGo(block) || block.End * 4 < _options.BlockSize);

    private bool MustGo(StoreBlock block) => block.Erasures > 0 || block.Key != _keys.Current || block.LiveBytes * 2 < block.RecordBytes;
}
