namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Makes a folder the working folder until disposed: the golden runs name their files relative to it.</summary>
internal sealed class WorkingFolder : IDisposable
{
    private readonly string _before = Environment.CurrentDirectory;

    public WorkingFolder(string folder) => Environment.CurrentDirectory = folder;

    public void Dispose() => Environment.CurrentDirectory = _before;
}

/// <summary>Tests that change the working folder run alone.</summary>
[CollectionDefinition(nameof(WorkingFolder), DisableParallelization = true)]
public sealed class WorkingFolderCollection;
