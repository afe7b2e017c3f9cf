using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace NatsAspire.Hosting;

/// <summary>Tells servers that somebody else runs, found by their pid files. Windows knows only the end.</summary>
public static partial class ServerSignals
{
    /// <summary>Sends what a command means.</summary>
    /// <param name="pidFile">The server's own.</param>
    /// <param name="command">Reload, LameDuck, Stop or Kill.</param>
    /// <returns>What came of it, as a sentence; false when nothing did.</returns>
    public static (bool Done, string Text) Send(string pidFile, ServerCommand command)
    {
        if (!File.Exists(pidFile) || !int.TryParse(File.ReadAllText(pidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return (false, "The server does not run.");
        }
        try
        {
            using var process = Process.GetProcessById(id);
            // The id may be another's by now.
            if (!process.ProcessName.StartsWith("nats-server", StringComparison.Ordinal)) return (false, "The server does not run.");
            if (OperatingSystem.IsWindows())
            {
                if (command == ServerCommand.Reload) return (false, "Windows has no signal for that.");
                process.Kill();
                return (true, $"{command}: done.");
            }
        }
        catch (ArgumentException)
        {
            return (false, "The server does not run.");
        }
        var signal = command switch
        {
            ServerCommand.Reload => ServerProcess.Hangup,
            ServerCommand.LameDuck => ServerProcess.LameDuck,
            ServerCommand.Kill => ServerProcess.KillSignal,
            _ => ServerProcess.Terminate,
        };
        return SendSignal(id, signal) == 0 ? (true, $"{command}: done.") : (false, $"The signal cannot be sent: error {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
