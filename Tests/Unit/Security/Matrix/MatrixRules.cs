namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>What permissions allow, by brute force.</summary>
internal static class MatrixRules
{
    public static bool MayPublish(this MatrixPermissions? permissions, string subject)
    {
        if (permissions is null) return true;
        var allow = permissions.PublishAllow ?? (permissions.MaxResponses is null ? null : []);
        return (allow is null || allow.Any(rule => NaiveSubjects.Matches(subject, rule)))
            && !(permissions.PublishDeny ?? []).Any(rule => NaiveSubjects.Matches(subject, rule));
    }

    public static bool MaySubscribe(this MatrixPermissions? permissions, string subject, string? queue)
    {
        if (permissions is null) return true;
        if (permissions.SubscribeAllow is { } allow)
        {
            var rules = allow.Select(Split).Where(rule => NaiveSubjects.IsWithin(subject, rule.Subject)).ToList();
            var allowed = rules.Exists(rule => rule.Queue is null);
            // Rules that name queues decide over queue subscriptions alone.
            if (queue is not null && rules.Exists(rule => rule.Queue is not null)) allowed = rules.Exists(rule => Fits(queue, rule.Queue));
            if (!allowed) return false;
        }
        return !permissions.Denies(subject, queue);
    }

    /// <summary>
    /// Whether a deny rule forbids a subscription, whose wildcards count as tokens like others, or keeps a message from it.
    /// </summary>
    public static bool Denies(this MatrixPermissions? permissions, string subject, string? queue) =>
        (permissions?.SubscribeDeny ?? []).Select(Split).Any(rule =>
            NaiveSubjects.Matches(subject, rule.Subject) && (rule.Queue is null || (queue is not null && Fits(queue, rule.Queue))));

    private static bool Fits(string queue, string? rule) => rule is not null && (queue == rule || NaiveSubjects.IsWithin(queue, rule));

    private static (string Subject, string? Queue) Split(string rule) =>
        rule.Split(' ') is [var subject, var queue] ? (subject, queue) : (rule, null);
}
