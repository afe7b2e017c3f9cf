using System.Text;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Subjects.TestSubscriber;

namespace NatsAspire.Tests.Unit.Subjects;

/// <summary>With the cache; <see cref="SubscriptionTrieWithoutCacheTests"/> runs the same without.</summary>
public class SubscriptionTrieTests
{
    [Fact]
    [Upstream("sublist_test.go", "TestSublistInit")]
    [Upstream("sublist_test.go", "TestSublistInsertCount")]
    [Upstream("sublist_test.go", "TestSublistRemove")]
    [Upstream("sublist_test.go", "TestSublistInsertCountNoCache")]
    [Upstream("sublist_test.go", "TestSublistRemoveNoCache")]
    public void CountsWhatItHolds()
    {
        var trie = Create();
        trie.Count.ShouldBe(0);
        var subscriptions = new[] { Subscription("foo"), Subscription("bar"), Subscription("foo.bar") };
        foreach (var subscription in subscriptions) trie.Insert(subscription).ShouldBeTrue();
        trie.Count.ShouldBe(3);
        trie.Remove(subscriptions[1]).ShouldBeTrue();
        trie.Remove(subscriptions[1]).ShouldBeFalse();
        trie.Count.ShouldBe(2);
        Matches(trie, "bar").ShouldBe(0);
        Matches(trie, "foo").ShouldBe(1);
    }

    [Theory]
    [InlineData("foo", "foo", true)]
    [InlineData("foo.bar.baz", "foo.bar.baz", true)]
    [InlineData("a.*.c", "a.b.c", true)]
    [InlineData("a.*.c", "a.b.d", false)]
    [InlineData("a.b.*", "a.b.c", true)]
    [InlineData("a.>", "a.b.c", true)]
    [InlineData("a.>", "a", false)]
    [InlineData(">", "a.b", true)]
    [InlineData("foo", "foo.bar", false)]
    [InlineData("foo.bar", "foo", false)]
    [InlineData("foo.*-", "foo.*-", true)]
    [InlineData("foo.>>", "foo.>>", true)]
    [InlineData("foo.>>", "foo.x", false)]
    [Upstream("sublist_test.go", "TestSublistSimple")]
    [Upstream("sublist_test.go", "TestSublistSimpleMultiTokens")]
    [Upstream("sublist_test.go", "TestSublistPartialWildcard")]
    [Upstream("sublist_test.go", "TestSublistPartialWildcardAtEnd")]
    [Upstream("sublist_test.go", "TestSublistFullWildcard")]
    [Upstream("sublist_test.go", "TestSublistTwoTokenPubMatchSingleTokenSub")]
    [Upstream("sublist_test.go", "TestSublistInsertWithWildcardsAsLiterals")]
    [Upstream("sublist_test.go", "TestSublistSimpleNoCache")]
    [Upstream("sublist_test.go", "TestSublistSimpleMultiTokensNoCache")]
    [Upstream("sublist_test.go", "TestSublistPartialWildcardNoCache")]
    [Upstream("sublist_test.go", "TestSublistPartialWildcardAtEndNoCache")]
    [Upstream("sublist_test.go", "TestSublistFullWildcardNoCache")]
    [Upstream("sublist_test.go", "TestSublistTwoTokenPubMatchSingleTokenSubNoCache")]
    [Upstream("sublist_test.go", "TestSublistInsertWithWildcardsAsLiteralsNoCache")]
    [Upstream("sublist_test.go", "TestSublistHasInterest")]
    [Upstream("sublist_test.go", "TestSublistHasInterestOverlapping")]
    public void Matches_ByTokens(string filter, string subject, bool expected)
    {
        foreach (var cached in new[] { true, false })
        {
            var trie = new SubscriptionTrie(cached);
            trie.Insert(Subscription(filter)).ShouldBeTrue();
            (Matches(trie, subject) == 1).ShouldBe(expected);
            trie.HasInterest(Encoding.UTF8.GetBytes(subject)).ShouldBe(expected);
        }
    }

