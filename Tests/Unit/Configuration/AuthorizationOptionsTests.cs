using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

public class AuthorizationOptionsTests
{
    private const string NKey = "UC6NLCN7AS34YOJVCYD4PJ3QB7QGLYG5B5IMBT25VW5K4TNUJODM7BOX";

    [Fact]
    [Upstream("opts_test.go", "TestAuthorizationConfig")]
    public void Roles_are_variables()
    {
        var authorization = Load("""
            authorization {
              super_user = { publish = "*", subscribe = ">" }
              req_pub_user = { publish = ["req.foo", "req.bar"], subscribe = "_INBOX.>" }
              default_user = { subscribe = "PUBLIC.>" }
              my_service = { subscribe = "my.service.req", publish_allow_responses: true }
              my_stream_service = { subscribe = "my.service.req", allow_responses: {max: 10, expires: "1m"} }
              default_permissions: $default_user
              users = [
                {user: alice, password: foo, permissions: $super_user}
                {user: bob,   password: bar, permissions: $req_pub_user}
                {user: susan, password: baz}
                {user: svca,  password: pc,  permissions: $my_service}
                {user: svcb,  password: sam, permissions: $my_stream_service}
              ]
            }
            """).Authorization;
        var users = authorization.Users.ToDictionary(user => user.Username!);
        users.Keys.ShouldBe(["alice", "bob", "susan", "svca", "svcb"]);
        users["alice"].Permissions!.Publish!.Allow.ShouldBe(["*"]);
        users["alice"].Permissions!.Subscribe!.Allow.ShouldBe([">"]);
        users["bob"].Permissions!.Publish!.Allow.ShouldBe(["req.foo", "req.bar"]);
        users["susan"].Permissions.ShouldBeNull();
        authorization.DefaultPermissions!.Publish.ShouldBeNull();
        authorization.DefaultPermissions!.Subscribe!.Allow.ShouldBe(["PUBLIC.>"]);
        users["svca"].Permissions!.Publish!.Allow.ShouldBe([]);
        users["svca"].Permissions!.Responses.ShouldBe(new ResponsePermissionOptions { MaxMessages = 1, Expires = TimeSpan.FromMinutes(2) });
        users["svcb"].Permissions!.Publish!.Allow.ShouldBe([]);
        users["svcb"].Permissions!.Responses.ShouldBe(new ResponsePermissionOptions { MaxMessages = 10, Expires = TimeSpan.FromMinutes(1) });
    }

    [Fact]
    [Upstream("opts_test.go", "TestNewStyleAuthorizationConfig")]
    public void Permissions_allow_and_deny()
    {
        var users = Load("""
            authorization {
              normal_user = {
                publish = { allow = ["foo", "bar", "baz"] }
                subscribe = { deny = "$SYS.>" }
              }
              admin_user = {
                publish = "$SYS.>"
                subscribe = { deny = ["foo", "bar", "baz"] }
              }
              users = [
                {user: alice, password: foo, permissions: $normal_user}
                {user: bob, password: special, permissions: $admin_user}
              ]
            }
            """).Authorization.Users;
        users.Count.ShouldBe(2);
        var (alice, bob) = (users[0].Permissions!, users[1].Permissions!);
        alice.Publish!.Allow.ShouldBe(["foo", "bar", "baz"]);
        alice.Publish.Deny.ShouldBeNull();
        alice.Subscribe!.Allow.ShouldBeNull();
        alice.Subscribe.Deny.ShouldBe(["$SYS.>"]);
        bob.Publish!.Allow.ShouldBe(["$SYS.>"]);
        bob.Publish.Deny.ShouldBeNull();
        bob.Subscribe!.Allow.ShouldBeNull();
        bob.Subscribe.Deny.ShouldBe(["foo", "bar", "baz"]);
    }

    [Fact]
    [Upstream("opts_test.go", "TestNkeyUsersConfig")]
    public void Users_may_be_keys()
    {
        string[] keys = ["UDKTV7HZVYJFJN64LLMYQBUR6MTNNYCDC3LAZH4VHURW3GZLL3FULBXV", "UA3C5TBZYK5GJQJRWPMU6NFY5JNAEVQB2V2TUZFZDHFJFUYVKTTUOFKZ"];
        Load($"authorization {{\n users = [\n {{nkey: \"{keys[0]}\"}}\n {{nkey: \"{keys[1]}\"}}\n ]\n}}")
            .Authorization.Users.Select(user => user.NKey).ShouldBe(keys);
    }

