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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AConnectionHandsItsTransportToAnother(bool portable)
    {
        using var loop = IoLoop.Create(0, _ => { }, portable);
        loop.Start();
        var doors = new List<DoorConnection>();
        await using var listener = Listener.Bind("127.0.0.1", -1, socket => Add(new DoorConnection(socket, loop)).Open(), _ => { });
        listener.Start();
        using var client = await RawClient.ConnectAsync(listener.EndPoint);
        await client.SendAsync("open");
        await client.ExpectAsync("welcome\n");
        await client.SendAsync("to the other");
        await client.ExpectAsync("to the other");
        doors.Single().IsClosing.ShouldBeTrue();
        doors.Single().Close(CloseReason.ServerShutdown);
        await client.SendAsync("still");
        await client.ExpectAsync("still");
        using var refused = await RawClient.ConnectAsync(listener.EndPoint);
        await refused.SendAsync("nobody");
        (await refused.ReadToCloseAsync()).ShouldBe("welcome\n");

        DoorConnection Add(DoorConnection door)
        {
            doors.Add(door);
            return door;
        }
    }

    private sealed class DoorConnection(Socket socket, IoLoop loop) : Connection(socket, loop)
    {
        protected override void OnOpened()
        {
        }

        protected override int OnReceived(ReadOnlySpan<byte> data)
        {
            Enqueue("welcome\n"u8);
            var isKnown = data.SequenceEqual("open"u8);
            HandOver(transport => isKnown ? new RoomConnection(transport) : null);
            return data.Length;
        }

        protected override void OnClosed() => throw new InvalidOperationException("Its transport goes on without it.");
    }

    private sealed class RoomConnection(Transport transport) : Connection(transport)
    {
        protected override void OnOpened()
        {
        }

        protected override int OnReceived(ReadOnlySpan<byte> data)
        {
            Enqueue(data);
            return data.Length;
        }

        protected override void OnClosed()
        {
        }
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
