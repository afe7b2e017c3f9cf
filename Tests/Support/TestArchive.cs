using System.Formats.Tar;
using NatsAspire.Server.Primitives.S2;

namespace NatsAspire.Tests.Support;

/// <summary>Archives of streams, packed and unpacked with .NET's own tar.</summary>
public static class TestArchive
{
    /// <summary>The entries of an archive, unpacked.</summary>
    public static List<(string Name, byte[] Content)> Unpack(byte[] archive)
    {
        var entries = new List<(string, byte[])>();
        using var tar = new TarReader(new MemoryStream(S2Decoder.DecodeAll(archive, int.MaxValue)));
        while (tar.GetNextEntry() is { } entry)
        {
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            entries.Add((entry.Name, content.ToArray()));
        }
        return entries;
    }

    /// <summary>An archive of plain files.</summary>
    public static byte[] Pack(IEnumerable<(string Name, byte[] Content)> entries) =>
        Pack(entries.Select(entry => new PaxTarEntry(TarEntryType.RegularFile, entry.Name) { DataStream = new MemoryStream(entry.Content) }));

    /// <summary>An archive of anything.</summary>
    public static byte[] Pack(IEnumerable<TarEntry> entries)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var entry in entries) writer.WriteEntry(entry);
        }
        return S2Encoder.EncodeAll(tar.ToArray());
    }
}
