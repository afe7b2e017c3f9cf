using System.Diagnostics;
using System.Net.Sockets;

namespace NatsAspire.Tests.Support;

/// <summary>
/// A peer that reads as many bytes each second, however late its turns are: more than the kernel wants read before it
/// takes more to send, and less than what waits. It has a thread of its own, as somebody who takes nothing at all until the
/// write deadline is closed, whatever the server was told.
/// </summary>
public static class SlowReader
{
    /// <summary>The write deadline it is made for, in a configuration.</summary>
    public const string Deadline = "3s";

    /// <summary>How much has to wait so that it is late, in messages of <see cref="MessageSize"/>.</summary>
    public const int Messages = 80;

    /// <summary>The size of a message, in bytes.</summary>
    public const int MessageSize = 512 * 1024;

    private const int BytesPerMillisecond = 3_000;

    /// <summary>Publishes more than it reads until the deadline, and lets it read until the server's log says that it is slow.</summary>
    /// <returns>How many bytes it has read.</returns>
    public static async Task<long> IsFoundSlowAsync(Socket slow, TestClient publisher, CapturedLog log)
    {
        var payload = new byte[MessageSize];
        for (var i = 0; i < Messages; i++) await publisher.PublishAsync("flood", payload);
        bool IsFound() => log.Contains($"WriteDeadline of {Deadline} exceeded");
        var read = 0L;
        var (clock, isDone) = (Stopwatch.StartNew(), false);
        var reading = Task.Factory.StartNew(
            () =>
            {
                var buffer = new byte[64 * 1024];
                while (!Volatile.Read(ref isDone))
                {
                    while (read < clock.ElapsedMilliseconds * BytesPerMillisecond)
                    {
                        // The server may close, with a reset as much waits.
                        var count = slow.Receive(buffer, 0, buffer.Length, SocketFlags.None, out var error);
                        if (count == 0 || error != SocketError.Success) return;
                        Volatile.Write(ref read, read + count);
                    }
                    slow.Poll(TimeSpan.FromMilliseconds(1), SelectMode.SelectError);
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            await Wait.Until("it is found slow", IsFound, () => $"{Volatile.Read(ref read)} bytes read in {clock.Elapsed}");
        }
        finally
        {
            Volatile.Write(ref isDone, true);
        }
        await reading;
        return read;
    }
}
