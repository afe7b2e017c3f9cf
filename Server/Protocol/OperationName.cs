namespace NatsAspire.Server.Protocol;

/// <summary>What the first bytes of a control line are.</summary>
internal enum NameMatch
{
    /// <summary>No operation begins like this.</summary>
    No,

    /// <summary>More bytes are needed to tell.</summary>
    Partial,

    Yes,
}

/// <summary>An operation a parser knows.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="NeedsBlank">The name must be followed by a blank or tab.</param>
/// <param name="Code">The parser's number for it.</param>
internal readonly record struct OperationName(byte[] Name, bool NeedsBlank, int Code)
{
    /// <summary>
    /// Finds the operation a line begins with, byte by byte as upstream's state machine does: the first byte
    /// that fits no operation is an error at once, not at the end of the line.
    /// </summary>
    public static NameMatch Find(ReadOnlySpan<OperationName> table, ReadOnlySpan<byte> line, out OperationName found)
    {
        var partial = false;
        foreach (ref readonly var candidate in table)
        {
            switch (candidate.Match(line))
            {
                case NameMatch.Yes:
                    found = candidate;
                    return NameMatch.Yes;
                case NameMatch.Partial:
                    partial = true;
                    break;
            }
        }
        found = default;
        return partial ? NameMatch.Partial : NameMatch.No;
    }

    private NameMatch Match(ReadOnlySpan<byte> line)
    {
        var length = Math.Min(line.Length, Name.Length);
        for (var i = 0; i < length; i++)
        {
            var b = line[i];
            if (b is >= (byte)'A' and <= (byte)'Z') b |= 0x20;
            if (b != Name[i]) return NameMatch.No;
        }
        if (line.Length < Name.Length || (NeedsBlank && line.Length == Name.Length)) return NameMatch.Partial;
        return !NeedsBlank || line[Name.Length] is (byte)' ' or (byte)'\t' ? NameMatch.Yes : NameMatch.No;
    }
}
