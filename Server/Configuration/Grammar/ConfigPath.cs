namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>File names the way upstream joins and reports them.</summary>
internal static class ConfigPath
{
    /// <summary>Folder of a file, without a trailing slash; <c>.</c> for a bare name.</summary>
    public static string DirectoryOf(string path)
    {
        var slash = path.LastIndexOf('/');
        return Clean(slash < 0 ? "" : path[..(slash + 1)]);
    }

    /// <summary>A name inside a folder; the name's own leading slash does not make it absolute.</summary>
    public static string Join(string directory, string name) =>
        Clean(string.Join('/', new[] { directory, name }.Where(part => part.Length > 0)));

    /// <summary>Shortest path of the same meaning.</summary>
    public static string Clean(string path)
    {
        if (path.Length == 0) return ".";
        var isRooted = path[0] == '/';
        var kept = new List<string>();
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".") continue;
            var goesUp = part == "..";
            if (goesUp && kept.Count > 0 && kept[^1] != "..") kept.RemoveAt(kept.Count - 1);
            else if (!goesUp || !isRooted) kept.Add(part);
        }
        var cleaned = string.Join('/', kept);
        if (isRooted) return "/" + cleaned;
        return cleaned.Length == 0 ? "." : cleaned;
    }

    /// <summary>Reads a file whose length is bounded.</summary>
    /// <exception cref="ConfigException">It cannot be read, or is longer.</exception>
    public static byte[] ReadFile(string path, long limit)
    {
        try
        {
            if (Directory.Exists(path)) throw new ConfigException($"read {path}: is a directory");
            using var file = File.OpenRead(path);
            if (file.Length > limit) throw new ConfigException($"config file {path} is larger than {limit} bytes");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigException($"open {path}: {Describe(failure)}");
        }
    }

    /// <summary>What the operating system says of a failure.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        UnauthorizedAccessException => "permission denied",
        ArgumentException => "invalid argument",
        PathTooLongException => "file name too long",
        _ => failure.Message,
    };
}
