namespace NatsAspire.Server.Subjects;

/// <summary>Interest of one subscriber in one subject.</summary>
public sealed class Subscription
{
    private int _closed;

    public Subscription(Subscriber subscriber, byte[] subject, byte[]? queue = null, byte[]? sid = null)
    {
        Subscriber = subscriber;
        Subject = subject;
        Queue = queue;
        Sid = sid ?? [];
    }

    public Subscriber Subscriber { get; }

    /// <summary>Subject with its wildcards.</summary>
    public byte[] Subject { get; }

    /// <summary>Queue group; null: none.</summary>
    public byte[]? Queue { get; }

    /// <summary>Cluster of the leaf node it stands for, when a link told of it; null: none.</summary>
    public byte[]? Origin { get; init; }

    /// <summary>The client's name for the subscription.</summary>
    public byte[] Sid { get; }

    /// <summary>What stands for it in the accounts whose streams it imports; null: nothing.</summary>
    public Subscription[]? Shadows { get; set; }

    /// <summary>Members behind a link's queue subscription; 1 for local ones.</summary>
    public int QueueWeight { get; set; } = 1;

    /// <summary>Messages after which the subscription ends (UNSUB max); 0: none. Guarded by the subscriber's gate.</summary>
    public long MaxMessages { get; set; }

    /// <summary>Messages delivered. Guarded by the subscriber's gate.</summary>
    public long Delivered { get; set; }

    /// <summary>True once removed; deliveries from results matched before skip it.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>Where the trie's node keeps this subscription. Guarded by the trie's lock; -1: not in a trie.</summary>
    internal int SlotInNode { get; set; } = -1;

    /// <summary>Marks the subscription closed.</summary>
    /// <returns>True for the first caller.</returns>
    public bool Close() => Interlocked.Exchange(ref _closed, 1) == 0;
}
