using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace NatsAspire.Server.Protocol;

/// <summary>What became of the first bytes of a connection that may come through a proxy.</summary>
public enum ProxyHeaderOutcome
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>A header was read.</summary>
    Header,

    /// <summary>There is none: the bytes belong to what follows.</summary>
    None,

    /// <summary>A header that cannot be.</summary>
    Invalid,
}

/// <summary>
/// The PROXY protocol of haproxy, versions 1 and 2.
/// <code>
/// v1 = "PROXY" ( "UNKNOWN" *any | ("TCP4" | "TCP6") source destination source-port destination-port ) CRLF   ; 107 bytes at most
/// v2 = %x0D.0A.0D.0A.00.0D.0A.51.55.49.54.0A version-command family-protocol length(2) addresses
/// </code>
/// </summary>
public static class ProxyHeader
{
    private const int LongestV1 = 107;
    private const int FixedV2 = 16;
    private const int DetectLength = 6;
    private const string InvalidText = "invalid PROXY protocol header";

    private static ReadOnlySpan<byte> PrefixV1 => "PROXY "u8;

    private static ReadOnlySpan<byte> SignatureV2 => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Looks for a header at the start of a connection.</summary>
    /// <param name="data">All bytes received so far.</param>
    /// <param name="consumed">Length of the header.</param>
    /// <param name="source">The client behind the proxy; null: the connection is the proxy's own (health check).</param>
    /// <param name="error">What is wrong with it.</param>
    public static ProxyHeaderOutcome Read(ReadOnlySpan<byte> data, out int consumed, out IPEndPoint? source, out string error)
    {
        (consumed, source, error) = (0, null, "");
        var start = data[..Math.Min(data.Length, DetectLength)];
        if (PrefixV1.StartsWith(start)) return start.Length < DetectLength ? ProxyHeaderOutcome.Incomplete : ReadV1(data, out consumed, out source, out error);
        if (SignatureV2.StartsWith(start)) return start.Length < DetectLength ? ProxyHeaderOutcome.Incomplete : ReadV2(data, out consumed, out source, out error);
        return ProxyHeaderOutcome.None;
    }

    private static ProxyHeaderOutcome ReadV1(ReadOnlySpan<byte> data, out int consumed, out IPEndPoint? source, out string error)
    {
        (consumed, source, error) = (0, null, "");
        var end = data[..Math.Min(data.Length, LongestV1)].IndexOf("\r\n"u8);
        if (end < 0)
        {
            if (data.Length < LongestV1) return ProxyHeaderOutcome.Incomplete;
            error = $"{InvalidText}: v1 line too long";
            return ProxyHeaderOutcome.Invalid;
        }
        consumed = end + 2;
        var parts = Encoding.Latin1.GetString(data[PrefixV1.Length..end]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts is ["UNKNOWN", ..]) return ProxyHeaderOutcome.Header;
        error = ReadAddress(parts, out source);
        return error.Length == 0 ? ProxyHeaderOutcome.Header : ProxyHeaderOutcome.Invalid;
    }

    private static string ReadAddress(string[] parts, out IPEndPoint? source)
    {
        source = null;
        if (parts is not [var protocol, var from, var to, var fromPort, var toPort]) return $"{InvalidText}: invalid v1 format";
        if (!IPAddress.TryParse(from, out var address) || !IPAddress.TryParse(to, out _)) return $"{InvalidText}: invalid address";
        if (!ushort.TryParse(fromPort, out var port)) return $"invalid source port: {fromPort}";
        if (!ushort.TryParse(toPort, out _)) return $"invalid dest port: {toPort}";
        switch (protocol)
        {
            case "TCP4" when from.Contains(':') || to.Contains(':'):
                return $"{InvalidText}: TCP4 with IPv6 address";
            case "TCP6" when !from.Contains(':') || !to.Contains(':'):
                return $"{InvalidText}: TCP6 with IPv4 address";
            case "TCP4" or "TCP6":
                source = EndPoint(address, port);
                return "";
            default:
                return $"{InvalidText}: invalid protocol {protocol}";
        }
    }

    private static ProxyHeaderOutcome ReadV2(ReadOnlySpan<byte> data, out int consumed, out IPEndPoint? source, out string error)
    {
        (consumed, source, error) = (0, null, "");
        var known = Math.Min(data.Length, SignatureV2.Length);
        if (!data[..known].SequenceEqual(SignatureV2[..known]))
        {
            error = $"{InvalidText}: invalid signature";
            return ProxyHeaderOutcome.Invalid;
        }
        if (data.Length < FixedV2) return ProxyHeaderOutcome.Incomplete;
        var (version, command) = (data[12] & 0xF0, data[12] & 0x0F);
        var (family, protocol) = (data[13] & 0xF0, data[13] & 0x0F);
        var length = BinaryPrimitives.ReadUInt16BigEndian(data[14..]);
        error = CheckV2(data[12], version, command, family, protocol, length);
        if (error.Length > 0) return ProxyHeaderOutcome.Invalid;
        if (data.Length < FixedV2 + length) return ProxyHeaderOutcome.Incomplete;
        consumed = FixedV2 + length;
        var addresses = data.Slice(FixedV2, length);
        if (command == 1 && family == 0x10) source = EndPoint(new IPAddress(addresses[..4]), BinaryPrimitives.ReadUInt16BigEndian(addresses[8..]));
        if (command == 1 && family == 0x20) source = EndPoint(new IPAddress(addresses[..16]), BinaryPrimitives.ReadUInt16BigEndian(addresses[32..]));
        return ProxyHeaderOutcome.Header;
    }

    /// <summary>An IPv4 address written as one of IPv6 is the IPv4 address.</summary>
    private static IPEndPoint EndPoint(IPAddress address, ushort port) => new(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);

    private static string CheckV2(byte versionAndCommand, int version, int command, int family, int protocol, int length)
    {
        if (version != 0x20) return $"{InvalidText}: invalid version 0x{version:x2}";
        if (command == 0) return "";
        if (command != 1) return $"unknown PROXY protocol command: 0x{versionAndCommand & 0x0F:x2}";
        if (protocol != 1) return "unsupported PROXY protocol feature: only STREAM protocol supported";
        return family switch
        {
            0x00 => "",
            0x10 when length < 12 => $"IPv4 address data too short: {length} bytes",
            0x20 when length < 36 => $"IPv6 address data too short: {length} bytes",
            0x10 or 0x20 => "",
            0x30 => "unsupported PROXY protocol feature: Unix sockets not supported",
            _ => $"unsupported PROXY protocol feature: unsupported address family 0x{family:x2}",
        };
    }
}
