namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Who gets a message, by brute force: what the user and the leaf's own denials let across, and for whom.</summary>
internal sealed class LinkOracle(LinkWorld world)
{
    /// <summary>What the hub's account takes from the other one as a service is wanted there, whoever serves it.</summary>
    private static readonly LinkSubscription Service = new(LinkPlace.Hub, "c.*", null);

    /// <summary>Indexes of the subscriptions that get it.</summary>
    public IReadOnlySet<int> Receivers(LinkPublish publish)
    {
        // The hub's account knows what comes from the other one by another name; the leaf's own does not have it.
        var subject = publish.IsOfOther ? "b" + publish.Subject["news".Length..] : publish.Subject;
        var fromLeaf = publish.Place == LinkPlace.Leaf;
        var receivers = new HashSet<int>();
        var wants = world.Subscriptions.Select((subscription, index) => (subscription, index)).Where(one => NaiveSubjects.Matches(subject, one.subscription.Subject)).ToList();
        foreach (var (subscription, index) in wants)
        {
            if (subscription.Place == LinkPlace.Leaf == fromLeaf || Crosses(subject, subscription, fromLeaf, wants.Select(one => one.subscription))) receivers.Add(index);
        }
        return receivers;
    }

    private bool Crosses(string subject, LinkSubscription to, bool fromLeaf, IEnumerable<LinkSubscription> wants)
    {
        if (!(fromLeaf ? MayGoUp(subject) : MayComeDown(subject))) return false;
        // A queue is served if its interest was told; a plain subscription gets whatever comes.
        var heard = wants.Append(Service).Where(other => other.Place == LinkPlace.Leaf != fromLeaf && NaiveSubjects.Matches(subject, other.Subject) && IsTold(other, fromLeaf));
        if (to.Queue is null) return heard.Any();
        return IsTold(to, fromLeaf) && (fromLeaf || !world.User.Denies(subject, to.Queue));
    }

    private bool MayGoUp(string subject) => world.User.MayPublish(subject) && !Denied(world.DenyExports, subject);

    private bool MayComeDown(string subject) => world.User.MaySubscribe(subject, null) && !Denied(world.DenyImports, subject);

    private bool IsTold(LinkSubscription subscription, bool toLeaf) => toLeaf
        ? new MatrixPermissions(null, null, world.User.PublishAllow, world.User.PublishDeny, null).MaySubscribe(subscription.Subject, subscription.Queue)
        : world.User.MaySubscribe(subscription.Subject, subscription.Queue) && !Denied(world.DenyImports, subscription.Subject);

    private static bool Denied(string[] rules, string subject) => rules.Any(rule => NaiveSubjects.Matches(subject, rule));
}
