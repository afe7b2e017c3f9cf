using System.Buffers.Binary;

namespace NatsAspire.Server.Raft.Wire;

/// <summary>The members of a group as they stand in entries, snapshots and files.</summary>
/// <remarks>
/// <code>
/// peers = u32 size, u32 n, n × 8 bytes peer, u16 domain extension      little-endian
/// </code>
/// Old servers leave the last two bytes out.
/// </remarks>
public static class PeerState
{
    private const int Fixed = 8;
    private const int Extension = 2;

    /// <summary>Most members that are read: more than any group has.</summary>
    public const int MaxPeers = 64 << 10;

    /// <summary>Bytes of the encoding.</summary>
    public static int LengthOf(int peers) => Fixed + (peers * PeerId.Length) + Extension;

    /// <summary>Writes members.</summary>
    /// <param name="target">At least <see cref="LengthOf"/> bytes.</param>
    /// <param name="size">Members the group has or expects.</param>
    /// <param name="peers">Those known.</param>
    /// <param name="domainExtension">0: not known, 1: the domain is extended, 2: it is not.</param>
    /// <returns>What was written.</returns>
    public static ReadOnlySpan<byte> Write(Span<byte> target, int size, ReadOnlySpan<PeerId> peers, ushort domainExtension)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)size);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], (uint)peers.Length);
        for (var i = 0; i < peers.Length; i++) peers[i].Write(target[(Fixed + (i * PeerId.Length))..]);
        BinaryPrimitives.WriteUInt16LittleEndian(target[(Fixed + (peers.Length * PeerId.Length))..], domainExtension);
        return target[..LengthOf(peers.Length)];
    }

    /// <summary>Reads members.</summary>
    /// <returns>False: fewer bytes than its members need, or more members than <see cref="MaxPeers"/>.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out int size, out PeerId[] peers, out ushort domainExtension)
    {
        (size, peers, domainExtension) = (0, [], 0);
        if (source.Length < Fixed) return false;
        var expected = BinaryPrimitives.ReadUInt32LittleEndian(source);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        var rest = source[Fixed..];
        if (expected > MaxPeers || count > MaxPeers || rest.Length < count * PeerId.Length) return false;
        peers = new PeerId[count];
        for (var i = 0; i < peers.Length; i++) peers[i] = PeerId.Read(rest[(i * PeerId.Length)..]);
        rest = rest[(peers.Length * PeerId.Length)..];
        if (rest.Length >= Extension) domainExtension = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        size = (int)expected;
        return true;
    }
}
