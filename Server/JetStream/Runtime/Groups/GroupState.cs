using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>
/// All of a Raft group that outlives its server, as of a position of its effects; what came behind is in the write-ahead
/// log. The file <c>groups/NAME/state</c>:
/// <code>
/// state    = crc:u32 "NRGS" version:u8 id:u64 position:u64 body   ; crc: CRC-32C of all behind it; version: 3, earlier 2 and 1
/// body     = owner term:u64 vote:u64 doubt:u8 peers removed snapshot count:u32 count *(length:u32 frame)   ; encrypted where JetStream is
/// owner    = length:u32 UTF-8                                     ; from version 2 on
/// removed  = count:u32 count *id:u64                              ; from version 3 on
/// peers    = index:u64 length:u32 PeerState
/// snapshot = 0:u8 / 1:u8 term:u64 index:u64 peers length:u32 data
/// </code>
/// </summary>
internal sealed class GroupState
{
    private const int HeadLength = 4 + 5 + 8 + 8;
    private const byte Version = 3;

    /// <summary>Its name in the write-ahead log.</summary>
    public required ulong Id { get; init; }

    /// <summary>What it is the group of, where that is not to be known from elsewhere; empty: it is.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Effects up to here are in it.</summary>
    public ulong Position { get; set; }

    public ulong Term { get; set; }

    public PeerId Vote { get; set; }

    /// <summary>It may lack something it once promised.</summary>
    public bool MayHaveForgotten { get; set; }

    public required RaftPeers Peers { get; set; }

    /// <summary>Who was removed of late: what is heard of them makes them members of nothing.</summary>
    public HashSet<PeerId> Removed { get; init; } = [];

    public RaftSnapshot? Snapshot { get; set; }

    /// <summary>The log behind the snapshot, oldest first.</summary>
    public List<byte[]> Frames { get; init; } = [];

    /// <summary>The group was there before this start.</summary>
    public bool WasFound { get; init; }

    private static ReadOnlySpan<byte> Mark => "NRGS"u8;

    /// <summary>Others are the members.</summary>
    public void Adopt(RaftPeers peers)
    {
        RaftPeers.NoteRemovals(Removed, Peers, peers);
        Peers = peers;
    }

    /// <summary>What a member begins with.</summary>
    public RaftStart ToStart() => new()
    {
        Origin = WasFound ? RaftOrigin.Recovered : RaftOrigin.Created,
        Term = Term,
        Vote = Vote,
        MayHaveForgotten = MayHaveForgotten,
        Peers = Peers,
        Removed = Removed,
        Snapshot = Snapshot,
        Frames = Frames.Select(frame => new ReadOnlyMemory<byte>(frame)),
    };

