using System.Text;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>The WebSocket conversations of the golden corpus: the same heads, the same frames.</summary>
public sealed class GoldenWebSocketTests
{
    [Theory]
    [InlineData("websocket-basic")]
    [InlineData("websocket-compression")]
    [InlineData("websocket-bad-version")]
    [InlineData("websocket-mqtt-path")]
    public async Task SaysWhatTheGoServerSays(string name)
    {
        await using var server = await TestServer.FromConfigAsync(GoldenTranscript.ServerConfigOnFreePorts("websocket"));
        using var client = await WebSocketRawClient.ConnectAsync(server.WebSocketEndPoint!);
        var isUpgraded = false;
        foreach (var step in Golden.Json("client", name + ".json").GetProperty("transcript").EnumerateArray())
        {
            if (step.TryGetProperty("event", out _)) (await client.ReadFrameAsync()).ShouldBeNull("the server closes");
            else if (step.GetProperty("dir").GetString() == "S") await CompareAsync(client, Data(step), isUpgraded);
            else if (isUpgraded) await client.SendBytesAsync(Encoding.Latin1.GetBytes(Data(step)));
            else await client.RequestAsync(Data(step));
            isUpgraded |= client.Response.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal) && step.GetProperty("dir").GetString() == "S";
        }
    }

    private static async Task CompareAsync(WebSocketRawClient client, string recorded, bool isUpgraded)
    {
        if (!isUpgraded)
        {
            var head = recorded[..(recorded.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)];
            Headers(client.Response).ShouldBe(Headers(head));
            recorded = recorded[head.Length..];
            if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
            {
                (await client.ReadBodyAsync(recorded.Length)).ShouldBe(recorded);
                return;
            }
        }
        var bytes = Encoding.Latin1.GetBytes(recorded);
        while (bytes.Length > 0)
        {
            var expected = TestFrames.Read(bytes, out var consumed).ShouldNotBeNull();
            bytes = bytes[consumed..];
            var frame = (await client.ReadFrameAsync()).ShouldNotBeNull();
            Describe(frame).ShouldBe(Describe(expected));
        }
    }

    private static string Data(JsonElement step) => step.GetProperty("data").GetString()!;

    /// <summary>The date apart, and that ours closes after a refusal and says so; the order of headers means nothing.</summary>
    private static IEnumerable<string> Headers(string head) => head.Split("\r\n")
        .Where(line => !line.StartsWith("Date: ", StringComparison.Ordinal) && line != "Connection: close")
        .Order(StringComparer.Ordinal);

    private static string Describe(TestFrame frame)
    {
        var text = frame.Compressed ? Encoding.Latin1.GetString(TestFrames.Inflate(frame.Payload)) : frame.Text;
        return $"{frame.Opcode} final {frame.Final} compressed {frame.Compressed} masked {frame.Masked}: {string.Join(" | ", GoldenDialect.Current.Operations(text))}";
    }
}
