using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NatsAspire.Hosting;

/// <summary>Where a server's process is in its life.</summary>
public enum ServerPhase
{
    /// <summary>Not started yet, or on purpose not running.</summary>
    Stopped,

    /// <summary>The process runs.</summary>
    Running,

    /// <summary>It ended by itself and waits for its next start.</summary>
    Waiting,
}

/// <summary>
/// One server process, started again with growing pauses when it ends by itself, under a guard that ends it when this
/// process is gone: on Unix a small shell whose standard input is a pipe only we hold, on Windows a job object.
/// </summary>
internal sealed partial class ServerProcess(string name, string path, IReadOnlyList<string> arguments, IRunnerLog log) : IAsyncDisposable
{
    public const int Hangup = 1, KillSignal = 9, Terminate = 15;

    /// <summary>SIGUSR2, whose number systems do not agree on.</summary>
    public static readonly int LameDuck = OperatingSystem.IsMacOS() ? 31 : 12;

    private const int LinesKept = 20;
    private const string Fatal = "[FTL]";
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

    /// <summary>After a kill that somebody asked for: long enough that the others elect without it.</summary>
    private static readonly TimeSpan PauseAfterKill = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);
    private readonly Queue<string> _lastLines = new();
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _gone = new();
    private Process? _process;
    private int _serverId;
    private bool _wanted;
    private bool _ending;
    private bool _killed;
    private string? _launchError;
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _supervisor = Task.CompletedTask;

    public string Name => name;

    public ServerPhase Phase { get; private set; }

    /// <summary>How often it ended by itself.</summary>
    public int Crashes { get; private set; }

    /// <summary>The server's own process; 0: none.</summary>
    public int Id => Phase == ServerPhase.Running ? _serverId : 0;

    /// <summary>Why it ended last, in its own words; null: it never ended by itself.</summary>
    public string? Error { get; private set; }

    /// <summary>Begins to keep it running.</summary>
    public void Start()
    {
        lock (_lock)
        {
            _wanted = true;
            if (_supervisor.IsCompleted) _supervisor = Task.Run(SuperviseAsync);
            _change.TrySetResult();
        }
    }

    /// <summary>Sends a signal to the running server. Windows knows only the end.</summary>
    /// <param name="signal">Its number.</param>
    /// <param name="ends">The server ends by it, and that is what is wanted.</param>
    /// <returns>False: it does not run.</returns>
    public bool Signal(int signal, bool ends = false)
    {
        lock (_lock)
        {
            if (_process is not { HasExited: false } process || Phase != ServerPhase.Running) return false;
            if (ends) _wanted = false;
            else if (signal == KillSignal) _killed = true;
            if (OperatingSystem.IsWindows() || _serverId == 0)
            {
                if (signal != Hangup) process.Kill(entireProcessTree: true);
            }
            else
            {
                _ = Kill(_serverId, signal);
            }
            return true;
        }
    }

    /// <summary>Ends the server: by SIGTERM, then by force. It stays stopped.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        Process? process;
        lock (_lock)
        {
            _wanted = false;
            process = _process;
            _change.TrySetResult();
        }
        if (process is not { HasExited: false } || !Signal(Terminate, ends: true)) return;
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            log.Notice($"{name} did not stop in {timeout.TotalSeconds:0} s and is killed.");
            Signal(KillSignal, ends: true);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
    }

    /// <summary>Ends the server without a warning, and returns when it is gone. It stays so.</summary>
    public async Task KillAsync()
    {
        Process? process;
        lock (_lock)
        {
            _wanted = false;
            process = _process;
            _change.TrySetResult();
        }
        if (process is { HasExited: false } && Signal(KillSignal, ends: true)) await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock) _ending = true;
        await _gone.CancelAsync();
        await _supervisor;
        _gone.Dispose();
    }

    private async Task SuperviseAsync()
    {
        var pause = FirstPause;
        while (!_gone.IsCancellationRequested)
        {
            Task change;
            lock (_lock)
            {
                if (_ending) return;
                _change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                change = _change.Task;
                if (!_wanted) Phase = ServerPhase.Stopped;
            }
            if (!_wanted)
            {
                await WaitAsync(change, Timeout.InfiniteTimeSpan);
                pause = FirstPause;
                continue;
            }
            var clock = Stopwatch.StartNew();
            var code = await RunOnceAsync();
            if (!_wanted) continue;
            pause = clock.Elapsed > Settled ? FirstPause : pause;
            var rest = _killed ? PauseAfterKill : pause;
            Note(code, rest);
            await WaitAsync(change, rest);
            pause = _killed ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private void Note(int code, TimeSpan pause)
    {
        lock (_lock)
        {
            Crashes++;
            Error = _launchError ?? _lastLines.Where(IsFatal).Select(line => line[(line.IndexOf(Fatal, StringComparison.Ordinal) + Fatal.Length)..].Trim()).LastOrDefault()
                ?? _lastLines.LastOrDefault() ?? $"ended with code {code}";
            if (code == 128 + KillSignal) Error = "killed";
            Phase = ServerPhase.Waiting;
        }
        if (_killed) log.Notice($"{name} was killed; it is started again in {pause.TotalSeconds:0.#} s.");
        else log.Notice(pause == FirstPause
            ? $"{name} ended with code {code}; it is started again."
            : $"{name} ended with code {code} again; next try in {pause.TotalSeconds:0.#} s.");
    }

    private static bool IsFatal(string line) => line.Contains(Fatal, StringComparison.Ordinal);

    private async Task WaitAsync(Task change, TimeSpan time)
    {
        try
        {
            await change.WaitAsync(time, _gone.Token);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            // Either is why waiting ends.
        }
    }

    /// <summary>Starts the server and waits for its end; its code.</summary>
    private async Task<int> RunOnceAsync()
    {
        _launchError = null;
        try
        {
            var process = Launch();
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException)
        {
            _launchError = error.Message;
            return -1;
        }
    }

    private Process Launch()
    {
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo(path, arguments) : Guarded();
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        lock (_lock)
        {
            _killed = false;
            if (!_wanted) throw new InvalidOperationException("It is not wanted any more.");
            _serverId = 0;
            _lastLines.Clear();
            process.Start();
            if (OperatingSystem.IsWindows())
            {
                WindowsJob.Add(process);
                _serverId = process.Id;
            }
            _process = process;
            Phase = ServerPhase.Running;
        }
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>The guard in a session of its own where the system has setsid, so that group signals pass it by.</summary>
    private ProcessStartInfo Guarded()
    {
        string[] guard = ["/bin/sh", "-c", GuardScript, "guard", path, .. arguments];
        return File.Exists(SetSid) ? new ProcessStartInfo(SetSid, guard) : new ProcessStartInfo(guard[0], guard[1..]);
    }

    private void OnLine(string? line)
    {
        if (string.IsNullOrWhiteSpace(line)) return;
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

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
