using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

/// <summary>
/// Secrets planted wherever one can be: no page, metric, event or answer of the system account shows one. (Log lines
/// and process lists: SecretsTests.)
/// </summary>
public sealed class CanaryTests
{
    private const string Bcrypt = "$2a$04$ZZZZZZZZZZZZZZZZZZZZZOcanary03canary03canary03canary0";

    /// <summary>A real seed: what it stands for is as secret as a password.</summary>
    private const string Seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

    private static readonly string[] Canaries = [.. Enumerable.Range(1, 18).Select(number => $"canary{number:D2}"), Bcrypt, Seed, "PRIVATE KEY"];

    private static readonly string[] Pages =
    [
        "/", "/varz", "/connz?auth=1&subs=detail", "/connz?auth=1&state=closed", "/connz?auth=1&state=all&subs=1", "/connz?auth=1&user=plain",
        "/routez?subs=detail", "/gatewayz", "/leafz?subs=1", "/subsz?subs=1", "/subsz?subs=1&acc=A", "/accountz", "/accountz?acc=A", "/accountz?acc=$G",
        "/accountz?acc=SYS", "/accstatz?unused=1", "/jsz?accounts=1&config=1", "/healthz", "/stacksz", "/ipqueuesz", "/debug/vars",
        "/metrics", "/metrics?accounts=1&routes=1", "/absent", "/connz?sort=wrong",
    ];

    private static readonly string[] Requests = ["IDZ", "STATSZ", "VARZ", "CONNZ", "ROUTEZ", "GATEWAYZ", "LEAFZ", "SUBSZ", "ACCOUNTZ", "JSZ", "HEALTHZ", "EXPVARZ", "IPQUEUESZ", "PROFILEZ", "RAFTZ"];

    private static string Config(int routePort, TestCertificates certificates) => $$"""
        server_name: "s-{{Guid.NewGuid():N}}"
        authorization { users: [ { user: plain, password: canary01 }, { user: hashed, password: "{{Bcrypt}}" } ] }
        accounts {
          A { users: [ { user: a, password: canary02 } ] }
          SYS { users: [ { user: s, password: canary07 } ] }
        }
        system_account: SYS
        websocket { listen: "127.0.0.1:-1", {{certificates.Block()}} }
        cluster { name: C, listen: "127.0.0.1:-1", authorization { user: route, password: canary04 }
          routes: [ "nats-route://route:canary04@127.0.0.1:{{routePort}}", "nats-route://route:canary05@127.0.0.1:{{routePort}}", "nats-route://canary06@127.0.0.1:1" ] }
        """;

    [Fact]
    public async Task NoPageEventOrAnswerShowsASecret()
    {
        using var certificates = new TestCertificates();
        await using var first = await Monitored.StartAsync(Config(1, certificates));
        await using var second = await Monitored.StartAsync(Config(first.ClusterEndPoint!.Port, certificates));
        await Wait.Until("the two know each other", () => first.PeerCount == 1 && second.PeerCount == 1);
        await using var system = await TestClient.ConnectAsync(first.ClientEndPoint!, new TestClientOptions { User = "s", Password = "canary07" });
        var events = await system.SubscribeAsync("$SYS.>");
        await system.FlushAsync();
        var seen = new StringBuilder();
        await using var plain = await TestClient.ConnectAsync(first.ClientEndPoint!, new TestClientOptions { User = "plain", Password = "canary01" });
        await using var a = await TestClient.ConnectAsync(second.ClientEndPoint!, new TestClientOptions { User = "a", Password = "canary02" });
        await a.SubscribeAsync("some.subject");
        await a.FlushAsync();
        await KnockAsync(first);
        await CollectEventsAsync(events, seen);
        await AskAsync(system, first, second, seen);
        seen.AppendLine((await a.RequestAsync("$SYS.REQ.USER.INFO")).Text);
        foreach (var server in new[] { first, second })
        {
            foreach (var page in Pages) seen.AppendLine((await server.GetAsync(page)).Text);
        }
        Judge(seen.ToString(), "\"plain\"", "some.subject", "io.nats.server.advisory.v1.client_disconnect", "gnatsd_varz_");
    }

