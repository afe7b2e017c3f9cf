using System.Text;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Unit.Subjects;

public sealed class SubjectTreeTests
{
    [Fact]
    public void Finds_what_was_added_and_nothing_else()
    {
        var tree = new SubjectTree<long>();
        foreach (var subject in new[] { "foo.bar", "foo", "foo.baz", "f", "foo.bar.baz", "x", "foo.b" }) Add(tree, subject);
        tree.Count.ShouldBe(7);
        Get(tree, "foo.bar").ShouldBe("foo.bar".Length);
        Get(tree, "f").ShouldBe(1);
        foreach (var absent in new[] { "", "fo", "foo.", "foo.ba", "foo.barr", "xx", "foo.bar.baz.q" }) Get(tree, absent).ShouldBe(-1);
    }

    [Theory]
    [InlineData("foo.*", "foo.bar foo.baz")]
    [InlineData("foo.>", "foo.bar foo.bar.x foo.baz")]
    [InlineData("*", "bar foo")]
    [InlineData(">", "bar foo foo.bar foo.bar.x foo.baz q.*.r q.star.r")]
    [InlineData("*.*.x", "foo.bar.x")]
    [InlineData("foo.bar", "foo.bar")]
    [InlineData("foo.ba", "")]
    [InlineData("q.*.r", "q.*.r q.star.r")]
    [InlineData("*.>", "foo.bar foo.bar.x foo.baz q.*.r q.star.r")]
    public void Patterns_find_by_token(string pattern, string expected)
    {
        var tree = new SubjectTree<long>();
        foreach (var subject in new[] { "foo", "bar", "foo.bar", "foo.baz", "foo.bar.x", "q.*.r", "q.star.r" }) Add(tree, subject);
        string.Join(' ', Walk(tree, pattern)).ShouldBe(expected);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 40)]
    public void Is_what_a_dictionary_would_be(int seed, int letters)
    {
        var random = new Random(seed);
        var tree = new SubjectTree<long>();
        var model = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var copies = new List<(SubjectTree<long> Tree, SortedDictionary<string, long> Model)>();
        for (var i = 0; i < 20_000; i++)
        {
            if (i % 4_000 == 2_000) copies.Add((tree.Clone(), new SortedDictionary<string, long>(model, StringComparer.Ordinal)));
            var subject = Subject(random, letters);
            if (random.Next(i / 5_000 % 2 == 0 ? 3 : 2) != 0)
            {
                tree.Edit(tree.FindOrAdd(Encoding.UTF8.GetBytes(subject), out var added)) = i;
                added.ShouldBe(!model.ContainsKey(subject));
                model[subject] = i;
            }
            else
            {
                tree.Remove(Encoding.UTF8.GetBytes(subject)).ShouldBe(model.Remove(subject));
            }
            if (i % 500 == 0) Compare(tree, model, Subject(random, letters), random);
        }
        var copy = tree.Clone();
        foreach (var subject in model.Keys.ToList()) tree.Remove(Encoding.UTF8.GetBytes(subject)).ShouldBeTrue();
        tree.Count.ShouldBe(0);
        Walk(tree, ">").ShouldBeEmpty();
        Compare(copy, model, "a", random);
        // Copies share memory with the tree they were made of: neither sees what the other has changed since.
        foreach (var (former, then) in copies) Compare(former, then, "a", random);
        Add(copies[0].Tree, "only.here");
        copies[0].Tree.Edit(copies[0].Tree.Find("only.here"u8)) = 7;
        foreach (var (former, then) in copies.Skip(1)) Compare(former, then, "a", random);
    }

    [Fact]
    public void Ids_hold_until_their_subject_goes()
    {
        var tree = new SubjectTree<long>();
        var id = tree.FindOrAdd("orders.eu.1"u8, out _);
        for (var i = 0; i < 1_000; i++) Add(tree, $"orders.{i}.{i % 7}");
        for (var i = 0; i < 1_000; i += 2) tree.Remove(Encoding.UTF8.GetBytes($"orders.{i}.{i % 7}")).ShouldBeTrue();
        tree.Find("orders.eu.1"u8).ShouldBe(id);
    }

    [Fact]
    public void A_change_during_a_walk_is_noticed()
    {
        var tree = new SubjectTree<long>();
        Add(tree, "a");
        Add(tree, "b");
        var walk = tree.Walk("*"u8);
        walk.MoveNext().ShouldBeTrue();
        Add(tree, "c");
        Should.Throw<InvalidOperationException>(() => walk.MoveNext());
    }

    [Fact]
    public void Deep_subjects_are_no_danger_to_the_stack()
    {
        var tree = new SubjectTree<long>();
        var deep = new byte[20_000];
        deep.AsSpan().Fill((byte)'a');
        for (var length = 1; length <= deep.Length; length += 3) tree.FindOrAdd(deep.AsSpan(0, length), out _);
        Walk(tree, ">").Count().ShouldBe(tree.Count);
        Should.Throw<ArgumentException>(() => tree.FindOrAdd(new byte[SubjectTree<long>.MaxSubject + 1], out _));
    }

    [Theory]
    [InlineData("sensors.{0}.temperature")]
    [InlineData("$KV.bucket.{0}")]
    [InlineData("orders.{0:x8}.created")]
    public void A_million_subjects_take_less_than_100_MiB(string format)
    {
        var tree = new SubjectTree<Totals>();
        for (var i = 0; i < 1_000_000; i++) tree.FindOrAdd(Encoding.UTF8.GetBytes(string.Format(format, (i * 7919L) % 1_000_003)), out _);
        tree.Count.ShouldBe(1_000_000);
        tree.Reserved.ShouldBeLessThan(100L << 20);
        TestContext.Current.TestOutputHelper?.WriteLine($"{format}: {tree.Reserved / 1e6:N1} MB");
    }

    private static void Compare(SubjectTree<long> tree, SortedDictionary<string, long> model, string sample, Random random)
    {
        tree.Count.ShouldBe(model.Count);
        foreach (var (subject, value) in model) Get(tree, subject).ShouldBe(value);
        var tokens = sample.Split('.');
        for (var i = 0; i < tokens.Length; i++)
        {
            if (random.Next(2) == 0) tokens[i] = i == tokens.Length - 1 && random.Next(2) == 0 ? ">" : "*";
        }
        foreach (var pattern in new[] { ">", "*", "*.*", sample, string.Join('.', tokens) })
        {
            var expected = model.Keys.Where(subject => SubjectRules.Matches(Encoding.UTF8.GetBytes(subject), Encoding.UTF8.GetBytes(pattern)));
            Walk(tree, pattern).ShouldBe(expected, pattern);
        }
    }

    private static string Subject(Random random, int letters)
    {
        var text = new StringBuilder();
        for (var tokens = random.Next(1, 5); tokens > 0; tokens--)
        {
            for (var length = random.Next(1, 4); length > 0; length--) text.Append((char)('0' + random.Next(letters)));
            if (tokens > 1) text.Append('.');
        }
        return text.ToString();
    }

    private static void Add(SubjectTree<long> tree, string subject) => tree.Edit(tree.FindOrAdd(Encoding.UTF8.GetBytes(subject), out _)) = subject.Length;

    private static long Get(SubjectTree<long> tree, string subject) => tree.Find(Encoding.UTF8.GetBytes(subject)) is var id && id >= 0 ? tree[id] : -1;

    private static List<string> Walk(SubjectTree<long> tree, string pattern)
    {
        var found = new List<string>();
        var walk = tree.Walk(Encoding.UTF8.GetBytes(pattern));
        while (walk.MoveNext()) found.Add(Encoding.UTF8.GetString(walk.Subject));
        return found;
    }

    private record struct Totals(ulong Messages, ulong First, ulong Last);
}
