using System.Diagnostics;
using System.Net;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>The console page of a running cluster, in a real browser.</summary>
[Collection("alone")]
public sealed class ConsoleTests(ITestOutputHelper output)
{
    private const string Leader = "document.getElementById('meta-leader')?.textContent";
    private static readonly TimeSpan Election = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task TheLeaderIsKilledWithClicksAndTheNextOneIsSeen()
    {
        await using var app = AppHostTests.Start();
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        var url = UrlOf(app);
        await using var page = await Browser.OpenAsync(url);
        await page.UntilAsync("document.getElementById('summary').textContent.startsWith('3 of 3 servers ready')");
        await page.UntilAsync($"{Leader}?.startsWith('nats-')");
        var leader = await page.ValueAsync(Leader);
        await page.ClickAsync($"svg [data-server='{leader}']");
        await page.ClickAsync("#do-Kill");
        (await page.ValueAsync("document.getElementById('confirm-title').textContent")).ShouldBe($"Kill {leader}?");
        await page.ClickAsync("#confirm-yes");
        await page.UntilAsync($"document.getElementById('toast').textContent === 'Kill of {leader}: done.'");
        var killed = Stopwatch.StartNew();
        await page.UntilAsync($"{Leader}?.startsWith('nats-') && {Leader} !== '{leader}'", Election);
        output.WriteLine($"Killed to the next leader on the page: {killed.Elapsed.TotalSeconds:0.0} s.");
        var next = await page.ValueAsync(Leader);
        await page.UntilAsync($"document.getElementById('elections').textContent.includes('{next} leads the cluster, after {leader}')");
        await page.UntilAsync($"document.querySelector(\"svg .failed[data-server='{leader}']\") !== null");
        app.Output.ShouldContain($"{leader} was killed; it is started again in 12 s.");
        await ByKeyboardAndOnAPhoneAsync(page);
        (await page.ValueAsync("document.querySelectorAll('#servers tr').length")).ShouldBe("3");
    }

    /// <summary>Enter on a server of the map opens it, Escape goes back; nothing is wider than a phone, in both schemes.</summary>
    private static async Task ByKeyboardAndOnAPhoneAsync(Browser page)
    {
        await page.PressAsync("Escape");
        await page.ValueAsync("document.querySelector('svg .server').focus()");
        await page.PressAsync("Enter");
        await page.UntilAsync("document.getElementById('server-dialog').open");
        await page.PressAsync("Escape");
        await page.UntilAsync("!document.getElementById('server-dialog').open");
        await page.FitsAPhoneInBothSchemesAsync();
    }

    /// <summary>The default super-cluster: what it is made of, a consumer whose leader steps down, a message followed from the edge to the stream, logs filtered.</summary>
    [Fact]
    public async Task ASuperClusterIsSeenAndItsConsumersAndTracesToo()
    {
        var clock = Stopwatch.StartNew();
        await using var app = AppHostTests.Start("--topology", "supercluster");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        output.WriteLine($"Start of seven servers to all ready and their streams made: {clock.Elapsed.TotalSeconds:0.0} s.");
        await using var client = await ClientOfAsync(app, "west");
        SharedStreamCluster.ErrorOf(await StreamCluster.PlaceAsync(client, "CONSUMER.DURABLE.CREATE.orders.bill", """{"stream_name":"orders","config":{"durable_name":"bill","ack_policy":"explicit"}}""")).ShouldBe(0);
        await using var page = await Browser.OpenAsync(UrlOf(app));
        await page.UntilAsync("document.getElementById('summary').textContent.startsWith('7 of 7 servers ready · 2 links up · 2 streams')", Election);
        await page.UntilAsync("document.getElementById('metas').textContent.includes('followers: ')");
        await AConsumersLeaderStepsDownAsync(page);
        await AMessageIsFollowedAsync(page, app);
        await LogsAreFilteredAsync(page);
        await page.ResizeAsync(375, 800);
        await page.UntilAsync("document.documentElement.scrollWidth <= 375");
    }

    private static async Task AConsumersLeaderStepsDownAsync(Browser page)
    {
        const string Row = "[...document.querySelectorAll('tr.consumer')].find((row) => row.textContent.includes('↳ bill'))";
        await page.UntilAsync($"{Row}?.children[1].textContent.startsWith('west-') && {Row}.children[2].textContent.split(', ').length === 2");
        var leader = await page.ValueAsync($"{Row}.children[1].textContent");
        await page.ClickAsync("[aria-label='Step down the leader of consumer bill']");
        (await page.ValueAsync("document.getElementById('confirm-title').textContent")).ShouldBe("Step down the leader of consumer bill?");
        await page.ClickAsync("#confirm-yes");
        await page.UntilAsync("document.getElementById('toast').textContent === 'The leader of consumer bill steps down.'");
        await page.UntilAsync($"{Row}?.children[1].textContent.startsWith('west-') && {Row}.children[1].textContent !== '{leader}'", Election);
        await page.UntilAsync($"document.getElementById('elections').textContent.includes('leads consumer $G > orders > bill, after {leader}')");
    }

