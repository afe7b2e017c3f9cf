using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

public sealed class SequenceSetTests
{
    [Theory]
    [InlineData(1, 10_000, 100)]
    [InlineData(2, 10_000, 6_000)]
    [InlineData(3, 300, 20)]
    [InlineData(4, 40_000, 9_000)]
    public void Is_what_a_sorted_set_would_be(int seed, int range, int longest)
    {
        var random = new Random(seed);
        var set = new SequenceSet();
        var model = new SortedSet<ulong>();
        for (var i = 0; i < 1_500; i++)
        {
            var from = (ulong)random.Next(1, range);
            var to = from + (ulong)random.Next(longest);
            switch (random.Next(12))
            {
                case 0:
                    set.RemoveBelow(from / 8);
                    model.RemoveWhere(one => one < from / 8);
                    break;
                case 1:
                    set.RemoveAbove((ulong)range - from / 8);
                    model.RemoveWhere(one => one > (ulong)range - from / 8);
                    break;
                case < 5:
                    set.AddRange(from, to);
                    for (var one = from; one <= to; one++) model.Add(one);
                    break;
                default:
                    set.Add(from).ShouldBe(model.Add(from));
                    break;
            }
            Compare(set, model, from, to);
            if (i % 300 == 299) (set, model) = (new SequenceSet(), []);
        }
    }

    [Fact]
    public void A_copy_knows_nothing_of_later_changes()
    {
        var set = new SequenceSet();
        set.AddRange(10, 5_000);
        var copy = set.Clone();
        set.Add(7_000);
        set.RemoveBelow(4_000);
        copy.Ranges().ShouldBe([new SequenceRange(10, 5_000)]);
        set.Ranges().ShouldBe([new SequenceRange(4_000, 5_000), new SequenceRange(7_000, 7_000)]);
    }

    [Fact]
    public void Ranges_of_any_size_cost_nothing()
    {
        var set = new SequenceSet();
        set.AddRange(5, 1UL << 60);
        set.Count.ShouldBe((1UL << 60) - 4);
        set.NextAbsent(77).ShouldBe((1UL << 60) + 1);
        set.PreviousAbsent(1UL << 59).ShouldBe(4UL);
        set.CountIn(1, 100).ShouldBe(96UL);
        set.RemoveBelow(1UL << 40);
        set.RemoveAbove((1UL << 40) + 1);
        set.Ranges().ShouldBe([new SequenceRange(1UL << 40, (1UL << 40) + 1)]);
    }

    private static void Compare(SequenceSet set, SortedSet<ulong> model, ulong from, ulong to)
    {
        set.Count.ShouldBe((ulong)model.Count);
        set.Contains(from).ShouldBe(model.Contains(from));
        var next = from;
        while (model.Contains(next)) next++;
        set.NextAbsent(from).ShouldBe(next);
        var previous = to;
        while (model.Contains(previous)) previous--;
        set.PreviousAbsent(to).ShouldBe(previous);
        set.CountIn(from, to).ShouldBe((ulong)model.GetViewBetween(from, to).Count);
        set.Ranges().ShouldBe(Ranges(model));
    }

    private static List<SequenceRange> Ranges(SortedSet<ulong> model)
    {
        var ranges = new List<SequenceRange>();
        foreach (var one in model)
        {
            if (ranges.Count > 0 && ranges[^1].Last + 1 == one) ranges[^1] = ranges[^1] with { Last = one };
            else ranges.Add(new SequenceRange(one, one));
        }
        return ranges;
    }
}
