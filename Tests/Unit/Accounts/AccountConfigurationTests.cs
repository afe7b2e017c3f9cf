using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Accounts as a configuration makes them.</summary>
public sealed class AccountConfigurationTests
{
    [Fact]
    [Upstream("accounts_test.go", "TestAccountSimpleConfig")]
    [Upstream("accounts_test.go", "TestAccountFromOptions")]
    [Upstream("accounts_test.go", "TestAccountGlobalDefault")]
    public async Task NamesAloneMakeAccounts()
    {
        Load("accounts = [foo, bar]").Accounts.Select(account => account.Name).ShouldBe(["foo", "bar"], ignoreOrder: true);
        Should.Throw<Exception>(() => Load("accounts = [foo, foo]"));
        Should.Throw<Exception>(() => Load("accounts { $G {} }"));
        await using var server = await TestServer.FromConfigAsync("accounts = [foo, bar]");
        foreach (var name in new[] { "foo", "bar", "$G", "$SYS" }) server.Accounts.Find(name).ShouldNotBeNull(name);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountParseConfig")]
    [Upstream("opts_test.go", "TestAccountUsersLoadedProperly")]
    public void UsersAndTracesBelongToTheirAccount()
    {
        var options = Load(
            """
            accounts {
              synadia { users = [ {user: alice, password: foo}, {user: bob, password: bar} ] }
              nats.io { msg_trace: {dest: my.trace.dest, sampling: 50%}, users = [ {user: derek, password: foo}, {user: ivan, password: bar} ] }
            }
            """);
        options.Accounts.Sum(account => account.Users.Count).ShouldBe(4);
        var nats = options.Accounts.Single(account => account.Name == "nats.io");
        nats.Users.Select(user => user.Username).ShouldBe(["derek", "ivan"]);
        (nats.TraceDestination, nats.TraceSampling).ShouldBe(("my.trace.dest", 50));
    }

    [Theory]
    [InlineData("accounts { a { users = [ {user: alice, password: foo} ] }, b { users = [ {user: alice, password: bar} ] } }")]
    [InlineData("accounts { nats.io { imports = [{stream: {account: \"synadia\", subject:\"foo\"}}] } }")]
    [InlineData("accounts { nats.io { imports = [{service: subject:\"foo.*\"}] } }")]
    [InlineData("accounts { nats.io { exports = [{service: \"foo.*\", wat:true}] } }")]
    [InlineData("accounts { nats.io { imports = [{stream: {account: nats.io, subject: \"foo.*\"}, wat:true}] } }")]
    [InlineData("accounts { nats.io { exports = [{service: {account: nats.io, subject:\"foo.*\"}}] } }")]
    [InlineData("accounts { foo { exports = [{stream: \"client.>\"}] }, bar { imports = [{stream: {account: \"foo\", subject:\"client.>\"}, prefix:\"events.>\"}] } }")]
    [Upstream("accounts_test.go", "TestAccountParseConfigDuplicateUsers")]
    [Upstream("accounts_test.go", "TestImportExportConfigFailures")]
    [Upstream("accounts_test.go", "TestStreamImportLengthBug")]
    public void WhatDoesNotFitIsRefused(string config) => Should.Throw<Exception>(() => Load(config));

    [Fact]
    [Upstream("accounts_test.go", "TestAccountIsolation")]
    [Upstream("accounts_test.go", "TestAccountMapsUsers")]
    [Upstream("accounts_test.go", "TestAccountSystemPermsWithGlobalAccess")]
    public async Task AccountsHearNothingOfEachOther()
    {
        await using var server = await TestServer.FromConfigAsync("accounts { synadia { users = [ {user: derek, password: foo} ] }, nats { users = [ {user: ivan, password: bar} ] } }");
        await using var derek = await ConnectAsync(server, "derek", "foo");
        await using var ivan = await ConnectAsync(server, "ivan", "bar");
        server.Clients.Clients.Select(client => (client.UserName, client.Account!.Name)).ShouldBe([("derek", "synadia"), ("ivan", "nats")], ignoreOrder: true);
        var mine = await derek.SubscribeAsync("foo");
        var theirs = await ivan.SubscribeAsync("foo");
        await ivan.FlushAsync();
        await derek.PublishAsync("foo", "hello");
        (await mine.NextAsync()).Text.ShouldBe("hello");
        await ivan.FlushAsync();
        theirs.Count.ShouldBe(0);
        await using var open = await TestServer.FromConfigAsync("accounts { $SYS { users = [ { user: admin, pass: \"s3cr3t!\" } ] } }");
        await using var anybody = await open.ConnectAsync();
        await using var admin = await ConnectAsync(open, "admin", "s3cr3t!");
        open.Clients.Clients.Select(client => client.Account!.Name).ShouldBe(["$G", "$SYS"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("foo", "foo", "foo")]
    [InlineData("foo.>", "foo.bar", "foo.bar")]
    [InlineData("foo.>", "foo.bar.>", "foo.bar.whizz")]
    [InlineData("foo.>", "foo.>", "foo.bar")]
    [InlineData("foo.*", "foo.*", "foo.bar")]
    [InlineData("foo.*.bar", "foo.*.bar", "foo.whizz.bar")]
    [Upstream("accounts_test.go", "TestMultiAccountsIsolation")]
    public async Task AnImportBringsWhatItNamesOnce(string export, string import, string subject)
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""
            accounts {
              E { users: [{user: e, password: p}], exports: [{stream: "{{export}}"}, {stream: "other.>"}] }
              I { users: [{user: i, password: p}], imports: [{stream: {account: E, subject: "{{import}}"} } ] }
              O { users: [{user: o, password: p}], imports: [{stream: {account: E, subject: "other.>"} } ] }
            }
            """);
        await using var exporter = await ConnectAsync(server, "e");
        await using var importer = await ConnectAsync(server, "i");
        await using var other = await ConnectAsync(server, "o");
        var all = await importer.SubscribeAsync(">");
        var others = await other.SubscribeAsync(">");
        await importer.FlushAsync();
        await other.FlushAsync();
        await exporter.PublishAsync(subject, "1");
        await exporter.PublishAsync("fizz", "not exported");
        await exporter.FlushAsync();
        await importer.PublishAsync(subject, "2");
        await importer.PublishAsync("fizz", "3");
        foreach (var expected in new[] { (subject, "1"), (subject, "2"), ("fizz", "3") })
        {
            var message = await all.NextAsync();
            (message.Subject, message.Text).ShouldBe(expected);
        }
        await importer.FlushAsync();
        await other.FlushAsync();
        (all.Count, others.Count).ShouldBe((3, 0));
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountLimitsServerConfig")]
    public async Task AnAccountHasLimitsOfItsOwn()
    {
        static string Config(int connections) => $"max_connections: 10\naccounts {{ MAXC {{ users = [{{user: derek, password: foo}}], limits {{ max_connections: {connections}, max_subs: 10, max_payload: 32k }} }} }}";
        await using var server = await TestServer.FromConfigAsync(Config(3));
        var clients = new List<RawClient>();
        for (var i = 0; i < 3; i++) clients.Add(await RawClient.OpenAsync(server.ClientEndPoint!, "CONNECT {\"verbose\":false,\"user\":\"derek\",\"pass\":\"foo\"}\r\n"));
        using var refused = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await refused.SendAsync("CONNECT {\"verbose\":false,\"user\":\"derek\",\"pass\":\"foo\"}\r\n");
        (await refused.ReadToCloseAsync()).ShouldEndWith("-ERR 'maximum account active connections exceeded'\r\n");
        await clients[0].SendAsync(string.Concat(Enumerable.Range(0, 11).Select(i => $"SUB foo.{i} {i}\r\n")));
        await clients[0].ExpectAsync("-ERR 'maximum subscriptions exceeded'\r\n");
        await clients[0].SendAsync("PUB foo 32769\r\n");
        (await clients[0].ReadToCloseAsync()).ShouldBe("-ERR 'Maximum Payload Violation'\r\n");
        foreach (var client in clients) client.Dispose();
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountUserSubPermsWithQueueGroups")]
    public async Task ADeniedSubjectDoesNotComeThroughAQueueEither()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            authorization { users = [ { user: user, password: pass, permissions: {
              publish: "foo.restricted", subscribe: { allow: "foo.>", deny: "foo.restricted" }, allow_responses: { max: 1, ttl: 0s } } } ] }
            """);
        await using var client = await ConnectAsync(server, "user", "pass");
        var messages = await client.SubscribeAsync("foo.>", "qg");
        await client.PublishAsync("foo.restricted", "RESTRICTED");
        await client.FlushAsync();
        messages.Count.ShouldBe(0);
        client.Errors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("admin.secret workers", "workers", "auditors")]
    [InlineData("admin.secret work.*", "work.prod", "audit.prod")]
    [Upstream("client_test.go", "TestClientQueueScopedSubscribeDenyBlocksOnlyMatchingQueue")]
    public async Task ADenialMayBeForAQueueOnly(string deny, string denied, string allowed)
    {
        await using var server = await TestServer.FromConfigAsync(
            $$"""authorization { users = [ { user: a, password: p, permissions: { subscribe: { allow: ">", deny: "{{deny}}" } } }, { user: b, password: p } ] }""");
        await using var a = await ConnectAsync(server, "a");
        await using var b = await ConnectAsync(server, "b");
        var kept = await a.SubscribeAsync("admin.*", denied);
        var other = await a.SubscribeAsync("admin.*", allowed);
        var plain = await a.SubscribeAsync("admin.*");
        await a.FlushAsync();
        await b.PublishAsync("admin.secret", "secret");
        (await other.NextAsync()).Text.ShouldBe("secret");
        (await plain.NextAsync()).Text.ShouldBe("secret");
        await a.FlushAsync();
        kept.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("client_test.go", "TestClientUserInfoReq")]
    [Upstream("client_test.go", "TestClientPublicPermissionsPreservesQueueQualifier")]
    public async Task UsersAreToldWhatTheyMay()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            PERMS = { publish = { allow: "$SYS.REQ.>", deny: "$SYS.REQ.ACCOUNT.>" }, subscribe = { allow: [ "_INBOX.>", "events.* readers" ], deny: "admin.secret workers" }, allow_responses: true }
            accounts: { A: { users: [ { user: dlc, password: pass, permissions: $PERMS } ] }, $SYS { users = [ { user: admin, pass: "s3cr3t!" } ] } }
            no_auth_user: dlc
            """);
        await using var dlc = await server.ConnectAsync();
        var data = System.Text.Json.JsonDocument.Parse((await dlc.RequestAsync("$SYS.REQ.USER.INFO")).Text).RootElement.GetProperty("data");
        (data.GetProperty("user").GetString(), data.GetProperty("account").GetString()).ShouldBe(("dlc", "A"));
        var permissions = data.GetProperty("permissions");
        permissions.GetProperty("publish").GetProperty("allow")[0].GetString().ShouldBe("$SYS.REQ.>");
        permissions.GetProperty("publish").GetProperty("deny")[0].GetString().ShouldBe("$SYS.REQ.ACCOUNT.>");
        permissions.GetProperty("subscribe").GetProperty("allow").EnumerateArray().Select(item => item.GetString()).ShouldBe(["_INBOX.>", "events.* readers"]);
        permissions.GetProperty("subscribe").GetProperty("deny")[0].GetString().ShouldBe("admin.secret workers");
        permissions.GetProperty("responses").GetProperty("max").GetInt32().ShouldBe(1);
        await using var admin = await ConnectAsync(server, "admin", "s3cr3t!");
        data = System.Text.Json.JsonDocument.Parse((await admin.RequestAsync("$SYS.REQ.USER.INFO")).Text).RootElement.GetProperty("data");
        (data.GetProperty("user").GetString(), data.GetProperty("account").GetString(), data.TryGetProperty("permissions", out _)).ShouldBe(("admin", "$SYS", false));
    }

    private static ServerOptions Load(string config) => ConfigLoader.LoadText(config, CommandLine.Checks).Options;

    private static Task<TestClient> ConnectAsync(NatsServer server, string user, string password = "p") =>
        server.ConnectAsync(new TestClientOptions { User = user, Password = password });
}
