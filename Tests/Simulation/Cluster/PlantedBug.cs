using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Simulation.Cluster;

/// <summary>A mistake that the simulator must find; this one is none.</summary>
internal class PlantedBug
{
    /// <summary>Puts itself between a group and its machine.</summary>
    public virtual IGroupMachine Wrap(ClusterSimulation simulation, SimulatedServer server, string group, IGroupMachine machine) => machine;

    /// <summary>Puts itself before a disk.</summary>
    public virtual IDisk Disk(IDisk disk) => disk;

    /// <summary>What must be drawn for it to do harm often.</summary>
    public virtual ClusterPlan Adjust(ClusterPlan plan) => plan;

    /// <summary>Puts itself in the place of parts.</summary>
    public virtual AssetParts Spoil(AssetParts parts) => parts;
}

/// <summary>A machine that hands everything on.</summary>
internal class MachineFilter(IGroupMachine machine) : IGroupMachine
{
    protected IGroupMachine Machine => machine;

    public virtual bool Apply(in CommittedEntry entry) => machine.Apply(entry);

    public virtual bool ApplySnapshot(RaftSnapshot snapshot) => machine.ApplySnapshot(snapshot);

    public virtual void LeaderChanged(PeerId leader, ulong term, bool leads) => machine.LeaderChanged(leader, term, leads);

    public virtual void Recovered() => machine.Recovered();

    public virtual void CatchUpChanged(bool isCatchingUp) => machine.CatchUpChanged(isCatchingUp);

    public virtual void QuorumLost() => machine.QuorumLost();

    public virtual void Failed(Exception fault) => machine.Failed(fault);
}

/// <summary>Is told what a member applies.</summary>
internal delegate void AppliedHandler(in CommittedEntry entry, string group);

/// <summary>Tells the simulation what members apply.</summary>
/// <param name="applied">Hears of each entry.</param>
/// <param name="note">Writes into the timeline.</param>
/// <param name="group">The group.</param>
/// <param name="machine">What it serves.</param>
internal sealed class WatchedMachine(AppliedHandler applied, Action<string> note, string group, IGroupMachine machine) : MachineFilter(machine)
{
    public override bool Apply(in CommittedEntry entry)
    {
        applied(entry, group);
        return Machine.Apply(entry);
    }

    public override bool ApplySnapshot(RaftSnapshot snapshot)
    {
        note($"applies snapshot {snapshot.Term}:{snapshot.Index} of {group}");
        return Machine.ApplySnapshot(snapshot);
    }
}

/// <summary>A disk that says something is durable, and it is not.</summary>
/// <param name="disk">The disk.</param>
/// <param name="file">Files whose syncs do nothing.</param>
/// <param name="directory">Directories whose syncs do nothing.</param>
internal sealed class LyingDisk(IDisk disk, Predicate<string> file, Predicate<string> directory) : IDisk
{
    public IDiskFile Open(string path, DiskOpen how) => file(path) ? new LyingFile(disk.Open(path, how)) : disk.Open(path, how);

    public bool Exists(string path) => disk.Exists(path);

    public IReadOnlyList<DiskEntry> List(string path) => disk.List(path);

    public void CreateDirectory(string path) => disk.CreateDirectory(path);

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string path) => disk.Delete(path);

    public void DeleteDirectory(string path) => disk.DeleteDirectory(path);

    public void SyncDirectory(string path)
    {
        if (!directory(path)) disk.SyncDirectory(path);
    }

    public long FreeBytes(string path) => disk.FreeBytes(path);

    private sealed class LyingFile(IDiskFile file) : IDiskFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer) => file.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> data) => file.Write(offset, data);

        public void SetLength(long length) => file.SetLength(length);

        public void Preallocate(long length) => file.Preallocate(length);

        public void Sync()
        {
            // It lies.
        }

        public void Dispose() => file.Dispose();
    }
}
