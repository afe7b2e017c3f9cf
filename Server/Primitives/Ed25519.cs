using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace NatsAspire.Server.Primitives;

/// <summary>Ed25519 signatures (RFC 8032) by OpenSSL's libcrypto 3, which .NET itself does not offer.</summary>
public static partial class Ed25519
{
    public const int KeyLength = 32;
    public const int SignatureLength = 64;
    private const string Library = "libcrypto";
    private const int KeyType = 1087;

    static Ed25519() => NativeLibrary.SetDllImportResolver(typeof(Ed25519).Assembly, Resolve);

    /// <summary>False on a machine without libcrypto 3: nkeys cannot be checked there.</summary>
    public static bool IsSupported { get; } = TryLoad() != 0;

    /// <summary>Whether a signature is right. Malformed keys and signatures are wrong ones.</summary>
    public static unsafe bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != KeyLength || signature.Length != SignatureLength) return false;
        nint key = 0, context = 0;
        try
        {
            fixed (byte* raw = publicKey, data = message, sign = signature)
            {
                key = NewPublicKey(KeyType, 0, raw, KeyLength);
                context = NewContext();
                if (key == 0 || context == 0 || DigestVerifyInit(context, 0, 0, 0, key) != 1) return false;
                byte none = 0;
                return DigestVerify(context, sign, SignatureLength, message.IsEmpty ? &none : data, (nuint)message.Length) == 1;
            }
        }
        finally
        {
            FreeContext(context);
            FreeKey(key);
        }
    }

    /// <summary>Signs a message.</summary>
    /// <param name="seed">The private key, 32 bytes.</param>
    /// <param name="message">Any bytes.</param>
    /// <exception cref="CryptographicException">A seed of another length.</exception>
    public static unsafe byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        var signature = new byte[SignatureLength];
        nint context = 0;
        var key = PrivateKey(seed);
        try
        {
            context = NewContext();
            nuint length = SignatureLength;
            byte none = 0;
            fixed (byte* data = message, sign = signature)
            {
                if (DigestSignInit(context, 0, 0, 0, key) == 1
                    && DigestSign(context, sign, &length, message.IsEmpty ? &none : data, (nuint)message.Length) == 1) return signature;
            }
            throw new CryptographicException("libcrypto could not sign.");
        }
        finally
        {
            FreeContext(context);
            FreeKey(key);
        }
    }

    /// <summary>The public half of a private key.</summary>
    /// <exception cref="CryptographicException">A seed of another length.</exception>
    public static unsafe byte[] PublicKey(ReadOnlySpan<byte> seed)
    {
        var key = PrivateKey(seed);
        try
        {
            var result = new byte[KeyLength];
            nuint length = KeyLength;
            fixed (byte* raw = result)
            {
                if (GetPublicKey(key, raw, &length) == 1) return result;
            }
            throw new CryptographicException("libcrypto could not derive the public key.");
        }
        finally
        {
            FreeKey(key);
        }
    }

    private static unsafe nint PrivateKey(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != KeyLength) throw new CryptographicException($"A seed has {KeyLength} bytes, not {seed.Length}.");
        fixed (byte* raw = seed)
        {
            var key = NewPrivateKey(KeyType, 0, raw, KeyLength);
            return key != 0 ? key : throw new CryptographicException("libcrypto could not take the seed.");
        }
    }

    private static nint Resolve(string name, System.Reflection.Assembly assembly, DllImportSearchPath? path) =>
        name == Library ? TryLoad() : 0;

    private static nint TryLoad()
    {
        string[] names = ["libcrypto.so.3", "libcrypto.3.dylib", "/opt/homebrew/lib/libcrypto.3.dylib", "/usr/local/lib/libcrypto.3.dylib", "libcrypto-3-x64", "libcrypto-3-arm64"];
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var handle)) return handle;
        }
        return 0;
    }

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_new_raw_public_key")]
    private static unsafe partial nint NewPublicKey(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_new_raw_private_key")]
    private static unsafe partial nint NewPrivateKey(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_get_raw_public_key")]
    private static unsafe partial int GetPublicKey(nint key, byte* target, nuint* length);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_free")]
    private static partial void FreeKey(nint key);

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_new")]
    private static partial nint NewContext();

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_free")]
    private static partial void FreeContext(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerifyInit")]
    private static partial int DigestVerifyInit(nint context, nint keyContext, nint digest, nint engine, nint key);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerify")]
    private static unsafe partial int DigestVerify(nint context, byte* signature, nuint signatureLength, byte* data, nuint length);

    [LibraryImport(Library, EntryPoint = "EVP_DigestSignInit")]
    private static partial int DigestSignInit(nint context, nint keyContext, nint digest, nint engine, nint key);

    [LibraryImport(Library, EntryPoint = "EVP_DigestSign")]
    private static unsafe partial int DigestSign(nint context, byte* signature, nuint* signatureLength, byte* data, nuint length);
}
