namespace NatsAspire.Server.Storage.Log;

/// <summary>Which recovered records a later truncation or removal of their group made void.</summary>
internal sealed class LogVoids
{
    private readonly Dictionary<ulong, List<(LogPosition At, ulong First)>> _groups = [];

    /// <summary>Notes that records of the group before a position are void from an index on. Positions ascend.</summary>
    public void Add(ulong group, LogPosition at, ulong first)
    {
        if (!_groups.TryGetValue(group, out var voids)) _groups[group] = voids = [];
        // What takes back as much later makes the earlier one superfluous, so indexes ascend with positions.
        while (voids is [.., var last] && last.First >= first) voids.RemoveAt(voids.Count - 1);
        voids.Add((at, first));
    }

    public void Clear() => _groups.Clear();

    public bool IsVoid(ulong group, ulong index, LogPosition at)
    {
        if (!_groups.TryGetValue(group, out var voids)) return false;
        foreach (var (later, first) in voids)
        {
            if (later.CompareTo(at) > 0) return index >= first;
        }
        return false;
    }
}
