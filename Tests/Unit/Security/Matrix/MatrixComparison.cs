namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Whether what came is what should.</summary>
internal static class MatrixComparison
{
    /// <summary>Every plain subscription has its message, each group at most one, and nobody else any.</summary>
    public static bool Agree(MatrixOutcome expected, List<MatrixDelivery> actual, MatrixNames names)
    {
        var left = new List<MatrixDelivery>(actual);
        foreach (var plain in expected.Plain)
        {
            var at = left.FindIndex(delivery => IsSame(plain, delivery, names));
            if (at < 0) return false;
            left.RemoveAt(at);
        }
        return AgreeOnGroups(expected.Groups, 0, left, names);
    }

    private static bool AgreeOnGroups(List<MatrixGroup> groups, int from, List<MatrixDelivery> left, MatrixNames names)
    {
        if (from == groups.Count) return left.Count == 0;
        var group = groups[from];
        for (var i = 0; i < left.Count; i++)
        {
            var delivery = left[i];
            if (!group.Candidates.Exists(candidate => IsSame(candidate, delivery, names))) continue;
            left.RemoveAt(i);
            if (AgreeOnGroups(groups, from + 1, left, names)) return true;
            left.Insert(i, delivery);
        }
        return !group.IsCertain && AgreeOnGroups(groups, from + 1, left, names);
    }

    private static bool IsSame(MatrixDelivery expected, MatrixDelivery actual, MatrixNames names) =>
        expected.Connection == actual.Connection && expected.Sid == actual.Sid
        && names.Agree(expected.Subject, actual.Subject) && names.Agree(expected.Reply, actual.Reply);
}
