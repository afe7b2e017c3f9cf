using System.Globalization;

namespace NatsAspire.Server.Configuration;

/// <summary>A host with a port; 0: not named.</summary>
public readonly record struct HostAndPort(string Host, int Port)
{
    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[v6]</c> or <c>[v6]:port</c>.</summary>
    public static bool TryParse(string text, out HostAndPort value)
    {
        var colon = text.LastIndexOf(':');
        var hasPort = colon >= 0 && text.IndexOf(']', colon + 1) < 0 && (text[0] == '[' || text.IndexOf(':') == colon);
        var host = (hasPort ? text[..colon] : text).Trim('[', ']');
        var port = 0;
        var valid = !hasPort || int.TryParse(text.AsSpan(colon + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out port);
        value = new HostAndPort(host, port);
        return valid && host.Length > 0 && port is >= -1 and <= 65535;
    }

    public HostAndPort WithDefaultPort(int port) => Port == 0 ? this with { Port = port } : this;

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
