using System.Globalization;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Cli;

/// <summary>Processes of a Unix system.</summary>
internal static partial class UnixProcesses
{
    private const string ServerName = "nats-server";
    private const int NoSuchProcess = 3;
    private const int NotPermitted = 1;
    private const int InvalidArgument = 22;

    /// <summary>Ids of running servers, ascending, without this process.</summary>
    /// <exception cref="CliException">The system does not list its processes.</exception>
    public static IReadOnlyList<int> FindServers()
    {
        if (!Directory.Exists("/proc")) throw new CliException("unable to resolve pid, try providing one");
        return [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && id != Environment.ProcessId && IsServer(id))
            .Order()];
    }

    /// <summary>Sends a signal.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Kill(int process, int signal)
    {
        if (SendSignal(process, signal) == 0) return null;
        return Marshal.GetLastPInvokeError() switch
        {
            NoSuchProcess => "no such process",
            NotPermitted => "operation not permitted",
            InvalidArgument => "invalid argument",
            var error => Marshal.GetPInvokeErrorMessage(error),
        };
    }

    private static bool IsServer(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/comm").Contains(ServerName, StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The process ended while the list was read.
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
