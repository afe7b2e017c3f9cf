using System.Text;
using NatsAspire.Server.Subjects;
using static NatsAspire.Tests.Unit.Subjects.TestSubscriber;

namespace NatsAspire.Tests.Unit.Subjects;

public class FamilyMatchCacheTests
{
    private const string Ack = "$JS.ACK.ORDERS.worker.1.7.7.1700000000.3";
    private readonly SubscriptionTrie _trie = new();
    private readonly FamilyMatchCache _cache = new(5);

    [Fact]
    public void OneAnswerIsForTheWholeFamilyAndLeavesTheTriesCacheAlone()
    {
        Insert("$JS.ACK.ORDERS.>", "$JS.ACK.*.*.ORDERS.>", ">");
        var first = Match(Ack).ShouldNotBeNull();
        first.Plain.Length.ShouldBe(2);
        Match("$JS.ACK.ORDERS.worker.1.8.8.1700000001.2").ShouldBeSameAs(first);
        _trie.Statistics.CacheEntries.ShouldBe(0);
    }

    [Fact]
    public void SubscriptionsThatComeAndGoAreSeenAtOnce()
    {
        Insert("$JS.ACK.ORDERS.>");
        Match(Ack)!.Plain.Length.ShouldBe(1);
        var late = Subscription("$JS.ACK.>");
        _trie.Insert(late);
        Match(Ack)!.Plain.Length.ShouldBe(2);
        _trie.Remove(late);
        Match(Ack)!.Plain.Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("$JS.ACK.ORDERS.worker.1.7.>")]
    [InlineData("$JS.ACK.*.*.*.*.*.*.*")]
    [InlineData("$JS.ACK.ORDERS.worker.*.7.7.1700000000.3")]
    public void WhoWantsSomeOfAFamilyMakesItsMembersDiffer(string subject)
    {
        Insert("$JS.ACK.ORDERS.>", subject);
        Match(Ack).ShouldBeNull();
        Match("$JS.ACK.ORDERS.other.2.7.7.1.1")?.Plain.Length.ShouldBe(1);
    }

    [Theory]
    [InlineData("$JS.ACK.ORDERS.worker.1")]
    [InlineData("$JS.ACK.ORDERS.worker.1.")]
    [InlineData("$JS.ACK.ORDERS.worker.1..7")]
    [InlineData("$JS.ACK.ORDERS..1.7")]
    [InlineData("$JS.ACK.ORDERS.worker.1.7.")]
    [InlineData("$JS.ACK")]
    public void WhatIsNoMemberIsLeftToTheTrie(string subject)
    {
        Insert(">");
        Match(subject).ShouldBeNull();
    }

    private MatchResult? Match(string subject) => _cache.Match(Encoding.UTF8.GetBytes(subject), _trie);

    private void Insert(params string[] subjects)
    {
        foreach (var subject in subjects) _trie.Insert(Subscription(subject)).ShouldBeTrue();
    }
}
