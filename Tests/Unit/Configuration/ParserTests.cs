using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

public class ParserTests
{
    private const string Hash = "$2a$10$UHR6GhotWhpLsKtVP0/i6.Nh9.fuY73cWjLoJjb2sKT8KISBcUW5q";
    private const string OtherHash = "$2a$11$dZM98SpGeI7dCFFGSpt.JObQcix8YHml4TBUZoge9R1uxnMIln5ly";

    [Theory]
    [Upstream("parse_test.go", "TestSimpleTopLevel")]
    [Upstream("parse_test.go", "TestBools")]
    [Upstream("parse_test.go", "TestSimpleVariable")]
    [Upstream("parse_test.go", "TestNestedVariable")]
    [Upstream("parse_test.go", "TestBcryptVariable")]
    [Upstream("parse_test.go", "TestSample1")]
    [Upstream("parse_test.go", "TestSample2")]
    [Upstream("parse_test.go", "TestSample3")]
    [Upstream("parse_test.go", "TestSample4")]
    [Upstream("parse_test.go", "TestSample5")]
    [InlineData("foo='1'; bar=2.2; baz=true; boo=22", """{"bar":2.2,"baz":true,"boo":22,"foo":"1"}""")]
    [InlineData("foo=true", """{"foo":true}""")]
    [InlineData("foo=TRUE", """{"foo":true}""")]
    [InlineData("foo=yes", """{"foo":true}""")]
    [InlineData("foo=on", """{"foo":true}""")]
    [InlineData("\n  index = 22\n  foo = $index\n", """{"foo":22,"index":22}""")]
    [InlineData("\n index = 22\n nest {\n index = 11\n foo = $index\n }\n bar = $index\n", """{"bar":22,"index":22,"nest":{"foo":11,"index":11}}""")]
    [InlineData("password: $2a$11$ooo", """{"password":"$2a$11$ooo"}""")]
    [InlineData("\nfoo  {\n  host {\n    ip   = '127.0.0.1'\n    port = 4242\n  }\n  servers = [ \"a.com\", \"b.com\", \"c.com\"]\n}\n",
        """{"foo":{"host":{"ip":"127.0.0.1","port":4242},"servers":["a.com","b.com","c.com"]}}""")]
    [InlineData("""
        cluster {
          port: 4244
          authorization {
            user: route_user
            password: top_secret
            timeout: 1
          }

          # Two comments of one kind
          # after each other

          // and one of the other

          routes = [
            nats-route://foo:bar@apcera.me:4245
            nats-route://foo:bar@apcera.me:4246
          ]
        }
        """,
        """{"cluster":{"authorization":{"password":"top_secret","timeout":1,"user":"route_user"},"port":4244,"routes":["nats-route://foo:bar@apcera.me:4245","nats-route://foo:bar@apcera.me:4246"]}}""")]
    [InlineData("\nfoo  {\n  expr = '(true == \"false\")'\n  text = 'This is a multi-line\ntext block.'\n}\n",
        """{"foo":{"expr":"(true == \"false\")","text":"This is a multi-line\ntext block."}}""")]
    [InlineData("\n  array [\n    { abc: 123 }\n    { xyz: \"word\" }\n  ]\n", """{"array":[{"abc":123},{"xyz":"word"}]}""")]
    [InlineData("\n  now = 2016-05-04T18:53:41Z\n  gmt = false\n\n", """{"gmt":false,"now":"2016-05-04T18:53:41Z"}""")]
    public void Text_becomes_values(string text, string json) => Parse(text).ShouldBe(json);

    [Fact]
    [Upstream("parse_test.go", "TestConvenientNumbers")]
    public void Sizes_with_b_or_i_are_powers_of_two()
    {
        const string text = """
            k = 8k, kb = 4kb, ki = 3ki, kib = 4ki, m = 1m, mb = 2MB, mi = 2Mi, mib = 64MiB, g = 2g, gb = 22GB, gi = 22Gi
            gib = 22GiB, tb = 22TB, ti = 22Ti, tib = 22TiB, pb = 22PB, pi = 22Pi, pib = 22PiB
            """;
        const long gibi = 1L << 30;
        (string Name, long Bytes)[] expected =
        [
            ("k", 8000), ("kb", 4096), ("ki", 3072), ("kib", 4096), ("m", 1000_000), ("mb", 2 << 20), ("mi", 2 << 20), ("mib", 64 << 20),
            ("g", 2000_000_000), ("gb", 22 * gibi), ("gi", 22 * gibi), ("gib", 22 * gibi),
            ("tb", 22 * gibi << 10), ("ti", 22 * gibi << 10), ("tib", 22 * gibi << 10),
            ("pb", 22 * gibi << 20), ("pi", 22 * gibi << 20), ("pib", 22 * gibi << 20),
        ];
        ConfigParser.ParseText(ConfigText.Encode(text)).Select(entry => (entry.Key, entry.Value.AsInteger())).ShouldBe(expected);
    }

    [Fact]
    [Upstream("parse_test.go", "TestMissingVariable")]
    public void Unknown_variable_is_an_error() =>
        Should.Throw<ConfigException>(() => Parse("foo=$index")).Message.ShouldBe("variable reference for 'index' on line 1 can not be found");

