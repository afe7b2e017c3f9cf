using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections;

/// <summary>What the way of a message through the server costs.</summary>
[Collection("alone")]
public sealed class HotPathTests
{
    private const int Rounds = 200;
    private const int Batch = 1000;

    [Fact]
    public async Task PublishMatchDeliverAllocatesNothingPerMessage()
    {
        await using var server = await TestServer.StartAsync();
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB bench.* 1\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        var batch = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("PUB bench.a 16\r\n0123456789abcdef\r\n", Batch)));
        var messageLength = "MSG bench.a 1 16\r\n0123456789abcdef\r\n".Length;
        await RunAsync(publisher, subscriber, batch, messageLength, 20);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(publisher, subscriber, batch, messageLength, Rounds);
        var perMessage = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(Rounds * Batch);
        // The test's own sends and reads allocate a little per batch of a thousand; a message allocating 24 bytes would show.
        perMessage.ShouldBeLessThan(8);
    }

    [Fact]
    public async Task NeitherDoHeadersThatAskForNoTrace()
    {
        await using var server = await TestServer.FromConfigAsync("accounts { A { users: [ { user: a, password: a } ], trace_dest: traces } }\nno_auth_user: a");
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB bench.* 1\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        var batch = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("HPUB bench.a 26 30\r\nNATS/1.0\r\nApp: a value\r\n\r\nbody\r\n", Batch)));
        var messageLength = "HMSG bench.a 1 26 30\r\nNATS/1.0\r\nApp: a value\r\n\r\nbody\r\n".Length;
        await RunAsync(publisher, subscriber, batch, messageLength, 20);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(publisher, subscriber, batch, messageLength, Rounds);
        ((GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(Rounds * Batch)).ShouldBeLessThan(8);
    }

    [Fact]
    public async Task NoLoopIsHeldUp()
    {
        await using var server = await TestServer.StartAsync();
        using var subscriber = await RawClient.OpenAsync(server.ClientEndPoint!);
        await subscriber.SendAsync("SUB bench.* 1\r\n");
        await subscriber.FlushAsync();
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint!);
        var batch = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("PUB bench.a 16\r\n0123456789abcdef\r\n", Batch)));
        var messageLength = "MSG bench.a 1 16\r\n0123456789abcdef\r\n".Length;
        await RunAsync(publisher, subscriber, batch, messageLength, 50);
        var before = server.LongLoopTurns;
        await RunAsync(publisher, subscriber, batch, messageLength, Rounds);
        // A turn is also long when the system takes the processor away; what blocks, blocks nearly every turn.
        (server.LongLoopTurns - before).ShouldBeLessThan(Rounds / 10);
    }

    private static async Task RunAsync(RawClient publisher, RawClient subscriber, byte[] batch, int messageLength, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            await publisher.SendAsync(batch);
            await subscriber.SkipAsync(Batch * messageLength);
        }
    }
}

/// <summary>Tests whose measurements others would disturb.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;
