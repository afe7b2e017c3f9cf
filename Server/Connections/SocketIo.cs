using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace NatsAspire.Server.Connections;

/// <summary>Non-blocking reads and writes of one connected socket: by libc where the loop is epoll, else by Socket.</summary>
internal abstract class SocketIo(Socket socket) : ByteChannel
{
    public Socket Socket { get; } = socket;

    protected override void Dispose(bool disposing)
    {
        try
        {
            if (Socket.Connected) Socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer was faster; there is nobody left to say goodbye to.
        }
        Socket.Dispose();
    }
}

internal sealed class LibCSocketIo(Socket socket) : SocketIo(socket)
{
    private readonly int _fd = (int)socket.Handle;

    public int FileDescriptor => _fd;

    public override unsafe int Receive(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Receive(_fd, start, buffer.Length, LibC.DontWait));
        }
    }

    public override unsafe int Send(ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            return Result(LibC.Send(_fd, start, data.Length, LibC.DontWait | LibC.NoSignal));
        }
    }

    private static int Result(nint count)
    {
        if (count >= 0) return (int)count;
        return Marshal.GetLastPInvokeError() is LibC.TryAgain or LibC.Interrupted ? WouldBlock : Failed;
    }
}

internal sealed class PortableSocketIo : SocketIo
{
    public PortableSocketIo(Socket socket) : base(socket) => socket.Blocking = false;

    public override int Receive(Span<byte> buffer) => Result(Socket.Receive(buffer, SocketFlags.None, out var error), error);

    public override int Send(ReadOnlySpan<byte> data) => Result(Socket.Send(data, SocketFlags.None, out var error), error);

    private static int Result(int count, SocketError error) => error switch
    {
        SocketError.Success => count,
        SocketError.WouldBlock or SocketError.IOPending or SocketError.NoBufferSpaceAvailable => WouldBlock,
        _ => Failed,
    };
}
