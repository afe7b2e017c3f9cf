namespace NatsAspire.Server.Connections.InProcess;

/// <summary>
/// The server's end of a connection within this process. Its other end is <see cref="ClientStream"/>; what one end
/// has not read yet fills a bounded buffer, and then holds up the other.
/// </summary>
internal sealed class InProcessChannel : ByteChannel
{
    /// <summary>Bytes that wait in each direction at most.</summary>
    public const int Capacity = 128 * 1024;

    private readonly BoundedPipe _fromClient = new(Capacity);
    private readonly BoundedPipe _toClient = new(Capacity);

    public InProcessChannel() => ClientStream = new InProcessStream(_toClient, _fromClient);

    /// <summary>What the client reads and writes.</summary>
    public InProcessStream ClientStream { get; }

    public override bool HasBuffered => _fromClient.HasData;

    /// <summary>Has the connection told of what the client does. Before it is opened.</summary>
    public void Bind(Connection connection)
    {
        _fromClient.Readable = connection.SignalReadable;
        _toClient.Writable = connection.SignalWritable;
    }

    public override int Receive(Span<byte> buffer) => _fromClient.TryRead(buffer);

    public override int Send(ReadOnlySpan<byte> data) => _toClient.TryWrite(data);

    protected override void Dispose(bool disposing)
    {
        _fromClient.Abandon();
        _toClient.Complete();
    }
}
