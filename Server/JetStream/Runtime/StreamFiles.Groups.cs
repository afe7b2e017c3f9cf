using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Raft groups: <c>root/groups/NAME/state</c>.</summary>
internal sealed partial class StreamFiles
{
    private const string GroupStateName = "state";
    private const string DomainNoteName = "domain";

    private string GroupsDirectory => $"{root}/groups";

    private string DomainNote => $"{GroupsDirectory}/{DomainNoteName}";

    /// <summary>Names of the groups that have a state.</summary>
    public IEnumerable<string> ListGroups() =>
        disk.List(GroupsDirectory).Where(entry => entry.IsDirectory).Select(entry => Decode(entry.Name)).Where(name => disk.Exists(GroupStateOf(name))).ToList();

    /// <summary>Where a group's state is.</summary>
    public string GroupStateOf(string group) => $"{GroupsDirectory}/{Encode(group)}/{GroupStateName}";

    /// <summary>Reads a group's state; null: it has none.</summary>
    public byte[]? ReadGroup(string group) => disk.Exists(GroupStateOf(group)) ? ReadWhole(GroupStateOf(group)) : null;

    /// <summary>Writes a group's state, durable when it returns.</summary>
    public void WriteGroup(string group, byte[] state)
    {
        var directory = $"{GroupsDirectory}/{Encode(group)}";
        if (disk.List(directory).Count == 0)
        {
            disk.CreateDirectory(directory);
            disk.SyncDirectory(GroupsDirectory);
        }
        Replace(directory, GroupStateName, state);
    }

    /// <summary>
    /// Keeps a copy of a group's state that cannot be trusted. The state itself stays until another one takes its place: a
    /// crash in between must not leave a server that does not know that it was a member.
    /// </summary>
    /// <param name="group">Its name.</param>
    /// <param name="id">Tells it from what was kept before.</param>
    /// <returns>Where it is.</returns>
    public string KeepAside(string group, ulong id)
    {
        var aside = $"{root}/aside";
        var name = $"group-{Encode(group)}-{id}";
        disk.CreateDirectory(aside);
        disk.SyncDirectory(root);
        Replace(aside, name, ReadGroup(group) ?? []);
        return $"{aside}/{name}";
    }

    /// <summary>Removes a group for good.</summary>
    public void DeleteGroup(string group)
    {
        if (!disk.Exists(GroupStateOf(group))) return;
        // Without its state nobody finds it; what is left of the directory goes with the next group of the name.
        disk.Delete(GroupStateOf(group));
        disk.SyncDirectory($"{GroupsDirectory}/{Encode(group)}");
        disk.DeleteDirectory($"{GroupsDirectory}/{Encode(group)}");
    }

    /// <summary>What is known of the domain of the hub whose system account is shared; null: nothing.</summary>
    public byte[]? ReadDomainNote() => disk.Exists(DomainNote) ? ReadWhole(DomainNote) : null;

    /// <summary>Notes it; durable when it returns.</summary>
    public void WriteDomainNote(byte[] note) => Replace(GroupsDirectory, DomainNoteName, note);

    private byte[] ReadWhole(string path)
    {
        using var file = disk.Open(path, DiskOpen.Existing);
        var bytes = new byte[file.Length];
        var length = file.Read(0, bytes);
        return length == bytes.Length ? bytes : bytes[..length];
    }
}
