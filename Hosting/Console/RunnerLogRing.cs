namespace NatsAspire.Hosting;

/// <summary>Keeps the newest lines of a run for the console, and hands all of them on.</summary>
/// <param name="next">Gets every line; null: nobody.</param>
public sealed class RunnerLogRing(IRunnerLog? next) : IRunnerLog
{
    /// <summary>Lines kept.</summary>
    public const int Capacity = 2000;

    private const int MaxLineLength = 2000;
    private static readonly string[] Levels = ["INF", "WRN", "ERR", "FTL", "DBG", "TRC"];
    private readonly LogView?[] _lines = new LogView?[Capacity];
    private readonly Lock _lock = new();
    private long _next = 1;

    public void ServerLine(string server, string line)
    {
        Add(server, LevelOf(line), line);
        next?.ServerLine(server, line);
    }

    public void Notice(string text)
    {
        Add(null, "RUN", text);
        next?.Notice(text);
    }

    /// <summary>Lines with higher numbers that are still here, oldest first.</summary>
    public LogView[] After(long number)
    {
        lock (_lock)
        {
            var first = Math.Max(number + 1, Math.Max(1, _next - Capacity));
            var found = new LogView[Math.Max(0, _next - first)];
            for (var i = 0; i < found.Length; i++) found[i] = _lines[(first + i) % Capacity]!;
            return found;
        }
    }

    private void Add(string? server, string level, string text)
    {
        if (text.Length > MaxLineLength) text = text[..MaxLineLength] + "…";
        lock (_lock)
        {
            _lines[_next % Capacity] = new LogView(_next, server, level, text);
            _next++;
        }
    }

    private static string LevelOf(string line) =>
        line.IndexOf("] ", StringComparison.Ordinal) >= 0 ? Array.Find(Levels, level => line.Contains($"[{level}]", StringComparison.Ordinal)) ?? "INF" : "INF";
}