    [Theory]
    [Upstream("parse_test.go", "TestEnvVariable")]
    [Upstream("parse_test.go", "TestEnvVariableString")]
    [Upstream("parse_test.go", "TestEnvVariableStringStartingWithNumberAndSizeUnit")]
    [Upstream("parse_test.go", "TestEnvVariableStringStartingWithNumberUsingQuotes")]
    [InlineData("A", "22", "22")]
    [InlineData("B", "xyz", "\"xyz\"")]
    [InlineData("C", "3Gyz", "\"3Gyz\"")]
    [InlineData("D", "'3xyz'", "\"3xyz\"")]
    [InlineData("E", "[a, 2, {b: c}]", """["a",2,{"b":"c"}]""")]
    public void Variable_of_the_environment_is_a_value(string suffix, string value, string json)
    {
        var name = $"__NATS_ASPIRE_PARSER_{suffix}__";
        Environment.SetEnvironmentVariable(name, value);
        Parse($"foo = ${name}").ShouldBe($$"""{"foo":{{json}}}""");
    }

    [Fact]
    [Upstream("parse_test.go", "TestEnvVariableStringStartingWithNumber")]
    public void Percent_sign_is_part_of_a_variable() =>
        Should.Throw<ConfigException>(() => Parse("foo = $%s")).Message.ShouldContain("'%s'");

    [Theory]
    [Upstream("parse_test.go", "TestParserNoInfiniteLoop")]
    [InlineData("A@@Føøøø?˛ø:{øøøø˙˙")]
    [InlineData("include \"9/\ufffd")]
    public void Garbage_ends_with_an_error(string text) =>
        Should.Throw<ConfigException>(() => Parse(text)).Message.ShouldContain("Unexpected EOF");

