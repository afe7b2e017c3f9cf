namespace NatsAspire.Hosting;

/// <summary>Where manifests and charts are written to.</summary>
public static class ManifestFolder
{
    /// <summary>Writes files into a folder, which is made; their paths.</summary>
    /// <param name="folder">Files in it with other names stay.</param>
    /// <param name="files">By names relative to it.</param>
    /// <exception cref="TopologyException">The folder cannot be written to.</exception>
    public static async Task<IReadOnlyList<string>> WriteAsync(string folder, IEnumerable<(string Name, string Text)> files)
    {
        var written = new List<string>();
        try
        {
            foreach (var (name, text) in files)
            {
                var path = Path.Combine(folder, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, text);
                written.Add(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TopologyException($"{folder} cannot be written to: {error.Message} Name another folder.");
        }
        return written;
    }
}
