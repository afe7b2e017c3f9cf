using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>
/// /stacksz: what the threads of the process do. .NET shows no stack of another thread from inside, so this tells
/// each thread's state and CPU time, the I/O loops, and the stack of the thread that asks.
/// </summary>
public static class Stacksz
{
    /// <summary>The threads of this moment, as text.</summary>
    public static string Collect(MonitoringSource source)
    {
        var text = new StringBuilder();
        foreach (var loop in source.Loops)
        {
            text.Append(CultureInfo.InvariantCulture, $"loop {loop.Name}: {loop.ConnectionCount} connections, {loop.PostedCount} posted, {loop.LongTurns} long turns, longest {loop.LongestTurn.TotalMilliseconds:0.###}ms\n");
        }
        using var process = Process.GetCurrentProcess();
        foreach (ProcessThread thread in process.Threads)
        {
            using (thread) Describe(text, thread);
        }
        return text.Append("\nthread of this request:\n").Append(Environment.StackTrace).Append('\n').ToString();
    }

    private static void Describe(StringBuilder text, ProcessThread thread)
    {
        try
        {
            text.Append(CultureInfo.InvariantCulture, $"thread {thread.Id} [{thread.ThreadState}]: cpu {thread.TotalProcessorTime.TotalMilliseconds:0}ms\n");
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception or IOException)
        {
            text.Append(CultureInfo.InvariantCulture, $"thread {thread.Id} [ended]\n");
        }
    }
}