    [Theory]
    [Upstream("parse_test.go", "TestParseWithNoValuesAreInvalid")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ":1:41")]
    [InlineData("              aaaaaaaaaaaaaaaaaaaaaaaaaaa", ":1:41")]
    [InlineData("     aaaaaaaaaaaaaaaaaaaaaaaaaaa         ", ":1:41")]
    [InlineData("\n          \t\t# with comments\n         \t\t# of two lines.\n         \t\taaaaaaa\n                        ", ":5:25")]
    [InlineData("\n                        a,a,a,a,a,a,a,a,a,a,a\n                        ", ":3:25")]
    public void Key_without_a_value_is_an_error(string text, string place) =>
        Should.Throw<ConfigException>(() => Parse(text)).Message.ShouldBe($"config is invalid ({place})");

    [Theory]
    [Upstream("parse_test.go", "TestParseWithNoValuesEmptyConfigsAreValid")]
    [Upstream("parse_test.go", "TestParseWithTrailingBracketsAreValid")]
    [InlineData("", "{}")]
    [InlineData("\n\n\n                        ", "{}")]
    [InlineData("\n                        # just comments with no values\n                        # is still valid.\n      ", "{}")]
    [InlineData("{}", "{}")]
    [InlineData("\n            {\n            # comments in the body\n            }\n            ", "{}")]
    [InlineData("\n            accounts { users = [{}]}\n            }\n            ", """{"accounts":{"users":[{}]}}""")]
    [InlineData("{\n            accounts { users = [{}]}\n            }\n            ", """{"accounts":{"users":[{}]}}""")]
    public void Empty_and_wrapped_configurations_are_valid(string text, string json) => Parse(text).ShouldBe(json);

    [Theory]
    [Upstream("parse_test.go", "TestBlocks")]
    [InlineData("{ listen: 0.0.0.0:4222 }", """{"listen":"0.0.0.0:4222"}""")]
    [InlineData("{\n\t\t\t\tlisten: 0.0.0.0:4222\n\t\t\t }", """{"listen":"0.0.0.0:4222"}""")]
    [InlineData("\n\t\t\t{\n\t\t\t\tlisten: 0.0.0.0:4222\n\t\t\t}\n\t\t\t# wibble\n\t\t\t", """{"listen":"0.0.0.0:4222"}""")]
    [InlineData("\n{\n{\nlisten: 0.0.0.0:4222 // random comment\n}\n# wibble1\n}\n# wibble2\n", """{"listen":"0.0.0.0:4222"}""")]
    [InlineData("\n{\n \"debug\":              False\n \"prof_port\":          8221\n \"server_name\":        \"aws\"\n}\n",
        """{"debug":false,"prof_port":8221,"server_name":"aws"}""")]
    [InlineData("\n{\n \"debug\":   False\n \"server_name\":  \"gcp\"\n\n # Profile port.\n \"prof_port\":          8221\n}\n",
        """{"debug":false,"prof_port":8221,"server_name":"gcp"}""")]
    public void Braces_may_surround_a_configuration(string text, string json) => Parse(text).ShouldBe(json);

    [Fact]
    [Upstream("parse_test.go", "TestIncludes")]
    public void Included_values_stand_where_the_include_stands()
    {
        using var folder = new TemporaryFolder();
        folder.Write("includes/passwords.conf", $"# Just for testing\nALICE_PASS: {Hash}\nBOB_PASS: {OtherHash}\n");
        folder.Write("includes/users.conf", """
            # Users configuration

            include ./passwords.conf;

            users = [
              {user: alice, password: $ALICE_PASS}
              {user: bob,   password: $BOB_PASS}
            ]
            """);
        var main = folder.Write("simple.conf", "listen: 127.0.0.1:4222\n\nauthorization {\n  include 'includes/users.conf' # Pull in from file\n  timeout: 0.5\n}\n");
        var users = $$"""[{"password":"{{Hash}}","user":"alice"},{"password":"{{OtherHash}}","user":"bob"}]""";
        ConfigDigest.ToJson(ConfigParser.ParseFile(main)).ShouldBe(
            $$"""{"authorization":{"ALICE_PASS":"{{Hash}}","BOB_PASS":"{{OtherHash}}","timeout":0.5,"users":{{users}}},"listen":"127.0.0.1:4222"}""");
    }

    [Fact]
    [Upstream("parse_test.go", "TestIncludeVariablesWithChecks")]
    public void Included_values_keep_their_place()
    {
        using var folder = new TemporaryFolder();
        var passwords = folder.Write("includes/passwords.conf", $"# Just for testing\nALICE_PASS: {Hash}\nBOB_PASS: {OtherHash}\n");
        var main = folder.Write("main.conf", """

            authorization {

              include "./includes/passwords.conf"

              CAROL_PASS: foo

              users = [
               {user: alice, password: $ALICE_PASS}
               {user: bob,   password: $BOB_PASS}
               {user: carol, password: $CAROL_PASS}
              ]
            }
            """);
        var authorization = ConfigParser.ParseFile(main)["authorization"].AsMap();
        (string, int, int, string, bool) Place(string key) => authorization[key] is var value
            ? (value.File, value.Line, value.Column, value.AsString(), value.IsUsedVariable)
            : default;
        Place("ALICE_PASS").ShouldBe((passwords, 2, 1, Hash, true));
        Place("BOB_PASS").ShouldBe((passwords, 3, 1, OtherHash, true));
        Place("CAROL_PASS").ShouldBe((main, 6, 3, "foo", true));
    }

    [Theory]
    [Upstream("parse_test.go", "TestParseWithNoValuesIncludes")]
    [InlineData("?????????????", "1:1")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "1:34")]
    public void Error_of_an_included_file_names_it(string content, string place)
    {
        using var folder = new TemporaryFolder();
        folder.Write("empty.conf", "");
        folder.Write("comments.conf", "\n # just some comments,\n # and no key values also ok.\n ");
        var bad = folder.Write("bad.conf", content);
        var main = folder.Write("main.conf", "# includes\naccounts {\n foo { include 'empty.conf'}\n bar { include 'comments.conf'}\n quux { include 'bad.conf'}\n}\n");
        var message = Should.Throw<ConfigException>(() => ConfigParser.ParseFile(main)).Message;
        message.ShouldStartWith("error parsing include file 'bad.conf', config is invalid");
        message.ShouldContain($"{bad}:{place}");
    }

    [Fact]
    [Upstream("parse_test.go", "TestJSONParseCompat")]
    public void Json_may_be_included()
    {
        Parse("""
              {
                "http_port": 8227,
                "write_deadline": "1h",
                "cluster": {
                  "port": 6222,
                  "routes": [
                    "nats://127.0.0.1:4222",
                    "nats://127.0.0.1:4223"
                  ]
                }
              }
              """).ShouldBe("""{"cluster":{"port":6222,"routes":["nats://127.0.0.1:4222","nats://127.0.0.1:4223"]},"http_port":8227,"write_deadline":"1h"}""");
        Parse("{\n \"jetstream\": {\n \"store_dir\": \"/tmp/nats\"\n \"max_mem\": 1000000,\n },\n \"port\": 4222,\n \"server_name\": \"nats1\"\n}\n")
            .ShouldBe("""{"jetstream":{"max_mem":1000000,"store_dir":"/tmp/nats"},"port":4222,"server_name":"nats1"}""");
        Parse("\n {\n }\n").ShouldBe("{}");
        using var folder = new TemporaryFolder();
        folder.Write("foo.json", """{ "users": [ {"user": "foo"} ] }""");
        folder.Write("bar.json", "{\n   \"users\": [ {\"user\": \"bar\"} ]\n }");
        folder.Write("quux.json", "{}");
        var main = folder.Write("main.conf", "accounts {\n foo  { include 'foo.json'  }\n bar  { include 'bar.json'  }\n quux { include 'quux.json' }\n}\n");
        ConfigDigest.ToJson(ConfigParser.ParseFile(main)).ShouldBe("""{"accounts":{"bar":{"users":[{"user":"bar"}]},"foo":{"users":[{"user":"foo"}]},"quux":{}}}""");
    }

    private static string Parse(string text) => ConfigDigest.ToJson(ConfigParser.ParseText(ConfigText.Encode(text)));
}
