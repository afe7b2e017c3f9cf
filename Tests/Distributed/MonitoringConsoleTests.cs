using System.Net;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>The console page of a server's monitoring port, in a real browser: it shows, and commands nothing.</summary>
[Collection("alone")]
public sealed class MonitoringConsoleTests
{
    private const string Leader = "document.getElementById('meta-leader')?.textContent";
    private static readonly TimeSpan Election = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task AServerShowsItsClusterAndWhoLeadsWhatNext()
    {
        await using var cluster = await StreamCluster.StartAsync(isMonitored: true, each: index => $"server_tags: [ \"on:n{index + 1}\" ]");
        await using var client = await cluster.ConnectAsync();
        var lead = Array.FindIndex(cluster.Servers, server => server!.JetStreamService!.Meta is { IsLeading: true });
        var (leader, witness) = ($"n{lead + 1}", cluster.Servers[(lead + 1) % 3]!);
        await StreamCluster.CreateAsync(client, "orders", 3);
        await StreamCluster.CreateAsync(client, "local", 1, $",\"placement\":{{\"tags\":[\"on:{witness.Name}\"]}}");
        await StreamCluster.PublishAsync(client, "local.1", "one");
        SharedStreamCluster.ErrorOf(await StreamCluster.PlaceAsync(client, "CONSUMER.DURABLE.CREATE.local.bill", """{"stream_name":"local","config":{"durable_name":"bill","ack_policy":"explicit"}}""")).ShouldBe(0);
        await using var page = await Browser.OpenAsync(new Uri(witness.MonitoringUrl!, "/console").ToString());
        await page.UntilAsync($"document.getElementById('viewpoint').textContent === 'as {witness.Name} sees it, read-only'");
        await page.UntilAsync("document.getElementById('summary').textContent.startsWith('3 of 3 servers ready · 2 streams')");
        await page.UntilAsync($"{Leader} === '{leader}'");
        await page.UntilAsync("document.querySelectorAll('svg .route:not(.down):not(.off)').length === 2");
        await page.UntilAsync("document.getElementById('streams').textContent.includes('↳ bill') && document.getElementById('streams').textContent.includes('1 pending')");
        await CommandsNothingAsync(page, witness);
        await ByKeyboardAndOnAPhoneAsync(page, witness.Name);
        await cluster.StopAsync(lead);
        await page.UntilAsync($"document.querySelector(\"svg .failed[data-server='{leader}']\") !== null");
        await page.UntilAsync($"/^n[123]$/.test({Leader}) && {Leader} !== '{leader}'", Election);
        await page.UntilAsync($"document.getElementById('elections').textContent.includes(', after {leader}')");
        await cluster.StartAsync(lead);
        await page.UntilAsync("document.getElementById('summary').textContent.startsWith('3 of 3 servers ready')", Election);
    }

    [Fact]
    public async Task GatewaysAndLeafNodesAreOnTheMap()
    {
        await using var super = await SuperCluster.StartAsync(more: "http: \"127.0.0.1:-1\"\nleafnodes { listen: \"127.0.0.1:-1\" }\naccounts { SYS: { users: [ { user: s, password: s } ] } }\nsystem_account: SYS");
        await using var edge = await TestServer.FromConfigAsync(
            $"server_name: edge\nhttp: \"127.0.0.1:-1\"\nleafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{super["A1"].LeafNodeEndPoint!.Port}\" }} ] }}");
        await LeafPair.ConnectedAsync(super["A1"], 1);
        await using var page = await Browser.OpenAsync(new Uri(super["A1"].MonitoringUrl!, "/console/").ToString());
        await page.UntilAsync("document.querySelector('svg .gateway:not(.down):not(.partial)')?.textContent === 'gateway A – B: 1 of 1 servers joined'");
        await page.UntilAsync("document.querySelector('svg .leaf:not(.down)')?.textContent === 'leaf node edge (leaf) – A: 1 of 1 servers joined'");
        await super.StopAsync("B1");
        await page.UntilAsync("document.querySelector('svg .gateway') === null || document.querySelector('svg .gateway.down') !== null");
        await using var other = await Browser.OpenAsync(new Uri(edge.MonitoringUrl!, "/console/").ToString());
        await other.UntilAsync("document.querySelector('svg .leaf:not(.down)')?.textContent === 'leaf node edge – A1 (hub): 1 of 1 servers joined'");
    }

    [Fact]
    public async Task FilesAreServedUnderTheBasePathAndNothingIsTaken()
    {
        await using var server = await TestServer.FromConfigAsync("http: \"127.0.0.1:-1\"\nhttp_base_path: \"/nats\"");
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var moved = await http.GetAsync(new Uri(server.MonitoringUrl!, "/nats/console"), TestContext.Current.CancellationToken);
        (moved.StatusCode, moved.Headers.Location!.ToString()).ShouldBe((HttpStatusCode.MovedPermanently, "console/"));
        foreach (var (name, type) in new[] { ("", "text/html"), ("page.css", "text/css"), ("page.js", "text/javascript"), ("map.js", "text/javascript"), ("monitor.js", "text/javascript") })
        {
            using var file = await http.GetAsync(new Uri(server.MonitoringUrl!, "/nats/console/" + name), TestContext.Current.CancellationToken);
            (file.StatusCode, file.Content.Headers.ContentType!.MediaType).ShouldBe((HttpStatusCode.OK, type), name);
            file.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem().ShouldStartWith("default-src 'none'; script-src 'self'");
        }
        using var command = await http.PostAsync(new Uri(server.MonitoringUrl!, "/nats/console/command"), new StringContent("""{"command":"Kill","server":"x"}"""), TestContext.Current.CancellationToken);
        command.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    /// <summary>No button that changes anything, no trace, no log.</summary>
    private static async Task CommandsNothingAsync(Browser page, NatsServer witness)
    {
        await page.ClickAsync($"svg [data-server='{witness.Name}']");
        await page.UntilAsync("document.getElementById('server-dialog').open");
        (await page.ValueAsync("document.getElementById('server-facts').textContent")).ShouldContain("Routesn");
        (await page.ValueAsync("[...document.querySelectorAll('button')].filter((one) => one.checkVisibility() && !one.disabled).map((one) => one.textContent.split(':')[0]).sort().filter((one, i, all) => one !== all[i - 1]).join()"))
            .ShouldBe("1 consumer,Close,Details,Theme");
        (await page.ValueAsync("document.getElementById('traces').checkVisibility() || document.getElementById('log').checkVisibility()")).ShouldBe("false");
        await page.PressAsync("Escape");
        await page.UntilAsync("!document.getElementById('server-dialog').open");
    }

    private static async Task ByKeyboardAndOnAPhoneAsync(Browser page, string server)
    {
        await page.ValueAsync($"document.querySelector(\"svg [data-server='{server}']\").focus()");
        await page.PressAsync("Enter");
        await page.UntilAsync($"document.getElementById('server-dialog').open && document.getElementById('server-name').textContent === '{server}'");
        await page.PressAsync("Escape");
        await page.ValueAsync("document.querySelector('.fold').focus()");
        await page.PressAsync("Enter");
        await page.UntilAsync("!document.getElementById('streams').textContent.includes('↳ bill') && document.querySelector('.fold').getAttribute('aria-expanded') === 'false'");
        await page.PressAsync("Enter");
        await page.UntilAsync("document.getElementById('streams').textContent.includes('↳ bill')");
        await page.FitsAPhoneInBothSchemesAsync();
        await page.ResizeAsync(1280, 900);
    }
}
