using System.Net;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Any nats-server executable as a process, ours or Go's: started with flags or a configuration, on free ports that it
/// tells by its ports file, so a test need not pick numbers and no two tests fight over one.
/// </summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private const int SignalTerminate = 15;
    private const int SignalLameDuck = 12;
    private const int SignalHangUp = 1;
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(20);

    private readonly RunningProcess _process;
    private readonly DirectoryInfo _folder;
    private JsonElement _ports;

    private ServerProcess(RunningProcess process, DirectoryInfo folder)
    {
        _process = process;
        _folder = folder;
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Its log and whatever else it wrote.</summary>
    public string Output => _process.Output;

    /// <summary>A folder of its own, gone with it; its configuration is <c>server.conf</c> there.</summary>
    public string Folder => _folder.FullName;

    public IPEndPoint ClientEndPoint => EndPoint("nats");

    public IPEndPoint ClusterEndPoint => EndPoint("cluster");

    /// <summary>nats://host:port of the client listener.</summary>
    public Uri ClientUrl => new(Url("nats"));

    /// <summary>http://host:port of the monitoring listener.</summary>
    public Uri MonitoringUrl => new(Url("monitoring"));

    /// <summary>Starts an executable and returns when it is ready.</summary>
    /// <param name="executable">For example <see cref="Peers.GoServer"/> or <see cref="Peers.OurServer"/>.</param>
    /// <param name="config">Text of a nats.conf; its listeners should ask for port -1. Null: a plain server on loopback.</param>
    /// <param name="arguments">Further flags.</param>
    public static async Task<ServerProcess> StartAsync(string executable, string? config = null, params string[] arguments)
    {
        var server = Launch(executable, config, arguments);
        try
        {
            await server._process.WaitForOutputAsync("Server is ready");
            var file = Path.Combine(server.Folder, $"{Path.GetFileName(executable)}_{server.Id}.ports");
            await Wait.Until($"the ports file {file}", () => server.TryReadPorts(file), () => server.Output);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts an executable and waits for nothing: for configurations that must be refused.</summary>
    public static ServerProcess Launch(string executable, string? config = null, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("natsaspire-server-");
        var all = new List<string> { "--ports_file_dir", folder.FullName };
        if (config is null)
        {
            all.AddRange(["-a", "127.0.0.1", "-p", "-1"]);
        }
        else
        {
            var file = Path.Combine(folder.FullName, "server.conf");
            File.WriteAllText(file, config);
            all.AddRange(["-c", file]);
        }
        var server = new ServerProcess(RunningProcess.Start(executable, [.. all, .. arguments]), folder);
        ServerReport.Add(server);
        return server;
    }

    /// <summary>Waits for a text in the log.</summary>
    public Task WaitForLogAsync(string text, TimeSpan? timeout = null) => _process.WaitForOutputAsync(text, timeout);

    public void Signal(int signal) => _process.Signal(signal);

    /// <summary>Asks for lame duck mode (USR2).</summary>
    public void EnterLameDuck() => Signal(SignalLameDuck);

    /// <summary>Asks it to read its configuration again (HUP), changed first if a text is given.</summary>
    public void Reload(string? config = null)
    {
        if (config is not null) File.WriteAllText(Path.Combine(Folder, "server.conf"), config);
        Signal(SignalHangUp);
    }

    /// <summary>Stops it as an operator would (TERM); its exit code.</summary>
    public Task<int> StopAsync()
    {
        if (!HasExited) Signal(SignalTerminate);
        return WaitForExitAsync();
    }

    /// <summary>Waits for the end; the exit code.</summary>
    public Task<int> WaitForExitAsync() => _process.WaitForExitAsync(ExitPatience);

    /// <summary>Kills it if it still runs, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private bool TryReadPorts(string file)
    {
        if (!File.Exists(file)) return false;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            _ports = document.RootElement.Clone();
            return true;
        }
        catch (JsonException)
        {
            // Seen between its creation and its writing.
            return false;
        }
    }

    private string Url(string listener) => _ports.TryGetProperty(listener, out var urls) && urls.ValueKind == JsonValueKind.Array
        ? urls[0].GetString()!
        : throw new InvalidOperationException($"The server has no {listener} listener; its ports file: {_ports}");

    private IPEndPoint EndPoint(string listener)
    {
        var url = new Uri(Url(listener));
        return new IPEndPoint(IPAddress.Parse(url.Host), url.Port);
    }
}
