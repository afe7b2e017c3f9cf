using System.Buffers;

namespace NatsAspire.Server.Subjects;

/// <summary>The transform functions that cut one token. A token too short for the cut stays whole.</summary>
internal static class TokenFunctions
{
    public static void Apply(TransformKind kind, ReadOnlySpan<byte> token, int number, byte[] text, IBufferWriter<byte> output)
    {
        if (kind == TransformKind.Split)
        {
            Split(token, text, output);
        }
        else if (kind == TransformKind.Wildcard || number <= 0 || number >= token.Length)
        {
            output.Write(token);
        }
        else if (kind is TransformKind.SliceFromLeft or TransformKind.SliceFromRight)
        {
            Slice(token, kind == TransformKind.SliceFromLeft ? number : token.Length % number, number, output);
        }
        else if (kind == TransformKind.Left)
        {
            output.Write(token[..number]);
        }
        else if (kind == TransformKind.Right)
        {
            output.Write(token[^number..]);
        }
        else
        {
            Halve(token, kind == TransformKind.SplitFromLeft ? number : token.Length - number, output);
        }
    }

    private static void Halve(ReadOnlySpan<byte> token, int at, IBufferWriter<byte> output)
    {
        output.Write(token[..at]);
        output.Write("."u8);
        output.Write(token[at..]);
    }

    /// <summary>Pieces of <paramref name="size"/>, the first of <paramref name="first"/> bytes; 0: a whole one.</summary>
    private static void Slice(ReadOnlySpan<byte> token, int first, int size, IBufferWriter<byte> output)
    {
        var length = first == 0 ? size : first;
        while (true)
        {
            output.Write(token[..Math.Min(length, token.Length)]);
            if (token.Length <= length) return;
            token = token[length..];
            length = size;
            output.Write("."u8);
        }
    }

    /// <summary>The parts between delimiters, as tokens; empty parts are left out.</summary>
    private static void Split(ReadOnlySpan<byte> token, ReadOnlySpan<byte> delimiter, IBufferWriter<byte> output)
    {
        var wrote = false;
        while (true)
        {
            var at = delimiter.IsEmpty ? Math.Min(1, token.Length - 1) : token.IndexOf(delimiter);
            var last = at < 0 || (delimiter.IsEmpty && token.Length <= 1);
            var part = last ? token : token[..at];
            if (!part.IsEmpty)
            {
                if (wrote) output.Write("."u8);
                output.Write(part);
                wrote = true;
            }
            if (last) return;
            token = token[(at + delimiter.Length)..];
        }
    }
}
