using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>Writes what servers and runner say, each server's lines behind its name in its colour.</summary>
internal sealed class ConsoleLog(bool useColor) : IRunnerLog
{
    private const string Reset = "\u001b[0m";
    private const string Dim = "\u001b[2m";
    private static readonly string[] Colors = ["\u001b[36m", "\u001b[33m", "\u001b[35m", "\u001b[32m", "\u001b[34m", "\u001b[31m"];
    private readonly Dictionary<string, string> _colorOf = [];
    private readonly Lock _lock = new();

    public void ServerLine(string server, string line)
    {
        lock (_lock)
        {
            if (!_colorOf.TryGetValue(server, out var color)) _colorOf[server] = color = Colors[_colorOf.Count % Colors.Length];
            Console.Out.WriteLine(useColor ? $"{color}{server}{Reset} {Dim}|{Reset} {line}" : $"{server} | {line}");
        }
    }

    public void Notice(string text)
    {
        lock (_lock) Console.Out.WriteLine(useColor ? $"{Dim}{text}{Reset}" : text);
    }

    public void Plain(string text)
    {
        lock (_lock) Console.Out.WriteLine(text);
    }
}
