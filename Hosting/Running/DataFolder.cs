using System.Text.Json;
using System.Text.Json.Serialization;

namespace NatsAspire.Hosting;

/// <summary>
/// The folder of a run: configurations, a store for each server, and what makes the next run with it the same: ports and
/// passwords. One run at a time.
/// </summary>
public sealed class DataFolder : IDisposable
{
    private const string StateName = "natsaspire.json", LockName = "natsaspire.lock";
    private readonly FileStream _lock;
    private readonly bool _isPrivate;

    private DataFolder(string path, FileStream held, bool isPrivate)
    {
        Path = path;
        _lock = held;
        _isPrivate = isPrivate;
        var file = System.IO.Path.Combine(path, StateName);
        Known = File.Exists(file) ? Read(file) : new DataFolderState();
    }

    public string Path { get; }

    /// <summary>What an earlier run left.</summary>
    public DataFolderState Known { get; }

    /// <summary>Takes a folder, and makes it if need be.</summary>
    /// <param name="path">Null: a private one, which goes at the end.</param>
    /// <param name="clean">Removes what an earlier run left there.</param>
    /// <exception cref="TopologyException">Another run has it, it is no folder of a run, or it cannot be used.</exception>
    public static DataFolder Open(string? path, bool clean, IRunnerLog log)
    {
        var isPrivate = path is null;
        try
        {
            path = isPrivate ? RunDirectory.Create(log) : Directory.CreateDirectory(path!).FullName;
            var held = new FileStream(System.IO.Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            DataFolder? opened = null;
            try
            {
                if (clean) Clean(path);
                return opened = new DataFolder(path, held, isPrivate);
            }
            finally
            {
                if (opened is null) held.Dispose();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TopologyException($"{path} cannot be used: {error.Message} Does another run have it? --data names another folder.");
        }
    }

    /// <summary>Keeps the ports and passwords for the next run; nobody else may read them.</summary>
    public void Save(NatsTopology topology, IReadOnlyDictionary<string, string> passwords)
    {
        var state = new DataFolderState
        {
            Ports = topology.Servers.ToDictionary(server => server.Name, server => server.Ports, StringComparer.Ordinal),
            Passwords = passwords.ToDictionary(StringComparer.Ordinal),
        };
        WritePrivate(StateName, JsonSerializer.Serialize(state, DataFolderJson.Default.DataFolderState));
    }

    /// <summary>Writes a file that only this user may read; its path.</summary>
    public string WritePrivate(string name, string text)
    {
        var file = System.IO.Path.Combine(Path, name);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            if (File.Exists(file)) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        using var writer = new StreamWriter(file, new System.Text.UTF8Encoding(false), options);
        writer.Write(text);
        return file;
    }

    public void Dispose()
    {
        _lock.Dispose();
        if (_isPrivate) Directory.Delete(Path, recursive: true);
    }

    /// <summary>Only what a run made: a folder that is not one of ours is left alone.</summary>
    private static void Clean(string path)
    {
        var file = System.IO.Path.Combine(path, StateName);
        if (!File.Exists(file))
        {
            if (Directory.EnumerateFileSystemEntries(path).Any(entry => System.IO.Path.GetFileName(entry) != LockName))
            {
                throw new TopologyException($"{path} holds things that no run of this application made, and is not cleaned. Name an empty folder, or empty it yourself.");
            }
            return;
        }
        foreach (var server in Read(file).Ports.Keys)
        {
            var store = System.IO.Path.Combine(path, server);
            if (Directory.Exists(store)) Directory.Delete(store, recursive: true);
            File.Delete(store + ".conf");
        }
        File.Delete(file);
    }

    private static DataFolderState Read(string file)
    {
        try
        {
            var state = JsonSerializer.Deserialize(File.ReadAllText(file), DataFolderJson.Default.DataFolderState)!;
            // Names become paths when the folder is cleaned.
            if (state.Ports.Keys.Any(name => name.AsSpan().ContainsAny('/', '\\') || name.StartsWith('.'))) throw new JsonException("a server's name is a path");
            return state;
        }
        catch (JsonException error)
        {
            throw new TopologyException($"{file} is damaged: {error.Message}. Remove it to begin with new ports and passwords.");
        }
    }
}

/// <summary>What is the same in the next run with a folder.</summary>
public sealed record DataFolderState
{
    public IReadOnlyDictionary<string, ServerPorts> Ports { get; set; } = new Dictionary<string, ServerPorts>();

    public IReadOnlyDictionary<string, string> Passwords { get; set; } = new Dictionary<string, string>();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(DataFolderState))]
internal sealed partial class DataFolderJson : JsonSerializerContext;
