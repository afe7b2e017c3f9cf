using System.Text.Json;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Server.JetStream.Meta.Assignments;

/// <summary>
/// An entry of the meta log (clusterwire.md §6.2):
/// <code>
/// operation(1) JSON '\n'            0, 2, 11: stream assignment; 1, 3: consumer assignment
/// 9 S2 stream of (JSON '\n')        consumer assignment; of servers before 2.10 an S2 block
/// </code>
/// </summary>
/// <param name="Operation">One of those.</param>
/// <param name="Stream">Of operations on streams.</param>
/// <param name="Consumer">Of operations on consumers.</param>
public sealed record MetaEntry(EntryOperation Operation, StreamAssignment? Stream, ConsumerAssignment? Consumer)
{
    /// <summary>Most bytes of a compressed entry; an asset with a state of millions of pending messages is far below.</summary>
    private const int MostDecoded = 256 * 1024 * 1024;

    /// <summary>The header of the identifier that every S2 stream begins with.</summary>
    private static ReadOnlySpan<byte> StreamBegin => [0xFF, 6, 0, 0];

    public static MetaEntry AssignStream(StreamAssignment stream) => new(EntryOperation.AssignStream, stream, null);

    public static MetaEntry UpdateStream(StreamAssignment stream) => new(EntryOperation.UpdateStream, stream, null);

    public static MetaEntry RemoveStream(StreamAssignment stream) => new(EntryOperation.RemoveStream, stream, null);

    public static MetaEntry AssignConsumer(ConsumerAssignment consumer) => new(EntryOperation.AssignConsumer, null, consumer);

    /// <summary>The same as <see cref="AssignConsumer"/>, for those that bring a state.</summary>
    public static MetaEntry AssignCompressedConsumer(ConsumerAssignment consumer) => new(EntryOperation.AssignCompressedConsumer, null, consumer);

    public static MetaEntry RemoveConsumer(ConsumerAssignment consumer) => new(EntryOperation.RemoveConsumer, null, consumer);

    /// <summary>Writes the entry.</summary>
    public byte[] Encode()
    {
        var json = Stream is not null
            ? MetaJson.Write(Stream, MetaJson.Compact.StreamAssignment)
            : MetaJson.Write(Consumer!, MetaJson.Compact.ConsumerAssignment);
        return Operation == EntryOperation.AssignCompressedConsumer
            ? [(byte)Operation, .. S2Encoder.EncodeAll([.. json, (byte)'\n'])]
            : [(byte)Operation, .. json, (byte)'\n'];
    }

    /// <summary>Reads an entry.</summary>
    /// <param name="source">The whole entry.</param>
    /// <param name="entry">What was read; null when there is an error.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Decode(ReadOnlySpan<byte> source, out MetaEntry? entry)
    {
        entry = null;
        if (source.IsEmpty) return "an entry without an operation";
        var operation = (EntryOperation)source[0];
        var body = source[1..];
        try
        {
            switch (operation)
            {
                case EntryOperation.AssignStream or EntryOperation.UpdateStream or EntryOperation.RemoveStream:
                    entry = new MetaEntry(operation, ReadStream(body), null);
                    break;
                case EntryOperation.AssignConsumer or EntryOperation.RemoveConsumer:
                    entry = new MetaEntry(operation, null, ReadConsumer(body));
                    break;
                case EntryOperation.AssignCompressedConsumer:
                    entry = new MetaEntry(operation, null, ReadConsumer(Decompress(body)));
                    break;
                default:
                    return $"unknown operation {source[0]}";
            }
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException)
        {
            return e.Message;
        }
        return null;
    }

    private static byte[] Decompress(ReadOnlySpan<byte> body) =>
        body.StartsWith(StreamBegin) ? S2Decoder.DecodeAll(body, MostDecoded) : S2Block.Decode(body, MostDecoded);

    private static StreamAssignment ReadStream(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, MetaJson.Compact.StreamAssignment)?.Understood() ?? throw new JsonException("no assignment");

    private static ConsumerAssignment ReadConsumer(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, MetaJson.Compact.ConsumerAssignment)?.Understood() ?? throw new JsonException("no assignment");
}
