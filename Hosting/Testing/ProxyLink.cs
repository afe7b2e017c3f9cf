using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;

namespace NatsAspire.Hosting;

/// <summary>The two connections of one link of an <see cref="InterposingProxy"/>, and the pumps between them.</summary>
internal sealed class ProxyLink(Socket near, Socket far)
{
    /// <summary>Chunks under way in one direction; beyond it the sender's own buffers fill, as with a real line.</summary>
    private const int MaxChunksUnderWay = 64;

    private readonly CancellationTokenSource _cut = new();

    /// <summary>Ends when both directions have.</summary>
    public Task Ended { get; private set; } = Task.CompletedTask;

    public void Start(ProxyWays ways, Action ended) => Ended = RunAsync(ways, ended);

    public void HalfClose(bool toTarget) => ShutdownSend(toTarget ? far : near);

    /// <summary>Ends both connections with RST, whatever was under way.</summary>
    public void Abort() => _cut.Cancel();

    private async Task RunAsync(ProxyWays ways, Action ended)
    {
        await Task.WhenAll(PumpAsync(near, far, ways.ToTarget, ways.Heard), PumpAsync(far, near, ways.FromTarget, null));
        // Only here: a socket that lingers not, and is closed, sends RST; before, the pumps still use both.
        if (_cut.IsCancellationRequested) near.LingerState = far.LingerState = new LingerOption(true, 0);
        near.Close();
        far.Close();
        ended();
    }

    /// <summary>Reads on one side and writes what is due on the other; a FIN passes behind the last byte.</summary>
    private async Task PumpAsync(Socket from, Socket to, ProxyDirection direction, Action<ReadOnlyMemory<byte>>? heard)
    {
        var underWay = Channel.CreateBounded<(byte[] Bytes, long Due)>(MaxChunksUnderWay);
        var writing = WriteAsync(underWay.Reader, to, direction);
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer.AsMemory(), _cut.Token)) > 0)
            {
                heard?.Invoke(buffer.AsMemory(0, count));
                var due = Stopwatch.GetTimestamp() + (long)(direction.Delay.TotalSeconds * Stopwatch.Frequency);
                await underWay.Writer.WriteAsync((buffer[..count], due), _cut.Token);
            }
            underWay.Writer.Complete();
            await writing;
            ShutdownSend(to);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or ChannelClosedException)
        {
            // Either side reset, or the test cut the line: the other side shall see a reset as well.
            underWay.Writer.TryComplete();
            if (!_cut.IsCancellationRequested) Abort();
        }
    }

    private async Task WriteAsync(ChannelReader<(byte[] Bytes, long Due)> underWay, Socket to, ProxyDirection direction)
    {
        await foreach (var (bytes, due) in underWay.ReadAllAsync(_cut.Token))
        {
            var early = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            if (early > TimeSpan.Zero) await Task.Delay(early, _cut.Token);
            var chunk = direction.SplitsEveryByte ? 1 : bytes.Length;
            for (var at = 0; at < bytes.Length; at += chunk)
            {
                await direction.WaitUntilOpenAsync(_cut.Token);
                var part = bytes.AsMemory(at, chunk);
                direction.Record(part.Span);
                while (!part.IsEmpty) part = part[await to.SendAsync(part, _cut.Token)..];
            }
        }
    }

    private static void ShutdownSend(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone already, which says it louder.
            return;
        }
    }
}
