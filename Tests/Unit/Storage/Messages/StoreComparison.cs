using System.Text;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>Asks a store and the model the same questions.</summary>
internal static class StoreComparison
{
    /// <summary>Counts, ends, subjects and every message.</summary>
    public static void Whole(IMessageStore store, StoreModel model)
    {
        State(store, model);
        Messages(store, model);
        Subjects(store, model, SubjectFilter.All);
        store.Deleted().Aggregate(0UL, (sum, range) => sum + range.Last - range.First + 1).ShouldBe(store.State.Deleted);
        store.Deleted().ShouldAllBe(range => !model.Sequences.Any(one => one >= range.First && one <= range.Last));
    }

    /// <summary>Every message there is, and none where there is none.</summary>
    public static void Messages(IMessageStore store, StoreModel model)
    {
        var buffer = new MessageBuffer();
        var next = Math.Max(1, model.First) - 1;
        foreach (var entry in model.Entries)
        {
            for (; next < entry.Sequence; next++)
            {
                if (store.TryLoad(next, buffer)) throw new ShouldAssertException($"Message {next} is there.");
            }
            if (!store.TryLoad(entry.Sequence, buffer)) throw new ShouldAssertException($"Message {entry.Sequence} is not there.");
            Same(buffer, entry);
            next++;
        }
        if (store.TryLoad(model.Last + 1, buffer)) throw new ShouldAssertException("A message is there behind the last one.");
    }

    public static void State(IMessageStore store, StoreModel model)
    {
        var state = store.State;
        (state.FirstSequence, state.LastSequence, state.Messages).ShouldBe((model.First, model.Last, (ulong)model.Sequences.Count));
        if (model.Sequences.Count > 0) state.LastTimestamp.ShouldBe(model.LastTimestamp);
        state.FirstTimestamp.ShouldBe(model.Entries.FirstOrDefault()?.Timestamp ?? 0);
        state.Subjects.ShouldBe(model.Entries.Select(entry => entry.Subject).Distinct().Count());
        state.Bytes.ShouldBe(store is MemoryMessageStore ? model.Bytes(16, 0) : model.Bytes(30, 4));
    }

    /// <summary>One question of each kind, at random.</summary>
    public static void Sample(IMessageStore store, StoreModel model, Random random, int subjects)
    {
        var filter = StoreOperation.AnyFilter(random, subjects);
        var sequence = model.First - Math.Min(model.First, 2) + (ulong)random.NextInt64((long)(model.Last + 5 - Math.Min(model.First, model.Last)));
        var matching = model.Matching(filter).ToList();
        var from = matching.Where(entry => entry.Sequence >= sequence).ToList();
        var upTo = matching.Where(entry => entry.Sequence <= sequence).ToList();
        var buffer = new MessageBuffer();
        Loaded(store.TryLoadNext(filter, sequence, buffer), buffer, from.FirstOrDefault());
        Loaded(store.TryLoadPrevious(filter, sequence, buffer), buffer, upTo.LastOrDefault());
        var subject = StoreOperation.Subject(random, subjects);
        Loaded(store.TryLoadLast(Encoding.UTF8.GetBytes(subject), sequence, buffer), buffer,
            model.Entries.LastOrDefault(entry => entry.Subject == subject && entry.Sequence <= sequence));
        store.CountPending(filter, sequence, false).ShouldBe((ulong)from.Count);
        var lasts = matching.GroupBy(entry => entry.Subject).Select(group => group.Last().Sequence).ToList();
        store.CountPending(filter, sequence, true).ShouldBe((ulong)lasts.Count(last => last >= sequence));
        store.Filtered(filter, sequence).ShouldBe(from.Count == 0 ? default : new FilteredState((ulong)from.Count, from[0].Sequence, from[^1].Sequence));
        Subjects(store, model, filter);
        var atMost = sequence == 0 ? ulong.MaxValue : sequence;
        var multi = matching.Where(entry => entry.Sequence <= atMost).GroupBy(entry => entry.Subject).Select(group => group.Last().Sequence).Order().ToList();
        store.LastSequences(filter, sequence, multi.Count).ShouldBe(multi);
        if (multi.Count > 0) store.LastSequences(filter, sequence, multi.Count - 1).ShouldBeNull();
        var time = model.LastTimestamp - random.Next(200);
        store.SequenceAt(time).ShouldBe(model.Entries.FirstOrDefault(entry => entry.Timestamp >= time)?.Sequence ?? model.Last + 1);
    }

    private static void Subjects(IMessageStore store, StoreModel model, SubjectFilter filter)
    {
        var expected = model.Matching(filter).GroupBy(entry => entry.Subject)
            .Select(group => (group.Key, (ulong)group.Count(), group.First().Sequence, group.Last().Sequence)).OrderBy(one => one.Key, StringComparer.Ordinal);
        store.Subjects(filter).Select(entry => (Encoding.UTF8.GetString(entry.Subject), entry.Messages, entry.FirstSequence, entry.LastSequence))
            .OrderBy(one => one.Item1, StringComparer.Ordinal).ShouldBe(expected);
    }

    private static void Loaded(bool found, MessageBuffer buffer, StoreModel.Entry? expected)
    {
        (found ? buffer.Sequence : 0).ShouldBe(expected?.Sequence ?? 0);
        if (expected is not null) Same(buffer, expected);
    }

    private static void Same(MessageBuffer buffer, StoreModel.Entry entry)
    {
        if (buffer.Timestamp != entry.Timestamp) throw new ShouldAssertException($"Time of {entry.Sequence} differs.");
        if (!buffer.Subject.SequenceEqual(entry.SubjectBytes)) throw new ShouldAssertException($"Subject of {entry.Sequence} differs.");
        if (!buffer.Headers.SequenceEqual(entry.Headers)) throw new ShouldAssertException($"Headers of {entry.Sequence} differ.");
        if (!buffer.Payload.SequenceEqual(entry.Payload)) throw new ShouldAssertException($"Payload of {entry.Sequence} differs.");
    }
}
