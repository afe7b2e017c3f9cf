using System.Net;
using System.Text.Json;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Distributed;

/// <summary>The console page of a running cluster, in a real browser.</summary>
[Collection("alone")]
public sealed class ConsoleTests
{
    private const string Leader = "document.getElementById('meta-leader')?.textContent";
    private static readonly TimeSpan Election = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task TheLeaderIsKilledWithClicksAndTheNextOneIsSeen()
    {
        await using var app = RunningProcess.Start(AppHostTests.AppHost);
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
        await page.UntilAsync($"{Leader}?.startsWith('nats-') && {Leader} !== '{leader}'", Election);
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
        await page.ResizeAsync(375, 800);
        await page.UntilAsync("document.documentElement.scrollWidth <= 375");
        await page.PreferAsync("dark");
        var dark = await page.ValueAsync("getComputedStyle(document.body).backgroundColor");
        await page.PreferAsync("light");
        (await page.ValueAsync("getComputedStyle(document.body).backgroundColor")).ShouldNotBe(dark);
    }

    [Fact]
    public async Task OnlyWhoKnowsTheTokenSeesAndCommands()
    {
        await using var app = RunningProcess.Start(AppHostTests.AppHost, "--servers", "1");
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
