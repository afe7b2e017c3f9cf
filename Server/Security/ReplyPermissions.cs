using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Security;

/// <summary>
/// The reply subjects one connection received requests with and may answer to. Used under that connection's
/// gate; bounded: what expired or was used up is dropped whenever the limit is reached.
/// </summary>
public sealed class ReplyPermissions(ResponsePermissionOptions rule)
{
    private const int PruneAt = 4096;
    private readonly Dictionary<byte[], Granted> _grants = new(ByteArrayComparer.Instance);
    private int _grantsSincePrune;

    /// <summary>A request with this reply subject was delivered.</summary>
    public void Grant(ReadOnlySpan<byte> reply, long nowMilliseconds)
    {
        if (++_grantsSincePrune >= PruneAt) Prune(nowMilliseconds);
        _grants[reply.ToArray()] = new Granted(nowMilliseconds, 0);
    }

    /// <summary>Whether an answer may go out; counts it.</summary>
    public bool TryUse(ReadOnlySpan<byte> subject, long nowMilliseconds)
    {
        var bySpan = _grants.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (!bySpan.TryGetValue(subject, out var grant)) return false;
        grant = grant with { Used = grant.Used + 1 };
        if (IsSpent(grant, nowMilliseconds, grant.Used - 1))
        {
            bySpan.Remove(subject);
            return false;
        }
        bySpan[subject] = grant;
        return true;
    }

    private bool IsSpent(Granted grant, long nowMilliseconds, int used) =>
        (rule.MaxMessages > 0 && used >= rule.MaxMessages)
        || (rule.Expires > TimeSpan.Zero && nowMilliseconds - grant.GivenAt > rule.Expires.TotalMilliseconds);

    private void Prune(long nowMilliseconds)
    {
        _grantsSincePrune = 0;
        foreach (var (reply, grant) in _grants)
        {
            if (IsSpent(grant, nowMilliseconds, grant.Used)) _grants.Remove(reply);
        }
    }

    private readonly record struct Granted(long GivenAt, int Used);
}
