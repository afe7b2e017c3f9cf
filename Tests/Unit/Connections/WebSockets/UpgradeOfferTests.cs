using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections.WebSockets;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Connections.WebSockets;

/// <summary>The dialling side, against the accepting one.</summary>
public sealed class UpgradeOfferTests
{
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    [InlineData(false, true, true)]
    public void BothSidesUnderstandEachOther(bool offered, bool configured, bool noMasking)
    {
        var offer = new UpgradeOffer("hub:443", "/leafnode", offered, noMasking);
        HttpRequestHead.Read(offer.Request, out var length, out var request).ShouldBe(HttpHeadOutcome.Head);
        length.ShouldBe(offer.Request.Length);
        var rules = new UpgradeRules(new ServerOptions { WebSocket = new WebSocketOptions { Compression = configured } });
        var answer = rules.Judge(request!, isTls: true);
        answer.Session!.Kind.ShouldBe(WebSocketKind.LeafNode);
        var hub = new WebSocketChannelPair(answer.Session.Mode);
        hub.Channel.Send("INFO {}\r\n"u8);
        byte[] received = [.. answer.Response, .. hub.Below.TakeSent()];

        for (var split = 0; split < answer.Response.Length; split++)
        {
            offer.ReadAnswer(received.AsSpan(0, split), out _, out var early, out var none);
            (early, none).ShouldBe((null, ""));
        }
        offer.ReadAnswer(received, out var consumed, out var mode, out var error);
        (consumed, error).ShouldBe((answer.Response.Length, ""));
        (mode!.Masks, mode.RequiresMask, mode.Compression).ShouldBe((!noMasking, false, offered && configured));

        using var below = new ScriptedChannel();
        using var leaf = new WebSocketChannel(below, mode, received.AsSpan(consumed));
        leaf.HasBuffered.ShouldBeTrue();
        Encoding.ASCII.GetString(ScriptedChannel.Drain(leaf).Bytes).ShouldBe("INFO {}\r\n");
        var text = string.Concat(Enumerable.Repeat("CONNECT {}\r\n", 50));
        leaf.Send(Encoding.ASCII.GetBytes(text)).ShouldBe(text.Length);
        hub.Below.Give(below.Sent);
        Encoding.ASCII.GetString(ScriptedChannel.Drain(hub.Channel).Bytes).ShouldBe(text);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "invalid websocket connection")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bad\r\n\r\n", "invalid websocket connection")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", "malformed HTTP response")]
    [InlineData("HTTP/1.1 1e1 x\r\n\r\n", "malformed HTTP response")]
    public void AnAnswerThatIsNoneIsRefused(string text, string error)
    {
        new UpgradeOffer("hub", "/leafnode", false, false).ReadAnswer(Encoding.ASCII.GetBytes(text), out _, out var mode, out var found);
        (mode, found).ShouldBe((null, error));
    }

    [Fact]
    public void CompressionWithContextIsRefused()
    {
        var offer = new UpgradeOffer("hub", "/leafnode", true, false);
        HttpRequestHead.Read(offer.Request, out _, out var request);
        var rules = new UpgradeRules(new ServerOptions { WebSocket = new WebSocketOptions { Compression = true } });
        var answer = Encoding.ASCII.GetString(rules.Judge(request!, isTls: false).Response).Replace("; client_no_context_takeover", "", StringComparison.Ordinal);
        offer.ReadAnswer(Encoding.ASCII.GetBytes(answer), out _, out _, out var error);
        error.ShouldBe("compression negotiation error");
    }

    private sealed class WebSocketChannelPair
    {
        public WebSocketChannelPair(WebSocketMode mode) => Channel = new WebSocketChannel(Below, mode);

        public ScriptedChannel Below { get; } = new();

        public WebSocketChannel Channel { get; }
    }
}
