using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Tests.Unit.Raft.Core;

public sealed class RaftMembershipTests
{
    private static PeerId Id(char letter) => PeerId.Parse(new string(letter, PeerId.Length));

    private static RaftPeers Peers(string letters) => RaftPeers.Of([.. letters.Select(Id)]);

    private static string Show(RaftMembership membership) => $"{string.Concat(membership.Members.ToArray().Select(id => id.ToString()[0]))}/{membership.Size}";

    [Theory]
    [InlineData("a", 1)]
    [InlineData("ab", 2)]
    [InlineData("abc", 2)]
    [InlineData("abcd", 3)]
    [InlineData("abcde", 3)]
    public void A_quorum_is_more_than_half(string members, int quorum) => new RaftMembership(Peers(members)).Quorum.ShouldBe(quorum);

    [Fact]
    public void Changes_count_when_staged_and_stay_when_committed()
    {
        var membership = new RaftMembership(Peers("abc"));
        membership.Stage(5, RaftEntryType.AddPeer, Id('d'));
        (Show(membership), membership.IsChanging, membership.IsChangingPeer(Id('d')), membership.Committed.Ids.Count).ShouldBe(("abcd/4", true, true, 3));
        membership.Commit(4);
        membership.IsChanging.ShouldBeTrue();
        membership.Commit(5);
        (Show(membership), membership.IsChanging, membership.Committed.Index).ShouldBe(("abcd/4", false, 5UL));
        membership.Stage(7, RaftEntryType.RemovePeer, Id('a'));
        (Show(membership), membership.Contains(Id('a'))).ShouldBe(("bcd/3", false));
        membership.Truncate(7).ShouldBeFalse();
        membership.Truncate(6).ShouldBeTrue();
        Show(membership).ShouldBe("abcd/4");
    }

    [Fact]
    public void A_group_that_forms_keeps_the_size_it_expects()
    {
        var membership = new RaftMembership(RaftPeers.Expecting(3, Id('a')));
        membership.Stage(2, RaftEntryType.AddPeer, Id('b'));
        (Show(membership), membership.Quorum, membership.IsForming).ShouldBe(("ab/3", 2, true));
        membership.Stage(3, RaftEntryType.AddPeer, Id('c'));
        (Show(membership), membership.IsForming).ShouldBe(("abc/3", false));
        membership.Stage(4, RaftEntryType.AddPeer, Id('d'));
        Show(membership).ShouldBe("abcd/4");
        membership.Stage(5, RaftEntryType.AddPeer, Id('d'));
        Show(membership).ShouldBe("abcd/4");
    }

    [Fact]
    public void Others_may_be_agreed_on_under_a_change()
    {
        var membership = new RaftMembership(Peers("abc"));
        membership.Stage(5, RaftEntryType.AddPeer, Id('d'));
        membership.Replace(Peers("ab") with { Index = 4 });
        Show(membership).ShouldBe("abd/3");
        membership.Replace(Peers("abe") with { Index = 5 });
        (Show(membership), membership.IsChanging).ShouldBe(("abe/3", false));
    }
}
