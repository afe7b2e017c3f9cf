using System.Text;

namespace NatsAspire.Tests.Unit.Raft;

/// <summary>
/// A trace: blocks of commands, and behind <c>----</c> what all of them bring about, up to an empty line. Lines that begin
/// with <c>#</c> say what it is about. <c>NATSASPIRE_TRACES=write</c> writes what comes instead of comparing it.
/// </summary>
internal static class TraceFile
{
    private const string Separator = "----";

    public static void Run(string name)
    {
        var file = Path.Combine(Folder(), name + ".txt");
        var written = new StringBuilder();
        var world = new TraceWorld();
        var text = File.ReadAllText(file).ReplaceLineEndings("\n");
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = block.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var commands = lines.TakeWhile(line => line != Separator).ToArray();
            var output = new StringBuilder();
            foreach (var command in commands.Where(line => !line.StartsWith('#'))) output.Append(world.Run(command));
            if (written.Length > 0) written.Append('\n');
            foreach (var command in commands) written.Append(command).Append('\n');
            if (output.Length > 0) written.Append(Separator).Append('\n').Append(output);
        }
        if (Environment.GetEnvironmentVariable("NATSASPIRE_TRACES") == "write") File.WriteAllText(file, written.ToString());
        else written.ToString().ShouldBe(text, $"{name}: read the difference; NATSASPIRE_TRACES=write takes it over");
    }

    /// <summary>All traces there are.</summary>
    public static string[] Names() => [.. Directory.EnumerateFiles(Folder(), "*.txt").Select(file => Path.GetFileNameWithoutExtension(file))];

    private static string Folder()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "NatsAspire.sln"))) directory = directory.Parent;
        return Path.Combine(directory.FullName, "Tests", "Unit", "Raft", "Traces");
    }
}
