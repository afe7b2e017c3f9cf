using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>A protobuf message, read field by field without its schema.</summary>
public readonly record struct ProtoMessage(ReadOnlyMemory<byte> Bytes)
{
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>The values of the length-delimited fields of a number, in order.</summary>
    public IEnumerable<ProtoMessage> All(int field)
    {
        var rest = Bytes;
        while (!rest.IsEmpty)
        {
            var tag = Varint(ref rest);
            switch (tag & 7)
            {
                case 0: Varint(ref rest); break;
                case 1: rest = rest[8..]; break;
                case 5: rest = rest[4..]; break;
                case 2:
                    var length = (int)Varint(ref rest);
                    if ((int)(tag >> 3) == field) yield return new ProtoMessage(rest[..length]);
                    rest = rest[length..];
                    break;
                default: throw new FormatException($"Wire type {tag & 7} is none.");
            }
        }
    }

    /// <summary>Follows a path of field numbers.</summary>
    public IEnumerable<ProtoMessage> At(params int[] path) =>
        path.Aggregate<int, IEnumerable<ProtoMessage>>([this], (level, field) => level.SelectMany(message => message.All(field)));

    private static ulong Varint(ref ReadOnlyMemory<byte> bytes)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var one = bytes.Span[0];
            bytes = bytes[1..];
            value |= (ulong)(one & 0x7f) << shift;
            if (one < 0x80) return value;
        }
    }
}