    [Theory]
    [InlineData(".foo")]
    [InlineData("foo.")]
    [InlineData("foo..bar")]
    [InlineData("foo.>.bar")]
    [InlineData("")]
    [InlineData("foo bar")]
    [Upstream("sublist_test.go", "TestSublistInvalidSubjectsInsert")]
    [Upstream("sublist_test.go", "TestSublistInvalidSubjectsInsertNoCache")]
    [Upstream("sublist_test.go", "TestSublistBadSubjectOnRemove")]
    [Upstream("sublist_test.go", "TestSublistBadSubjectOnRemoveNoCache")]
    public void RefusesMalformedSubjects(string subject)
    {
        var trie = Create();
        trie.Insert(Subscription(subject)).ShouldBeFalse();
        trie.Remove(Subscription(subject)).ShouldBeFalse();
        trie.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData(".foo")]
    [InlineData("..foo")]
    [InlineData("foo..")]
    [InlineData("foo.")]
    [InlineData("foo..bar")]
    [InlineData("foo...bar")]
    [Upstream("sublist_test.go", "TestSublistMatchWithEmptyTokens")]
    public void NobodyIsMeantByEmptyTokens(string subject)
    {
        var trie = Create();
        trie.Insert(Subscription(">"));
        trie.Insert(Subscription("foo.>", "queue"));
        var result = trie.Match(Encoding.UTF8.GetBytes(subject));
        result.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistBasicQueueResults")]
    [Upstream("sublist_test.go", "TestSublistBasicQueueResultsNoCache")]
    public void GroupsQueueMembersByName()
    {
        var trie = Create();
        trie.Insert(Subscription("foo"));
        trie.Insert(Subscription("foo", "bar"));
        trie.Insert(Subscription("foo", "baz"));
        trie.Insert(Subscription("*", "bar"));
        var result = trie.Match("foo"u8);
        result.Plain.Length.ShouldBe(1);
        var sizes = result.Queues.ToDictionary(group => Encoding.UTF8.GetString(group.Name), group => group.Local.Length);
        sizes.ShouldBe(new Dictionary<string, int> { ["bar"] = 2, ["baz"] = 1 }, ignoreOrder: true);
    }

    [Theory]
    [InlineData("foo", "foo")]
    [InlineData("foo.*", "foo.bar")]
    [InlineData("foo.>", "foo.bar foo.bar.baz")]
    [InlineData("*.>", "foo.bar foo.bar.baz")]
    [InlineData("*.bar", "foo.bar")]
    [InlineData("*", "foo")]
    [Upstream("sublist_test.go", "TestSublistNumInterest")]
    public void CountsPlainSubscriptionsAndQueueMembersApart(string filter, string matching)
    {
        foreach (var cached in new[] { true, false })
        {
            var trie = new SubscriptionTrie(cached);
            Subscription[] members = [Subscription(filter, "bar"), Subscription(filter, "baz"), Subscription(filter, "baz")];
            var plain = Subscription(filter);
            Expect(trie, 0, 0);
            trie.Insert(plain);
            Expect(trie, 1, 0);
            for (var i = 0; i < members.Length; i++)
            {
                trie.Insert(members[i]);
                Expect(trie, 1, i + 1);
            }
            trie.Remove(plain);
            Expect(trie, 0, 3);
            for (var i = 0; i < members.Length; i++)
            {
                trie.Remove(members[i]);
                Expect(trie, 0, 2 - i);
            }
        }

        void Expect(SubscriptionTrie trie, int plain, int queued)
        {
            foreach (var subject in new[] { "foo", "foo.bar", "foo.bar.baz", "bar" })
            {
                var fits = matching.Split(' ').Contains(subject) || (filter == "*" && subject == "bar");
                var result = trie.Match(Encoding.UTF8.GetBytes(subject));
                (result.Plain.Length, result.Queues.Sum(group => group.Local.Length)).ShouldBe(fits ? (plain, queued) : (0, 0), subject);
            }
        }
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistRemoteQueueSubscriptions")]
    [Upstream("sublist_test.go", "TestSublistRemoteQueueSubscriptionsNoCache")]
    public void ListsALinkOnceAndKeepsItsQueuesApart()
    {
        var link = new TestSubscriber(SubscriberKind.Route);
        var trie = Create();
        trie.Insert(Subscription("a.*", null, link));
        trie.Insert(Subscription("a.>", null, link));
        trie.Insert(Subscription("a.b", "q", link));
        trie.Insert(Subscription("a.b", "q"));
        var result = trie.Match("a.b"u8);
        result.Plain.ShouldBeEmpty();
        result.Links.Length.ShouldBe(1);
        result.Queues.Single().Local.Length.ShouldBe(1);
        result.Queues.Single().Links.Length.ShouldBe(1);
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistRemoveWildcard")]
    [Upstream("sublist_test.go", "TestSublistRemoveWithLargeSubs")]
    [Upstream("sublist_test.go", "TestSublistRemoveWithLargeSubsNoCache")]
    public void ForgetsOneOfManyOnOneSubject()
    {
        var trie = Create();
        var all = Enumerable.Range(0, 1000).Select(_ => Subscription("a.*.c")).ToArray();
        foreach (var subscription in all) trie.Insert(subscription);
        foreach (var subscription in all.Where((_, i) => i % 2 == 0)) trie.Remove(subscription).ShouldBeTrue();
        Matches(trie, "a.b.c").ShouldBe(500);
        trie.Match("a.b.c"u8).Plain.ShouldBe(all.Where((_, i) => i % 2 == 1), ignoreOrder: true);
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistCache")]
    public void ChangesMakeStaleWhatTheyConcernAndNothingElse()
    {
        var trie = new SubscriptionTrie();
        var foo = trie.Match("foo"u8);
        var bar = trie.Match("bar"u8);
        trie.Match("foo"u8).ShouldBeSameAs(foo);
        var subscription = Subscription("foo");
        trie.Insert(subscription);
        foo.IsStale.ShouldBeTrue();
        bar.IsStale.ShouldBeFalse();
        var wildcard = Subscription("*");
        trie.Insert(wildcard);
        bar.IsStale.ShouldBeTrue();
        trie.Match("foo"u8).Plain.Length.ShouldBe(2);
        trie.Remove(wildcard);
        trie.Match("bar"u8).IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void TheCacheIsBounded()
    {
        var trie = new SubscriptionTrie();
        var first = trie.Match("s.0"u8);
        for (var i = 0; i <= SubscriptionTrie.CacheCapacity + 10; i++) trie.Match(Encoding.UTF8.GetBytes($"s.{i}"));
        trie.Statistics.CacheEntries.ShouldBeLessThanOrEqualTo(SubscriptionTrie.CacheCapacity);
        first.IsStale.ShouldBeTrue("an answer that is no longer tracked must not be used");
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistAll")]
    [Upstream("sublist_test.go", "TestSublistReverseMatch")]
    public void ListsWhatItHolds()
    {
        var trie = Create();
        foreach (var subject in new[] { "foo", "bar", "foo.bar", "foo.*", "*.bar", "foo.>" }) trie.Insert(Subscription(subject));
        trie.Insert(Subscription("foo.bar", "q"));
        trie.ToList().Count.ShouldBe(7);
        var found = trie.ReverseMatch("foo.bar"u8).Select(s => Encoding.UTF8.GetString(s.Subject));
        found.ShouldBe(["foo.bar", "foo.bar", "foo.*", "*.bar", "foo.>"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("uplink.1.*.*.>")]
    [InlineData("uplink.1.2.3.>")]
    [Upstream("sublist_test.go", "TestSublistReverseMatchWider")]
    public void AFilterMayBeNarrowerThanWhatItFinds(string filter)
    {
        var trie = Create();
        var wider = Subscription("uplink.*.*.>");
        trie.Insert(wider);
        trie.ReverseMatch(Encoding.UTF8.GetBytes(filter)).ShouldBe([wider]);
    }

    [Theory]
    [InlineData("foo.*-")]
    [InlineData("foo.>-")]
    [InlineData("foo.bar,*,>,baz")]
    [Upstream("sublist_test.go", "TestSublistRemoveWithWildcardsAsLiterals")]
    [Upstream("sublist_test.go", "TestSublistRemoveWithWildcardsAsLiteralsNoCache")]
    public void WildcardsInsideOfTokensAreLetters(string subject)
    {
        var trie = Create();
        var subscription = Subscription(subject);
        trie.Insert(subscription).ShouldBeTrue();
        Matches(trie, subject).ShouldBe(1);
        trie.Remove(Subscription("foo.bar")).ShouldBeFalse();
        trie.Count.ShouldBe(1);
        trie.Remove(subscription).ShouldBeTrue();
        (trie.Count, Matches(trie, subject)).ShouldBe((0, 0));
    }

    [Fact]
    public void ALongSubjectDoesNotOverflowTheStack()
    {
        var subject = string.Join('.', Enumerable.Repeat("a", 20_000));
        var trie = Create();
        trie.Insert(Subscription(subject)).ShouldBeTrue();
        trie.Insert(Subscription(subject.Replace("a.a", "*.a", StringComparison.Ordinal))).ShouldBeTrue();
        Matches(trie, subject).ShouldBe(2);
    }

    /// <summary>What is tested.</summary>
    protected virtual SubscriptionTrie Create() => new();

    private static int Matches(SubscriptionTrie trie, string subject) => trie.Match(Encoding.UTF8.GetBytes(subject)).Plain.Length;
}

/// <summary>The same for a trie that keeps no answers.</summary>
public sealed class SubscriptionTrieWithoutCacheTests : SubscriptionTrieTests
{
    protected override SubscriptionTrie Create() => new(cached: false);
}
