using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.Storage.Messages;

/// <summary>A change of a store, as a log would hold it.</summary>
internal abstract record StoreOperation
{
    public abstract void Apply(IMessageStore store);

    public abstract void Apply(StoreModel model);

    /// <summary>A random operation that fits what a model holds now.</summary>
    public static StoreOperation Random(Random random, StoreModel model, int subjects, int maxPayload)
    {
        ulong Any(ulong beyond = 3) => (ulong)random.NextInt64((long)model.Last + (long)beyond + 1);
        return random.Next(1_000) switch
        {
            < 700 => Append.Any(random, model, subjects, maxPayload),
            < 710 => new Skip((ulong)random.Next(1, random.Next(10) == 0 ? 5_000 : 5), model.LastTimestamp + random.Next(3)),
            < 930 => new Remove(random.Next(3) == 0 ? model.First : Any(), random.Next(8) == 0),
            < 955 => new Purge(AnyFilter(random, subjects, narrow: true), random.Next(2) == 0 ? 0 : Any(), (ulong)random.Next(random.Next(3) == 0 ? 10 : 1)),
            < 957 => new Purge(SubjectFilter.All, 0, (ulong)random.Next(4) * 50),
            < 975 => new Compact(model.First + (ulong)random.Next(10)),
            < 997 => new Truncate(model.Last - Math.Min(model.Last, (ulong)random.Next(random.Next(5) == 0 ? 60 : 6))),
            < 998 => new Truncate(Any()),
            < 999 => new Compact(Any()),
            _ => new Compact(Any(20)),
        };
    }

    public static string Subject(Random random, int subjects)
    {
        var number = random.Next(subjects);
        return $"s{number % 3}.k{number}" + (number % 5 == 0 ? ".deep" : "");
    }

    public static SubjectFilter AnyFilter(Random random, int subjects, bool narrow = false) => random.Next(narrow ? 3 : 0, 7) switch
    {
        0 => SubjectFilter.All,
        1 => SubjectFilter.Of($"s{random.Next(4)}.*"),
        2 => SubjectFilter.Of($"s{random.Next(3)}.>"),
        3 when !narrow => SubjectFilter.Of($"s{random.Next(3)}.>", Subject(random, subjects), "*.*.deep"),
        4 => SubjectFilter.Of("*." + Subject(random, subjects).Split('.')[1]),
        5 => SubjectFilter.Of(Subject(random, subjects), "s0." + Subject(random, subjects).Split('.')[1], "s1.k1.>"),
        _ => SubjectFilter.Of(Subject(random, subjects)),
    };

    public sealed record Append(StoreModel.Entry Entry) : StoreOperation
    {
        public static Append Any(Random random, StoreModel model, int subjects, int maxPayload)
        {
            var payload = new byte[random.Next(20) == 0 ? random.Next(maxPayload) : random.Next(40)];
            if (random.Next(2) == 0) random.NextBytes(payload);
            var headers = random.Next(4) == 0 ? "NATS/1.0\r\nA: b\r\n\r\n"u8.ToArray() : [];
            return new Append(new StoreModel.Entry(model.Last + 1, model.LastTimestamp + random.Next(4), Subject(random, subjects), headers, payload));
        }

        public override void Apply(IMessageStore store) => store.Append(Entry.Message());

        public override void Apply(StoreModel model) => model.Append(Entry);
    }

    public sealed record Skip(ulong Count, long Timestamp) : StoreOperation
    {
        public override void Apply(IMessageStore store) => store.Skip(Count, Timestamp);

        public override void Apply(StoreModel model) => model.Skip(Count, Timestamp);
    }

    public sealed record Remove(ulong Sequence, bool Erase) : StoreOperation
    {
        public override void Apply(IMessageStore store) => store.Remove(Sequence, Erase);

        public override void Apply(StoreModel model) => model.Remove(Sequence);
    }

    public sealed record Purge(SubjectFilter Filter, ulong Below, ulong Keep) : StoreOperation
    {
        public override void Apply(IMessageStore store) => store.Purge(Filter, Below, Keep);

        public override void Apply(StoreModel model) => model.Purge(Filter, Below, Keep);
    }

    public sealed record Compact(ulong First) : StoreOperation
    {
        public override void Apply(IMessageStore store) => store.Compact(First);

        public override void Apply(StoreModel model) => model.Compact(First);
    }

    public sealed record Truncate(ulong Last) : StoreOperation
    {
        public override void Apply(IMessageStore store) => store.Truncate(Last);

        public override void Apply(StoreModel model) => model.Truncate(Last);
    }
}
