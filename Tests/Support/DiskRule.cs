using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Support;

/// <summary>What a rule or an interceptor of <see cref="SimulatedDisk"/> can catch.</summary>
public enum DiskCall
{
    Open,
    List,
    Read,
    Write,
    SetLength,
    Preallocate,
    Sync,
    CreateDirectory,
    Rename,
    Delete,
    SyncDirectory,
}

/// <summary>A fault to come: made by <see cref="SimulatedDisk.Fail"/> and its sisters.</summary>
public sealed class DiskRule
{
    internal DiskRule()
    {
    }

    internal DiskCall Call { get; init; }

    internal string PathPart { get; init; } = "";

    internal int Nth { get; init; }

    internal int Times { get; init; }

    /// <summary>Null: the call succeeds, but reads are short or flipped.</summary>
    internal DiskFault? Fault { get; init; }

    /// <summary>Of a write that fails: so many bytes are written all the same. Of a short read: so many are read.</summary>
    internal int Keep { get; init; }

    /// <summary>Of a read: this bit of what was read is flipped; less than 0: none.</summary>
    internal int FlippedBit { get; init; } = -1;

    /// <summary>Calls that matched so far, failed or not.</summary>
    public int Matched { get; private set; }

    /// <summary>Calls that failed or were falsified so far.</summary>
    public int Hits { get; private set; }

    internal bool Strikes(DiskCall call, string path)
    {
        if (call != Call || !path.Contains(PathPart, StringComparison.Ordinal)) return false;
        Matched++;
        if (Matched < Nth || Matched - Nth >= Times) return false;
        Hits++;
        return true;
    }
}
