using System.Text;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Storage.Migration;

/// <summary>
/// What a stream or consumer is: <c>meta.inf</c> (JSON), <c>meta.sum</c> (its hash in hexadecimal digits, of the bytes as
/// they are stored) and, if it is encrypted, <c>meta.key</c>.
/// </summary>
public static class GoMetaFile
{
    public const string Name = "meta.inf";
    public const string SumName = "meta.sum";
    public const string KeyName = "meta.key";
    internal const int MaxLength = 16 * 1024 * 1024;

    /// <summary>The text of <c>meta.sum</c>.</summary>
    /// <param name="name">Of the stream, or stream and consumer with a slash between.</param>
    /// <param name="content">Of <c>meta.inf</c>.</param>
    public static string Sum(string name, ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[HighwayHash64.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(hash, HighwayHash64.Compute(GoBlockFormat.KeyOf(name), content));
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Reads it from a directory.</summary>
    /// <param name="files">The directory.</param>
    /// <param name="directory">Its path, for problems; empty: the root.</param>
    /// <param name="name">See <see cref="Sum"/>.</param>
    /// <param name="context">What its key is for.</param>
    /// <param name="keys">Keys of the account; null: none.</param>
    /// <param name="report">Gets what is wrong; a wrong sum does not hinder.</param>
    /// <param name="key">What the asset's files are encrypted with; null: they are not, or it cannot be known.</param>
    /// <returns>The JSON; null when it cannot be had.</returns>
    internal static byte[]? Read(IGoFiles files, string directory, string name, string context, GoKeys? keys, GoStoreReport report, out GoKey? key)
    {
        key = null;
        var path = directory.Length == 0 ? "" : directory + "/";
        var file = files.Read(path + Name, MaxLength);
        if (!file.HasContent)
        {
            report.Add(path + Name, 0, file.Problem ?? (file.Exists ? "it is empty" : "the file is missing"));
            return null;
        }
        var sum = files.Read(path + SumName, 64);
        if (!sum.Exists) report.Add(path + SumName, 0, "the file is missing");
        else if (Encoding.ASCII.GetString(sum.Bytes) != Sum(name, file.Bytes)) report.Add(path + SumName, 0, $"it does not match {Name}");
        var keyFile = files.Read(path + KeyName, 4096);
        if (!keyFile.Exists) return file.Bytes;
        var error = keyFile.Problem ?? (keys is null ? "encrypted, and no encryption key is configured" : keys.Open(keyFile.Bytes, context, out key));
        if (key is not null)
        {
            if (key.Open(file.Bytes) is { } plain) return plain;
            (error, key) = ("its key does not open " + Name, null);
        }
        report.Add(path + KeyName, 0, error ?? "no key");
        // A file that was never encrypted (a server that died on the way) still reads as JSON.
        return file.Bytes[0] == '{' ? file.Bytes : null;
    }
}
