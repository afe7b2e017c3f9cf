using System.Text;
using NatsAspire.Server.Primitives.S2;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.BadInput;

/// <summary>Lines that do not end, and what is no stream of the agreed compression: the connection ends, and no neighbour notices.</summary>
public sealed class GarbageTests(LinkNeighbours shared) : IClassFixture<LinkNeighbours>
{
    private const string Identifier = "\u00ff\u0006\0\0S2sTwO";
    private const string HubInfo = "INFO {\"server_id\":\"NHUB\",\"server_name\":\"far\",\"proto\":3,\"headers\":true,\"client_id\":7,\"leafnode_urls\":[\"127.0.0.1:9\"],\"connect_info\":true,\"info_on_connect\":true,\"compression\":\"s2_fast\"}\r\n";
    private static readonly Dictionary<string, string> Greetings = new()
    {
        ["client"] = "CONNECT {\"lang\":\"test\",\"verbose\":false,\"user\":\"a\",\"pass\":\"a\"}\r\n",
        ["route"] = "CONNECT {\"name\":\"NSTRAY\",\"cluster\":\"C\",\"headers\":true}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"stray\",\"proto\":3,\"headers\":true,\"cluster\":\"C\"}\r\n",
        ["gateway"] = "CONNECT {\"name\":\"NSTRAY\",\"gateway\":\"D\"}\r\nINFO {\"server_id\":\"NSTRAY\",\"server_name\":\"stray\",\"proto\":3,\"headers\":true,\"gateway\":\"D\",\"gateway_nrp\":true,\"gateway_iom\":true}\r\n",
        ["leaf"] = "CONNECT {\"version\":\"2.14.5\",\"user\":\"a\",\"pass\":\"a\",\"server_id\":\"NSTRAY\",\"name\":\"stray\",\"headers\":true,\"protocol\":3}\r\n",
    };

    [Theory]
    [InlineData("client", true, "SUB ")]
    [InlineData("client", true, "PUB a ")]
    [InlineData("client", false, "CONNECT {\"name\":\"")]
    [InlineData("route", true, "RS+ A ")]
    [InlineData("route", true, "RMSG A in ")]
    [InlineData("route", true, "INFO {\"cluster\":\"")]
    [InlineData("route", false, "CONNECT {\"name\":\"")]
    [InlineData("gateway", true, "RMSG A in ")]
    [InlineData("gateway", true, "INFO {\"gateway\":\"")]
    [InlineData("gateway", false, "CONNECT {\"name\":\"")]
    [InlineData("leaf", true, "LS+ ")]
    [InlineData("leaf", true, "LMSG in ")]
    [InlineData("leaf", false, "CONNECT {\"name\":\"")]
    [InlineData("leaf", false, "INFO {\"compression\":\"")]
    public Task ALineThatDoesNotEndIsNotKept(string port, bool isGreeted, string begin) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await JoinAsync(port, isGreeted);
        await SendToTheEndAsync(stray, Encoding.Latin1.GetBytes(begin + new string('x', 3_000_000)));
    });

    public static TheoryData<string, string> Streams
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var link in new[] { "route", "leaf", "hub" })
            {
                data.Add(link, "INFO {}\r\nPING\r\n");
                data.Add(link, Identifier.Replace("S2", "XX") + "more");
                // A chunk that is damaged, one that is longer than any, one of a kind that may not be passed over, one that decodes to a line that makes no sense.
                data.Add(link, Identifier + "\0\u000c\0\0abcdefghijkl");
                data.Add(link, Identifier + "\u0001\u00ff\u00ff\u00ff" + new string('y', 70_000));
                data.Add(link, Identifier + "\u0002\u0004\0\0junk");
                data.Add(link, Encoding.Latin1.GetString(S2Encoder.EncodeAll("JUNK\r\n"u8)));
                data.Add(link, Encoding.Latin1.GetString(S2Encoder.EncodeAll(Encoding.ASCII.GetBytes("RS+ A " + new string('z', 3_000_000)))));
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Streams), DisableDiscoveryEnumeration = true)]
    public Task AStreamThatIsNoneEndsItsConnectionOnly(string link, string stream) => shared.UndisturbedAsync(async () =>
    {
        if (link == "hub")
        {
            using var hub = await shared.AnswerLeafAsync(HubInfo);
            (await hub.ReadLineAsync()).ShouldContain("\"compression\":\"s2_fast\"");
            if (await hub.TrySendAsync(stream)) await hub.ReadToCloseAsync();
            return;
        }
        using var stray = await JoinAsync(link, isGreeted: false);
        await stray.SendAsync(link == "leaf" ? "INFO {\"compression\":\"s2_fast\"}\r\n" : Greetings["route"].Replace("\"proto\"", "\"compression\":\"s2_fast\",\"proto\""));
        await stray.ReadThroughAsync("S2sTwO");
        await SendToTheEndAsync(stray, Encoding.Latin1.GetBytes(stream));
    });

    [Theory]
    [InlineData("client", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData("route", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData("gateway", "-ERR 'Unknown Protocol Operation'\r\n")]
    [InlineData("leaf", "-ERR 'Unknown Protocol Operation'\r\n")]
    public Task AStreamNobodyAgreedOnIsNoProtocol(string port, string answer) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await JoinAsync(port);
        await stray.SendAsync(Identifier);
        (await stray.ReadToCloseAsync()).ShouldEndWith(answer);
    });

    [Theory]
    [InlineData("route")]
    [InlineData("leaf")]
    public Task ACompressionThatNobodyKnowsIsRefusedByName(string port) => shared.UndisturbedAsync(async () =>
    {
        using var stray = await JoinAsync(port, isGreeted: false);
        await stray.SendAsync(port == "leaf" ? "INFO {\"compression\":\"zstd\"}\r\n" : Greetings["route"].Replace("\"proto\"", "\"compression\":\"zstd\",\"proto\""));
        (await stray.ReadToCloseAsync()).ShouldEndWith("-ERR 'unsupported route compression mode \"zstd\"'\r\n");
    });

    /// <summary>The server closes while it is being sent to, or after: its end is what is waited for.</summary>
    private static async Task SendToTheEndAsync(RawClient stray, byte[] bytes)
    {
        try
        {
            await stray.SendAsync(bytes);
        }
        catch (System.Net.Sockets.SocketException closed)
        {
            closed.SocketErrorCode.ShouldBeOneOf(System.Net.Sockets.SocketError.ConnectionReset, System.Net.Sockets.SocketError.Shutdown, System.Net.Sockets.SocketError.ConnectionAborted);
        }
        await stray.ReadToCloseAsync();
    }

    private async Task<RawClient> JoinAsync(string port, bool isGreeted = true)
    {
        var stray = await RawClient.ConnectAsync(port switch
        {
            "client" => shared.Server.ClientEndPoint!,
            "route" => shared.Server.ClusterEndPoint!,
            "gateway" => shared.Server.GatewayEndPoint!,
            _ => shared.Server.LeafNodeEndPoint!,
        });
        await stray.ReadInfoAsync();
        if (!isGreeted) return stray;
        await stray.SendAsync(Greetings[port] + "PING\r\n");
        await stray.ReadThroughAsync("PONG\r\n");
        return stray;
    }
}
