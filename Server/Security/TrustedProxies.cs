using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Security;

/// <summary>Keys of the proxies that may vouch for clients. Immutable.</summary>
internal sealed class TrustedProxies
{
    private readonly (string Text, byte[] Key)[] _keys;

    /// <param name="keys">Public nkeys of any kind, already validated.</param>
    public TrustedProxies(IEnumerable<string> keys) => _keys = [.. keys.Select(text => (text, Decode(text)))];

    public bool Any => _keys.Length > 0;

    /// <summary>The trusted key a signature of the nonce is by; null: the connection came by itself.</summary>
    /// <param name="signature">As CONNECT has it.</param>
    /// <param name="nonce">The connection's.</param>
    /// <param name="isForeign">True when there is a signature, but by none of the trusted keys.</param>
    public string? FindSigner(string? signature, string nonce, out bool isForeign)
    {
        isForeign = false;
        if (!Any || string.IsNullOrEmpty(signature)) return null;
        foreach (var (text, key) in _keys)
        {
            if (SignatureText.IsBy(key, nonce, signature)) return text;
        }
        isForeign = true;
        return null;
    }

    private static byte[] Decode(string text)
    {
        foreach (var kind in Enum.GetValues<NKeys.Kind>())
        {
            if (NKeys.TryDecode(text, kind, out var key)) return key;
        }
        return [];
    }
}
