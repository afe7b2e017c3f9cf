using System.Collections.Concurrent;
using System.Net.Sockets;

namespace NatsAspire.Server.Connections;

/// <summary>
/// The loop for systems without epoll. Waiting for data is a zero-byte receive of the runtime; its completion
/// puts the connection in the loop's queue, so that all else happens on the loop's thread as well.
/// </summary>
internal sealed class PortableLoop(int index, Action<Exception> onFault) : IoLoop(index, onFault)
{
    private static readonly TimeSpan WriteRetry = TimeSpan.FromMilliseconds(1);
    private static readonly Action<Connection> ReadStep = static c => c.OnReadable();
    private static readonly Action<Connection> WriteStep = static c => c.OnWritable();
    private readonly ConcurrentQueue<Connection> _readable = new();
    private readonly AutoResetEvent _wake = new(false);
    private int _nextSlot;

    internal override SocketIo CreateIo(Socket socket) => new PortableSocketIo(socket);

    internal override void Attach(Connection connection)
    {
        connection.LoopSlot = ++_nextSlot;
        ConnectionCount++;
        if (connection.Io is null) connection.SignalReadable();
        else Arm(connection);
    }

    internal override void Detach(Connection connection)
    {
        if (connection.LoopSlot < 0) return;
        connection.LoopSlot = -1;
        ConnectionCount--;
    }

    internal override void WantWrite(Connection connection) => Post(() =>
    {
        if (connection.LoopSlot < 0) return;
        connection.NotifyWriteBlocked();
        if (connection.Io is not null) Schedule(CreateTimer(() => RetryWrite(connection)), WriteRetry);
    });

    internal override void SetReading(Connection connection, bool reading)
    {
        if (reading && connection.LoopSlot >= 0) Arm(connection);
    }

    protected override void Turn(int timeoutMilliseconds)
    {
        if (_readable.IsEmpty) _wake.WaitOne(timeoutMilliseconds);
        BeginTurn();
        for (var left = _readable.Count; left > 0 && _readable.TryDequeue(out var connection); left--)
        {
            if (connection.LoopSlot < 0) continue;
            Guard(connection, ReadStep);
            if (connection.LoopSlot >= 0 && !connection.ReadingPaused) Arm(connection);
        }
        Batch.FlushAndWork();
    }

    protected override void Wake() => _wake.Set();

    protected override void Release() => _wake.Dispose();

    private void RetryWrite(Connection connection)
    {
        if (connection.LoopSlot >= 0) Guard(connection, WriteStep);
    }

    private void Arm(Connection connection)
    {
        if (connection.Io is null) return;
        var pending = connection.Io.Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
        if (pending.IsCompleted) Ready(connection);
        else pending.AsTask().ContinueWith(_ => Ready(connection), TaskContinuationOptions.ExecuteSynchronously);
    }

    private void Ready(Connection connection)
    {
        _readable.Enqueue(connection);
        if (!Stopping) _wake.Set();
    }
}