    [Theory]
    [Upstream("opts_test.go", "TestParsingResponsePermissions")]
    [InlineData("", "", 1, 120)]
    [InlineData("max: 10", "", 10, 120)]
    [InlineData("", "ttl: 5s", 1, 5)]
    [InlineData("max: 0", "", 1, 120)]
    [InlineData("", "ttl: \"0s\"", 1, 120)]
    [InlineData("max: 10", "ttl: \"5s\"", 10, 5)]
    [InlineData("max: -1", "ttl: \"5s\"", -1, 5)]
    [InlineData("max: 10", "ttl: \"-1s\"", 10, -1)]
    [InlineData("max: -1", "ttl: \"-1s\"", -1, -1)]
    [InlineData("unknown_field: 123", "", 0, 0, "Unknown field")]
    [InlineData("max: 10", "ttl: 123", 0, 0, "not a duration string")]
    [InlineData("max: 10", "ttl: xyz", 0, 0, "error parsing expires")]
    public void Answers_are_limited_in_number_and_time(string maximum, string expires, int messages, int seconds, string? error = null)
    {
        var text = $"authorization {{\n users [\n {{\n user: ivan\n password: pwd\n permissions {{\n allow_responses {{\n {maximum}\n {expires}\n }}\n }}\n }}\n ]\n}}";
        if (error is not null)
        {
            Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);
            return;
        }
        Load(text).Authorization.Users[0].Permissions!.Responses
            .ShouldBe(new ResponsePermissionOptions { MaxMessages = messages, Expires = TimeSpan.FromSeconds(seconds) });
    }

    [Theory]
    [Upstream("opts_test.go", "TestAuthorizationAndAccountsMisconfigurations")]
    [Upstream("opts_test.go", "TestProcessConfigString")]
    [InlineData("authorization = {users = [ {user: user1, pass: pwd} ] }\naccounts { ACC { users = [ {user: user1} ] } }", "Duplicate user \"user1\" detected")]
    [InlineData("authorization = {users = [ {nkey: " + NKey + "} ] }\naccounts { ACC { users = [ {nkey: " + NKey + "} ] } }", "Duplicate nkey \"" + NKey + "\" detected")]
    [InlineData("authorization = {user: user1, password: pwd}\naccounts = { ACC { users = [ {user: user2, pass: pwd} ] } }", "Can not have a single user/pass")]
    [InlineData("authorization = {user: user1, password: pwd}\naccounts = { ACC { users = [ {nkey: " + NKey + "} ] } }", "Can not have a single user/pass")]
    [InlineData("authorization = {token: my_token}\naccounts = { ACC { users = [ {user: user2, pass: pwd} ] } }", "Can not have a token")]
    [InlineData("authorization = {token: my_token}\naccounts = { ACC { users = [ {nkey: " + NKey + "} ] } }", "Can not have a token")]
    [InlineData("""
        accounts { AUTH { users = [ {user: "auth", password: "auth"} ] }, FOO {} }
        authorization { auth_callout {
            issuer: "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA", account: AUTH, auth_users: [ auth ], allowed_accounts: [ BAR ]
        } }
        """, "auth_callout allowed account \"BAR\" not found in configured accounts")]
    public void Authorization_and_accounts_exclude_each_other(string text, string error)
    {
        Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);
        using var folder = new TemporaryFolder();
        var file = folder.Write("test.conf", string.Join('\n', text.Split('\n').Reverse()));
        if (text.Split('\n').Length == 2) Should.Throw<ConfigException>(() => ConfigLoader.Load(file)).Message.ShouldContain(error.Split(" detected")[0]);
        else Should.Throw<ConfigException>(() => ConfigLoader.Load(folder.Write("same.conf", text))).Message.ShouldContain(error);
    }

    [Theory]
    [InlineData("authorization {}", 2)]
    [InlineData("authorization {\n timeout: 0\n}", 2)]
    [InlineData("authorization {\n timeout: 1\n}", 1)]
    [InlineData("authorization {\n timeout: 10s\n}", 10)]
    [InlineData("authorization {\n timeout: 1m\n}", 1000000)]
    [InlineData("authorization {\n timeout: \"1m\"\n}", 60)]
    [InlineData("authorization {\n timeout: \"10m5s30ms\"\n}", 605.03)]
    [InlineData("authorization {\n timeout: 0.091\n}", 0.091)]
    [Upstream("opts_test.go", "TestAuthorizationTimeoutConfigParsing")]
    public void Timeout_is_a_number_of_seconds_or_a_duration(string text, double seconds) =>
        Load(text).Authorization.Timeout.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData("authorization {\n timeout: random_garbage\n}", "invalid duration \"random_garbage\"")]
    [InlineData("authorization {\n timeout: .091\n}", "Floats must start with a digit")]
    public void Timeout_is_nothing_else(string text, string error) =>
        Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);

    [Theory]
    [InlineData("authorization { users: [{ user: u, password: p, permissions: { subscribe: { deny: [\"admin.secret workers\"] } } }] }", false)]
    [InlineData("authorization { users: [{ user: u, password: p, permissions: { publish: { deny: [\"admin.secret workers\"] } } }] }", true)]
    [InlineData("leafnodes { remotes: [{ url: \"nats://127.0.0.1:7422\", deny_imports: [\"admin.secret workers\"] }] }", true)]
    [InlineData("leafnodes { remotes: [{ url: \"nats://127.0.0.1:7422\", deny_exports: [\"admin.secret workers\"] }] }", true)]
    [InlineData("cluster { name: \"C\", permissions { export { deny: [\"admin.secret workers\"] } } }", true)]
    [Upstream("opts_test.go", "TestQueueQualifierOnlyAllowedForSubscribePermissions")]
    public void Queues_belong_to_subscriptions(string text, bool isError)
    {
        if (isError) Should.Throw<ConfigException>(() => Load(text));
        else Should.NotThrow(() => Load(text));
        var route = new RoutePermissionOptions { Export = new SubjectPermissionOptions { Deny = ["admin.secret workers"] } };
        OptionsValidator.FindError(new ServerOptions { Cluster = new ClusterOptions { Permissions = route } })
            .ShouldBe("cluster export deny: subject \"admin.secret workers\" is not a valid subject");
    }
}
