using System.Text;

namespace NatsAspire.Tests.Support;

/// <summary>The NATS protocol over any stream, as exact text; latin-1, one character a byte.</summary>
public sealed class StreamClient(Stream stream) : IAsyncDisposable
{
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    public Stream Stream => stream;

    /// <summary>Reads INFO, sends CONNECT and waits for the PONG behind it.</summary>
    public static async Task<StreamClient> OpenAsync(Stream stream, string connect = RawClient.Quiet)
    {
        var client = new StreamClient(stream);
        (await client.ReadThroughAsync("\r\n")).ShouldStartWith("INFO {");
        await client.SendAsync(connect + "PING\r\n");
        await client.ReadThroughAsync("PONG\r\n");
        return client;
    }

    public Task SendAsync(string text) => stream.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask().WaitAsync(Wait.Default);

    /// <summary>Reads up to and with this text.</summary>
    public async Task<string> ReadThroughAsync(string text)
    {
        int found;
        while ((found = _received.ToString().IndexOf(text, StringComparison.Ordinal)) < 0)
        {
            var count = await stream.ReadAsync(_buffer).AsTask().WaitAsync(Wait.Default);
            if (count == 0) Assert.Fail($"'{text}' did not come before the end; got: '{_received}'");
            _received.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        }
        var taken = _received.ToString(0, found + text.Length);
        _received.Remove(0, taken.Length);
        return taken;
    }

    /// <summary>Reads to the end; what came before it.</summary>
    public async Task<string> ReadToEndAsync()
    {
        int count;
        while ((count = await stream.ReadAsync(_buffer).AsTask().WaitAsync(Wait.Default)) > 0) _received.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        return _received.ToString();
    }

    /// <summary>PING and what comes up to its PONG.</summary>
    public async Task<string> FlushAsync()
    {
        await SendAsync("PING\r\n");
        return await ReadThroughAsync("PONG\r\n");
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
