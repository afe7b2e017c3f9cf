using System.Globalization;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Migration;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Streams that are made elsewhere first: <c>root/accounts/ACCOUNT/.draft-STREAM-ID/{stream,messages/,consumers/}</c>. Consumers of a
/// Go server lie beside the stream as they came, <c>consumers/NAME.{config,state}</c>. What has been imported is noted:
/// <c>root/imported/ACCOUNT/STREAM</c>.
/// </summary>
internal sealed partial class StreamFiles
{
    private const string DraftPrefix = ".draft-";
    private const string ConsumersName = "consumers";
    private const string ConfigurationSuffix = ".config";
    private const string StateSuffix = ".state";
    private const int LargestConsumerFile = 256 << 20;

    /// <summary>Where a stream is made before it is one.</summary>
    public string DraftOf(string account, StreamRecord record) =>
        $"{AccountsDirectory}/{Encode(account)}/{DraftPrefix}{Encode(record.Configuration.Name)}-{record.Id.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Removes a draft, if it is there.</summary>
    public void RemoveDraft(string directory)
    {
        if (disk.Exists(directory)) disk.DeleteDirectory(directory);
    }

    /// <summary>Makes a draft with its record a stream; durable when it returns. Its name must be free.</summary>
    public void Adopt(string account, string draft, StreamRecord record)
    {
        disk.Rename(draft, DirectoryOf(account, record.Configuration.Name));
        disk.SyncDirectory($"{AccountsDirectory}/{Encode(account)}");
    }

    /// <summary>Keeps consumers beside a stream, durable when it returns.</summary>
    public void WriteConsumers(string directory, IReadOnlyList<GoConsumer> consumers)
    {
        if (consumers.Count == 0) return;
        var target = $"{directory}/{ConsumersName}";
        disk.CreateDirectory(target);
        foreach (var consumer in consumers)
        {
            WriteFile($"{target}/{Encode(consumer.Name)}{ConfigurationSuffix}", consumer.Configuration.Span);
            WriteFile($"{target}/{Encode(consumer.Name)}{StateSuffix}", consumer.StateFile.Span);
        }
        disk.SyncDirectory(target);
    }

    /// <summary>Consumers that are kept beside a stream, by name.</summary>
    public IReadOnlyList<SnapshotConsumer> ReadConsumers(string account, string stream)
    {
        var directory = $"{DirectoryOf(account, stream)}/{ConsumersName}";
        return [.. disk.List(directory)
            .Where(entry => !entry.IsDirectory && entry.Name.EndsWith(ConfigurationSuffix, StringComparison.Ordinal))
            .Select(entry => entry.Name[..^ConfigurationSuffix.Length])
            .Order(StringComparer.Ordinal)
            .Select(name => new SnapshotConsumer(Decode(name), ReadFile($"{directory}/{name}{ConfigurationSuffix}"), ReadFile($"{directory}/{name}{StateSuffix}")))];
    }

    /// <summary>Whether a Go server's stream has been imported once, whatever has become of it.</summary>
    public bool IsImported(string account, string stream) => disk.Exists(MarkerOf(account, stream));

    /// <summary>Notes that it has been, durable when it returns.</summary>
    public void MarkImported(string account, string stream)
    {
        disk.CreateDirectory($"{root}/imported/{Encode(account)}");
        WriteFile(MarkerOf(account, stream), default);
        disk.SyncDirectory($"{root}/imported/{Encode(account)}");
    }

    private string MarkerOf(string account, string stream) => $"{root}/imported/{Encode(account)}/{Encode(stream)}";

    private void WriteFile(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = disk.Open(path, DiskOpen.Always);
        file.SetLength(0);
        if (!bytes.IsEmpty) file.Write(0, bytes);
        file.Sync();
    }

    private byte[] ReadFile(string path)
    {
        using var file = disk.Open(path, DiskOpen.Existing);
        if (file.Length > LargestConsumerFile) throw new CorruptStoreException($"{path} at 0: a file of {file.Length} bytes.");
        var bytes = new byte[file.Length];
        return bytes[..file.Read(0, bytes)];
    }
}
