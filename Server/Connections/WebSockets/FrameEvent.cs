namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>What a <see cref="FrameReader"/> found.</summary>
internal enum FrameEvent
{
    /// <summary>All bytes are used up.</summary>
    NeedMore,

    /// <summary>A piece of a message's payload, unmasked.</summary>
    Data,

    /// <summary>A control frame; its payload is <see cref="FrameReader.Control"/>.</summary>
    Ping,

    /// <summary>As <see cref="Ping"/>.</summary>
    Pong,

    /// <summary>As <see cref="Ping"/>.</summary>
    Close,

    /// <summary>The peer broke the protocol: <see cref="FrameReader.Fault"/>. Nothing more is to be read.</summary>
    Fault,
}
