using NatsAspire.Server.Monitoring;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Monitoring;

public sealed class AccountPagesTests
{
    private const string Config = """
        accounts {
          A { users: [{ user: a, password: p }], mappings: { "old.*": "new.{{wildcard(1)}}", split: [{ destination: one, weight: 40% }, { destination: two, weight: 60%, cluster: X }] } }
          B { users: [{ user: b, password: p }] }
        }
        """;

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorAccountz")]
    public async Task Accounts_are_listed_and_described()
    {
        await using var server = await Monitored.StartAsync(Config);
        await using var client = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "p" });
        await client.SubscribeAsync("foo");
        await client.FlushAsync();
        var list = await server.GetJsonAsync("/accountz");
        list.GetProperty("accounts").EnumerateArray().Select(one => one.GetString()).ShouldBe(["$G", "$SYS", "A", "B"]);
        list.GetProperty("system_account").GetString().ShouldBe("$SYS");
        list.TryGetProperty("account_detail", out _).ShouldBeFalse();
        var detail = server.Accountz(new AccountzOptions { Account = "A" }).Account!;
        (detail.Clients, detail.Subscriptions, detail.Complete, detail.Expired, detail.IsSystem).ShouldBe((1, 1, true, false, false));
        detail.Mappings!["old.*"].ShouldBe([new MappingDetail("new.{{wildcard(1)}}", 100, null)]);
        detail.Mappings["split"].ShouldContain(new MappingDetail("one", 40, null));
        detail.Mappings["split"].ShouldContain(new MappingDetail("two", 60, "X"));
        server.Accountz(new AccountzOptions { Account = "$SYS" }).Account!.IsSystem.ShouldBeTrue();
        Should.Throw<MonitoringException>(() => server.Accountz(new AccountzOptions { Account = "NOPE" }));
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorAccountszMappingOrderReporting")]
    public async Task Exports_and_imports_are_told()
    {
        await using var server = await Monitored.StartAsync("""
            accounts {
              CLOUD { exports: [{ service: "downlink.>" }, { stream: "news.>", accounts: [APP] }] }
              CLOUD2 { exports: [{ service: "downlink.>", response_type: stream }] }
              APP { imports: [
                { service: { account: CLOUD, subject: "downlink.>" }, to: "event.>" }
                { service: { account: CLOUD2, subject: "downlink.>" }, to: "event2.>" }
                { stream: { account: CLOUD, subject: "news.>" }, prefix: far }
              ] }
            }
            """);
        var app = (await server.GetJsonAsync("/accountz?acc=APP")).GetProperty("account_detail");
        app.TryGetProperty("exports", out _).ShouldBeFalse();
        app.GetProperty("imports").EnumerateArray().Select(one => one.GetRawText().Replace("\n", "").Replace(" ", "")).ShouldBe(
        [
            """{"subject":"news.>","account":"CLOUD","local_subject":"far.news.>","type":"stream","invalid":false,"share":false,"tracking":false}""".Replace(">", "\\u003E"),
            """{"subject":"downlink.>","account":"CLOUD","to":"event.>","local_subject":"event.>","type":"service","invalid":false,"share":false,"tracking":false}""".Replace(">", "\\u003E"),
            """{"subject":"downlink.>","account":"CLOUD2","to":"event2.>","local_subject":"event2.>","type":"service","invalid":false,"share":false,"tracking":false}""".Replace(">", "\\u003E"),
        ]);
        var cloud = server.Accountz(new AccountzOptions { Account = "CLOUD" }).Account!;
        cloud.Exports!.Select(export => (export.Subject, export.Type, export.ResponseType)).ShouldBe([("downlink.>", "service", "Singleton"), ("news.>", "stream", null)]);
        cloud.Exports![1].ApprovedAccounts.ShouldBe(["APP"]);
        server.Accountz(new AccountzOptions { Account = "CLOUD2" }).Account!.Exports!.Single().ResponseType.ShouldBe("Streamed");
    }

    [Fact]
    [Upstream("monitor_test.go", "TestMonitorAccountStatz")]
    public async Task What_accounts_moved_outlives_their_clients()
    {
        await using var server = await Monitored.StartAsync(Config);
        await using (var client = await server.ConnectAsync(new TestClientOptions { User = "a", Password = "p" }))
        {
            var foo = await client.SubscribeAsync("foo");
            await client.PublishAsync("foo", "Hello");
            await foo.NextAsync();
            var used = await server.GetJsonAsync("/accstatz");
            var a = used.GetProperty("account_statz").EnumerateArray().Single();
            a.GetProperty("acc").GetString().ShouldBe("A");
            a.GetProperty("conns").GetInt32().ShouldBe(1);
            a.GetProperty("sent").GetProperty("bytes").GetInt64().ShouldBe(5);
        }
        await Wait.Until("the end of the client", () => server.ClientCount == 0);
        server.AccountStatz().Accounts.ShouldBeEmpty();
        var all = server.AccountStatz(new AccountStatzOptions { IncludeUnused = true }).Accounts;
        all.Select(account => account.Account).ShouldBe(["$G", "$SYS", "A", "B"]);
        var gone = all.Single(account => account.Account == "A");
        (gone.Connections, gone.Sent.Messages, gone.Sent.Bytes, gone.Received.Messages).ShouldBe((0, 1, 5, 1));
        server.AccountStatz(new AccountStatzOptions { IncludeUnused = true, Accounts = ["B", "NOPE"] }).Accounts.Single().Account.ShouldBe("B");
    }
}
