using System.Buffers.Text;
using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Security;

/// <summary>Signatures of a nonce as they stand in CONNECT.</summary>
internal static class SignatureText
{
    /// <summary>Whether the signature, in base64 for URLs or the usual one, is by that key.</summary>
    /// <param name="publicKey">32 bytes.</param>
    /// <param name="nonce">What was to be signed.</param>
    /// <param name="signature">Text; null or empty: never right.</param>
    public static bool IsBy(ReadOnlySpan<byte> publicKey, string nonce, string? signature) =>
        !string.IsNullOrEmpty(signature)
        && nonce.Length > 0
        && TryDecode(signature, out var raw)
        && Ed25519.Verify(publicKey, Encoding.UTF8.GetBytes(nonce), raw);

    private static bool TryDecode(string text, out byte[] raw)
    {
        raw = new byte[Ed25519.SignatureLength];
        if (text.Length > 2 * Ed25519.SignatureLength) return false;
        return (Base64Url.IsValid(text, out var length) && length == raw.Length && Base64Url.TryDecodeFromChars(text, raw, out var written) && written == raw.Length)
            || (Convert.TryFromBase64String(text, raw, out var usual) && usual == raw.Length);
    }
}
