namespace NatsAspire.Server.Protocol;

/// <summary>
/// A message on its way through one read batch. All spans point into the batch's buffer (or a pooled one) and
/// die with it; whoever keeps a message copies it.
/// </summary>
public readonly ref struct Message
{
    /// <summary>Subject it is delivered with.</summary>
    public required ReadOnlySpan<byte> Subject { get; init; }

    /// <summary>
    /// The literal subject that its receivers listen on, where that is another than the one it shows: a consumer's messages
    /// show the subject they were stored under. Empty: the same.
    /// </summary>
    public ReadOnlySpan<byte> Address { get; init; }

    /// <summary>Reply subject; empty: none.</summary>
    public ReadOnlySpan<byte> Reply { get; init; }

    /// <summary>Bytes of the header block at the start of the body; 0: no headers.</summary>
    public int HeaderLength { get; init; }

    /// <summary>Header block, payload and the closing CRLF, exactly as they go on the wire.</summary>
    public required ReadOnlySpan<byte> BodyAndCrlf { get; init; }

    /// <summary>It has come through a service import: streams do not take it on into further accounts.</summary>
    public bool IsImported { get; init; }

    /// <summary>Cluster of the leaf node it has come from, to which it does not go back; empty: from none.</summary>
    public ReadOnlySpan<byte> Origin { get; init; }

    /// <summary>
    /// What writes down its way, of a type that Accounts/Tracing knows; null, as nearly always: nothing does.
    /// </summary>
    public object? Trace { get; init; }

    /// <summary>The same message on another subject.</summary>
    public Message WithSubject(ReadOnlySpan<byte> subject) => this with { Subject = subject };

    /// <summary>The same message for those who listen on another subject than it shows.</summary>
    public Message WithAddress(ReadOnlySpan<byte> address) => this with { Address = address };

    /// <summary>The same message with another reply subject.</summary>
    public Message WithReply(ReadOnlySpan<byte> reply) => this with { Reply = reply };

    /// <summary>The same message with other headers.</summary>
    /// <param name="headerLength">Length of the new block.</param>
    /// <param name="bodyAndCrlf">The new block, the payload and CRLF.</param>
    public Message WithBody(int headerLength, ReadOnlySpan<byte> bodyAndCrlf) => this with { HeaderLength = headerLength, BodyAndCrlf = bodyAndCrlf };

    /// <summary>The same message, written down or not.</summary>
    public Message WithTrace(object? trace) => this with { Trace = trace };

    /// <summary>Header block and payload.</summary>
    public ReadOnlySpan<byte> Body => BodyAndCrlf[..^2];

    public ReadOnlySpan<byte> Header => BodyAndCrlf[..HeaderLength];

    public ReadOnlySpan<byte> Payload => BodyAndCrlf[HeaderLength..^2];

    /// <summary>Bytes of header block and payload.</summary>
    public int Size => BodyAndCrlf.Length - 2;
}
