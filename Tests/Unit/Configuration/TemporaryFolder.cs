namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>A folder of files that is deleted in the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nats-config");

    public string Path => _folder.FullName;

    /// <summary>Writes a file, with folders where its name has slashes.</summary>
    public string Write(string name, string content)
    {
        var path = System.IO.Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
