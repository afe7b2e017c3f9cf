using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>
/// Where streams lie: <c>root/accounts/ACCOUNT/STREAM/{stream,consumers.state,messages/}</c>. The file <c>stream</c> says what the stream is, and that
/// it has been made whole: <c>CRC-32C in eight hexadecimal digits, newline, {"id":…,"created":…,"config":{…},"group":…,"failed":{…},"sources":{…}}</c>.
/// </summary>
/// <param name="disk">The disk.</param>
/// <param name="root">An absolute path.</param>
internal sealed partial class StreamFiles(IDisk disk, string root)
{
    private const string DamagedName = "damaged";
    private const string RecordName = "stream";
    private const string ConsumerStatesName = "consumers.state";
    private const int LargestRecord = 16 << 20;

    /// <summary>Directory of the log.</summary>
    public string LogDirectory => $"{root}/log";

    private string AccountsDirectory => $"{root}/accounts";

    /// <summary>Accounts and streams that have directories.</summary>
    public IEnumerable<(string Account, string Stream)> List() =>
        from account in disk.List(AccountsDirectory)
        where account.IsDirectory
        from stream in disk.List($"{AccountsDirectory}/{account.Name}")
        where stream.IsDirectory && !stream.Name.StartsWith('.')
        select (Decode(account.Name), Decode(stream.Name));

    /// <summary>Directories of deleted streams, and of streams that were not made whole, that a crash has left.</summary>
    public void SweepDeleted()
    {
        foreach (var account in disk.List(AccountsDirectory).Where(entry => entry.IsDirectory))
        {
            var directory = $"{AccountsDirectory}/{account.Name}";
            foreach (var gone in disk.List(directory).Where(entry => entry.IsDirectory && IsLeftover(entry.Name)))
            {
                disk.DeleteDirectory($"{directory}/{gone.Name}");
            }
        }
    }

    private static bool IsLeftover(string name) =>
        name.StartsWith(".deleted-", StringComparison.Ordinal) || name.StartsWith(DraftPrefix, StringComparison.Ordinal);

    public string MessagesOf(string account, string stream) => $"{DirectoryOf(account, stream)}/messages";

    /// <summary>Whether a stream's record is there, which is written last.</summary>
    public bool HasRecord(string account, string stream) => disk.Exists($"{DirectoryOf(account, stream)}/{RecordName}");

    /// <summary>Notes that a stream's messages were found damaged, for the next start; durable when it returns.</summary>
    public void MarkDamaged(string account, string stream)
    {
        using (var mark = disk.Open($"{DirectoryOf(account, stream)}/{DamagedName}", DiskOpen.Always)) mark.Sync();
        disk.SyncDirectory(DirectoryOf(account, stream));
    }

    /// <summary>Whether <see cref="MarkDamaged"/> was said of it.</summary>
    public bool IsDamaged(string account, string stream) => disk.Exists($"{DirectoryOf(account, stream)}/{DamagedName}");

    /// <summary>Puts what is in the way of a new stream aside; nothing is deleted.</summary>
    /// <returns>Where it is now; null: there was nothing.</returns>
    public string? SetAside(string account, string stream, ulong id)
    {
        var directory = DirectoryOf(account, stream);
        if (disk.List(directory).Count == 0) return null;
        var name = $".aside-{Encode(stream)}-{id}";
        var aside = $"{AccountsDirectory}/{Encode(account)}/{name}";
        for (var again = 2; disk.List(aside).Count > 0; again++) aside = $"{AccountsDirectory}/{Encode(account)}/{name}-{again}";
        disk.Rename(directory, aside);
        disk.SyncDirectory($"{AccountsDirectory}/{Encode(account)}");
        return aside;
    }

    /// <summary>Writes what a stream is, durable when it returns.</summary>
    public void WriteRecord(string account, StreamRecord record) => WriteRecordInto(DirectoryOf(account, record.Configuration.Name), record);

    /// <summary>Writes the consumers of a stream, durable when it returns.</summary>
    public void WriteConsumers(string account, string stream, byte[] bytes) => Replace(DirectoryOf(account, stream), ConsumerStatesName, bytes);

    /// <summary>Removes the file of a stream's consumers.</summary>
    public void DeleteConsumers(string account, string stream)
    {
        var directory = DirectoryOf(account, stream);
        disk.Delete($"{directory}/{ConsumerStatesName}");
        disk.SyncDirectory(directory);
    }

    /// <summary>The consumers of a stream as they were written; null: none were.</summary>
    public byte[]? ReadConsumers(string account, string stream, out string path)
    {
        var directory = DirectoryOf(account, stream);
        path = $"{directory}/{ConsumerStatesName}";
        return disk.List(directory).Any(entry => entry.Name == ConsumerStatesName) ? ReadWhole(path) : null;
    }

    /// <summary>Writes what a stream is into a directory, durable when it returns.</summary>
    public void WriteRecordInto(string directory, StreamRecord record)
    {
        disk.CreateDirectory(directory);
        Replace(directory, RecordName, Encode(record));
    }

