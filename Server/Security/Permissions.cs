using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Security;

/// <summary>
/// What a user may publish and subscribe to. The one place every way in and out asks: immutable, compiled
/// once per user, over bytes. Null lists allow everything; deny wins over allow.
/// </summary>
public sealed class Permissions
{
    private readonly SubjectFilter? _publishAllow;
    private readonly SubjectFilter? _publishDeny;
    private readonly SubjectFilter? _subscribeAllow;
    private readonly SubjectFilter? _subscribeDeny;

    private Permissions(PermissionOptions options)
    {
        var publishAllow = options.Publish?.Allow;
        // Who may only answer publishes nothing of its own.
        if (publishAllow is null && options.Publish?.Deny is null && options.Responses is not null) publishAllow = [];
        _publishAllow = SubjectFilter.Compile(publishAllow);
        // A queue means nothing to a publish; a rule that names one denies its subject all the same.
        _publishDeny = SubjectFilter.Compile(options.Publish?.Deny, ignoresQueues: true);
        _subscribeAllow = SubjectFilter.Compile(options.Subscribe?.Allow);
        _subscribeDeny = SubjectFilter.Compile(options.Subscribe?.Deny);
        Responses = options.Responses;
        Options = options;
    }

    /// <summary>Set when answers to received requests are allowed beyond the publish list.</summary>
    public ResponsePermissionOptions? Responses { get; }

    /// <summary>What they were compiled from.</summary>
    public PermissionOptions Options { get; }

    /// <summary>True when something may not be published.</summary>
    public bool RestrictsPublish => _publishAllow is not null || _publishDeny is not null;

    /// <summary>Null in, null out: everything is allowed.</summary>
    /// <exception cref="ConfigurationValueException">An entry is not a subject with at most one queue.</exception>
    public static Permissions? Compile(PermissionOptions? options) => options is null ? null : new Permissions(options);

    /// <summary>Whether the lists let a message on this subject in; answers are the connection's to grant.</summary>
    public bool MayPublish(ReadOnlySpan<byte> subject) =>
        (_publishAllow is null || _publishAllow.Matches(subject))
        && (_publishDeny is null || !_publishDeny.Matches(subject));

    /// <summary>
    /// Whether a subscription may be made. An allow entry with a queue admits only that queue; plain entries
    /// admit any. What is allowed covers the whole subscription: upstream takes <c>foo.&gt;</c> for a subject of
    /// <c>foo.*</c> and lets more through than the list says.
    /// </summary>
    public bool MaySubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue)
    {
        var allowed = _subscribeAllow is null || _subscribeAllow.Covers(subject);
        if (!queue.IsEmpty && _subscribeAllow?.CoversQueue(subject, queue) is { } byQueue) allowed = byQueue;
        return allowed && (_subscribeDeny is null || !IsDenied(subject, queue));
    }

    /// <summary>
    /// Whether a permitted subscription can meet messages that deny rules keep from it, so that each delivery
    /// must be checked.
    /// </summary>
    public bool NeedsDeliveryCheck(ReadOnlySpan<byte> subject) =>
        _subscribeDeny is not null && _subscribeDeny.Overlaps(subject);

    /// <summary>Whether a deny rule keeps a message on this subject from a subscription of this queue.</summary>
    public bool DeniesDelivery(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue) =>
        _subscribeDeny is not null && IsDenied(subject, queue);

    private bool IsDenied(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue) =>
        _subscribeDeny!.Matches(subject)
        || (!queue.IsEmpty && _subscribeDeny.MatchesQueue(subject, queue) == true);
}
