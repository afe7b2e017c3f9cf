using System.Text;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Protocol;

public sealed class RouteParserTests
{
    private const string Everything =
        "INFO {\"server_id\":\"N\"}\r\nCONNECT {}\r\nPING\r\nPONG\r\nRS+ $G foo\r\nRS+ $G foo q 3\r\nRS- $G foo q\r\nLS+ LC A foo\r\nLS- LC A foo\r\nA+ A\r\nA- A\r\n" +
        "RMSG $G foo 5\r\nhello\r\nRMSG $G foo reply 2\r\nhi\r\nRMSG $G foo + reply q1 q2 2\r\nhi\r\nRMSG $G foo | q1 q2 2\r\nhi\r\n" +
        "HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHMSG $G foo + reply q 12 14\r\nNATS/1.0\r\n\r\nhi\r\nLMSG LC A foo reply 0 2\r\nhi\r\n-ERR 'x'\r\n";

    private static readonly string[] Calls =
    [
        "INFO {\"server_id\":\"N\"}", "CONNECT {}", "PING", "PONG", "RS+ $G foo", "RS+ $G foo q 3", "RS- $G foo q", "LS+ LC A foo", "LS- LC A foo", "A+ A", "A- A",
        "MSG |$G|foo|||0|hello", "MSG |$G|foo|reply||0|hi", "MSG |$G|foo|reply|q1 q2|0|hi", "MSG |$G|foo||q1 q2|0|hi",
        "MSG |$G|foo|||12|NATS/1.0\r\n\r\nhi", "MSG |$G|foo|reply|q|12|NATS/1.0\r\n\r\nhi", "MSG LC|A|foo|reply||0|hi", "-ERR 'x'",
    ];

    [Fact]
    [Upstream("parser_test.go", "TestParseRouteMsg")]
    [Upstream("parser_test.go", "TestParseRoutedHeaderMsg")]
    [Upstream("split_test.go", "TestSplitBufferMsgOp")]
    [Upstream("split_test.go", "TestSplitRoutedMsgArg")]
    [Upstream("routes_test.go", "TestRouteParseOriginClusterMsgArgs")]
    public void ReadsEveryOperationSplitAtEveryByte()
    {
        var bytes = Encoding.Latin1.GetBytes(Everything);
        for (var at = 0; at <= bytes.Length; at++)
        {
            RecordingProtocol.ParseRoute([bytes[..at], bytes[at..]]).ShouldBe(Calls, ignoreOrder: false, $"split at {at}");
        }
    }

    [Fact]
    [Upstream("routes_test.go", "TestRoutePoolPerAccountSubUnsubProtoParsing")]
    public void APinnedRouteNamesNoAccount() =>
        RecordingProtocol.ParseRoute([Encoding.Latin1.GetBytes("RS+ foo q 1\r\nRMSG foo | q 2\r\nhi\r\nRMSG foo r 2\r\nhi\r\n")], pinned: true)
            .ShouldBe(["RS+ foo q 1", "MSG ||foo||q|0|hi", "MSG ||foo|r||0|hi"]);

    [Theory]
    [InlineData("RMSG $G foo\r\n")]
    [InlineData("RMSG foo 5\r\n")]
    [InlineData("RMSG $G foo -5\r\n")]
    [InlineData("RMSG $G foo a b c 5\r\n")]
    [InlineData("HMSG $G foo 14 12\r\n")]
    [InlineData("LMSG A foo 2\r\n")]
    public void RefusesArgumentsThatMakeNoSense(string text) =>
        RecordingProtocol.ParseRoute([Encoding.Latin1.GetBytes(text)]).ShouldBe(["fault BadArguments"]);

    [Fact]
    public void RefusesAMessageBeyondTheLimit() =>
        RecordingProtocol.ParseRoute([Encoding.Latin1.GetBytes("RMSG $G foo 999999999\r\n")]).ShouldBe(["fault MessageTooLarge"]);

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [Upstream("parser_test.go", "TestMaxControlLineNonClientUpperBound")]
    public void RefusesLinesBeyondTheLimit(int beyond, bool refused)
    {
        var line = Encoding.Latin1.GetBytes("RS+ $G " + new string('x', 4096 + beyond - "$G ".Length) + "\r\n");
        foreach (var at in new[] { 2048, line.Length - 2, line.Length })
        {
            var calls = RecordingProtocol.ParseRoute([line[..at], line[at..]], maxControlLine: 4096);
            if (refused) calls.ShouldBe(["fault ControlLineTooLong"]);
            else calls.Single().ShouldStartWith("RS+ $G xxx");
        }
    }

    [Theory]
    [InlineData("PUB foo 5\r\nhello\r\n")]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("MSG \r\n")]
    [Upstream("parser_test.go", "TestParseMsgSpace")]
    public void RefusesWhatIsNoRoute(string text) =>
        RecordingProtocol.ParseRoute([Encoding.Latin1.GetBytes(text)]).ShouldBe(["fault UnknownOperation"]);
}
