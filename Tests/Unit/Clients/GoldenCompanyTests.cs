using System.Text.RegularExpressions;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>
/// Conversations of the golden corpus in which others have a part that was not recorded: a publisher, a requestor, an
/// operator who sends a signal. The tests play them, on both servers.
/// </summary>
public sealed partial class GoldenCompanyTests
{
    private const string Connect = "CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"p\",\"protocol\":0,\"headers\":true}\r\n";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task HeadersAreCutForAClientWithoutThem(bool ours) => ReplayAsync(ours, "hmsg-to-no-header-client", "auth", async (step, client, server) =>
    {
        if (step != 2) return;
        await SubscribedAsync(client);
        using var publisher = await RawClient.OpenAsync(server.ClientEndPoint, Connect);
        await publisher.SendAsync("HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        await publisher.FlushAsync();
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResponderMayAnswerOnce(bool ours)
    {
        RawClient? requestor = null;
        await ReplayAsync(ours, "perm-allow-responses", "auth", async (step, client, server) =>
        {
            if (step != 2) return;
            await SubscribedAsync(client);
            requestor = await RawClient.OpenAsync(server.ClientEndPoint, Connect);
            await requestor.SendAsync("SUB _INBOX.r.1 1\r\nPUB svc _INBOX.r.1 2\r\nhi\r\n");
            await requestor.FlushAsync();
        });
        await requestor!.ExpectAsync("MSG _INBOX.r.1 1 2\r\nok\r\n");
        requestor.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TheThirdOfTwoConnectionsIsRefused(bool ours)
    {
        await using var server = await StartAsync(ours, "maxconn");
        using var first = await RawClient.OpenAsync(server.ClientEndPoint);
        using var second = await RawClient.OpenAsync(server.ClientEndPoint);
        await GoldenTranscript.Load("max-connections.json").ReplayAsync(server.ClientEndPoint, Dialect(ours));
    }

    /// <summary>Chance chooses among the members 1 and 2, so they count as one.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OneMemberOfAGroupGetsEachMessage(bool ours)
    {
        await using var server = await StartAsync(ours, "auth");
        await GoldenTranscript.Load("queue-groups.json").ReplayAsync(
            server.ClientEndPoint, Dialect(ours), normalize: operation => MemberOfG().Replace(operation, "MSG q member "));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task AStopTellsItsClients(bool ours) => ReplayAsync(ours, "server-shutdown", "noauth", async (step, client, server) =>
    {
        if (step != 2) return;
        await SubscribedAsync(client);
        server.Signal(15);
    });

    [Theory]
    [InlineData("lame-duck", true)]
    [InlineData("lame-duck", false)]
    [InlineData("lame-duck-protocol-0", true)]
    [InlineData("lame-duck-protocol-0", false)]
    public Task ALameDuckSaysSoToWhoUnderstands(string name, bool ours) => ReplayAsync(ours, name, "auth", async (step, client, server) =>
    {
        if (step != 2) return;
        await SubscribedAsync(client);
        server.EnterLameDuck();
    });

    /// <summary>Who the server is, its figures and the size of a text that holds them are chance.</summary>
    [Theory]
    [InlineData("user-info-request")]
    [InlineData("sys-account-sub")]
    public async Task TheSystemAccountAnswers(string name)
    {
        await using var server = await StartAsync(true, "accounts");
        await GoldenTranscript.Load(name + ".json").ReplayAsync(
            server.ClientEndPoint, normalize: operation => SizeOfMessage().Replace(VaryingValue().Replace(operation, "$1*"), "$1 *"), isAnsweredBeside: true);
    }

    private static async Task ReplayAsync(bool ours, string name, string config, Func<int, RawClient, ServerProcess, Task> others)
    {
        await using var server = await StartAsync(ours, config);
        await GoldenTranscript.Load(name + ".json").ReplayAsync(server.ClientEndPoint, Dialect(ours), (step, client) => others(step, client, server));
    }

    private static Task<ServerProcess> StartAsync(bool ours, string config) =>
        ServerProcess.StartAsync(ours ? Peers.OurServer() : Peers.GoServer(), GoldenTranscript.ServerConfigOnFreePorts(config));

    private static GoldenDialect Dialect(bool ours) => ours ? GoldenDialect.Current : GoldenDialect.Debian29;

    /// <summary>The PONG behind the client's first words is there: others may act on what it asked for.</summary>
    private static async Task SubscribedAsync(RawClient client)
    {
        while (!client.Pending.Contains("PONG\r\n", StringComparison.Ordinal))
        {
            if (!await client.ReadMoreAsync(Wait.Default)) Assert.Fail($"No PONG came; got: {client.Pending}");
        }
    }

    [GeneratedRegex("(\"(?:id|host|seq|time)\":)(?:\"[^\"]*\"|[0-9]+)")]
    private static partial Regex VaryingValue();

    /// <summary>Upstream writes a size of two digits with two blanks before it.</summary>
    [GeneratedRegex("^(MSG [^ ]+ [^ ]+) +[0-9]+")]
    private static partial Regex SizeOfMessage();

    [GeneratedRegex("^MSG q [12] ")]
    private static partial Regex MemberOfG();
}
