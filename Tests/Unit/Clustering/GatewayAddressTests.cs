using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering;

/// <summary>Where gateways listen, and where they say they do.</summary>
public sealed class GatewayAddressTests
{
    [Fact]
    [Upstream("gateway_test.go", "TestGatewayListenError")]
    public async Task APortThatIsTakenEndsTheStart()
    {
        await using var other = await GatewayAsync("B");
        await Should.ThrowAsync<Exception>(() => GatewayAsync("A", $"127.0.0.1:{other.GatewayEndPoint!.Port}"));
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayAdvertiseErr")]
    public async Task AnAddressThatIsNoneIsNotAdvertised() =>
        (await Should.ThrowAsync<ConfigurationValueException>(() => GatewayAsync("A", more: "advertise: \"wrong:address\""))).Message.ShouldContain("advertise", Case.Insensitive);

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayAdvertise")]
    public async Task WhoIsSaidToBeElsewhereIsNotReached()
    {
        await using var c = await GatewayAsync("C");
        await using var b = await GatewayAsync("B");
        using var log = new CapturedLog();
        await using var a = await NatsServer.StartAsync(
            TestServer.Parse($"server_name: a\ngateway {{ name: A, listen: \"127.0.0.1:-1\", advertise: \"127.0.0.1:{c.GatewayEndPoint!.Port}\", gateways: [ {{ name: B, url: \"nats://127.0.0.1:{b.GatewayEndPoint!.Port}\" }} ] }}\n"), log);
        await Wait.Until("A has reached B", () => a.OutboundGatewayCount == 1 && b.InboundGatewayCount == 1);
        (a.InboundGatewayCount, b.OutboundGatewayCount, c.InboundGatewayCount, c.OutboundGatewayCount).ShouldBe((0, 0, 0, 0));
        using var client = await RawClient.ConnectAsync(a.GatewayEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("gateway_url").GetString().ShouldBe($"127.0.0.1:{c.GatewayEndPoint!.Port}");
    }

    [Fact]
    [Upstream("gateway_test.go", "TestGatewayWithListenToAny")]
    public async Task WhoListensEverywhereSaysAnAddressThatCanBeReached()
    {
        await using var b = await GatewayAsync("B", "0.0.0.0:-1");
        await using var a = await TestServer.FromConfigAsync($"server_name: a\ngateway {{ name: A, listen: \"0.0.0.0:-1\", gateways: [ {{ name: B, url: \"nats://127.0.0.1:{b.GatewayEndPoint!.Port}\" }} ] }}\n");
        await Wait.Until("both have reached each other", () => a.OutboundGatewayCount == 1 && b.OutboundGatewayCount == 1 && a.InboundGatewayCount == 1);
        foreach (var server in new[] { a, b })
        {
            using var client = await RawClient.ConnectAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, server.GatewayEndPoint!.Port));
            var info = await client.ReadInfoAsync();
            info.GetProperty("gateway_url").GetString()!.ShouldNotStartWith("0.0.0.0");
            info.GetProperty("gateway_urls").EnumerateArray().Select(url => url.GetString()!).ShouldAllBe(url => !url.StartsWith("0.0.0.0", StringComparison.Ordinal));
        }
    }

    private static Task<NatsServer> GatewayAsync(string name, string listen = "127.0.0.1:-1", string more = "") =>
        TestServer.FromConfigAsync($"server_name: {name}\ngateway {{ name: {name}, listen: \"{listen}\", {more} }}\n");
}
