using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>What trace lines show of messages.</summary>
public sealed class TraceTests
{
    private const string Header = "NATS/1.0\r\nA: b\r\n\r\n";

    [Fact]
    [Upstream("client_test.go", "TestTraceMsgDelivery")]
    public async Task OperationsAndPayloadsOfBothDirections()
    {
        var lines = await TraceAsync(logging => logging, "PUB s r 4\r\na\"\r\n\r\n");
        lines.ShouldContain("<<- [PUB s r 4]");
        lines.ShouldContain(@"<<- MSG_PAYLOAD: [""a\""\r\n""]");
        lines.ShouldContain("->> [MSG s 1 r 4]");
        lines.ShouldContain(@"->> MSG_PAYLOAD: [""a\""\r\n""]");
    }

    [Fact]
    public async Task AnEmptyPayloadHasNoLine() =>
        (await TraceAsync(logging => logging, "PUB s 0\r\n\r\n")).ShouldNotContain(line => line.Contains("MSG_PAYLOAD", StringComparison.Ordinal));

    [Theory]
    [InlineData(5, "hello...")]
    [InlineData(10, "helloworld")]
    [InlineData(0, "helloworld")]
    [Upstream("client_test.go", "TestTraceMsg")]
    public async Task LongPayloadsAreCut(int limit, string shown) =>
        (await TraceAsync(logging => logging with { MaxTracedMessageLength = limit }, "PUB s 10\r\nhelloworld\r\n")).ShouldContain($"<<- MSG_PAYLOAD: [\"{shown}\"]");

    [Fact]
    public async Task HeadersAloneIfAskedFor()
    {
        var lines = await TraceAsync(logging => logging with { TraceHeaders = true }, $"HPUB s {Header.Length} {Header.Length + 6}\r\n{Header}secret\r\nPUB s 6\r\nsecret\r\n");
        lines.ShouldContain($"<<- [HPUB s {Header.Length} {Header.Length + 6}]");
        lines.Where(line => line.StartsWith("<<- MSG_PAYLOAD", StringComparison.Ordinal)).ShouldBe([@"<<- MSG_PAYLOAD: [""NATS/1.0\r\nA: b""]"]);
        lines.ShouldNotContain(line => line.Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 1, @"NATS/1.0\r\nFoo: 1")]
    [InlineData(6, 1, "NATS/1...")]
    [InlineData(0, 2, @"NATS/1.0\r\nFoo: 1\r\nBar: 2")]
    [InlineData(21, 2, @"NATS/1.0\r\nFoo: 1\r\nBar...")]
    [Upstream("client_test.go", "TestTraceMsgHeadersOnly")]
    public async Task HeadersAreCutToo(int limit, int headers, string shown)
    {
        var header = "NATS/1.0\r\nFoo: 1\r\n" + (headers == 2 ? "Bar: 2\r\n" : "") + "\r\n";
        foreach (var payload in new[] { "", "test" })
        {
            var lines = await TraceAsync(logging => logging with { TraceHeaders = true, MaxTracedMessageLength = limit }, $"HPUB s {header.Length} {header.Length + payload.Length}\r\n{header}{payload}\r\n");
            lines.ShouldContain($"<<- MSG_PAYLOAD: [\"{shown}\"]");
        }
        (await TraceAsync(logging => logging with { TraceHeaders = true }, "PUB s 4\r\ntest\r\n")).ShouldNotContain(line => line.Contains("MSG_PAYLOAD", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, 1, "", @"NATS/1.0\r\nFoo: bar")]
    [InlineData(true, 1, "test", @"NATS/1.0\r\nFoo: bar")]
    [InlineData(true, 2, "", @"NATS/1.0\r\nFoo: bar\r\nBar: baz")]
    [InlineData(true, 2, "payload data", @"NATS/1.0\r\nFoo: bar\r\nBar: baz")]
    [InlineData(false, 1, "test", @"NATS/1.0\r\nFoo: bar\r\n\r\ntest")]
    [InlineData(false, 0, "plain message", "plain message")]
    [Upstream("client_test.go", "TestTraceMsgDeliveryWithHeaders")]
    public async Task WhatIsDeliveredIsShownWithItsHeaders(bool headersOnly, int headers, string payload, string shown)
    {
        var header = headers == 0 ? "" : "NATS/1.0\r\nFoo: bar\r\n" + (headers == 2 ? "Bar: baz\r\n" : "") + "\r\n";
        var publish = headers == 0 ? $"PUB s {payload.Length}\r\n{payload}\r\n" : $"HPUB s {header.Length} {header.Length + payload.Length}\r\n{header}{payload}\r\n";
        (await TraceAsync(logging => logging with { TraceHeaders = headersOnly }, publish)).ShouldContain($"->> MSG_PAYLOAD: [\"{shown}\"]");
    }

    /// <summary>What the trace lines say of a client's own messages to itself, without the client's name.</summary>
    private static async Task<List<string>> TraceAsync(Func<LoggingOptions, LoggingOptions> change, string publish)
    {
        using var log = new CapturedLog();
        await using var server = await NatsServer.StartAsync(TestServer.Options with { Logging = change(new LoggingOptions { Trace = true }) }, log);
        using var client = await RawClient.OpenAsync(server.ClientEndPoint!);
        await client.SendAsync("SUB s 1\r\n" + publish + "PING\r\n");
        await client.ReadThroughAsync("PONG\r\n");
        return [.. log.Lines.Where(line => line.StartsWith("Trace ", StringComparison.Ordinal)).Select(line => line.Split(" | ")[0].Split(" - ")[^1])];
    }
}