    private void Replace(string directory, string name, byte[] bytes)
    {
        var (path, draft) = ($"{directory}/{name}", $"{directory}/{name}.new");
        using (var file = disk.Open(draft, DiskOpen.Always))
        {
            file.SetLength(0);
            file.Write(0, bytes);
            file.Sync();
        }
        disk.Rename(draft, path);
        disk.SyncDirectory(directory);
    }

    /// <exception cref="CorruptStoreException">It cannot be trusted.</exception>
    public StreamRecord ReadRecord(string account, string stream)
    {
        var path = $"{DirectoryOf(account, stream)}/{RecordName}";
        using var file = disk.Open(path, DiskOpen.Existing);
        if (file.Length is < 10 or > LargestRecord) throw new CorruptStoreException($"{path} at 0: a record of {file.Length} bytes.");
        var bytes = new byte[file.Length];
        var length = file.Read(0, bytes);
        return Decode(path, bytes.AsSpan(0, length));
    }

    /// <summary>Takes a stream's name away; what it held goes after <see cref="RemoveDeleted"/>.</summary>
    public void MarkDeleted(string account, StreamRecord record)
    {
        disk.Rename(DirectoryOf(account, record.Configuration.Name), DeletedOf(account, record));
        disk.SyncDirectory($"{AccountsDirectory}/{Encode(account)}");
    }

    public void RemoveDeleted(string account, StreamRecord record) => disk.DeleteDirectory(DeletedOf(account, record));

    private string DeletedOf(string account, StreamRecord record) =>
        $"{AccountsDirectory}/{Encode(account)}/.deleted-{Encode(record.Configuration.Name)}-{record.Id}";

    private string DirectoryOf(string account, string stream) => $"{AccountsDirectory}/{Encode(account)}/{Encode(stream)}";

    private static byte[] Encode(StreamRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("id", record.Id);
            json.WriteNumber("created", record.Created);
            json.WritePropertyName("config");
            json.WriteRawValue(JetStreamJson.Write(record.Configuration));
            if (record.Group is { } group) json.WriteString("group", group);
            if (record.Failed.Count > 0)
            {
                json.WriteStartObject("failed");
                foreach (var (index, count) in record.Failed) json.WriteNumber(index.ToString(CultureInfo.InvariantCulture), count);
                json.WriteEndObject();
            }
            if (record.Positions.Count > 0)
            {
                json.WriteStartObject("sources");
                foreach (var (source, sequence) in record.Positions) json.WriteNumber(source, sequence);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return [.. Encoding.ASCII.GetBytes(Crc32C.Compute(buffer.WrittenSpan).ToString("x8", CultureInfo.InvariantCulture)), (byte)'\n', .. buffer.WrittenSpan];
    }

    private static StreamRecord Decode(string path, ReadOnlySpan<byte> bytes)
    {
        var body = bytes[9..];
        if (bytes[8] != '\n' || !uint.TryParse(bytes[..8], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sum) || sum != Crc32C.Compute(body))
        {
            throw new CorruptStoreException($"{path} at 0: the checksum is wrong.");
        }
        try
        {
            using var document = JsonDocument.Parse(body.ToArray());
            var config = Encoding.UTF8.GetBytes(document.RootElement.GetProperty("config").GetRawText());
            if (ApiReader.ReadSingle(config, new StreamConfiguration(), StreamConfiguration.Read, out var configuration) is { } error) throw new CorruptStoreException($"{path} at 0: {error}");
            return new StreamRecord(document.RootElement.GetProperty("id").GetUInt64(), document.RootElement.GetProperty("created").GetInt64(), configuration)
            {
                Group = document.RootElement.TryGetProperty("group", out var group) ? group.GetString() : null,
                Failed = document.RootElement.TryGetProperty("failed", out var failed)
                    ? failed.EnumerateObject().ToDictionary(one => ulong.Parse(one.Name, CultureInfo.InvariantCulture), one => one.Value.GetUInt64())
                    : new Dictionary<ulong, ulong>(),
                Positions = document.RootElement.TryGetProperty("sources", out var sources)
                    ? sources.EnumerateObject().ToDictionary(source => source.Name, source => source.Value.GetUInt64())
                    : new Dictionary<string, ulong>(),
            };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw new CorruptStoreException($"{path} at 0: {error.Message}", error);
        }
    }

    /// <summary>A name as a file's: letters, digits, <c>-</c> and <c>_</c> as they are, every other byte as <c>%hex</c>.</summary>
    private static string Encode(string name)
    {
        var encoded = new StringBuilder(name.Length);
        foreach (var one in Encoding.UTF8.GetBytes(name))
        {
            if (char.IsAsciiLetterOrDigit((char)one) || one is (byte)'-' or (byte)'_' or (byte)'$') encoded.Append((char)one);
            else encoded.Append(CultureInfo.InvariantCulture, $"%{one:x2}");
        }
        return encoded.ToString();
    }

    private static string Decode(string name) => Uri.UnescapeDataString(name);
}
