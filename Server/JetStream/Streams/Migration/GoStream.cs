using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams.Migration;

/// <summary>
/// A stream in a Go server's store (<c>jetstream/ACCOUNT/streams/NAME</c>): configuration, consumers, and its messages to
/// be imported. The directory is read and never changed.
/// </summary>
public sealed class GoStream
{
    private readonly GoMessageDirectory _messages;
    private readonly GoKey? _key;

    private GoStream(GoMessageDirectory messages, GoKey? key, GoStoreReport report)
    {
        _messages = messages;
        _key = key;
        Report = report;
    }

    /// <summary>As it was stored; nothing about it has been validated.</summary>
    public required StreamConfiguration Configuration { get; init; }

    public required ApiTime Created { get; init; }

    /// <summary>Those that can be read, by name.</summary>
    public required IReadOnlyList<GoConsumer> Consumers { get; init; }

    /// <summary>What was wrong so far.</summary>
    public GoStoreReport Report { get; }

    /// <summary>Names of an account's streams, in order. Those that were being deleted (a dot in front) are none.</summary>
    /// <param name="account">The account's directory.</param>
    /// <param name="report">Gets why it cannot be read.</param>
    public static IReadOnlyList<string> Names(IGoFiles account, GoStoreReport report) =>
        [.. report.List(account, "streams").Where(entry => entry.IsDirectory && !entry.Name.StartsWith('.')).Select(entry => entry.Name).Order(StringComparer.Ordinal)];

    /// <summary>Opens a stream.</summary>
    /// <param name="account">The account's directory.</param>
    /// <param name="name">Of the stream and its directory.</param>
    /// <param name="keys">The account's keys; null: none are configured.</param>
    /// <param name="report">Gets what is wrong.</param>
    /// <returns>Null when nobody can know what the stream is: the report says why.</returns>
    public static GoStream? Open(IGoFiles account, string name, GoKeys? keys, GoStoreReport report)
    {
        var files = account.Below("streams/" + name);
        if (GoMetaFile.Read(files, "", name, name, keys, report, out var key) is not { } json) return null;
        if (ReadConfiguration(json, name, out var configuration, out var created) is { } error)
        {
            report.Add(GoMetaFile.Name, 0, error);
            return null;
        }
        return new GoStream(new GoMessageDirectory(files, name, keys), key, report)
        {
            Configuration = configuration,
            Created = created,
            Consumers = GoConsumer.ReadAll(files, name, keys, report),
        };
    }

    /// <summary>Copies the messages into a store: same sequences, times and bytes.</summary>
    /// <param name="target">Empty.</param>
    /// <exception cref="Storage.Disk.DiskException">The store's disk failed; drop the store. What is wrong with the directory ends up in <see cref="Report"/>.</exception>
    public void Import(IMessageStore target)
    {
        _messages.Import(target, _key, Report);
        var state = target.State;
        if (state.Messages == 0 && Configuration.FirstSequence > state.FirstSequence) target.Compact(Configuration.FirstSequence);
        // What limits removed may come back when the index is lost: upstream enforces them at the start, too.
        new StreamLimits(Configuration, target).EnforceAll();
    }

    /// <summary>When messages with a time to live end, as the Go server has noted it.</summary>
    /// <param name="high">From this sequence on, messages are not in it; their headers tell.</param>
    public IReadOnlyList<GoExpiry> ReadExpiries(out ulong high) => _messages.ReadExpiries(Report, out high);

    /// <summary>When schedules fire next, as the Go server has noted it.</summary>
    /// <param name="high">From this sequence on, messages are not in it; their headers tell.</param>
    public IReadOnlyList<GoSchedule> ReadSchedules(out ulong high) => _messages.ReadSchedules(Report, out high);

    /// <summary>Reads what stands in a stream's <c>meta.inf</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    internal static string? ReadConfiguration(ReadOnlySpan<byte> json, string name, out StreamConfiguration configuration, out ApiTime created)
    {
        created = default;
        if (StreamConfiguration.ParseStored(json, out configuration) is { } error) return error;
        if (configuration.Name != name) return $"it belongs to stream '{configuration.Name}', not to '{name}'";
        return ApiReader.ReadSingle(json, default(ApiTime), ReadCreated, out created);
    }

    internal static ApiTime ReadCreated(ref ApiReader reader, ApiTime created)
    {
        if (!reader.Enter("FileStreamInfo")) return created;
        while (reader.Next(out var field))
        {
            if (field == "created") created = reader.Time() ?? created;
            else reader.Unknown();
        }
        return created;
    }
}
