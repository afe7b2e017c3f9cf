using System.Text;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Subjects.TestSubscriber;

namespace NatsAspire.Tests.Unit.Subjects;

/// <summary>Random operations against the simplest thing that is right: a list and a match of each entry.</summary>
public sealed class SubscriptionTrieModelTests
{
    private static readonly string[] Tokens = ["a", "b", "c", "*", ">"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EqualsTheModel(int seed)
    {
        var random = new Random(seed);
        var trie = new SubscriptionTrie();
        var cache = new MatchCache();
        var model = new List<Subscription>();
        var kept = new List<MatchResult>();
        for (var step = 0; step < 20_000; step++)
        {
            if (random.Next(3) == 0) Change(random, trie, model);
            var subject = Encoding.UTF8.GetBytes(Subject(random, literal: true));
            var expected = model.Where(s => SubjectRules.Matches(subject, s.Subject)).ToHashSet();
            var result = random.Next(2) == 0 ? trie.Match(subject) : cache.Lookup(subject, trie).Result;
            All(result).ShouldBe(expected, ignoreOrder: true, $"seed {seed}, step {step}, '{Encoding.UTF8.GetString(subject)}'");
            kept.Add(result);
        }
        foreach (var result in kept.Where(result => !result.IsStale))
        {
            All(result).ShouldBe(model.Where(s => SubjectRules.Matches(result.Subject, s.Subject)), ignoreOrder: true, $"seed {seed}: an answer not stale");
        }
        foreach (var subscription in model.ToArray()) trie.Remove(subscription).ShouldBeTrue();
        trie.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("sublist_test.go", "TestSublistRaceOnRemove")]
    [Upstream("sublist_test.go", "TestSublistRaceOnRemoveNoCache")]
    [Upstream("sublist_test.go", "TestSublistRaceOnInsertNoCache")]
    [Upstream("sublist_test.go", "TestSublistRaceOnInsert")]
    [Upstream("sublist_test.go", "TestSublistRaceOnMatch")]
    public void MatchersAndChangersDoNotDisturbEachOther(bool cached)
    {
        var trie = new SubscriptionTrie(cached);
        var stays = Subscription("a.b");
        trie.Insert(stays);
        Parallel.For(0, 4, worker =>
        {
            var random = new Random(worker);
            var own = new List<Subscription>();
            for (var i = 0; i < 20_000; i++)
            {
                if (worker % 2 == 0) Change(random, trie, own);
                else trie.Match("a.b"u8).Plain.ShouldContain(stays);
            }
            foreach (var subscription in own) trie.Remove(subscription);
        });
        trie.ToList().ShouldBe([stays]);
        trie.Match("a.b"u8).Plain.ShouldBe([stays]);
    }

    [Fact]
    public void KeptAnswersAllocateNothing()
    {
        var trie = new SubscriptionTrie();
        var cache = new MatchCache();
        trie.Insert(Subscription("a.*"));
        var subject = "a.b"u8.ToArray();
        cache.Lookup(subject, trie);
        trie.Match(subject);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            trie.Match(subject);
            cache.Lookup(subject, trie);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static void Change(Random random, SubscriptionTrie trie, List<Subscription> model)
    {
        if (model.Count > 0 && random.Next(2) == 0)
        {
            var gone = random.Next(model.Count);
            trie.Remove(model[gone]).ShouldBeTrue();
            model.RemoveAt(gone);
            return;
        }
        var added = Subscription(Subject(random, literal: false), random.Next(3) == 0 ? "q" + random.Next(2) : null);
        trie.Insert(added).ShouldBeTrue();
        model.Add(added);
    }

    private static string Subject(Random random, bool literal)
    {
        var tokens = new List<string>();
        for (var length = random.Next(1, 5); tokens.Count < length;)
        {
            var token = Tokens[random.Next(literal ? 3 : 5)];
            if (token == ">" && tokens.Count < length - 1) continue;
            tokens.Add(token);
        }
        return string.Join('.', tokens);
    }

    private static IEnumerable<Subscription> All(MatchResult result) => result.Plain.Concat(result.Queues.SelectMany(group => group.Local));
}
