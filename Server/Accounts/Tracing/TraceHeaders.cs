using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>The headers that ask for a trace (ADR-41), and those servers add for one another.</summary>
public static class TraceHeaders
{
    /// <summary>Where the events go.</summary>
    public const string Destination = "Nats-Trace-Dest";

    /// <summary>What stands there when no server further on is to trace the message; no subject can be like it.</summary>
    public const string Disabled = "trace disabled";

    /// <summary>The message is not delivered to clients.</summary>
    public const string Only = "Nats-Trace-Only";

    /// <summary>Place of a server on the message's way: 1, 2 … behind the first, 1.1 … behind that.</summary>
    public const string Hop = "Nats-Trace-Hop";

    /// <summary>What servers before 2.14 told each other; today a message that has it is not traced.</summary>
    public const string OriginAccount = "Nats-Trace-Origin-Account";

    /// <summary>The W3C's header, in any case.</summary>
    public const string Parent = "traceparent";

    private static ReadOnlySpan<byte> FirstLine => "NATS/1.0\r\n"u8;

    /// <summary>Quickly, for every message with headers: whether <see cref="Read"/> can find anything.</summary>
    /// <param name="header">Its block.</param>
    /// <param name="account">Its account.</param>
    public static bool MayAsk(ReadOnlySpan<byte> header, Account account) =>
        header.IndexOf("Nats-Trace-Dest:"u8) >= 0 || (account.Options.TraceDestination is not null && HasParent(header));

    /// <summary>All headers, if they ask for a trace.</summary>
    /// <param name="block">A block, or the beginning of one.</param>
    /// <param name="external">A sampled traceparent asks, and nothing else.</param>
    /// <returns>Values by name, as they are written; null: no trace.</returns>
    public static SortedDictionary<string, List<string>>? Read(ReadOnlySpan<byte> block, out bool external)
    {
        external = false;
        if (!block.StartsWith(FirstLine)) return null;
        var headers = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        var (asked, sampled) = (false, false);
        block = block[FirstLine.Length..];
        while (block.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            var line = block[..end];
            block = block[(end + 2)..];
            var colon = line.IndexOf((byte)':');
            if (colon <= 0) continue;
            var name = Encoding.UTF8.GetString(line[..colon]);
            var value = Encoding.UTF8.GetString(line[(colon + 1)..].Trim(" \t"u8));
            if (value.Length == 0) continue;
            if (!asked && name == Destination && value == Disabled) return null;
            asked |= name == Destination;
            sampled |= name.Equals(Parent, StringComparison.OrdinalIgnoreCase) && IsSampled(value);
            if (!headers.TryGetValue(name, out var values)) headers[name] = values = [];
            values.Add(value);
        }
        external = sampled && !asked;
        return asked || sampled ? headers : null;
    }

    /// <summary>The message with word to all servers further on that it is not traced.</summary>
    /// <param name="message">The message.</param>
    /// <param name="buffer">Keeps what it then consists of.</param>
    public static Message Disable(in Message message, ArrayBufferWriter<byte> buffer) =>
        Set(message, "Nats-Trace-Dest"u8, "trace disabled"u8, buffer).WithTrace(null);

    /// <summary>The message with one header set.</summary>
    internal static Message Set(in Message message, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, ArrayBufferWriter<byte> buffer)
    {
        var length = HeaderBlock.Set(message.BodyAndCrlf, message.HeaderLength, name, value, buffer);
        return message.WithBody(length, buffer.WrittenSpan);
    }

    private static bool HasParent(ReadOnlySpan<byte> header)
    {
        while (header.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            header = header[(end + 2)..];
            if (header.Length > Parent.Length && header[Parent.Length] == ':' && Ascii.EqualsIgnoreCase(header[..Parent.Length], Parent)) return true;
        }
        return false;
    }

    /// <summary>The last of four parts has its lowest bit set.</summary>
    private static bool IsSampled(string parent)
    {
        var parts = parent.Split('-');
        return parts is [_, _, _, { Length: 2 } flags]
            && byte.TryParse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits)
            && (bits & 1) == 1;
    }
}
