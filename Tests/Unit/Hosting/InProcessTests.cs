using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Clients of the same process, without a socket.</summary>
public sealed class InProcessTests
{
    [Fact]
    public async Task SpeaksTheClientProtocolWithoutAListener()
    {
        await using var server = await TestServer.StartAsync(options => options with { DontListen = true });
        server.ClientEndPoint.ShouldBeNull();
        await using var subscriber = await StreamClient.OpenAsync(server.ConnectInProcess());
        await using var publisher = await StreamClient.OpenAsync(server.ConnectInProcess());
        await subscriber.SendAsync("SUB hello 1\r\n");
        await subscriber.FlushAsync();
        await publisher.SendAsync("PUB hello reply 2\r\nhi\r\n");
        (await subscriber.ReadThroughAsync("hi\r\n")).ShouldBe("MSG hello 1 reply 2\r\nhi\r\n");
        server.ClientCount.ShouldBe(2);
    }

    [Fact]
    public async Task MeetsClientsOnSockets()
    {
        await using var server = await TestServer.StartAsync();
        await using var inside = await StreamClient.OpenAsync(server.ConnectInProcess());
        using var outside = await RawClient.OpenAsync(server.ClientEndPoint!);
        await inside.SendAsync("SUB to.inside 1\r\n");
        await inside.FlushAsync();
        await outside.SendAsync("SUB to.outside 1\r\n");
        await outside.FlushAsync();
        await inside.SendAsync("PUB to.outside 1\r\na\r\n");
        await outside.ExpectAsync("MSG to.outside 1 1\r\na\r\n");
        await outside.SendAsync("PUB to.inside 1\r\nb\r\n");
        (await inside.ReadThroughAsync("b\r\n")).ShouldBe("MSG to.inside 1 1\r\nb\r\n");
    }

    [Fact]
    public async Task MessagesLargerThanTheBuffersPass()
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await StreamClient.OpenAsync(server.ConnectInProcess());
        await client.SendAsync("SUB big 1\r\n");
        var payload = string.Concat(Enumerable.Range(0, 100_000).Select(i => i.ToString("D10")))[..1_000_000];
        var writing = client.SendAsync($"PUB big {payload.Length}\r\n{payload}\r\nPING\r\n");
        var got = await client.ReadThroughAsync("PONG\r\n");
        await writing;
        got.ShouldBe($"MSG big 1 {payload.Length}\r\n{payload}\r\nPONG\r\n");
    }

    [Fact]
    public async Task ManyMessagesComeInOrderWhileBothSidesAreHeldUp()
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StreamClient.OpenAsync(server.ConnectInProcess());
        await using var publisher = await StreamClient.OpenAsync(server.ConnectInProcess());
        await subscriber.SendAsync("SUB s 1\r\n");
        await subscriber.FlushAsync();
        const int Count = 20_000;
        var all = new StringBuilder();
        for (var i = 0; i < Count; i++) all.Append($"PUB s 100\r\n{i,100}\r\n");
        var writing = publisher.SendAsync(all.ToString());
        using var reader = new StreamReader(subscriber.Stream, Encoding.Latin1, false, 16, leaveOpen: true);
        for (var i = 0; i < Count; i++)
        {
            (await reader.ReadLineAsync().WaitAsync(Wait.Default)).ShouldBe("MSG s 1 100");
            (await reader.ReadLineAsync().WaitAsync(Wait.Default)).ShouldBe($"{i,100}");
        }
        await writing;
    }

    [Fact]
    public async Task WhoNeverReadsIsASlowConsumerAndHarmsNobody()
    {
        await using var server = await TestServer.StartAsync(options => options with { Limits = options.Limits with { MaxPending = 1 << 20 } });
        await using var lazy = await StreamClient.OpenAsync(server.ConnectInProcess());
        await lazy.SendAsync("SUB s 1\r\n");
        await lazy.FlushAsync();
        await using var publisher = await StreamClient.OpenAsync(server.ConnectInProcess());
        var message = $"PUB s 100000\r\n{new string('x', 100_000)}\r\n";
        await Wait.Until("the slow consumer is cut off", async () =>
        {
            await publisher.SendAsync(message);
            return server.ClientCount == 1;
        }, () => $"{server.ClientCount} clients");
        (await publisher.FlushAsync()).ShouldBe("PONG\r\n");
        await Should.ThrowAsync<IOException>(lazy.SendAsync("PING\r\n"));
    }

    [Fact]
    public async Task DisposingItDisconnects()
    {
        await using var server = await TestServer.StartAsync();
        var client = await StreamClient.OpenAsync(server.ConnectInProcess());
        server.ClientCount.ShouldBe(1);
        var reading = client.Stream.ReadAsync(new byte[1]).AsTask();
        await client.DisposeAsync();
        await Wait.Until("the client is gone", () => server.ClientCount == 0);
        await Should.ThrowAsync<ObjectDisposedException>(reading.WaitAsync(Wait.Default));
    }

    [Fact]
    public async Task TheEndOfTheServerEndsTheStream()
    {
        var server = await TestServer.StartAsync();
        await using var client = await StreamClient.OpenAsync(server.ConnectInProcess());
        await server.DisposeAsync();
        (await client.ReadToEndAsync()).ShouldBe("");
        await Should.ThrowAsync<IOException>(client.SendAsync("PING\r\n"));
        Should.Throw<ObjectDisposedException>(() => server.ConnectInProcess());
    }

    [Fact]
    public async Task AReadThatIsCancelledLosesNothing()
    {
        await using var server = await TestServer.StartAsync();
        await using var client = await StreamClient.OpenAsync(server.ConnectInProcess());
        using var cancel = new CancellationTokenSource();
        var reading = client.Stream.ReadAsync(new byte[100], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(reading);
        (await client.FlushAsync()).ShouldBe("PONG\r\n");
    }

    [Fact]
    public async Task UsersMayBeConfinedToIt()
    {
        const string Config = """
            authorization { users: [ { user: inside, password: pw, allowed_connection_types: [ IN_PROCESS ] }
                                     { user: outside, password: pw, allowed_connection_types: [ STANDARD ] } ] }
            """;
        await using var server = await TestServer.FromConfigAsync(Config);
        await using var admitted = await StreamClient.OpenAsync(server.ConnectInProcess(), Connect("inside"));
        var refused = new StreamClient(server.ConnectInProcess());
        await refused.ReadThroughAsync("\r\n");
        await refused.SendAsync(Connect("outside"));
        (await refused.ReadToEndAsync()).ShouldContain("Authorization Violation");
        using var socket = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await socket.ReadInfoAsync();
        await socket.SendAsync(Connect("inside"));
        (await socket.ReadToCloseAsync()).ShouldContain("Authorization Violation");

        static string Connect(string user) => $$"""CONNECT {"verbose":false,"user":"{{user}}","pass":"pw"}""" + "\r\n";
    }

    [Fact]
    public async Task NeedsNoTlsWhereSocketsDo()
    {
        using var certificates = new TestCertificates();
        await using var server = await TestServer.FromConfigAsync(certificates.Block());
        await using var stream = new StreamClient(server.ConnectInProcess());
        var info = await stream.ReadThroughAsync("\r\n");
        info.ShouldNotContain("tls_required");
        await stream.SendAsync(RawClient.Quiet);
        (await stream.FlushAsync()).ShouldBe("PONG\r\n");
    }
}
