using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

public sealed class MemoryMessageStoreTests
{
    [Theory]
    [InlineData(1, 3, 1_000)]
    [InlineData(2, 60, 20_000)]
    [InlineData(3, 400, 3_000)]
    [InlineData(4, 2_000, 90_000)]
    [InlineData(5, 30, 5_000)]
    public void Answers_as_the_model_does(int seed, int subjects, int maxPayload)
    {
        var random = new Random(seed);
        var model = new StoreModel();
        using var store = new MemoryMessageStore();
        for (var i = 0; i < 6_000; i++)
        {
            var operation = StoreOperation.Random(random, model, subjects, maxPayload);
            operation.Apply(store);
            operation.Apply(model);
            if (i % 7 == 0) StoreComparison.Sample(store, model, random, subjects);
            if (i % 1_000 == 0) StoreComparison.Whole(store, model);
        }
        StoreComparison.Whole(store, model);
    }

    [Fact]
    public void A_small_message_is_appended_without_allocating()
    {
        using var store = new MemoryMessageStore();
        Append(store, 2_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Append(store, 100);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Memory_of_removed_messages_comes_back()
    {
        using var store = new MemoryMessageStore();
        Append(store, 100_000);
        var full = store.Reserved;
        for (ulong sequence = 2; sequence <= 100_000; sequence++)
        {
            if (sequence % 20 != 0) store.Remove(sequence, erase: false);
        }
        store.State.Messages.ShouldBe(5_001UL);
        store.Reserved.ShouldBeLessThan(full / 4);
    }

    private static void Append(MemoryMessageStore store, int count)
    {
        for (var i = 0; i < count; i++)
        {
            store.Append(new StoredMessage { Sequence = store.State.LastSequence + 1, Timestamp = i, Subject = "orders.new"u8, Payload = "0123456789"u8 });
        }
    }
}
