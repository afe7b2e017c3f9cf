using NatsAspire.Server.Hosting;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>Credentials and permissions in the protocol.</summary>
public sealed class UserAuthorizationTests
{
    private static readonly string Hash = Bcrypt.Hash("secret"u8, 4, new byte[16]);

    private static readonly string Users =
        $$"""
        authorization {
          PASS: "{{Hash}}"
          ADMIN = { publish = ">", subscribe = ">" }
          REQUESTOR = { publish = ["req.foo", "req.bar"], subscribe = "_INBOX.*" }
          DEFAULT_PERMISSIONS = { publish = "SANDBOX.*", subscribe = ["PUBLIC.>", "_INBOX.>"] }
          NEW_STYLE = { publish = { allow = "*.*", deny = ["SYS.*", "bar.baz", "foo.*"] }, subscribe = { allow = ["foo.*", "SYS.TEST.>"], deny = ["foo.baz", "SYS.*"] } }
          MY_SERVICE = { subscribe = "my.service.req", publish_allow_responses: true }
          MY_STREAM_SERVICE = { subscribe = "my.service.req", allow_responses = {max: 10, ttl: "150ms"} }
          users = [
            {user: alice, password: $PASS, permissions: $ADMIN}, {user: bob, password: $PASS, permissions: $REQUESTOR}, {user: joe, password: $PASS}
            {user: ns, password: $PASS, permissions: $NEW_STYLE}, {user: svca, password: $PASS, permissions: $MY_SERVICE}, {user: svcb, password: $PASS, permissions: $MY_STREAM_SERVICE} ]
        }
        """;

    [Theory]
    [InlineData("alice", "PUB foo|SUB foo|PUB _", "")]
    [InlineData("bob", "SUB _INBOX.abcd|PUB req.foo|PUB req.bar", "SUB foo|PUB foo")]
    [InlineData("joe", "SUB _INBOX.abcd|SUB PUBLIC.abcd|PUB SANDBOX.foo|PUB SANDBOX.bar", "SUB foo.bar.*|PUB foo.bar.baz|PUB SANDBOX.foo.bar")]
    [InlineData("ns", "PUB SANDBOX.foo|PUB baz.bar|PUB baz.foo|SUB foo.bar|SUB foo.foo|SUB SYS.TEST.foo", "PUB foo|PUB bar|PUB foo.bar|PUB foo.bar.baz|PUB SYS.1|SUB foo|SUB foo.baz|SUB foo.bar.baz|SUB >|SUB SYS.>|SUB SYS.bar")]
    [Upstream("user_authorization_test.go", "TestUserAuthorizationProto")]
    public async Task EveryUserMayWhatItsRoleSays(string user, string allowed, string refused)
    {
        await using var server = await TestServer.FromConfigAsync(Users);
        using var client = await OpenAsync(server, user);
        var sid = 0;
        foreach (var (operations, isAllowed) in new[] { (allowed, true), (refused, false) })
        {
            foreach (var operation in operations.Split('|', StringSplitOptions.RemoveEmptyEntries))
            {
                await client.SendAsync(operation.StartsWith("PUB", StringComparison.Ordinal) ? $"{operation} 2\r\nok\r\nPING\r\n" : $"{operation} {++sid}\r\nPING\r\n");
                (await client.ReadThroughAsync("PONG\r\n")).Contains("-ERR 'Permissions Violation", StringComparison.Ordinal).ShouldBe(!isAllowed, operation);
            }
        }
    }

    [Fact]
    [Upstream("user_authorization_test.go", "TestUserAuthorizationAllowResponses")]
    public async Task AnswersAreLimitedInNumberAndTime()
    {
        await using var server = await TestServer.FromConfigAsync(Users);
        using var requestor = await OpenAsync(server, "alice");
        using var once = await OpenAsync(server, "svca");
        await once.SendAsync("SUB my.service.req 1\r\n");
        await once.FlushAsync();
        await requestor.SendAsync("PUB my.service.req resp.bar.22 2\r\nok\r\n");
        await once.ExpectAsync("MSG my.service.req 1 resp.bar.22 2\r\nok\r\n");
        await once.SendAsync("PUB resp.bar.22 2\r\nok\r\n");
        await once.FlushAsync();
        foreach (var reply in new[] { "resp.bar.33", "resp.bar.22" })
        {
            await once.SendAsync($"PUB {reply} 2\r\nok\r\n");
            await once.ExpectAsync($"-ERR 'Permissions Violation for Publish to \"{reply}\"'\r\n");
        }
        once.Dispose();
        using var several = await OpenAsync(server, "svcb");
        await several.SendAsync("SUB my.service.req 1\r\n");
        await several.FlushAsync();
        await requestor.SendAsync("PUB my.service.req resp.bar.22 2\r\nok\r\n");
        await several.ReadThroughAsync("resp.bar.22 2\r\nok\r\n");
        await several.SendAsync(string.Concat(Enumerable.Repeat("PUB resp.bar.22 2\r\nok\r\n", 10)));
        await several.FlushAsync();
        await several.SendAsync("PUB resp.bar.22 2\r\nok\r\n");
        await several.ExpectAsync("-ERR 'Permissions Violation for Publish to \"resp.bar.22\"'\r\n");
        await requestor.SendAsync("PUB my.service.req resp.bar.11 2\r\nok\r\n");
        await several.ReadThroughAsync("resp.bar.11 2\r\nok\r\n");
        var until = Environment.TickCount64 + 300;
        await Wait.Until("the time for answers to end", () => Environment.TickCount64 > until);
        await several.SendAsync("PUB resp.bar.11 2\r\nok\r\n");
        await several.ExpectAsync("-ERR 'Permissions Violation for Publish to \"resp.bar.11\"'\r\n");
    }

