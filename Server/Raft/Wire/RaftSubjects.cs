using System.Text;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>The subjects of a group; they belong to the system account, or to the account that carries its traffic.</summary>
public sealed class RaftSubjects(string group)
{
    /// <summary>Who has this prefix is Raft's.</summary>
    public const string Prefix = "$NRG.";

    private const string InboxPrefix = "$NRG.R.";
    private const string CatchUpPrefix = "$NRG.CR.";
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int SuffixLength = 8;

    /// <summary>The group's name.</summary>
    public string Group { get; } = group;

    /// <summary><c>$NRG.V.GROUP</c>: <see cref="VoteRequest"/>.</summary>
    public byte[] Votes { get; } = Encoding.UTF8.GetBytes($"$NRG.V.{group}");

    /// <summary><c>$NRG.AE.GROUP</c>: <see cref="AppendEntry"/>.</summary>
    public byte[] AppendEntries { get; } = Encoding.UTF8.GetBytes($"$NRG.AE.{group}");

    /// <summary><c>$NRG.P.GROUP</c>: an entry's data for the leader to propose.</summary>
    public byte[] Proposals { get; } = Encoding.UTF8.GetBytes($"$NRG.P.{group}");

    /// <summary><c>$NRG.RP.GROUP</c>: a peer's id for the leader to remove.</summary>
    public byte[] RemovePeers { get; } = Encoding.UTF8.GetBytes($"$NRG.RP.{group}");

    /// <summary>Where votes or answers to append entries come: <c>$NRG.R.12345678</c>.</summary>
    public static byte[] Inbox(ulong random) => WithSuffix(InboxPrefix, random);

    /// <summary>Where the entries of a catch-up come: <c>$NRG.CR.12345678</c>.</summary>
    public static byte[] CatchUpInbox(ulong random) => WithSuffix(CatchUpPrefix, random);

    private static byte[] WithSuffix(string prefix, ulong random)
    {
        var subject = new byte[prefix.Length + SuffixLength];
        Encoding.ASCII.GetBytes(prefix, subject);
        foreach (ref var digit in subject.AsSpan(prefix.Length))
        {
            digit = (byte)Digits[(int)(random % (ulong)Digits.Length)];
            random /= (ulong)Digits.Length;
        }
        return subject;
    }
}