    /// <summary>Writes the file's bytes.</summary>
    /// <param name="sealer">Encrypts; null: nothing is encrypted.</param>
    public byte[] Encode(EntrySealer? sealer)
    {
        var body = new ArrayBufferWriter<byte>(256);
        var owner = Encoding.UTF8.GetBytes(Owner);
        Write(body, (uint)owner.Length);
        body.Write(owner);
        Write(body, Term);
        Write(body, Vote.Value);
        body.Write([(byte)(MayHaveForgotten ? 1 : 0)]);
        Write(body, Peers);
        Write(body, (uint)Removed.Count);
        foreach (var peer in Removed.Order()) Write(body, peer.Value);
        body.Write([(byte)(Snapshot is null ? 0 : 1)]);
        if (Snapshot is { } snapshot) Write(body, snapshot);
        Write(body, (uint)Frames.Count);
        foreach (var frame in Frames)
        {
            Write(body, (uint)frame.Length);
            body.Write(frame);
        }
        var seals = sealer is { Seals: true };
        var file = new byte[HeadLength + body.WrittenCount + (seals ? EntrySealer.Overhead : 0)];
        Mark.CopyTo(file.AsSpan(4));
        file[8] = Version;
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(9), Id);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(17), Position);
        if (seals) sealer!.Seal(Position, body.WrittenSpan, file.AsSpan(HeadLength));
        else body.WrittenSpan.CopyTo(file.AsSpan(HeadLength));
        BinaryPrimitives.WriteUInt32LittleEndian(file, Crc32C.Compute(file.AsSpan(4)));
        return file;
    }

    /// <summary>The group's number, by which the log and its keys know it.</summary>
    /// <exception cref="CorruptStoreException">It cannot be trusted.</exception>
    public static ulong ReadId(string path, ReadOnlySpan<byte> file)
    {
        if (file.Length < HeadLength || BinaryPrimitives.ReadUInt32LittleEndian(file) != Crc32C.Compute(file[4..])) throw new CorruptStoreException($"{path} at 0: the checksum is wrong.");
        if (!file[4..].StartsWith(Mark) || file[8] is 0 or > Version) throw new CorruptStoreException($"{path} at 4: no state of a group that this version knows.");
        return BinaryPrimitives.ReadUInt64LittleEndian(file[9..]);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <exception cref="CorruptStoreException">It cannot be trusted.</exception>
    public static GroupState Decode(string path, ReadOnlySpan<byte> file, EntrySealer? sealer)
    {
        var id = ReadId(path, file);
        var position = BinaryPrimitives.ReadUInt64LittleEndian(file[17..]);
        var reader = new SpanReader(sealer is { Seals: true } ? sealer.Open(position, file[HeadLength..]) : file[HeadLength..]);
        var owner = default(ReadOnlySpan<byte>);
        if (file[8] >= 2 && !(reader.TryReadUInt32(out var ownerLength) && reader.TryReadBytes(ownerLength, out owner))) throw EndsEarly(path);
        if (!reader.TryReadUInt64(out var term) || !reader.TryReadUInt64(out var vote) || !reader.TryReadByte(out var doubt) || !TryRead(ref reader, out RaftPeers peers)
            || !TryReadRemoved(ref reader, isThere: file[8] >= 3, out var removed) || !reader.TryReadByte(out var hasSnapshot)) throw EndsEarly(path);
        RaftSnapshot? snapshot = null;
        if (hasSnapshot != 0 && !TryRead(ref reader, out snapshot)) throw EndsEarly(path);
        if (!reader.TryReadUInt32(out var count)) throw EndsEarly(path);
        var state = new GroupState { Id = id, Owner = Encoding.UTF8.GetString(owner), Position = position, Term = term, Vote = new PeerId(vote), MayHaveForgotten = doubt != 0, Peers = peers, Removed = removed, Snapshot = snapshot, WasFound = true };
        for (; count > 0; count--)
        {
            if (!reader.TryReadUInt32(out var length) || !reader.TryReadBytes(length, out var frame)) throw EndsEarly(path);
            state.Frames.Add(frame.ToArray());
        }
        return reader.IsAtEnd ? state : throw new CorruptStoreException($"{path}: {reader.Rest.Length} bytes too many.");
    }

    private static CorruptStoreException EndsEarly(string path) => new($"{path} ends early.");

    internal static void Write(IBufferWriter<byte> to, RaftPeers peers)
    {
        var bytes = peers.Encode();
        Write(to, peers.Index);
        Write(to, (uint)bytes.Length);
        to.Write(bytes);
    }

    internal static void Write(IBufferWriter<byte> to, RaftSnapshot snapshot)
    {
        Write(to, snapshot.Term);
        Write(to, snapshot.Index);
        Write(to, snapshot.Peers);
        Write(to, (uint)snapshot.Data.Length);
        to.Write(snapshot.Data.Span);
    }

    internal static void Write(IBufferWriter<byte> to, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(8), value);
        to.Advance(8);
    }

    internal static bool TryRead(ref SpanReader reader, out RaftPeers peers)
    {
        peers = RaftPeers.Of();
        return reader.TryReadUInt64(out var index) && reader.TryReadUInt32(out var length) && reader.TryReadBytes(length, out var bytes)
            && RaftPeers.TryDecode(bytes, index, out peers);
    }

    private static bool TryReadRemoved(ref SpanReader reader, bool isThere, out HashSet<PeerId> removed)
    {
        removed = [];
        if (!isThere) return true;
        if (!reader.TryReadUInt32(out var count)) return false;
        for (; count > 0; count--)
        {
            if (!reader.TryReadUInt64(out var peer)) return false;
            removed.Add(new PeerId(peer));
        }
        return true;
    }

    internal static bool TryRead(ref SpanReader reader, out RaftSnapshot? snapshot)
    {
        snapshot = null;
        if (!reader.TryReadUInt64(out var term) || !reader.TryReadUInt64(out var index) || !TryRead(ref reader, out RaftPeers peers)
            || !reader.TryReadUInt32(out var length) || !reader.TryReadBytes(length, out var data)) return false;
        snapshot = new RaftSnapshot(term, index, peers, data.ToArray());
        return true;
    }

    private static void Write(IBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(4), value);
        to.Advance(4);
    }
}
