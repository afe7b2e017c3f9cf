namespace NatsAspire.Server.Protocol;

/// <summary>Arguments of PUB and HPUB.</summary>
public readonly ref struct PublishArguments
{
    public required ReadOnlySpan<byte> Subject { get; init; }

    public ReadOnlySpan<byte> Reply { get; init; }

    /// <summary>Bytes of the header block; -1 for PUB.</summary>
    public int HeaderSize { get; init; }

    /// <summary>Bytes of header block and payload.</summary>
    public required int TotalSize { get; init; }

    public bool HasHeaders => HeaderSize >= 0;
}

/// <summary>Why a parser gives up.</summary>
public enum ProtocolFault
{
    /// <summary>A byte that continues no known operation: <c>-ERR 'Unknown Protocol Operation'</c>.</summary>
    UnknownOperation,

    /// <summary>Arguments that make no sense: closed without a word, as upstream does.</summary>
    BadArguments,

    /// <summary>A control line beyond the limit.</summary>
    ControlLineTooLong,

    /// <summary>A message between servers beyond the limit: <c>-ERR 'Maximum Payload Violation'</c>.</summary>
    MessageTooLarge,
}

/// <summary>
/// The meaning behind the client grammar. Methods that return bool say whether to parse on; false after the
/// connection was closed.
/// </summary>
public interface IClientProtocol
{
    /// <summary>Bytes a control line's arguments may have.</summary>
    int MaxControlLine { get; }

    /// <summary>True while only CONNECT is welcome.</summary>
    bool AwaitsConnect { get; }

    /// <summary>True while a CONNECT is being checked elsewhere: parsing stops behind it.</summary>
    bool IsSuspended { get; }

    /// <summary>Another operation came first; may admit the connection as the no_auth_user.</summary>
    bool OnOperationBeforeConnect();

    bool OnConnect(ReadOnlySpan<byte> json);

    bool OnPing();

    bool OnPong();

    bool OnSubscribe(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> queue, ReadOnlySpan<byte> sid);

    /// <param name="sid">Name of the subscription.</param>
    /// <param name="max">Messages after which it ends; -1 or 0: now.</param>
    bool OnUnsubscribe(ReadOnlySpan<byte> sid, int max);

    /// <summary>Checks limits as soon as the arguments are there, before the payload is waited for.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="received">What has come behind their line, maybe more than the message.</param>
    bool OnPublishArguments(in PublishArguments arguments, ReadOnlySpan<byte> received);

    /// <summary>A whole message.</summary>
    bool OnPublish(in PublishArguments arguments, ReadOnlySpan<byte> bodyAndCrlf);

    bool OnClientError(ReadOnlySpan<byte> text);

    void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line);
}
