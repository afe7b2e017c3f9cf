using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting.Logging;

/// <summary>Canaries: secrets planted wherever one can be, none of which may appear in a log line or a process list.</summary>
public sealed class SecretsTests
{
    private const string Bcrypt = "$2a$04$ZZZZZZZZZZZZZZZZZZZZZOcanary03canary03canary03canary0";
    private static readonly string[] Canaries = [.. Enumerable.Range(1, 20).Select(number => $"canary{number:D2}"), Bcrypt];

    private static string Config(int routePort, string more = "") => $$"""
        server_name: "s-{{Guid.NewGuid():N}}"
        trace: true, debug: true
        authorization { users: [ { user: plain, password: canary01 }, { user: hashed, password: "{{Bcrypt}}" } ] }
        accounts { A { users: [ { user: a, password: canary02 } ] } }
        cluster { name: C, listen: "127.0.0.1:-1", authorization { user: route, password: canary04 }
          routes: [ "nats-route://route:canary05@127.0.0.1:{{routePort}}", "nats-route://canary06@127.0.0.1:1" ] {{more}} }
        """;

    [Fact]
    [Upstream("log_test.go", "TestNoPasswordsFromConnectTrace")]
    public async Task NoLogLineHoldsASecret()
    {
        using var log = new CapturedLog();
        await using var first = await StartAsync(log, Config(1));
        // Knows the password of the first's routes; a third one does not.
        await using var second = await StartAsync(log, Config(first.ClusterEndPoint!.Port).Replace("route:canary05@", "route:canary04@", StringComparison.Ordinal));
        await using var stranger = await StartAsync(log, Config(first.ClusterEndPoint!.Port));
        await Wait.Until("the two know each other", () => first.PeerCount == 1 && second.PeerCount == 1, () => string.Join('\n', log.Lines.TakeLast(20)));
        await Wait.Until("the stranger is refused", () => log.Contains("authentication error"));
        string[] connects =
        [
            """CONNECT {"verbose":false,"user":"plain","pass":"canary01"}""",
            """CONNECT {"verbose":false,"user":"plain","pass":"canary07"}""",
            """CONNECT {"verbose":false,"auth_token":"canary08"}""",
            """CONNECT {"verbose":false,"user":"hashed","pass":"canary09"}""",
            """CONNECT {"jwt":"canary10","sig":"canary11","passwd":"canary12"}""",
            """CONNECT {"proxy_sig":"canary13","p\u0061ss":"canary14"}""",
            """CONNECT {"pass":"quoted \" canary15","user":"x"}""",
            """CONNECT {pass: canary16""",
            """CONECT {"pass":"canary17"}""",
            """-ERR 'pass: canary18'""",
            """CONNECT {"user":"a","password":"canary19","pass":"canary02"}""",
        ];
        foreach (var connect in connects)
        {
            using var client = await RawClient.ConnectAsync(first.ClientEndPoint!);
            await client.ReadInfoAsync();
            await client.SendAsync(connect + "\r\nPING\r\n");
            while (!client.IsClosed && !client.Pending.Contains("PONG", StringComparison.Ordinal)) await client.ReadMoreAsync(Wait.Default);
        }
        using (var long_ = await RawClient.ConnectAsync(first.ClientEndPoint!))
        {
            await long_.ReadInfoAsync();
            await long_.SendAsync($$"""CONNECT {"pass":"canary20","name":"{{new string('n', 8000)}}"}""" + "\r\n");
            await long_.ReadToCloseAsync();
        }
        log.Lines.Count.ShouldBeGreaterThan(60);
        log.Contains("[REDACTED]").ShouldBeTrue();
        foreach (var canary in Canaries) log.Lines.ShouldNotContain(line => line.Contains(canary, StringComparison.Ordinal), canary);
    }

    [Fact]
    public async Task ThePresenceOfASecretIsNotShownByTheProcess()
    {
        await using var server = RunningProcess.Start(
            Peers.OurServer(), "-a", "127.0.0.1", "-p", "-1", "-DV", "--user", "u", "--pass", "canary01", "--cluster", "nats://r:canary02@127.0.0.1:-1",
            "--routes=nats-route://r:canary03@127.0.0.1:1,nats-route://canary04@127.0.0.1:2", "--cluster_name", "C");
        await server.WaitForOutputAsync("Server is ready");
        foreach (var file in new[] { "cmdline", "comm", "status" })
        {
            (await File.ReadAllTextAsync($"/proc/{server.Id}/{file}")).ShouldNotContain("canary", Case.Insensitive, file);
        }
        (await File.ReadAllTextAsync($"/proc/{server.Id}/cmdline")).Replace('\0', ' ').ShouldContain("-a 127.0.0.1 -p -1 -DV --user u --pass xxxxxxxx");
        await server.WaitForOutputAsync("Error trying to connect to route");
        server.Output.ShouldNotContain("canary");
    }

    [Theory]
    [InlineData("--pass s3cr3t -p 4222", "--pass xxxxxx -p 4222")]
    [InlineData("-pass=s3cr3t", "-pass=xxxxxx")]
    [InlineData("--auth s3cr3t", "--auth xxxxxx")]
    [InlineData("--user pass --pass --auth", "--user pass --pass xxxxxx")]
    [InlineData("--routes nats://a:b@h:1,nats://h:2,nats://t@h:3", "--routes nats://xxx@h:1,nats://h:2,nats://x@h:3")]
    [Upstream("opts_test.go", "TestRedactArgs")]
    public void ArgumentsAreMasked(string arguments, string expected)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(arguments.Replace(' ', '\0') + "\0");
        SecretArguments.Overwrite(bytes);
        System.Text.Encoding.UTF8.GetString(bytes).TrimEnd('\0').Replace('\0', ' ').ShouldBe(expected);
    }

    private static Task<NatsServer> StartAsync(CapturedLog log, string config)
    {
        var options = ConfigLoader.LoadText(config, CommandLine.Checks).Options;
        return NatsServer.StartAsync(options with { Host = "127.0.0.1", Port = Defaults.RandomPort }, log);
    }
}
