using System.Globalization;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Cli;

/// <summary>Sends a command to a running server as a Unix signal.</summary>
internal static partial class SignalSender
{
    private const int NoSuchProcess = 3;
    private const int NotPermitted = 1;
    private const string ProcessName = "nats-server";

    private static readonly Dictionary<string, int> Signals = new(StringComparer.Ordinal)
    {
        ["stop"] = 9, ["quit"] = 2, ["reopen"] = 10, ["reload"] = 1, ["ldm"] = 12, ["term"] = 15,
    };

    /// <returns>Null when it was sent; else upstream's words for why not.</returns>
    public static string? Send(string command, string target)
    {
        if (target.Length > 0 && !char.IsAsciiDigit(target[0]) && target != "*" && File.Exists(target)) target = File.ReadAllText(target).Trim();
        var isGlob = target.EndsWith('*');
        var prefix = target.TrimEnd('*');
        if (prefix.Length > 0 && !int.TryParse(prefix, NumberStyles.None, CultureInfo.InvariantCulture, out _)) return $"invalid pid: {prefix}";
        List<int> processes = prefix.Length > 0 && !isGlob ? [int.Parse(prefix, CultureInfo.InvariantCulture)] : FindServers();
        if (isGlob) processes = [.. processes.Where(id => id.ToString(CultureInfo.InvariantCulture).StartsWith(prefix, StringComparison.Ordinal))];
        if (processes.Count > 1 && !isGlob) return $"multiple {ProcessName} processes running:\n{string.Join('\n', processes)}";
        if (processes.Count == 0) return $"no {ProcessName} processes running";
        if (!Signals.TryGetValue(command, out var signal)) return $"unknown signal \"{command}\"";
        var failures = processes.Select(id => (id, Error: Kill(id, signal) == 0 ? 0 : Marshal.GetLastPInvokeError())).Where(sent => sent.Error != 0);
        var text = string.Concat(failures.Select(sent => $"\nsignal \"{command}\" {sent.id}: {Describe(sent.Error)}"));
        return text.Length == 0 ? null : text;
    }

    private static List<int> FindServers()
    {
        var found = new List<int>();
        if (!Directory.Exists("/proc")) return found;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var id) || id == Environment.ProcessId) continue;
            if (ReadCommandName(directory) == ProcessName) found.Add(id);
        }
        found.Sort();
        return found;
    }

    private static string? ReadCommandName(string directory)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, "comm")).Trim();
        }
        catch (IOException)
        {
            // The process ended between the listing and the reading.
            return null;
        }
    }

    private static string Describe(int error) => error switch
    {
        NoSuchProcess => "no such process",
        NotPermitted => "operation not permitted",
        _ => Marshal.GetPInvokeErrorMessage(error),
    };

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
