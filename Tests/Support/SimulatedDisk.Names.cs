using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Support;

/// <summary>Files and directories by name.</summary>
public sealed partial class SimulatedDisk
{
    public IDiskFile Open(string path, DiskOpen how)
    {
        Intercept?.Invoke(DiskCall.Open, path);
        lock (_lock)
        {
            Enter(DiskCall.Open, path);
            var node = _image.Find(path);
            if (node == 0 && how == DiskOpen.Existing) throw Missing("open", path);
            if (node != 0 && how == DiskOpen.New) throw new DiskException(DiskFault.Exists, "open", path, "exists");
            if (_image.Directories.ContainsKey(node)) throw new DiskException(DiskFault.Device, "open", path, "is a directory");
            if (node == 0)
            {
                var directory = Directory("open", ParentOf(path));
                node = _image.NextNode++;
                _image.Files[node] = new SimulatedContent();
                Log(new DiskStep(StepKind.Names, path, node) { Names = [new NameChange(directory, NameOf(path), node, Appears: true)] });
            }
            return new SimulatedFile(this, path, node);
        }
    }

    public bool Exists(string path)
    {
        lock (_lock) return _image.Find(path) != 0;
    }

    public IReadOnlyList<DiskEntry> List(string directory)
    {
        Intercept?.Invoke(DiskCall.List, directory);
        lock (_lock)
        {
            Enter(DiskCall.List, directory);
            if (!_image.Directories.TryGetValue(_image.Find(directory), out var names)) return [];
            return [.. names.Select(name => _image.Files.TryGetValue(name.Value, out var file)
                ? new DiskEntry(name.Key, IsDirectory: false, file.Length)
                : new DiskEntry(name.Key, IsDirectory: true, 0))];
        }
    }

    public void CreateDirectory(string directory)
    {
        Intercept?.Invoke(DiskCall.CreateDirectory, directory);
        lock (_lock)
        {
            Enter(DiskCall.CreateDirectory, directory);
            var (parent, path) = (SimulatedImage.Root, "");
            foreach (var name in SimulatedImage.Split(directory))
            {
                path += "/" + name;
                if (!_image.Directories[parent].TryGetValue(name, out var node))
                {
                    node = _image.NextNode++;
                    Log(new DiskStep(StepKind.MakeDirectory, path, node) { Names = [new NameChange(parent, name, node, Appears: true)] });
                }
                else if (!_image.Directories.ContainsKey(node))
                {
                    throw new DiskException(DiskFault.Exists, "mkdir", path, "a file is there");
                }
                parent = node;
            }
        }
    }

    public void Rename(string from, string to)
    {
        Intercept?.Invoke(DiskCall.Rename, from);
        lock (_lock)
        {
            Enter(DiskCall.Rename, from);
            var node = _image.Find(from);
            if (node == 0) throw Missing("rename", from);
            var (fromDirectory, toDirectory) = (Directory("rename", ParentOf(from)), Directory("rename", ParentOf(to)));
            if (_image.Directories.TryGetValue(_image.Find(to), out var names) && names.Count > 0) throw new DiskException(DiskFault.Exists, "rename", to, "directory not empty");
            Log(new DiskStep(StepKind.Names, from, node)
            {
                Names = [new NameChange(fromDirectory, NameOf(from), node, Appears: false), new NameChange(toDirectory, NameOf(to), node, Appears: true)],
            });
        }
    }

    public void Delete(string path)
    {
        Intercept?.Invoke(DiskCall.Delete, path);
        lock (_lock)
        {
            Enter(DiskCall.Delete, path);
            var node = _image.Find(path);
            if (node == 0) throw Missing("delete", path);
            if (_image.Directories.ContainsKey(node)) throw new DiskException(DiskFault.Device, "delete", path, "is a directory");
            Remove(path, node);
        }
    }

    public void DeleteDirectory(string directory)
    {
        Intercept?.Invoke(DiskCall.Delete, directory);
        lock (_lock)
        {
            Enter(DiskCall.Delete, directory);
            var node = _image.Find(directory);
            if (node == 0) throw Missing("delete", directory);
            RemoveTree(directory, node);
        }
    }

    public void SyncDirectory(string directory)
    {
        Intercept?.Invoke(DiskCall.SyncDirectory, directory);
        lock (_lock)
        {
            Enter(DiskCall.SyncDirectory, directory);
            Log(new DiskStep(StepKind.SyncDirectory, directory, Directory("sync", directory)));
        }
    }

    internal static string ParentOf(string path) => path[..Math.Max(path.LastIndexOfAny(['/', '\\']), 0)];

    private static string NameOf(string path) => path[(path.LastIndexOfAny(['/', '\\']) + 1)..];

    private static DiskException Missing(string operation, string path) => new(DiskFault.Missing, operation, path, "no such file or directory");

    private int Directory(string operation, string path) =>
        _image.Find(path) is var node && _image.Directories.ContainsKey(node) ? node : throw Missing(operation, path);

    private void RemoveTree(string path, int node)
    {
        if (_image.Directories.TryGetValue(node, out var names))
        {
            foreach (var (name, below) in names.ToArray()) RemoveTree($"{path}/{name}", below);
        }
        Remove(path, node);
    }

    private void Remove(string path, int node) => Log(new DiskStep(StepKind.Names, path, node)
    {
        Names = [new NameChange(_image.Find(ParentOf(path)), NameOf(path), node, Appears: false)],
    });
}
