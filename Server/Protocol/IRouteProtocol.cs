namespace NatsAspire.Server.Protocol;

/// <summary>Arguments of RMSG, HMSG and LMSG.</summary>
public readonly ref struct RoutedArguments
{
    /// <summary>Cluster of the leaf node a message came from; empty but for LMSG.</summary>
    public ReadOnlySpan<byte> Origin { get; init; }

    /// <summary>Account name; empty on a route pinned to one account.</summary>
    public ReadOnlySpan<byte> Account { get; init; }

    public required ReadOnlySpan<byte> Subject { get; init; }

    public ReadOnlySpan<byte> Reply { get; init; }

    /// <summary>Names of the queue groups to deliver to, apart by blanks.</summary>
    public ReadOnlySpan<byte> Queues { get; init; }

    /// <summary>Bytes of the header block; 0: none.</summary>
    public int HeaderSize { get; init; }

    public required int TotalSize { get; init; }
}

/// <summary>The meaning behind the route grammar. Methods that return bool say whether to parse on.</summary>
public interface IRouteProtocol
{
    /// <summary>Bytes a control line may have.</summary>
    int MaxControlLine { get; }

    /// <summary>Bytes a message may have; 0 before the handshake is over.</summary>
    int MaxMessageSize { get; }

    /// <summary>True when the route is pinned to one account, whose name its lines leave out.</summary>
    bool OmitsAccount { get; }

    /// <summary>True while only CONNECT is welcome.</summary>
    bool AwaitsConnect { get; }

    /// <summary>True when what follows the last item is of another form: parsing ends there.</summary>
    bool EndsHere { get; }

    void OnOperationBeforeConnect();

    bool OnConnect(ReadOnlySpan<byte> json);

    bool OnInfo(ReadOnlySpan<byte> json);

    bool OnPing();

    bool OnPong();

    /// <param name="origin">True for LS+, whose first argument is the origin cluster.</param>
    /// <param name="arguments">The rest of the line.</param>
    bool OnRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments);

    bool OnRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments);

    /// <summary>A+ and A-: whether anybody at all wants messages of an account.</summary>
    /// <param name="isWanted">True for A+.</param>
    /// <param name="account">Its name.</param>
    bool OnAccountInterest(bool isWanted, ReadOnlySpan<byte> account);

    bool OnRoutedMessage(in RoutedArguments arguments, ReadOnlySpan<byte> bodyAndCrlf);

    bool OnRemoteError(ReadOnlySpan<byte> text);

    void OnFault(ProtocolFault fault, ReadOnlySpan<byte> line);
}
