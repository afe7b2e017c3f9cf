using System.Buffers;
using System.Text;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Protocol;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Which header blocks ask for a trace.</summary>
public sealed class TraceHeadersTests
{
    private const string Sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private const string Unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    [Theory]
    [InlineData("Nats-Trace-Dest: val\r\n", false)]
    [InlineData("Header1: val1\r\nHeader2: val2\r\n")]
    [InlineData("Some-Prefix-Nats-Trace-Dest: some value\r\n")]
    [InlineData("Nats-Trace-Dest-Some-Suffix: some value\r\n")]
    [InlineData("Nats-Trace-Dest : some value\r\n")]
    [InlineData("nats-trace-dest: some value\r\n")]
    [InlineData("X: Nats-Trace-Dest: some value\r\n")]
    [InlineData("Nats-Trace-Dest: bogus")]
    [InlineData("Nats-Trace-Dest:      \r\n")]
    [InlineData("Nats-Trace-Dest: trace disabled\r\ntraceparent: " + Sampled + "\r\n")]
    [InlineData("Nats-Trace-Only: true\r\n")]
    [InlineData("Some-Prefix-traceparent: " + Sampled + "\r\n")]
    [InlineData("traceparent-Some-Suffix: " + Sampled + "\r\n")]
    [InlineData("traceparent : " + Sampled + "\r\n")]
    [InlineData("traceparent: " + Sampled)]
    [InlineData("traceparent:     \r\n")]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-01\r\n")]
    [InlineData("traceparent: " + Unsampled + "\r\nSome-Header: x\r\n")]
    [InlineData("Some-Header: x\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-22\r\n")]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz\r\n")]
    [Upstream("msgtrace_test.go", "TestMsgTraceGenHeaderMap")]
    public void TheseAskForNone(string headers, bool firstLine = true) =>
        TraceHeaders.Read(Encoding.ASCII.GetBytes((firstLine ? "NATS/1.0\r\n" : "") + headers), out _).ShouldBeNull();

    [Theory]
    [InlineData("NATS/1.0\r\nNats-Trace-Dest: a\r\n\r\n", "NATS/1.0\r\n")]
    [InlineData("NATS/1.0\r\nNats-Trace-Dest: a\r\n", "NATS/1.0\r\n")]
    [InlineData("NATS/1.0\r\nX: 1\r\nNats-Trace-Dest: a\r\nY: 2\r\n\r\n", "NATS/1.0\r\nX: 1\r\nY: 2\r\n")]
    [InlineData("NATS/1.0\r\nNats-Trace-Dest: a\r\nY: 2\r\n", "NATS/1.0\r\nY: 2\r\n")]
    [InlineData("NATS/1.0\r\nNats-Trace-Dest: a\r\nY: 2", "NATS/1.0\r\nY: 2\r\n")]
    [InlineData("NATS/1.0\r\nX: 1\r\n\r\n", "NATS/1.0\r\nX: 1\r\n")]
    [InlineData("NATS/1.0\r\n\r\n", "NATS/1.0\r\n")]
    [InlineData("", "NATS/1.0\r\n")]
    public void AMessageCanBeMarkedWhateverItsBlockLooksLike(string block, string kept)
    {
        var message = new Message { Subject = "s"u8, HeaderLength = block.Length, BodyAndCrlf = Encoding.ASCII.GetBytes(block + "body\r\n"), Trace = new object() };
        var marked = TraceHeaders.Disable(message, new ArrayBufferWriter<byte>());
        Encoding.ASCII.GetString(marked.Header).ShouldBe(kept + "Nats-Trace-Dest: trace disabled\r\n\r\n");
        Encoding.ASCII.GetString(marked.Payload).ShouldBe("body");
        marked.Trace.ShouldBeNull();
    }

    [Theory]
    [InlineData("Nats-Trace-Dest: some.dest\r\nSome-Header: x y\r\n", false, "Nats-Trace-Dest=some.dest Some-Header=x y")]
    [InlineData("Some-Header: x\r\nNats-Trace-Dest:\t some.dest  \r\n", false, "Nats-Trace-Dest=some.dest Some-Header=x")]
    [InlineData("Nats-Trace-Dest: a\r\nX: 1\r\nNats-Trace-Dest: b\r\nX: 2\r\n", false, "Nats-Trace-Dest=a,b X=1,2")]
    [InlineData("Nats-Trace-Dest: a\r\n: bogus\r\nno colon\r\nX: 1\r\nEmpty:\r\nCut: off", false, "Nats-Trace-Dest=a X=1")]
    [InlineData("traceparent: " + Sampled + "\r\nNats-Trace-Dest: a\r\n", false, "Nats-Trace-Dest=a traceparent=" + Sampled)]
    [InlineData("Nats-Trace-Dest: a\r\ntraceparent: " + Sampled + "\r\n", false, "Nats-Trace-Dest=a traceparent=" + Sampled)]
    [InlineData("traceparent: " + Sampled + "\r\nX: 1\r\n", true, "X=1 traceparent=" + Sampled)]
    [InlineData("X: 1\r\nTrAcEpArEnT:    " + Sampled + "   \r\nX: 2\r\n", true, "TrAcEpArEnT=" + Sampled + " X=1,2")]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-27\r\n", true, "traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-27")]
    [Upstream("msgtrace_test.go", "TestMsgTraceGenHeaderMap")]
    public void TheseAskForOne(string headers, bool isExternal, string read)
    {
        var found = TraceHeaders.Read(Encoding.ASCII.GetBytes("NATS/1.0\r\n" + headers), out var external);
        external.ShouldBe(isExternal);
        string.Join(' ', found!.Select(header => $"{header.Key}={string.Join(',', header.Value)}")).ShouldBe(read);
    }
}
