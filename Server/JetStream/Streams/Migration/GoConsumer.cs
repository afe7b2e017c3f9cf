using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Streams.Migration;

/// <summary>A consumer as a Go server stored it.</summary>
public sealed record GoConsumer
{
    private const int MaxState = 256 * 1024 * 1024;

    public required string Name { get; init; }

    public required ApiTime Created { get; init; }

    /// <summary>JSON of the configuration, with <c>Created</c> and <c>Name</c> besides.</summary>
    public required ReadOnlyMemory<byte> Configuration { get; init; }

    /// <summary>How far it has come; null: nowhere yet, or the report says why it cannot be read.</summary>
    public required GoConsumerState? State { get; init; }

    /// <summary>What <see cref="State"/> was read from, decrypted; empty: nothing.</summary>
    public ReadOnlyMemory<byte> StateFile { get; init; }

    /// <summary>Reads the consumers in a stream's directory.</summary>
    internal static IReadOnlyList<GoConsumer> ReadAll(IGoFiles files, string stream, GoKeys? keys, GoStoreReport report)
    {
        var consumers = new List<GoConsumer>();
        foreach (var entry in report.List(files, "obs").OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (entry.IsDirectory && Read(files, stream, entry.Name, keys, report) is { } consumer) consumers.Add(consumer);
        }
        return consumers;
    }

    /// <summary>Reads what stands in a consumer's <c>meta.inf</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    internal static string? Parse(string name, byte[] json, GoConsumerState? state, ReadOnlyMemory<byte> stateFile, out GoConsumer? consumer)
    {
        consumer = null;
        if (ApiReader.ReadSingle(json, default(ApiTime), GoStream.ReadCreated, out var created) is { } error) return error;
        consumer = new GoConsumer { Name = name, Created = created, Configuration = json, State = state, StateFile = stateFile };
        return null;
    }

    private static GoConsumer? Read(IGoFiles files, string stream, string name, GoKeys? keys, GoStoreReport report)
    {
        var directory = "obs/" + name;
        if (GoMetaFile.Read(files, directory, $"{stream}/{name}", $"{stream}.{name}", keys, report, out var key) is not { } json) return null;
        var state = ReadState(files, $"{directory}/o.dat", key, report, out var stateFile);
        if (Parse(name, json, state, stateFile, out var consumer) is { } error) report.Add($"{directory}/{GoMetaFile.Name}", 0, error);
        return consumer;
    }

    private static GoConsumerState? ReadState(IGoFiles files, string path, GoKey? key, GoStoreReport report, out byte[] plain)
    {
        plain = [];
        var file = files.Read(path, MaxState);
        if (file.Problem is { } problem) report.Add(path, 0, problem);
        if (!file.HasContent) return null;
        // One that was never encrypted (a server that died on the way) reads as it is.
        plain = key?.Open(file.Bytes) ?? file.Bytes;
        if (GoConsumerState.Read(plain, out var state) is not { } error) return state;
        plain = [];
        report.Add(path, 0, error);
        return null;
    }
}
