using System.Net.Sockets;
using NatsAspire.Server.Connections;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections;

public sealed class IoLoopTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AThrowInOneConnectionsHandlerClosesThatOneOnly(bool portable)
    {
        var faults = new List<Exception>();
        using var loop = IoLoop.Create(0, faults.Add, portable);
        loop.Start();
        await using var listener = Listener.Bind("127.0.0.1", -1, socket => new EchoConnection(socket, loop).Open(), _ => { });
        listener.Start();
        using var good = await RawClient.ConnectAsync(listener.EndPoint);
        using var bad = await RawClient.ConnectAsync(listener.EndPoint);
        await good.SendAsync("one");
        await good.ExpectAsync("one");
        await bad.SendAsync("throw");
        (await bad.ReadToCloseAsync()).ShouldBe("");
        faults.Single().Message.ShouldBe("as asked");
        await good.SendAsync("two");
        await good.ExpectAsync("two");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatIsNotConsumedComesAgainWithMore(bool portable)
    {
        using var loop = IoLoop.Create(0, _ => { }, portable);
        loop.Start();
        await using var listener = Listener.Bind("127.0.0.1", -1, socket => new LineConnection(socket, loop).Open(), _ => { });
        listener.Start();
        using var client = await RawClient.ConnectAsync(listener.EndPoint);
        foreach (var piece in new[] { "a", "b", "\nc\nd", new string('e', 300_000), "\n" }) await client.SendAsync(piece);
        await client.ExpectAsync("2\n1\n300001\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TimersFireMoveAndStop(bool portable)
    {
        using var loop = IoLoop.Create(0, _ => { }, portable);
        loop.Start();
        var fired = new TaskCompletionSource<int>();
        var count = 0;
        loop.Post(() =>
        {
            var cancelled = loop.CreateTimer(() => count += 100);
            loop.Schedule(cancelled, TimeSpan.FromMilliseconds(10));
            cancelled.Cancel();
            var moved = loop.CreateTimer(() => count++);
            loop.Schedule(moved, TimeSpan.FromMilliseconds(5));
            loop.Schedule(moved, TimeSpan.FromMilliseconds(20));
            loop.Schedule(loop.CreateTimer(() => fired.SetResult(count)), TimeSpan.FromMilliseconds(60));
        });
        (await Wait.For("the last timer", fired.Task)).ShouldBe(1);
    }

    private sealed class EchoConnection(Socket socket, IoLoop loop) : Connection(socket, loop)
    {
        protected override void OnOpened()
        {
        }

        protected override int OnReceived(ReadOnlySpan<byte> data)
        {
            if (data.SequenceEqual("throw"u8)) throw new InvalidOperationException("as asked");
            Enqueue(data);
            return data.Length;
        }

        protected override void OnClosed()
        {
        }
    }

    /// <summary>Answers each line with its length.</summary>
    private sealed class LineConnection(Socket socket, IoLoop loop) : Connection(socket, loop)
    {
        protected override void OnOpened()
        {
        }

        protected override int OnReceived(ReadOnlySpan<byte> data)
        {
            var used = 0;
            while (data[used..].IndexOf((byte)'\n') is var end and >= 0)
            {
                Enqueue(System.Text.Encoding.ASCII.GetBytes($"{end}\n"));
                used += end + 1;
            }
            return used;
        }

        protected override void OnClosed()
        {
        }
    }
}
