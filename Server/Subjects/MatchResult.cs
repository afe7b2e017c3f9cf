namespace NatsAspire.Server.Subjects;

/// <summary>
/// Who gets a message on a subject: immutable, shared by all loops, kept in caches until
/// <see cref="IsStale"/>. Plain subscriptions of links are listed once per link.
/// </summary>
public sealed class MatchResult
{
    private volatile bool _stale;

    public MatchResult(byte[] subject, Subscription[] plain, Subscription[] links, QueueGroup[] queues, Subscription[] services)
    {
        Subject = subject;
        Plain = plain;
        Links = links;
        Queues = queues;
        Services = services;
    }

    /// <summary>The literal subject this is the answer for.</summary>
    public byte[] Subject { get; }

    /// <summary>Subscriptions of clients without a queue.</summary>
    public Subscription[] Plain { get; }

    /// <summary>One plain subscription per interested link.</summary>
    public Subscription[] Links { get; }

    public QueueGroup[] Queues { get; }

    /// <summary>Subscriptions of the server's own services and of service imports.</summary>
    public Subscription[] Services { get; }

    public bool IsEmpty => Plain.Length == 0 && IsPlain;

    /// <summary>Nobody but <see cref="Plain"/> is concerned.</summary>
    public bool IsPlain => Links.Length == 0 && Queues.Length == 0 && Services.Length == 0;

    /// <summary>True once interest changed in a way that concerns the subject: match again.</summary>
    public bool IsStale => _stale;

    internal void MarkStale() => _stale = true;
}

/// <summary>The members of one queue group that match a subject.</summary>
/// <param name="Name">Queue name.</param>
/// <param name="Local">Members on this server.</param>
/// <param name="Links">Links with members; their <see cref="Subscription.QueueWeight"/> counts them.</param>
public sealed record QueueGroup(byte[] Name, Subscription[] Local, Subscription[] Links);
