namespace NatsAspire.Server.Subjects;

/// <summary>
/// Who gets a message on a subject: immutable, shared by all loops, kept in caches until
/// <see cref="IsStale"/>. Plain subscriptions of links are listed once per link.
/// </summary>
public sealed class MatchResult
{
    private volatile bool _stale;

    public MatchResult(
        byte[] subject, Subscription[] plain, Subscription[] links, QueueGroup[] queues, Subscription[] services, Subscription[] outer, Subscription[]? leafs = null)
    {
        Subject = subject;
        Plain = plain;
        Links = links;
        Queues = queues;
        Services = services;
        Leafs = leafs ?? [];
        Outer = outer;
    }

    /// <summary>The answer for a subject nobody is interested in, or that is none.</summary>
    public static MatchResult Nobody(byte[] subject) => new(subject, [], [], [], [], []);

    /// <summary>The literal subject this is the answer for.</summary>
    public byte[] Subject { get; }

    /// <summary>Subscriptions of clients without a queue.</summary>
    public Subscription[] Plain { get; }

    /// <summary>One plain subscription per interested link to a server of the same cluster.</summary>
    public Subscription[] Links { get; }

    /// <summary>One plain subscription per interested leaf node connection.</summary>
    public Subscription[] Leafs { get; }

    public QueueGroup[] Queues { get; }

    /// <summary>Subscriptions of the server's own services and of service imports.</summary>
    public Subscription[] Services { get; }

    /// <summary>One plain subscription per interested cluster.</summary>
    public Subscription[] Outer { get; }

    public bool IsEmpty => Plain.Length == 0 && IsPlain;

    /// <summary>Nobody but <see cref="Plain"/> is concerned.</summary>
    public bool IsPlain => Links.Length == 0 && Leafs.Length == 0 && Queues.Length == 0 && Services.Length == 0 && Outer.Length == 0;

    /// <summary>True once interest changed in a way that concerns the subject: match again.</summary>
    public bool IsStale => _stale;

    internal void MarkStale() => _stale = true;
}

/// <summary>The members of one queue group that match a subject.</summary>
/// <param name="Name">Queue name.</param>
/// <param name="Local">Members on this server.</param>
/// <param name="Links">Links to servers of the cluster with members; their <see cref="Subscription.QueueWeight"/> counts them.</param>
/// <param name="Outer">Links to other clusters with members, for when this one has none.</param>
/// <param name="Distant">Leaf nodes with members, and links to servers that have such leaf nodes: asked when nobody nearer takes a message.</param>
public sealed record QueueGroup(byte[] Name, Subscription[] Local, Subscription[] Links, Subscription[] Outer, Subscription[] Distant);