    /// <summary>By keyboard: from the edge over the leaf link to the stream's leader, and over the gateway to who listens there.</summary>
    private static async Task AMessageIsFollowedAsync(Browser page, RunningProcess app)
    {
        await using var listener = await ClientOfAsync(app, "east");
        var orders = await listener.SubscribeAsync("orders.*");
        await listener.FlushAsync();
        await page.ValueAsync("document.getElementById('trace-cluster').value = 'edge'");
        await page.ValueAsync("document.getElementById('trace-subject').focus()");
        await page.TypeAsync("orders.new");
        await page.ValueAsync("document.getElementById('trace-payload').focus()");
        await page.TypeAsync("hello");
        // Interest may still be on its way to the edge.
        await Wait.Until("the trace passes leaf, gateway and stream", async () =>
        {
            await page.ValueAsync("document.getElementById('hops').replaceChildren()");
            await page.PressAsync("Enter");
            await page.UntilAsync("document.getElementById('hops').textContent.includes('passed')");
            var way = await page.ValueAsync("document.getElementById('way').textContent");
            return way.StartsWith("client → edge-1 → leaf node → west-", StringComparison.Ordinal) && way.Contains("→ stream orders", StringComparison.Ordinal)
                && way.Contains("gateway → east-", StringComparison.Ordinal);
        }, () => page.ValueAsync("document.getElementById('hops').textContent").GetAwaiter().GetResult(), Election);
        orders.Messages.TryPeek(out _).ShouldBeFalse("it was traced only");
        await page.ClickAsync("#trace-deliver");
        await page.ValueAsync("document.getElementById('trace-payload').focus()");
        await page.PressAsync("Enter");
        (await orders.NextAsync()).Text.ShouldBe("hello");
        await page.UntilAsync("document.getElementById('hops').textContent.includes('it was delivered')");
    }

    private static async Task LogsAreFilteredAsync(Browser page)
    {
        await page.UntilAsync("document.getElementById('logs').textContent.includes('east-1 ') && document.getElementById('logs').textContent.includes('runner ')");
        await page.ValueAsync("document.getElementById('log-text').focus()");
        await page.TypeAsync("A traced message was published to orders.new");
        await page.UntilAsync("document.querySelectorAll('#logs span').length === 1");
        await page.ValueAsync("(document.getElementById('log-server').value = 'edge-1', document.getElementById('log-server').dispatchEvent(new Event('input')))");
        await page.UntilAsync("document.querySelectorAll('#logs span').length === 0");
    }

    private static Task<TestClient> ClientOfAsync(RunningProcess app, string cluster)
    {
        var url = new Uri(app.Output.Split($"Connection string of {cluster}: ")[1].Split('\n')[0].Split(',')[0].Trim());
        return TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, url.Port));
    }

    [Fact]
    public async Task OnlyWhoKnowsTheTokenSeesAndCommands()
    {
        await using var app = AppHostTests.Start("--servers", "1");
        await app.WaitForOutputAsync("Press Ctrl+C to stop.");
        var url = new Uri(UrlOf(app));
        using var http = new HttpClient();
        var root = $"http://127.0.0.1:{url.Port}/";
        foreach (var path in new[] { "", "snapshot", "events", "?token=", "?token=00", "snapshot?token=" + new string('0', 32) })
        {
            (await http.GetAsync(root + path)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, path);
        }
        var token = url.Query["?token=".Length..];
        using var foreign = new HttpRequestMessage(HttpMethod.Get, url);
        foreign.Headers.Host = "rebound.example";
        (await http.SendAsync(foreign)).StatusCode.ShouldBe(HttpStatusCode.MisdirectedRequest);
        var kill = """{"command":"Kill","server":"nats-1"}""";
        (await http.PostAsync($"{root}command?token={token}", new StringContent(kill))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await SayAsync("no command")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await SayAsync("""{"command":"17","server":"nats-1"}""")).Text.ShouldContain("There is no such command.");
        (await SayAsync("""{"command":"Kill","server":"nats-9"}""")).Text.ShouldContain("There is no such server.");
        (await SayAsync("""{"command":"StepDownConsumer","stream":"a","consumer":"b.c"}""")).Text.ShouldContain("There is no such command.");
        (await SayAsync("""{"command":"Trace","subject":"a.*"}""")).Text.ShouldContain("without wildcards");
        (await SayAsync(new string(' ', 10_000))).Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await SayAsync("""{"command":"Trace","subject":"a.b"}""")).Text.ShouldContain("came from client natsaspire-runner");
        (await SayAsync("""{"command":"Stop","server":"nats-1"}""")).Text.ShouldContain("Stop of nats-1: done.");
        await StateAsync("stopped");
        (await SayAsync("""{"command":"Start","server":"nats-1"}""")).Text.ShouldContain("done");
        await StateAsync("ready");

        async Task<(HttpStatusCode Status, string Text)> SayAsync(string body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, root + "command") { Content = new StringContent(body) };
            request.Headers.Add("X-Token", token);
            using var response = await http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }

        async Task StateAsync(string wanted)
        {
            var seen = "";
            await Wait.Until($"the server is {wanted}", async () =>
            {
                using var snapshot = JsonDocument.Parse(await http.GetStringAsync($"{root}snapshot?token={token}"));
                seen = snapshot.RootElement.GetProperty("clusters")[0].GetProperty("servers")[0].GetProperty("state").GetString()!;
                return seen == wanted;
            }, () => seen);
        }
    }

    private static string UrlOf(RunningProcess app) => app.Output.Split("Console: ")[1].Split('\n')[0].Trim();
}
