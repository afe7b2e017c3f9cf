using System.Text;
using System.Text.RegularExpressions;

namespace NatsAspire.Hosting;

/// <summary>
/// A link between two servers through a proxy. Who dialled tells his name in the first lines he sends; until then nothing
/// of his passes.
/// </summary>
/// <param name="link">The link.</param>
/// <param name="owner">Name of the server that was dialled.</param>
/// <param name="onIdentified">Decides, once it is known who dialled.</param>
internal sealed partial class IdentifiedLink(ProxyLink link, string owner, Action<IdentifiedLink> onIdentified)
{
    /// <summary>Most bytes that are looked through for a name; who has told none by then passes without one.</summary>
    private const int MaxGreeting = 64 * 1024;

    private readonly StringBuilder _greeting = new();
    private readonly ProxyDirection _toTarget = new() { Records = false }, _fromTarget = new() { Records = false };

    /// <summary>Name of the server that dialled; null: not known, or not yet.</summary>
    public string? Dialler { get; private set; }

    /// <summary>Name of the server that was dialled.</summary>
    public string Owner => owner;

    /// <summary>How the proxy is to treat it.</summary>
    public ProxyWays Ways(Action ended)
    {
        _toTarget.Block();
        return new ProxyWays(_toTarget, _fromTarget, Hear, ended);
    }

    /// <summary>Lets pass what both say.</summary>
    public void Open()
    {
        _toTarget.Unblock();
        _fromTarget.Unblock();
    }

    /// <summary>Lets nothing pass; neither side is told.</summary>
    public void Hold()
    {
        _toTarget.Block();
        _fromTarget.Block();
    }

    /// <summary>Ends it, for both sides to see.</summary>
    public void Break() => link.Abort();

    /// <summary>The dialler's bytes as they come, on one thread.</summary>
    private void Hear(ReadOnlyMemory<byte> bytes)
    {
        if (Dialler is not null || _greeting.Length > MaxGreeting) return;
        _greeting.Append(Encoding.UTF8.GetString(bytes.Span));
        // Routes and gateways say it in INFO, leaf nodes in CONNECT, whose name is in the others an id.
        var text = _greeting.ToString();
        var name = ServerName().Match(text) is { Success: true } info ? info : LeafName().Match(text);
        if (!name.Success && _greeting.Length <= MaxGreeting) return;
        Dialler = name.Success ? name.Groups[1].Value : "";
        onIdentified(this);
    }

    [GeneratedRegex("^INFO [^\r\n]*\"server_name\":\"([^\"]+)\"", RegexOptions.Multiline)]
    private static partial Regex ServerName();

    [GeneratedRegex("^CONNECT (?![^\r\n]*\"(?:echo|verbose)\":)[^\r\n]*\"name\":\"([^\"]+)\"[^\r\n]*\r\n", RegexOptions.Multiline)]
    private static partial Regex LeafName();
}
