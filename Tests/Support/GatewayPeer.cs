using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>The other cluster's end of a connection that a server dialled, played by a test.</summary>
public sealed class GatewayPeer : IDisposable
{
    private readonly TcpClient _socket;
    private readonly StreamReader _reader;

    private GatewayPeer(TcpClient socket) => (_socket, _reader) = (socket, new StreamReader(socket.GetStream(), Encoding.Latin1));

    /// <summary>What was read last.</summary>
    public string LastLine { get; private set; } = "";

    public static async Task<GatewayPeer> AcceptAsync(TcpListener listener) =>
        new(await Wait.For("the connection", listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask()));

    public async Task SendAsync(string text) =>
        await _socket.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current.CancellationToken);

    /// <summary>False: the server has gone already.</summary>
    public async Task<bool> TrySendAsync(string text)
    {
        if (_socket.Client.Poll(0, SelectMode.SelectRead) && _socket.Client.Available == 0) return false;
        try
        {
            await SendAsync(text);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Reads all until the server closes.</summary>
    public async Task<string> ReadToCloseAsync()
    {
        try
        {
            return await Wait.For("the end", _reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }
        catch (IOException)
        {
            // A reset: what had come is gone with it.
            return "";
        }
    }

    /// <summary>Empty: the end.</summary>
    public async Task<string> ReadLineAsync() =>
        LastLine = await Wait.For("a line", _reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()) ?? "";

    /// <summary>Reads messages of one account, PINGs and other accounts' left out, up to the PONG for a PING of its own.</summary>
    public async Task<IReadOnlyList<string>> ReadMessagesAsync(string account)
    {
        await SendAsync("PING\r\n");
        var messages = new List<string>();
        while (await ReadLineAsync() is var line && line != "PONG")
        {
            line.ShouldNotStartWith("-ERR");
            if (line.StartsWith($"RMSG {account} ", StringComparison.Ordinal)) messages.Add(line);
        }
        return messages;
    }

    public void Dispose() => _socket.Dispose();
}
