using System.Text;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Erased is overwritten; encrypted is not readable; keys can be changed.</summary>
public sealed class FileStoreSecrecyTests
{
    private const string Secret = "the-secret-payload-of-this-message";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [Upstream("filestore_test.go", "TestFileStoreEraseMsg")]
    public void An_erased_message_is_overwritten_with_the_next_checkpoint(int sealing)
    {
        var disk = new SimulatedDisk();
        using var store = FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small);
        Append(store, 20);
        Append(store, 1, Secret);
        Append(store, 20);
        if (sealing > 0) Checkpoint(store);
        if (sealing > 1) Append(store, 400);
        if (sealing > 0) Contains(disk, Secret).ShouldBeTrue();
        store.Remove(21, erase: true).ShouldBeTrue();
        var overwritten = false;
        disk.Intercept = (call, path) => overwritten |= call == DiskCall.Delete && !Contains(disk, path, Secret);
        Checkpoint(store);
        Contains(disk, Secret).ShouldBeFalse();
        if (sealing > 0) overwritten.ShouldBeTrue("the old file was deleted with the secret in it");
        store.State.Messages.ShouldBe(sealing > 1 ? 440UL : 40UL);
        store.TryLoad(20, new MessageBuffer()).ShouldBeTrue();
        store.TryLoad(21, new MessageBuffer()).ShouldBeFalse();
    }

    [Fact]
    public void Erasing_the_last_message_of_a_block_overwrites_the_block_too()
    {
        var disk = new SimulatedDisk();
        using var store = FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small);
        Append(store, 1, Secret);
        Checkpoint(store);
        store.Remove(1, erase: true).ShouldBeTrue();
        var deleted = 0;
        disk.Intercept = (call, path) =>
        {
            if (call != DiskCall.Delete) return;
            deleted++;
            Contains(disk, path, Secret).ShouldBeFalse();
        };
        Checkpoint(store);
        deleted.ShouldBe(1);
    }

    [Theory]
    [InlineData(StoreCipher.ChaCha20Poly1305)]
    [InlineData(StoreCipher.AesGcm)]
    public void Encrypted_files_hold_nothing_readable(StoreCipher cipher)
    {
        var disk = new SimulatedDisk();
        var options = FileMessageStoreTests.Small with { Key = new StoreKey(cipher, "a key"u8.ToArray()) };
        using (var store = FileMessageStore.Open(disk, FileStoreScript.Directory, options))
        {
            Append(store, 100, Secret);
            Checkpoint(store);
        }
        Contains(disk, Secret).ShouldBeFalse();
        Contains(disk, "orders").ShouldBeFalse();
        using var again = FileMessageStore.Open(disk, FileStoreScript.Directory, options);
        var buffer = new MessageBuffer();
        again.TryLoad(57, buffer).ShouldBeTrue();
        Encoding.UTF8.GetString(buffer.Payload).ShouldBe(Secret);
    }

    [Theory]
    [InlineData(StoreCipher.None, StoreCipher.ChaCha20Poly1305)]
    [InlineData(StoreCipher.ChaCha20Poly1305, StoreCipher.ChaCha20Poly1305)]
    [InlineData(StoreCipher.ChaCha20Poly1305, StoreCipher.AesGcm)]
    [InlineData(StoreCipher.AesGcm, StoreCipher.None)]
    public void Checkpoints_write_everything_under_the_new_key(StoreCipher before, StoreCipher after)
    {
        var disk = new SimulatedDisk();
        var old = before == StoreCipher.None ? null : new StoreKey(before, "old"u8.ToArray());
        var now = after == StoreCipher.None ? null : new StoreKey(after, "new"u8.ToArray());
        using (var store = FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small with { Key = old }))
        {
            Append(store, 900, Secret);
            Checkpoint(store);
        }
        using (var store = FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small with { Key = now, OldKeys = old is null ? [] : [old] }))
        {
            for (var i = 0; i < 3; i++) Checkpoint(store);
        }
        Contains(disk, Secret).ShouldBe(now is null);
        using var rotated = FileMessageStore.Open(disk, FileStoreScript.Directory, FileMessageStoreTests.Small with { Key = now });
        var buffer = new MessageBuffer();
        for (ulong sequence = 1; sequence <= 900; sequence++) rotated.TryLoad(sequence, buffer).ShouldBeTrue();
        rotated.State.Messages.ShouldBe(900UL);
    }

    private static void Append(FileMessageStore store, int count, string payload = "0123456789")
    {
        for (var i = 0; i < count; i++)
        {
            store.Append(new StoredMessage { Sequence = store.State.LastSequence + 1, Timestamp = i, Subject = "orders.new"u8, Payload = Encoding.UTF8.GetBytes(payload) });
        }
    }

    private static void Checkpoint(FileMessageStore store)
    {
        var checkpoint = store.BeginCheckpoint(store.AppliedIndex + 1);
        checkpoint.Run();
        checkpoint.Complete();
    }

    private static bool Contains(SimulatedDisk disk, string text) => disk.Files.Any(path => Contains(disk, path, text));

    private static bool Contains(SimulatedDisk disk, string path, string text) => disk.Content(path).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
}
