using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

public class ConfigDigestTests
{
    private const string Plain = "sha256:226e49e13d16e5e8aa0d62e58cd63361bf097d3e2b2444aa3044334628a2e8de";
    private const string Included = "sha256:e72d70c91b64b0f880f86decb95ec2600cbdcf8bdcd2355fce5ebc54a84a77e9";

    [Theory]
    [Upstream("parse_test.go", "TestParseDigest")]
    [InlineData("foo = bar", Plain)]
    [InlineData("# Comments and whitespace have no effect\n  foo = bar\n  ", Plain)]
    [InlineData("# Nor has syntax\n 'foo': 'bar'\n", Plain)]
    [InlineData("# Nor have braces\n { 'foo': 'bar' }\n", Plain)]
    [InlineData("""
        BAR_USERS = { users = [ {user = "bar"} ]}
        hello = 'world'
        accounts {
          QUUX_USERS = [ { user: quux }]
          bar = $BAR_USERS
          quux = { users = $QUUX_USERS }
        }
        very { nested { env { VAR = 'NESTED', quux = $VAR }}}
        """, "sha256:bddb282343249c26d3edcef9bfaa9d2711505fc67210380e871405ba394a9186")]
    [InlineData("""
        hello = 'world'
        accounts {
          bar  = { users = [ { user = "bar" } ]}
          quux = { users = [ { user: quux   } ]}
        }
        very { nested { env { quux = 'NESTED' }}}
        """, "sha256:34f8faf3f269fe7509edc4742f20c8c4a7ad51fe21f8b361764314b533ac3ab5")]
    [InlineData("BAR_USERS = { users = [ {user = \"foo\"} ]}\nbar = $BAR_USERS\naccounts {\n users = $BAR_USERS\n}\n",
        "sha256:b0e2ba0b8ec2cb75681b5c5d61789cda0c9942c2f9fe16cdb7f6703364485360")]
    [InlineData("bar = { users = [ {user = \"foo\"} ]}\naccounts {\n users = { users = [ {user = \"foo\"} ]}\n}\n",
        "sha256:f5d943b4ed22b80c6199203f8a7eaa8eb68ef7b2d46ef6b1b26f05e21f8beb13")]
    [InlineData("accounts {\n foo { include 'foo.conf'}\n bar { users = [{user = \"bar\"}] }\n quux { include 'quux.conf'}\n}\n", Included)]
    [InlineData("accounts {\n foo { include 'foo.conf'}\n bar { include 'bar.conf'}\n quux { include 'quux.conf'}\n}\n", Included)]
    public void Digest_depends_on_values_only(string text, string digest)
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "foo", "bar", "quux" }) folder.Write($"{name}.conf", $" users = [{{user = \"{name}\"}}]");
        ConfigDigest.Compute(ConfigParser.ParseFile(folder.Write("main.conf", text))).ShouldBe(digest);
    }

    [Fact]
    [Upstream("parse_test.go", "TestParseFileWithChecksDigestPreservesConfigKeyUsedAsVariable")]
    public void Key_used_as_a_variable_stays_a_key()
    {
        using var folder = new TemporaryFolder();
        var entries = ConfigParser.ParseFile(folder.Write("main.conf", "\n\t\tport = 4222\n\t\tmonitor_port = $port\n\t"));
        ConfigDigest.ToJson(entries).ShouldBe("""{"monitor_port":4222,"port":4222}""");
    }

    [Theory]
    [InlineData("a: '<&>'", """{"a":"\u003c\u0026\u003e"}""")]
    [InlineData("a: \"\\xff\\x01\"", """{"a":"\ufffd\u0001"}""")]
    [InlineData("a: 1.0, b: 1.5, c: -0.25", """{"a":1,"b":1.5,"c":-0.25}""")]
    [InlineData("a: 0.00000012, b: 123456789012345678901234.0", """{"a":1.2e-7,"b":1.2345678901234569e+23}""")]
    [InlineData("a: 0.00001, b: 100000000000000000000.0", """{"a":0.00001,"b":100000000000000000000}""")]
    [InlineData("b: ø, a: 𝄞", """{"a":"𝄞","b":"ø"}""")]
    public void Json_is_written_as_go_writes_it(string text, string json) =>
        ConfigDigest.ToJson(ConfigParser.ParseText(ConfigText.Encode(text))).ShouldBe(json);
}
