using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NatsAspire.Hosting;

/// <summary>
/// One server process under a guard that ends it when this process is gone: on Unix a small shell whose standard
/// input is a pipe only we hold, on Windows a job object.
/// </summary>
internal sealed partial class ServerProcess(string name, string path, IReadOnlyList<string> arguments, IRunnerLog log)
{
    private const int Terminate = 15;
    private const int LinesKept = 20;
    private const string SetSid = "/usr/bin/setsid";

    /// <summary>
    /// Starts the server, tells its id, and waits for two ends: the server's, whose code it passes on, and that of
    /// the pipe, after which the server is told to stop and, three seconds later, killed. Signals meant for the
    /// runner's process group, such as the terminal's interrupt, reach neither: the runner stops them in order.
    /// </summary>
    private const string GuardScript =
        """
        trap '' INT HUP TERM
        exec 3<&0
        ( trap - INT HUP TERM; exec "$@" ) </dev/null 3<&- &
        server=$!
        echo "pid $server"
        ( while read -r _ <&3; do :; done
          kill -TERM "$server" 2>/dev/null
          for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
            kill -0 "$server" 2>/dev/null || exit 0
            sleep 0.1
          done
          kill -KILL "$server" 2>/dev/null ) >/dev/null 2>&1 &
        guard=$!
        exec 3<&-
        wait "$server"
        code=$?
        kill "$guard" 2>/dev/null
        exit "$code"
        """;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    private readonly Queue<string> _lastLines = new();
    private readonly Lock _lock = new();
    private Process? _process;
    private int _serverId;
    private bool _stopping;
    private bool _restarts;

    public string Name => name;

    public bool HasExited => _process is { HasExited: true };

    public int ExitCode => _process is { HasExited: true } ended ? ended.ExitCode : 0;

    /// <summary>What the server wrote last.</summary>
    public string LastLines
    {
        get
        {
            lock (_lock) return string.Join('\n', _lastLines.Select(line => "  " + line));
        }
    }

    public void Start()
    {
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(path, arguments)
            : Guarded();
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        process.Exited += (_, _) => OnExited(process);
        process.Start();
        if (OperatingSystem.IsWindows())
        {
            WindowsJob.Add(process);
            _serverId = process.Id;
        }
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The guard in a session of its own where the system has setsid, so that group signals pass it by.</summary>
    private ProcessStartInfo Guarded()
    {
        string[] guard = ["/bin/sh", "-c", GuardScript, "guard", path, .. arguments];
        return File.Exists(SetSid) ? new ProcessStartInfo(SetSid, guard) : new ProcessStartInfo(guard[0], guard[1..]);
    }

    /// <summary>From now on an end that nobody asked for is followed by another start.</summary>
    public void RestartWhenItEnds()
    {
        lock (_lock) _restarts = true;
        if (_process is { HasExited: true } ended) OnExited(ended);
    }

    /// <summary>Ends the server: by SIGTERM, then by force.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        lock (_lock) _stopping = true;
        if (_process is not { HasExited: false } process) return;
        // Closing the pipe would do as well; the signal is what the log should show.
        if (OperatingSystem.IsWindows() || _serverId == 0) process.Kill(entireProcessTree: true);
        else _ = Kill(_serverId, Terminate);
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            log.Notice($"{name} did not stop in {timeout.TotalSeconds:0} s and is killed.");
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
    }

    private void OnLine(string? line)
    {
        if (line is null) return;
        if (_serverId == 0 && line.StartsWith("pid ", StringComparison.Ordinal) && int.TryParse(line.AsSpan(4), out var id))
        {
            _serverId = id;
            return;
        }
        lock (_lock)
        {
            _lastLines.Enqueue(line);
            if (_lastLines.Count > LinesKept) _lastLines.Dequeue();
        }
        log.ServerLine(name, line);
    }

    private void OnExited(Process ended)
    {
        lock (_lock)
        {
            if (_stopping || !_restarts || !ReferenceEquals(ended, _process)) return;
            _restarts = false;
        }
        log.Notice($"{name} ended with code {ended.ExitCode}; it is started again.");
        _ = RestartAsync();
    }

    private async Task RestartAsync()
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            await Task.Delay(pause);
            lock (_lock)
            {
                if (_stopping) return;
            }
            _serverId = 0;
            Start();
            using var settled = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            try
            {
                await _process!.WaitForExitAsync(settled.Token);
                log.Notice($"{name} ended with code {_process!.ExitCode} again; next try in {pause.TotalSeconds * 2:0.#} s.");
            }
            catch (OperationCanceledException)
            {
                log.Notice($"{name} runs again.");
                RestartWhenItEnds();
                return;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