    [Theory]
    [InlineData("token: good", "", false)]
    [InlineData("token: good", "\"auth_token\":\"ZZZ\"", false)]
    [InlineData("token: good", "\"auth_token\":\"good\"", true)]
    [InlineData("user: derek, password: porkchop", "", false)]
    [InlineData("user: derek, password: porkchop", "\"user\":\"derekzz\",\"pass\":\"porkchop\"", false)]
    [InlineData("user: derek, password: porkchop", "\"user\":\"derek\",\"pass\":\"ZZ\"", false)]
    [InlineData("user: derek, password: porkchop", "\"user\":\"derek\",\"pass\":\"porkchop\"", true)]
    [InlineData("user: derek, password: \"HASH\"", "\"user\":\"derek\",\"pass\":\"HASH\"", false)]
    [InlineData("user: derek, password: \"HASH\"", "\"user\":\"derek\",\"pass\":\"secret\"", true)]
    [InlineData("token: \"HASH\"", "\"auth_token\":\"HASH\"", false)]
    [InlineData("token: \"HASH\"", "\"auth_token\":\"secret\"", true)]
    [Upstream("test/auth_test.go", "TestNoAuthClient")]
    [Upstream("test/auth_test.go", "TestAuthClientBadToken")]
    [Upstream("test/auth_test.go", "TestAuthClientGoodConnect")]
    [Upstream("test/auth_test.go", "TestNoUserOrPasswordClient")]
    [Upstream("test/auth_test.go", "TestBadUserClient")]
    [Upstream("test/auth_test.go", "TestBadPasswordClient")]
    [Upstream("test/auth_test.go", "TestPasswordClientGoodConnect")]
    [Upstream("test/auth_test.go", "TestBadBcryptPassword")]
    [Upstream("test/auth_test.go", "TestGoodBcryptPassword")]
    [Upstream("test/auth_test.go", "TestBadBcryptToken")]
    [Upstream("test/auth_test.go", "TestGoodBcryptToken")]
    public async Task OnlyTheRightCredentialsOpen(string authorization, string given, bool admitted)
    {
        await using var server = await TestServer.FromConfigAsync($"authorization {{ {authorization.Replace("HASH", Hash, StringComparison.Ordinal)} }}");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        (await client.ReadInfoAsync()).GetProperty("auth_required").GetBoolean().ShouldBeTrue();
        await client.SendAsync($"CONNECT {{\"verbose\":true{(given.Length > 0 ? "," : "")}{given.Replace("HASH", Hash, StringComparison.Ordinal)}}}\r\n");
        if (admitted) await client.ExpectAsync("+OK\r\n");
        else (await client.ReadToCloseAsync()).ShouldBe("-ERR 'Authorization Violation'\r\n");
    }

    [Theory]
    [InlineData("", "-ERR 'Authentication Timeout'\r\n")]
    [InlineData("PUB foo 2\r\nok\r\n", "-ERR 'Authorization Violation'\r\n")]
    [Upstream("test/auth_test.go", "TestAuthClientNoConnect")]
    [Upstream("test/auth_test.go", "TestAuthClientFailOnEverythingElse")]
    public async Task AConnectMustComeFirstAndSoon(string sent, string answer)
    {
        await using var server = await TestServer.FromConfigAsync("authorization { token: good, timeout: 0.3 }");
        using var client = await RawClient.ConnectAsync(server.ClientEndPoint!);
        await client.ReadInfoAsync();
        await client.SendAsync(sent);
        (await client.ReadToCloseAsync()).ShouldBe(answer);
    }

    private static Task<RawClient> OpenAsync(NatsServer server, string user) =>
        RawClient.OpenAsync(server.ClientEndPoint!, $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"secret\"}}\r\n");
}
