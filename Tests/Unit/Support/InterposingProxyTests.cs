using System.Diagnostics;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Support;

/// <summary>The proxy does what the tests that will stand on it believe it does.</summary>
public sealed class InterposingProxyTests
{
    [Fact]
    public async Task BytesPassBothWaysAndAreRecorded()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        using var client = await RawClient.OpenAsync(proxy.EndPoint);
        await client.SendAsync("SUB a 1\r\nPUB a 2\r\nhi\r\n");
        await client.ExpectAsync("MSG a 1 2\r\nhi\r\n");
        proxy.ToTarget.Passed.ShouldEndWith("SUB a 1\r\nPUB a 2\r\nhi\r\n");
        proxy.FromTarget.Passed.ShouldEndWith("PONG\r\nMSG a 1 2\r\nhi\r\n");
    }

    [Fact]
    public async Task SplitAtEveryByteNothingChanges()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        proxy.ToTarget.SplitsEveryByte = proxy.FromTarget.SplitsEveryByte = true;
        await using var client = await TestClient.ConnectAsync(proxy.EndPoint);
        var subscription = await client.SubscribeAsync("a.>");
        await client.PublishAsync("a.b", "split", "re.ply", TestHeaders.Of(("Name", "value")));
        var message = await subscription.NextAsync();
        (message.Subject, message.Reply, message.Text, message.Headers!["Name"]).ShouldBe(("a.b", "re.ply", "split", "value"));
    }

    [Fact]
    public async Task WhatIsBlockedOneWayPassesWhenUnblocked()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        await using var far = await TestClient.ConnectAsync(proxy.EndPoint);
        await using var near = await TestClient.ConnectAsync(server.ClientEndPoint!);
        var subscription = await far.SubscribeAsync("a");
        await far.FlushAsync();
        proxy.FromTarget.Block();
        var before = proxy.FromTarget.Passed.Length;
        await near.PublishAsync("a", "held");
        await near.FlushAsync();
        await far.PublishAsync("other", "passes");
        await Wait.Until("the other way is open", () => proxy.ToTarget.Passed.Contains("passes"), () => proxy.ToTarget.Passed);
        proxy.FromTarget.Passed.Length.ShouldBe(before);
        proxy.FromTarget.Unblock();
        (await subscription.NextAsync()).Text.ShouldBe("held");
    }

    [Fact]
    public async Task ADelayIsKeptAndKeepsTheOrder()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        using var client = await RawClient.OpenAsync(proxy.EndPoint);
        proxy.ToTarget.Delay = TimeSpan.FromMilliseconds(120);
        var started = Stopwatch.GetTimestamp();
        await client.SendAsync("SUB a 1\r\n");
        await client.SendAsync("PUB a 1\r\n1\r\n");
        await client.SendAsync("PUB a 1\r\n2\r\n");
        await client.ExpectAsync("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n");
        Stopwatch.GetElapsedTime(started).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(110));
    }

    [Fact]
    public async Task ACutIsSeenByBothSides()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        using var client = await RawClient.OpenAsync(proxy.EndPoint);
        server.ClientCount.ShouldBe(1);
        await proxy.CutAsync();
        await client.ExpectClosedAsync();
        await Wait.Until("the server sees it", () => server.ClientCount == 0, () => $"{server.ClientCount} clients");
        proxy.LinkCount.ShouldBe(0);
    }

    [Fact]
    public async Task AHalfCloseReachesTheServer()
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(server.ClientEndPoint!);
        using var client = await RawClient.OpenAsync(proxy.EndPoint);
        proxy.HalfClose(proxy.ToTarget);
        await client.ExpectClosedAsync();
        await Wait.Until("the server lets go", () => server.ClientCount == 0, () => $"{server.ClientCount} clients");
    }

    [Fact]
    public async Task RefusedConnectionsEndAtOnceAndANewTargetIsUsed()
    {
        await using var first = await TestServer.StartAsync();
        await using var second = await TestServer.StartAsync();
        await using var proxy = InterposingProxy.Start(first.ClientEndPoint!);
        proxy.RefusesConnections = true;
        using (var refused = await RawClient.ConnectAsync(proxy.EndPoint)) await refused.ExpectClosedAsync();
        proxy.RefusesConnections = false;
        proxy.Target = second.ClientEndPoint!;
        using var client = await RawClient.ConnectAsync(proxy.EndPoint);
        (await client.ReadInfoAsync()).GetProperty("server_id").GetString().ShouldBe(second.Id);
    }
}
