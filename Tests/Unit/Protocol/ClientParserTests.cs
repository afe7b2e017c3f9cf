using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Protocol;

public sealed class ClientParserTests
{
    private const string Everything =
        "CONNECT {\"verbose\":false}\r\nPING\r\npong\nSUB foo 1\r\nsub\tfoo.*   q 2\r\nUNSUB 1\r\nUNSUB 2 5\r\n" +
        "PUB foo 5\r\nhello\r\nPUB foo.bar reply 0\r\n\r\npub  a\tb 2 \r\nhi\r\nHPUB foo 12 17\r\nNATS/1.0\r\n\r\nhello\r\n" +
        "HPUB foo INBOX.22 12 12\r\nNATS/1.0\r\n\r\n\r\n+OK\r\n-ERR 'x y'\r\n";

    private static readonly string[] Calls =
    [
        "CONNECT {\"verbose\":false}", "PING", "PONG", "SUB foo||1", "SUB foo.*|q|2", "UNSUB 1|-1", "UNSUB 2|5",
        "PUB foo||-1|hello", "PUB foo.bar|reply|-1|", "PUB a|b|-1|hi", "PUB foo||12|NATS/1.0\r\n\r\nhello",
        "PUB foo|INBOX.22|12|NATS/1.0\r\n\r\n", "-ERR 'x y'",
    ];

    [Fact]
    [Upstream("parser_test.go", "TestParsePing")]
    [Upstream("parser_test.go", "TestParsePong")]
    [Upstream("parser_test.go", "TestParseConnect")]
    [Upstream("parser_test.go", "TestParseSub")]
    [Upstream("parser_test.go", "TestParsePub")]
    [Upstream("parser_test.go", "TestParsePubArg")]
    [Upstream("parser_test.go", "TestParseHeaderPub")]
    [Upstream("parser_test.go", "TestParseHeaderPubArg")]
    [Upstream("parser_test.go", "TestParseOK")]
    [Upstream("parser_test.go", "TestProtoSnippet")]
    public void ReadsEveryOperation() => RecordingProtocol.ParseClient([Bytes(Everything)]).ShouldBe(Calls);

    [Fact]
    [Upstream("split_test.go", "TestSplitBufferSubOp")]
    [Upstream("split_test.go", "TestSplitBufferUnsubOp")]
    [Upstream("split_test.go", "TestSplitBufferPubOp")]
    [Upstream("split_test.go", "TestSplitBufferPubOp2")]
    [Upstream("split_test.go", "TestSplitBufferPubOp3")]
    [Upstream("split_test.go", "TestSplitConnectArg")]
    [Upstream("split_test.go", "TestSplitDanglingArgBuf")]
    public void ReadsThemSplitAtEveryByte()
    {
        var bytes = Bytes(Everything);
        for (var at = 0; at <= bytes.Length; at++)
        {
            RecordingProtocol.ParseClient([bytes[..at], bytes[at..]]).ShouldBe(Calls, ignoreOrder: false, $"split at {at}");
        }
        RecordingProtocol.ParseClient(bytes.Select(b => new[] { b })).ShouldBe(Calls, ignoreOrder: false, "byte by byte");
    }

    [Theory]
    [InlineData("Px")]
    [InlineData("PIx")]
    [InlineData(" PING\r\n")]
    [InlineData("PUBx")]
    [InlineData("UNSUB_2\r\n")]
    [InlineData("UNSUB\r\n")]
    [InlineData("CONNx")]
    [InlineData("\r\n")]
    [InlineData("\0")]
    [InlineData("M")]
    [InlineData("RMSG a b 2\r\nhi\r\n")]
    [InlineData("INVALID")]
    [InlineData("+x")]
    [InlineData("PUB foo 2\r\nhello\r\n")]
    [Upstream("parser_test.go", "TestShouldFail")]
    [Upstream("parser_test.go", "TestParseMsgSpace")]
    public void RefusesAtTheFirstByteThatFitsNothing(string text) =>
        RecordingProtocol.ParseClient([Bytes(text)]).ShouldBe(["fault UnknownOperation"]);

    [Theory]
    [InlineData("PUB foo\r\n")]
    [InlineData("PUB  \r\n")]
    [InlineData("PUB foo bar baz 2\r\nok\r\n")]
    [InlineData("PUB foo -1\r\n")]
    [InlineData("PUB foo 1x\r\n")]
    [InlineData("PUB foo 3333333333333333333333333333333\r\n")]
    [InlineData("PUB 5\r\nhello\r\n")]
    [InlineData("HPUB foo 14 12\r\n")]
    [InlineData("HPUB foo 12\r\n")]
    [InlineData("SUB foo\r\n")]
    [InlineData("SUB a b c d\r\n")]
    [InlineData("UNSUB 1 2 3\r\n")]
    [Upstream("parser_test.go", "TestParsePubSizeOverflow")]
    [Upstream("parser_test.go", "TestParsePubBadSize")]
    public void RefusesArgumentsThatMakeNoSense(string text) =>
        RecordingProtocol.ParseClient([Bytes(text)]).ShouldBe(["fault BadArguments"]);

    [Theory]
    [InlineData("SUB {0} 1\r\n")]
    [InlineData("PUB {0} 1")]
    [InlineData("CONNECT {0}")]
    [InlineData("PUB {0} 5\r\nhello\r\n")]
    [Upstream("parser_test.go", "TestMaxControlLine")]
    public void RefusesLinesBeyondTheLimit(string format) =>
        RecordingProtocol.ParseClient([Bytes(string.Format(format, new string('a', 80)))], maxControlLine: 64)
            .ShouldBe(["fault ControlLineTooLong"]);

    [Fact]
    [Upstream("split_test.go", "TestSplitBufferPubOp5")]
    public void TellsHowLongAnUnfinishedMessageIs()
    {
        var protocol = new RecordingProtocol([]);
        Server.Protocol.ClientParser.Parse(ref protocol, "PING\r\nPUB foo 100\r\nabc"u8, out var pending).ShouldBe(6);
        pending.ShouldBe("PUB foo 100\r\n".Length + 102);
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
