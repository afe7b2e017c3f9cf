namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>Where a consumer begins.</summary>
public enum DeliverPolicy
{
    All,
    Last,
    New,
    ByStartSequence,
    ByStartTime,
    LastPerSubject,
}

/// <summary>What an acknowledgement covers.</summary>
public enum AckPolicy
{
    None,

    /// <summary>The message and all before it.</summary>
    All,
    Explicit,

    /// <summary>As <see cref="All"/>, by the answers to flow control.</summary>
    FlowControl,
}

/// <summary>How fast what is there already is delivered.</summary>
public enum ReplayPolicy
{
    Instant,

    /// <summary>In the time it was published in.</summary>
    Original,
}

/// <summary>Which of several waiting requests is served (ADR-42).</summary>
public enum PriorityPolicy
{
    None,

    /// <summary>Those that ask for no more than a certain backlog.</summary>
    Overflow,

    /// <summary>One client until it goes.</summary>
    PinnedClient,

    /// <summary>The lowest priority first.</summary>
    Prioritized,
}
