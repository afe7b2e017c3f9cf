namespace NatsAspire.Server.Protocol;

/// <summary>Splitting and reading of control-line arguments.</summary>
public static class ControlLine
{
    /// <summary>A line's blank behind the operation and its CR, which limits do not count.</summary>
    internal const int BlankAndReturn = 2;

    /// <summary>Most digits a size may have; longer ones are refused before they could overflow.</summary>
    private const int MaxSizeDigits = 9;

    /// <summary>A decimal size; -1 when it is empty, too long or not all digits.</summary>
    public static int ParseSize(ReadOnlySpan<byte> digits)
    {
        if (digits.IsEmpty || digits.Length > MaxSizeDigits) return -1;
        var value = 0;
        foreach (var digit in digits)
        {
            var number = (uint)(digit - '0');
            if (number > 9) return -1;
            value = value * 10 + (int)number;
        }
        return value;
    }

    /// <summary>
    /// Splits at blanks and tabs (and stray CR, LF) into at most <c>ranges.Length</c> tokens.
    /// </summary>
    /// <returns>The number of tokens, which may be one above the capacity: too many.</returns>
    public static int Split(ReadOnlySpan<byte> arguments, Span<Range> ranges)
    {
        var count = 0;
        var start = -1;
        for (var i = 0; i <= arguments.Length; i++)
        {
            if (i < arguments.Length && !IsSeparator(arguments[i]))
            {
                if (start < 0) start = i;
                continue;
            }
            if (start < 0) continue;
            if (count == ranges.Length) return count + 1;
            ranges[count++] = start..i;
            start = -1;
        }
        return count;
    }

    private static bool IsSeparator(byte b) => b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';

    /// <summary>Takes a size off the end of a line, with the blanks around it; something must stand before it.</summary>
    public static bool TryTakeSize(scoped ref ReadOnlySpan<byte> line, out int size)
    {
        var end = line.Length;
        while (end > 0 && IsBlank(line[end - 1])) end--;
        var start = end;
        var value = 0;
        var scale = 1;
        while (start > 0 && (uint)(line[start - 1] - '0') <= 9 && end - start < 9)
        {
            value += (line[--start] - '0') * scale;
            scale *= 10;
        }
        size = value;
        if (start == end || start == 0 || !IsBlank(line[start - 1])) return false;
        while (start > 0 && IsBlank(line[start - 1])) start--;
        line = line[..start];
        return true;
    }

    /// <summary>Without a CR at the end and blanks at the start.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> arguments)
    {
        if (!arguments.IsEmpty && arguments[^1] == '\r') arguments = arguments[..^1];
        var start = 0;
        while (start < arguments.Length && IsBlank(arguments[start])) start++;
        return arguments[start..];
    }

    public static bool IsBlank(byte b) => b is (byte)' ' or (byte)'\t';

    /// <summary>Takes the first token off a line; empty when there is none.</summary>
    public static ReadOnlySpan<byte> TakeToken(scoped ref ReadOnlySpan<byte> line)
    {
        var start = 0;
        while (start < line.Length && IsBlank(line[start])) start++;
        var rest = line[start..];
        var end = rest.IndexOfAny((byte)' ', (byte)'\t');
        var token = end < 0 ? rest : rest[..end];
        line = end < 0 ? default : rest[end..];
        return token;
    }
}
