namespace NatsAspire.Server.Connections.WebSockets;

/// <summary>What two sides agreed on.</summary>
public sealed record WebSocketMode
{
    /// <summary>Frames of the other side have to be masked: it is the client, and masking was not given up.</summary>
    public bool RequiresMask { get; init; } = true;

    /// <summary>Own frames are masked: this side is the client.</summary>
    public bool Masks { get; init; }

    /// <summary>permessage-deflate, without context in either direction.</summary>
    public bool Compression { get; init; }

    /// <summary>Largest payload of a frame sent, in bytes; 0: any. Browsers like small ones.</summary>
    public int FrameLimit { get; init; }

    /// <summary>Compressed messages may be split as well; not for Safari.</summary>
    public bool SplitsCompressed { get; init; } = true;

    /// <summary>Bytes a compressed message may have, as it is and decompressed.</summary>
    public long MessageLimit { get; init; } = LargestMessage;

    private const long LargestMessage = 64 * 1024 * 1024;
    private const int MessagesPerPayload = 8;

    /// <summary>
    /// The <see cref="MessageLimit"/> for a max_payload: clients put several operations into one message.
    /// </summary>
    /// <param name="maxPayload">0 or less: the default.</param>
    public static long LimitFor(int maxPayload) =>
        Math.Min((long)(maxPayload > 0 ? maxPayload : Configuration.Defaults.MaxPayload) * MessagesPerPayload, LargestMessage);
}
