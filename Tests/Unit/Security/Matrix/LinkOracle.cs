namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Who gets a message: numbers of subscriptions; the one behind the last is the service of account B.</summary>
/// <param name="Surely">Each of these, once.</param>
/// <param name="Perhaps">These may: whether the message crosses depends on a lot.</param>
/// <param name="Lot">One of these gets it for their queue group.</param>
/// <param name="IsLotCertain">False: the lot may fall on one that may not have it.</param>
internal sealed record LinkOutcome(IReadOnlySet<int> Surely, IReadOnlySet<int> Perhaps, IReadOnlySet<int> Lot, bool IsLotCertain)
{
    public bool Allows(IReadOnlyCollection<int> got)
    {
        var drawn = got.Count(Lot.Contains);
        return got.Distinct().Count() == got.Count && Surely.All(got.Contains) && drawn <= 1 && (drawn == 1 || !IsLotCertain || Lot.Count == 0)
            && got.All(MayReach);
    }

    public bool MayReach(int subscription) => Surely.Contains(subscription) || Perhaps.Contains(subscription) || Lot.Contains(subscription);

    public override string ToString() =>
        $"{string.Join(", ", Surely.Order())}; perhaps {string.Join(", ", Perhaps.Order())}; {(IsLotCertain ? "one" : "at most one")} of {string.Join(", ", Lot.Order())}";
}

/// <summary>Who gets a message, by brute force: what the user and the leaf's own denials let across, and for whom.</summary>
internal sealed class LinkOracle(LinkWorld world)
{
    /// <summary>What the hub's account takes from B as a service is wanted there, whoever serves it.</summary>
    private static readonly LinkSubscription Service = new(LinkPlace.Hub, "c.*", null);

    private readonly List<LinkSubscription> _all = [.. world.Subscriptions, Service];

    public LinkOutcome Judge(LinkPublish publish)
    {
        var (subject, fromLeaf) = (publish.Subject, publish.Place == LinkPlace.Leaf);
        var wants = Enumerable.Range(0, _all.Count).Where(index => NaiveSubjects.Matches(subject, _all[index].Subject)).ToList();
        var shared = wants.Where(index => IsShared(_all[index])).ToList();
        // A group is served where the message is, if it has members there; from afar the hub comes before what is beyond it.
        var near = shared.Where(index => _all[index].Place == publish.Place).ToList();
        if (near.Count == 0 && fromLeaf) near = shared.Where(index => _all[index].Place == LinkPlace.Hub && Crosses(index, subject, fromLeaf)).ToList();
        var drawn = near.Count > 0 ? near : shared;
        var lot = drawn.Where(index => !IsAcross(index, publish) || Crosses(index, subject, fromLeaf)).ToHashSet();
        var others = wants.Where(index => !IsShared(_all[index]) && IsAcross(index, publish)).ToList();
        // Whatever is told brings the message over, and then a plain subscription gets it, whether it was told itself or not.
        var isHeard = others.Exists(index => IsTold(_all[index], fromLeaf));
        var mayBeHeard = isHeard || lot.Any(index => IsAcross(index, publish));
        var (surely, perhaps) = (new HashSet<int>(), new HashSet<int>());
        foreach (var index in wants.Where(index => !IsShared(_all[index])))
        {
            if (!IsAcross(index, publish)) surely.Add(index);
            else if (!MayPass(subject, fromLeaf)) continue;
            else if (_all[index].Queue is not null)
            {
                if (Crosses(index, subject, fromLeaf)) surely.Add(index);
            }
            else if (isHeard) surely.Add(index);
            else if (mayBeHeard) perhaps.Add(index);
        }
        return new LinkOutcome(surely, perhaps, lot, lot.Count == drawn.Count);
    }

    /// <summary>An answer that leads straight back to another cluster comes out as if it were published there.</summary>
    public LinkOutcome JudgeReturned(LinkPublish answer, LinkPlace to) => answer.Place != LinkPlace.Leaf || MayPass(answer.Subject, fromLeaf: true)
        ? Judge(answer with { Place = to })
        : new LinkOutcome(new HashSet<int>(), new HashSet<int>(), new HashSet<int>(), true);

    /// <summary>Wanted on the other side of the leaf node connection.</summary>
    public bool IsAcross(int index, LinkPublish publish) => (_all[index].Place == LinkPlace.Leaf) != (publish.Place == LinkPlace.Leaf);

    /// <summary>Subscriptions whose subject this is.</summary>
    public IEnumerable<int> Wanting(string subject) => Enumerable.Range(0, _all.Count).Where(index => NaiveSubjects.Matches(subject, _all[index].Subject));

    private static bool IsShared(LinkSubscription subscription) => subscription.Queue == LinkWorld.SharedQueue;

    /// <summary>A member of a queue group on the other side gets a message.</summary>
    private bool Crosses(int index, string subject, bool fromLeaf) =>
        MayPass(subject, fromLeaf) && IsTold(_all[index], fromLeaf) && (fromLeaf || !world.User.Denies(subject, _all[index].Queue));

    private bool MayPass(string subject, bool fromLeaf) => fromLeaf
        ? world.User.MayPublish(subject) && !Denied(world.DenyExports, subject)
        : world.User.MaySubscribe(subject, null) && !Denied(world.DenyImports, subject);

    private bool IsTold(LinkSubscription subscription, bool toLeaf) => toLeaf
        ? new MatrixPermissions(null, null, world.User.PublishAllow, world.User.PublishDeny, null).MaySubscribe(subscription.Subject, subscription.Queue)
        : world.User.MaySubscribe(subscription.Subject, subscription.Queue) && !Denied(world.DenyImports, subscription.Subject);

    private static bool Denied(string[] rules, string subject) => rules.Any(rule => NaiveSubjects.Matches(subject, rule));
}