    [Theory]
    [InlineData("token: canary08", """{"verbose":false,"auth_token":"canary08"}""")]
    [InlineData("user: u, password: canary09", """{"verbose":false,"user":"u","pass":"canary09"}""")]
    public async Task NorDoesAServerWithOneSecretForAll(string authorization, string connect)
    {
        await using var server = await Monitored.StartAsync($"authorization {{ {authorization} }}");
        using (var client = await RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {connect}\r\n"))
        {
            await client.SendAsync("SUB some.subject 1\r\n");
            await client.FlushAsync();
            await ReadPagesAsync(server);
        }
        await Wait.Until("the client is gone", () => server.ClientCount == 0);
        await ReadPagesAsync(server);
    }

    [Theory]
    [InlineData("authorization { user: u, password: { canary18: 1 } }")]
    [InlineData("authorization { user: u, password: [ \"canary18\" ] }")]
    [InlineData("authorization { user: u, token: \"canary18\", users: [ { user: x, password: y } ] }")]
    [InlineData("cluster { routes: [ \"nats-route://u:canary18@127.0.0.1:bad\" ] }")]
    [InlineData("cluster { routes: [ \"nats-route://u:canary18@[::1\" ] }")]
    public async Task AReloadThatFailsDoesNotSayItOverTheWire(string broken)
    {
        await using var server = await Monitored.StartAsync("accounts { SYS { users: [ { user: s, password: s } ] } }\nsystem_account: SYS");
        await using var system = await TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = "s", Password = "s" });
        server.OptionsSource = () => TestServer.Parse(broken);
        var answer = (await system.RequestAsync($"$SYS.REQ.SERVER.{server.Id}.RELOAD")).Text;
        answer.ShouldContain("\"error\"");
        answer.ShouldNotContain("canary");
    }

    private static async Task ReadPagesAsync(NatsServer server)
    {
        var seen = new StringBuilder();
        foreach (var page in Pages) seen.AppendLine((await server.GetAsync(page)).Text);
        Judge(seen.ToString(), "some.subject");
    }

    /// <summary>Clients with secrets of all kinds, right and wrong, that end up in closed connections and events.</summary>
    private static async Task KnockAsync(NatsServer server)
    {
        string[] connects =
        [
            """{"user":"plain","pass":"canary01"}""", """{"user":"plain","pass":"canary10"}""", """{"auth_token":"canary11"}""",
            """{"user":"hashed","pass":"canary12"}""", """{"jwt":"canary13","sig":"canary14"}""", """{"proxy_sig":"canary15","user":"x","pass":"canary16"}""",
            $$"""{"nkey":"{{Seed}}","sig":"canary17"}""", $$"""{"user":"seed","pass":"{{Seed}}"}""",
        ];
        foreach (var connect in connects)
        {
            using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
            await client.ReadInfoAsync();
            await client.SendAsync($"CONNECT {connect}\r\nPING\r\n");
            while (!client.IsClosed && !client.Pending.Contains("PONG", StringComparison.Ordinal)) await client.ReadMoreAsync(Wait.Default);
        }
    }

    private static async Task CollectEventsAsync(TestSubscription events, StringBuilder seen)
    {
        var (refused, gone) = (0, 0);
        while (refused < 7 || gone < 1)
        {
            var message = await events.NextAsync();
            seen.AppendLine(message.Subject).AppendLine(message.Text);
            if (message.Subject.EndsWith(".CLIENT.AUTH.ERR", StringComparison.Ordinal)) refused++;
            if (message.Subject.EndsWith(".DISCONNECT", StringComparison.Ordinal)) gone++;
        }
    }

    /// <summary>Asks everything there is to ask; some answer by silence. Answers of one server come in order.</summary>
    private static async Task AskAsync(TestClient system, NatsServer first, NatsServer second, StringBuilder seen)
    {
        const string all = """{"auth":true,"subscriptions":true,"subscriptions_detail":true,"state":2,"account":"A","config":true,"accounts":true}""";
        var answers = await system.SubscribeAsync("answers.*");
        foreach (var target in new[] { second.Id, first.Id })
        {
            foreach (var name in Requests)
            {
                foreach (var options in new[] { "", all }) await system.PublishAsync($"$SYS.REQ.SERVER.{target}.{name}", options, reply: "answers.more");
            }
            foreach (var name in new[] { "INFO", "CONNZ", "SUBSZ", "CONNS", "STATZ", "LEAFZ", "JSZ" })
            {
                foreach (var account in new[] { "A", "$G", "SYS" }) await system.PublishAsync($"$SYS.REQ.ACCOUNT.{account}.{name}", "", reply: "answers.more");
            }
            await system.PublishAsync($"$SYS.REQ.SERVER.{target}.VARZ", "", reply: "answers.last");
            TestMessage answer;
            do
            {
                answer = await answers.NextAsync();
                seen.AppendLine(answer.Text);
            }
            while (answer.Subject != "answers.last");
        }
        answers.Count.ShouldBeGreaterThan(60);
    }

    private static void Judge(string seen, params string[] musts)
    {
        foreach (var must in musts) seen.ShouldContain(must);
        foreach (var canary in Canaries)
        {
            var at = seen.IndexOf(canary, StringComparison.Ordinal);
            if (at >= 0) Assert.Fail($"{canary} is shown: {seen[Math.Max(0, at - 200)..Math.Min(seen.Length, at + 60)]}");
        }
    }
}
