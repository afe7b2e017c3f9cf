using System.Diagnostics;
using System.Globalization;

namespace NatsAspire.Hosting;

/// <summary>A private directory of one run. Those of runs that were killed are removed by the next.</summary>
internal static class RunDirectory
{
    private const string Prefix = "natsaspire-run-";

    public static string Create(IRunnerLog log)
    {
        foreach (var stale in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            if (IsInUse(stale)) continue;
            try
            {
                Directory.Delete(stale, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                log.Notice($"Cannot remove {stale} of an earlier run: {error.Message}");
            }
        }
        return Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-").FullName;
    }

    private static bool IsInUse(string directory)
    {
        var name = Path.GetFileName(directory)[Prefix.Length..];
        var id = name.Split('-')[0];
        if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var process)) return true;
        try
        {
            using var owner = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
