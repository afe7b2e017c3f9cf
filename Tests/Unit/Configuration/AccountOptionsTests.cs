using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

[Collection(nameof(WorkingFolder))]
public class AccountOptionsTests
{
    private const string TrustedKey = "UCARKS2E3KVB7YORL2DG34XLT7PUCOL2SVM7YXV6ETHLW6Z46UUJ2VZ3";
    private const string OtherKey = "UD6AYQSOIN2IN5OGC6VQZCR4H3UFMIOXSW6NNS6N53CLJA4PB56CEJJI";

    [Theory]
    [InlineData("accI1", null)]
    [InlineData("accI2", "stream import not authorized")]
    public void Position_of_the_account_in_a_subject_is_checked(string subject, string? error)
    {
        var text = $$"""
            accounts {
              sys { exports [{ stream "$SYS.SERVER.ACCOUNT.*.CONNS", account_token_position 4 }] }
              accE { exports [{ service foo.*, account_token_position 2 }] }
              accI1 { imports [
                { service { account accE, subject foo.accI1 }, to foo }
                { stream { account sys, subject "$SYS.SERVER.ACCOUNT.{{subject}}.CONNS" } }
              ] }
            }
            """;
        if (error is not null)
        {
            Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);
            return;
        }
        var accounts = Load(text).Accounts.ToDictionary(account => account.Name);
        accounts["sys"].Exports.Single().AccountTokenPosition.ShouldBe(4);
        accounts["accI1"].Imports[0].ShouldBe(new ImportOptions { Account = "accE", Subject = "foo.accI1", IsService = true, To = "foo" });
    }

    [Theory]
    [InlineData("accounts { A { exports: [{service: s}] }, B { imports: [{service: {account: A, subject: s}}, {service: {account: A, subject: s}}] } }",
        "Duplicate service import subject \"s\", previously used in import for account \"A\", subject \"s\"")]
    [InlineData("accounts { A { exports: [{stream: s}] }, B { imports: [{stream: {account: A, subject: s}}, {stream: {account: A, subject: s}}] } }",
        "Error adding stream import \"s\": stream import already exists")]
    [InlineData("accounts { A { exports: [{stream: s}] }, B { imports: [{stream: {account: A, subject: s}, prefix: \"a.*\"}] } }",
        "stream import prefix can not contain wildcard tokens")]
    [InlineData("accounts { A { exports: [{service: s, accounts: [Z]}] } }", "\"Z\" account not defined for service export")]
    [InlineData("accounts { A { exports: [{service: s.*, account_token_position: 1}] } }", "Error adding service export \"s.*\": sublist: invalid subject")]
    [InlineData("accounts { A { exports: [{service: s, latency: s}] } }", "Error adding service latency sampling for \"s\" on subject \"s\": invalid publish subject")]
    [InlineData("no_system_account: true, accounts { A { exports: [{service: s, latency: l}] } }", "Error adding service latency sampling for \"s\": system account not setup")]
    [InlineData("""
        accounts {
          A { exports: [{stream: ">"}], imports: [{stream: {account: C, subject: ">"}}] }
          B { exports: [{stream: ">"}], imports: [{stream: {account: A, subject: ">"}}] }
          C { exports: [{stream: ">"}], imports: [{stream: {account: B, subject: ">"}}] }
        }
        """, "Error adding stream import \">\": import forms a cycle")]
    public void Imports_and_exports_must_fit(string text, string error) =>
        Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);

    [Theory]
    [InlineData("a", null)]
    [InlineData("b", null)]
    [InlineData("UBAAQWTW6CG2G6ANGNKB5U2B7HRWHSGMZEZX3AQSAJOQDAUGJD46LD2E", null)]
    [InlineData("notthere", "no_auth_user: \"notthere\" not present as user or nkey in authorization block or account configuration")]
    [Upstream("opts_test.go", "TestNoAuthUserCode")]
    public void User_without_credentials_must_exist(string user, string? error)
    {
        var text = $$"""
            no_auth_user: {{user}}
            accounts {
              synadia { users [ {user: "a", password: "a"}, {nkey : UBAAQWTW6CG2G6ANGNKB5U2B7HRWHSGMZEZX3AQSAJOQDAUGJD46LD2E}, ] }
              acc { users [ {user: "c", password: "c"} ] }
            }
            authorization { users [ {user: "b", password: "b"} ] }
            """;
        OptionsValidator.FindError(Load(text)).ShouldBe(error);
    }

    [Fact]
    [Upstream("opts_test.go", "TestOptionsProxyRequired")]
    public void Proxy_may_be_required_everywhere()
    {
        var options = Load("authorization { user: user, password: pwd, proxy_required: true }");
        (options.Authorization.Username, options.Authorization.Password, options.Authorization.ProxyRequired).ShouldBe(("user", "pwd", true));
        const string users = "{user: user1, password: pwd1}\n {user: user2, password: pwd2, proxy_required: true}\n {user: user3, password: pwd3, proxy_required: false}\n";
        const string keys = $"{{nkey: \"{TrustedKey}\", proxy_required: true}}\n {{nkey: \"{OtherKey}\", proxy_required: false}}\n";
        bool[] expected = [false, true, false, true, false];
        Load($"authorization {{ users: [\n{users}{keys}] }}").Authorization.Users.Select(user => user.ProxyRequired).ShouldBe(expected);
        Load($"accounts {{ A {{ users: [\n{users}{keys}] }} }}").Accounts.Single().Users.Select(user => user.ProxyRequired).ShouldBe(expected);
        var leaf = Load("leafnodes { port: -1, authorization { user: user, password: pwd, proxy_required: true } }").LeafNode;
        (leaf.Username, leaf.Password, leaf.ProxyRequired).ShouldBe(("user", "pwd", true));
        leaf = Load($"leafnodes {{ port: -1, authorization {{ nkey: \"{TrustedKey}\", proxy_required: true }} }}").LeafNode;
        (leaf.NKey, leaf.ProxyRequired).ShouldBe((TrustedKey, true));
        Load($"leafnodes {{ port: -1, authorization {{ users: [\n{users}] }} }}").LeafNode.Users.Select(user => user.ProxyRequired).ShouldBe([false, true, false]);
    }

    [Fact]
    [Upstream("opts_test.go", "TestOptionsProxyTrustedKeys")]
    public void Trusted_proxies_are_keys()
    {
        OptionsValidator.FindError(new ServerOptions { TrustedProxies = [TrustedKey, "bad1", OtherKey, "bad2"] }).ShouldBe("proxy trusted key \"bad1\" is invalid");
        OptionsValidator.FindError(new ServerOptions { TrustedProxies = [TrustedKey, OtherKey] }).ShouldBeNull();
        Load($"proxies {{ trusted = [ {{ key: {TrustedKey} }}, {{ public_key: {OtherKey} }} ] }}").TrustedProxies.ShouldBe([TrustedKey, OtherKey]);
    }

    [Theory]
    [Upstream("opts_test.go", "TestExpandPath")]
    [InlineData("/foo/bar", "/fizz/buzz", "/foo/bar")]
    [InlineData("foo/bar", "/fizz/buzz", "foo/bar")]
    [InlineData("~/fizz", "/foo/bar", "/foo/bar/fizz")]
    [InlineData("$HOME/fizz", "/foo/bar", "/foo/bar/fizz")]
    [InlineData("${HOME}/fizz", "/foo/bar", "/foo/bar/fizz")]
    [InlineData("~/fizz", "", null)]
    public void Tilde_is_the_home_folder(string path, string home, string? expected)
    {
        var before = Environment.GetEnvironmentVariable("HOME");
        Environment.SetEnvironmentVariable("HOME", home);
        try
        {
            HomePath.TryExpand(path, out var expanded).ShouldBe(expected is not null);
            if (expected is not null) expanded.ShouldBe(expected);
        }
        finally
        {
            Environment.SetEnvironmentVariable("HOME", before);
        }
    }
}
