namespace NatsAspire.Tests.Support;

/// <summary>Chooses versions of what a crash may leave: all combinations when they are few, else extremes and samples.</summary>
internal sealed class CrashChoices(List<CrashDimension> dimensions, Random random, int limit)
{
    private readonly HashSet<string> _seen = [];

    public IEnumerable<IReadOnlyList<CrashDimension>> All() => Combinations() <= limit ? Everything() : Samples();

    private long Combinations()
    {
        var product = 1L;
        foreach (var one in dimensions)
        {
            product *= one.Newest - one.Oldest + 1;
            if (product > limit) break;
        }
        return product;
    }

    private IEnumerable<IReadOnlyList<CrashDimension>> Everything()
    {
        foreach (var one in dimensions) one.Chosen = one.Oldest;
        while (true)
        {
            yield return dimensions;
            var at = 0;
            while (at < dimensions.Count && dimensions[at].Chosen == dimensions[at].Newest) dimensions[at].Chosen = dimensions[at++].Oldest;
            if (at == dimensions.Count) yield break;
            dimensions[at].Chosen++;
        }
    }

    private IEnumerable<IReadOnlyList<CrashDimension>> Samples()
    {
        foreach (var prepare in Extremes().Take(limit * 3 / 4))
        {
            prepare();
            if (IsNew()) yield return dimensions;
        }
        for (var attempts = 4 * limit; attempts > 0 && _seen.Count < limit; attempts--)
        {
            var likely = random.Next(3) switch { 0 => 0.5, 1 => 0.9, _ => 0.1 };
            foreach (var one in dimensions) one.Chosen = random.NextDouble() < likely ? one.Newest : random.Next(one.Oldest, one.Newest + 1);
            if (IsNew()) yield return dimensions;
        }
    }

    /// <summary>All old, all new, the last write torn after each sector, and one alone old or new, in random order.</summary>
    private IEnumerable<Action> Extremes()
    {
        yield return () => Set(newest: false);
        yield return () => Set(newest: true);
        var torn = dimensions.Where(one => one.OfLastWrite).ToArray();
        foreach (var count in Enumerable.Range(0, torn.Length).OrderBy(_ => random.Next()).Take(limit / 4))
        {
            yield return () =>
            {
                Set(newest: true);
                foreach (var one in torn.Skip(count)) one.Chosen = one.Newest == one.Oldest ? one.Oldest : one.Newest - 1;
            };
        }
        foreach (var one in dimensions.OrderBy(_ => random.Next()).ToArray())
        {
            yield return () =>
            {
                Set(newest: true);
                one.Chosen = one.Oldest;
            };
            yield return () =>
            {
                Set(newest: false);
                one.Chosen = one.Newest;
            };
        }
    }

    private void Set(bool newest)
    {
        foreach (var one in dimensions) one.Chosen = newest ? one.Newest : one.Oldest;
    }

    private bool IsNew() => _seen.Add(string.Create(dimensions.Count, dimensions, (text, all) =>
    {
        for (var i = 0; i < text.Length; i++) text[i] = (char)all[i].Chosen;
    }));
}
