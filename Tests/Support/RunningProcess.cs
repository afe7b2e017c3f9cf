using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>A program a test started: its output, its input, its end.</summary>
public sealed partial class RunningProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Lock _lock = new();
    private bool _isDisposed;

    private RunningProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.Start();
        Id = _process.Id;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id { get; }

    public bool HasExited => _isDisposed || _process.HasExited;

    /// <summary>Everything written so far.</summary>
    public string Output
    {
        get
        {
            lock (_lock) return _output.ToString();
        }
    }

    public static RunningProcess Start(string path, params string[] arguments) => Start(path, Peers.VariablesOf(path), arguments);

    /// <summary>Starts with environment variables of its own, beside those of the test.</summary>
    public static RunningProcess Start(string path, IReadOnlyDictionary<string, string> variables, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments);
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return new RunningProcess(start);
    }

    /// <summary>Waits for a text in the output.</summary>
    public Task WaitForOutputAsync(string text, TimeSpan? timeout = null) => Wait.Until(
        $"'{text}' from {_process.StartInfo.FileName}",
        () => Output.Contains(text, StringComparison.Ordinal) || (HasExited && !Output.Contains(text, StringComparison.Ordinal) ? throw new InvalidOperationException($"ended with {_process.ExitCode}: {Output}") : false),
        () => Output,
        timeout ?? TimeSpan.FromSeconds(40));

    public void WriteLine(string text)
    {
        _process.StandardInput.WriteLine(text);
        _process.StandardInput.Flush();
    }

    /// <summary>Sends a Unix signal.</summary>
    public void Signal(int signal) => Kill(Id, signal).ShouldBe(0);

    /// <summary>Waits for the end; the exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{_process.StartInfo.FileName} did not end within {timeout.TotalSeconds} s; it wrote: {Output}");
        }
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        _isDisposed = true;
        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is null) return;
        lock (_lock) _output.AppendLine(line);
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
