using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>A blocking client that costs next to nothing: prebuilt bytes out, bytes counted in.</summary>
internal sealed class LoadClient : IDisposable
{
    private const int ReceiveSize = 1 << 20;
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(ReceiveSize, pinned: true);

    public LoadClient(IPEndPoint address, bool echo = true)
    {
        _socket.Connect(address);
        ReadThrough("\r\n");
        Send($"CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":0,\"echo\":{(echo ? "true" : "false")}}}\r\n");
        Flush();
    }

    /// <summary>Bytes received by <see cref="CountUntilStopped"/>.</summary>
    public long Received;

    public void Send(string text) => Send(Encoding.ASCII.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>PING, and waits for the PONG: everything sent before has been handled.</summary>
    public void Flush()
    {
        Send("PING\r\n"u8);
        ReadThrough("PONG\r\n");
    }

    /// <summary>Reads exactly this many bytes.</summary>
    public void Read(int count)
    {
        while (count > 0)
        {
            var read = _socket.Receive(_buffer.AsSpan(0, Math.Min(count, ReceiveSize)));
            if (read == 0) throw new InvalidOperationException("The server closed the connection.");
            count -= read;
        }
    }

    /// <summary>Counts what comes in until the socket is shut down.</summary>
    public void CountUntilStopped()
    {
        try
        {
            while (_socket.Receive(_buffer) is var read and > 0) Volatile.Write(ref Received, Received + read);
        }
        catch (SocketException)
        {
            // Shut down by the scenario that is over.
            return;
        }
    }

    /// <summary>Counts closing braces in what comes in, that is acknowledgements, until the socket is shut down.</summary>
    public void CountAnswersUntilStopped()
    {
        try
        {
            while (_socket.Receive(_buffer) is var read and > 0) Volatile.Write(ref Received, Received + _buffer.AsSpan(0, read).Count((byte)'}'));
        }
        catch (SocketException)
        {
            // Shut down by the scenario that is over.
            return;
        }
    }

    /// <summary>Sends a request and reads its answer, which ends with a closing brace.</summary>
    public string Request(string subject, string payload)
    {
        Send($"SUB answer 9 \r\nUNSUB 9 1\r\nPUB {subject} answer {payload.Length}\r\n{payload}\r\n");
        var text = "";
        while (!text.EndsWith("}\r\n", StringComparison.Ordinal)) text += Encoding.ASCII.GetString(_buffer, 0, _socket.Receive(_buffer));
        return text;
    }

    public void Stop() => _socket.Shutdown(SocketShutdown.Both);

    public void Dispose() => _socket.Dispose();

    private void ReadThrough(string end)
    {
        var text = "";
        while (!text.EndsWith(end, StringComparison.Ordinal))
        {
            var read = _socket.Receive(_buffer);
            if (read == 0) throw new InvalidOperationException($"The server closed the connection; it said: {text}");
            text = (text + Encoding.ASCII.GetString(_buffer, 0, read))[^Math.Min(64, text.Length + read)..];
        }
    }
}
