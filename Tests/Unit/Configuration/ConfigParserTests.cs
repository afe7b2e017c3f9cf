using System.Globalization;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

public sealed class ConfigParserTests
{
    [Theory]
    [InlineData("foo = bar", "bar")]
    [InlineData("foo = 'bar'", "bar")]
    [InlineData("foo = \"bar\"", "bar")]
    [InlineData("foo: bar", "bar")]
    [InlineData("foo bar", "bar")]
    [InlineData("foo\t bar # comment", "bar")]
    [InlineData("'foo' = bar", "bar")]
    [InlineData("\"foo\" : bar;", "bar")]
    [InlineData("foo = \"\"", "")]
    [InlineData("foo = ''", "")]
    [InlineData("foo = \\\"bar", "\"bar")]
    [InlineData("foo = \"a\\tb\\x41\\\\\"", "a\tbA\\")]
    [InlineData("foo = bar\\x22", "bar\"")]
    [InlineData("foo = 3xyz", "3xyz")]
    [InlineData("foo = 127.0.0.1:4222", "127.0.0.1:4222")]
    [InlineData("foo = http://localhost:4222", "http://localhost:4222")]
    [InlineData("foo = (\n  raw {text}\n)\n", "\n  raw {text}\n")]
    [InlineData("foo = yes1", "yes1")]
    [InlineData("foo = $2a$11$ooo", "$2a$11$ooo")]
    [Upstream("lex_test.go", "TestSimpleKeyStringValues")]
    [Upstream("lex_test.go", "TestStringStartingWithNumber")]
    [Upstream("lex_test.go", "TestBinaryString")]
    [Upstream("lex_test.go", "TestQuotedKeys")]
    [Upstream("lex_test.go", "TestColonKeySep")]
    [Upstream("lex_test.go", "TestWhitespaceKeySep")]
    [Upstream("lex_test.go", "TestEscapedString")]
    [Upstream("lex_test.go", "TestEmptyStringDQ")]
    [Upstream("lex_test.go", "TestEmptyStringSQ")]
    [Upstream("lex_test.go", "TestOptionalSemicolons")]
    [Upstream("lex_test.go", "TestNonQuotedStrings")]
    [Upstream("lex_test.go", "TestNonBool")]
    [Upstream("lex_test.go", "TestBlockString")]
    [Upstream("lex_test.go", "TestUnquotedIPAddr")]
    [Upstream("lex_test.go", "TestComments")]
    [Upstream("parse_test.go", "TestBcryptVariable")]
    public void ReadsStrings(string text, string expected) => Value(text).ShouldBe(expected);

    [Theory]
    [InlineData("foo = 123", 123L)]
    [InlineData("foo = -123", -123L)]
    [InlineData("foo = 1k", 1000L)]
    [InlineData("foo = 1kb", 1024L)]
    [InlineData("foo = 2KiB", 2048L)]
    [InlineData("foo = 1ki", 1024L)]
    [InlineData("foo = 3m", 3_000_000L)]
    [InlineData("foo = 1MB", 1048576L)]
    [InlineData("foo = 1g", 1_000_000_000L)]
    [InlineData("foo = 1gb", 1073741824L)]
    [InlineData("foo = 1t", 1_000_000_000_000L)]
    [InlineData("foo = 1tib", 1099511627776L)]
    [InlineData("foo = 1p", 1_000_000_000_000_000L)]
    [InlineData("foo = 1e", 1_000_000_000_000_000_000L)]
    [InlineData("foo = true", true)]
    [InlineData("foo = ON", true)]
    [InlineData("foo = no", false)]
    [InlineData("foo = 22.2", 22.2)]
    [InlineData("foo = -22.2", -22.2)]
    [Upstream("lex_test.go", "TestSimpleKeyIntegerValues")]
    [Upstream("lex_test.go", "TestSimpleKeyNegativeIntegerValues")]
    [Upstream("lex_test.go", "TestConvenientIntegerValues")]
    [Upstream("lex_test.go", "TestSimpleKeyFloatValues")]
    [Upstream("lex_test.go", "TestSimpleKeyBoolValues")]
    [Upstream("parse_test.go", "TestConvenientNumbers")]
    [Upstream("parse_test.go", "TestBools")]
    public void ReadsNumbersAndBooleans(string text, object expected) => Value(text).ShouldBe(expected);

    [Fact]
    [Upstream("lex_test.go", "TestDateValues")]
    public void ReadsDates() =>
        Value("foo = 2016-05-04T18:53:41Z").ShouldBe(DateTimeOffset.Parse("2016-05-04T18:53:41Z", CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("foo = \"abc", "Parse error on line 1: 'Unexpected EOF.'")]
    [InlineData("foo = 'abc", "Parse error on line 1: 'Unexpected EOF.'")]
    [InlineData("foo = { a = 1", "Parse error on line 1: 'Unexpected EOF processing map.'")]
    [InlineData("foo = (\nabc", "Parse error on line 2: 'Unexpected EOF processing block.'")]
    [InlineData("foo = .2", "Parse error on line 1: 'Floats must start with a digit'")]
    [InlineData("foo = \"\\q\"", "Parse error on line 1: 'Invalid escape character 'q'. Only the following escape characters are allowed: \\xXX, \\t, \\n, \\r, \\\", \\\\.'")]
    [InlineData("foo = \"\\x\n\"", "Parse error on line 1: 'Expected two hexadecimal digits after '\\x', but hit end of line'")]
    [InlineData("foo = \"\\xZZ\"", "Parse error on line 1: 'Expected two hexadecimal digits after '\\x', but got 'ZZ''")]
    [InlineData("= bar", "Parse error on line 1: 'Unexpected key separator '=''")]
    [InlineData("foo = $missing_for_sure", "variable reference for 'missing_for_sure' on line 1 can not be found")]
    [InlineData("foo = 99999999999999999999", "integer '99999999999999999999' is out of the range")]
    [Upstream("lex_test.go", "TestDanglingQuotedString")]
    [Upstream("lex_test.go", "TestDanglingSingleQuotedString")]
    [Upstream("lex_test.go", "TestMapDanglingBracket")]
    [Upstream("lex_test.go", "TestBlockDanglingParens")]
    [Upstream("lex_test.go", "TestBadStringEscape")]
    [Upstream("lex_test.go", "TestBadFloatValues")]
    [Upstream("lex_test.go", "TestBadKey")]
    [Upstream("lex_test.go", "TestBadBinaryStringEndingAfterZeroHexChars")]
    [Upstream("parse_test.go", "TestMissingVariable")]
    public void NamesWhatIsWrongAndWhere(string text, string error) =>
        Should.Throw<ConfigException>(() => ConfigParser.Parse(text)).Message.ShouldBe(error);

    [Fact]
    [Upstream("lex_test.go", "TestArrays")]
    [Upstream("lex_test.go", "TestMultilineArrays")]
    [Upstream("lex_test.go", "TestMultilineArraysNoSep")]
    [Upstream("lex_test.go", "TestArrayOfMaps")]
    public void ReadsArrays()
    {
        Items("foo = [1, 2, 3, 'bar']").ShouldBe([1L, 2L, 3L, "bar"]);
        Items("foo = [\n 1, # one\n 2\n // two\n 3\n 'bar'\n]").ShouldBe([1L, 2L, 3L, "bar"]);
        var maps = (List<ConfigValue>)Value("foo = [ {a: 1}, {b: 2} ]");
        ((ConfigMap)maps[1].Value).Find("b")!.Value.ShouldBe(2L);
    }

    [Fact]
    [Upstream("lex_test.go", "TestSimpleMap")]
    [Upstream("lex_test.go", "TestMultilineMap")]
    [Upstream("lex_test.go", "TestNestedMaps")]
    [Upstream("lex_test.go", "TestSemicolonChaining")]
    [Upstream("lex_test.go", "TestJSONCompat")]
    [Upstream("parse_test.go", "TestJSONParseCompat")]
    [Upstream("parse_test.go", "TestParseWithTrailingBracketsAreValid")]
    public void ReadsMapsInEveryStyle()
    {
        foreach (var text in new[]
        {
            "foo = { host = 'x', port = 1, inner { deep: yes } }",
            "foo {\n  host: x\n  port: 1 // one\n  inner { deep yes }\n}",
            "foo = { host = x; port = 1; inner = { deep = yes } }",
            "{ \"foo\": { \"host\": \"x\", \"port\": 1, \"inner\": { \"deep\": true } } }",
            "foo { host: x, port: 1, inner: {deep: on} }\n}\n",
        })
        {
            var map = (ConfigMap)Value(text);
            map.Find("host")!.Value.ShouldBe("x", text);
            map.Find("port")!.Value.ShouldBe(1L, text);
            ((ConfigMap)map.Find("inner")!.Value).Find("deep")!.Value.ShouldBe(true, text);
        }
    }

    [Fact]
    [Upstream("parse_test.go", "TestSimpleVariable")]
    [Upstream("parse_test.go", "TestNestedVariable")]
    [Upstream("parse_test.go", "TestEnvVariable")]
    [Upstream("parse_test.go", "TestEnvVariableString")]
    public void LooksVariablesUpInBlocksThenInTheEnvironment()
    {
        string? Environment(string name) => name switch { "NUMBER" => "22kb", "TEXT" => "xyz", "LOOP" => "$LOOP", _ => null };
        ConfigParser.Parse("index = 22\nfoo = $index").Find("foo")!.Value.ShouldBe(22L);
        var nested = (ConfigMap)ConfigParser.Parse("index = 22\nn { index = 11; foo = $index }").Find("n")!.Value;
        nested.Find("foo")!.Value.ShouldBe(11L);
        ConfigParser.Parse("foo = $NUMBER", environment: Environment).Find("foo")!.Value.ShouldBe(22528L);
        ConfigParser.Parse("foo = $TEXT", environment: Environment).Find("foo")!.Value.ShouldBe("xyz");
        Should.Throw<ConfigException>(() => ConfigParser.Parse("foo = $LOOP", environment: Environment)).Message.ShouldContain("variable reference cycle for 'LOOP'");
    }

    [Fact]
    [Upstream("lex_test.go", "TestInclude")]
    [Upstream("lex_test.go", "TestMapInclude")]
    [Upstream("parse_test.go", "TestIncludes")]
    public void IncludesFilesBesideTheFile()
    {
        var directory = Directory.CreateTempSubdirectory("natsaspire-test-");
        try
        {
            File.WriteAllText(Path.Combine(directory.FullName, "inner.conf"), "user: u\npassword: p\n");
            File.WriteAllText(Path.Combine(directory.FullName, "loop.conf"), "include loop.conf");
            var main = Path.Combine(directory.FullName, "main.conf");
            File.WriteAllText(main, "authorization {\n  include 'inner.conf'\n  timeout: 1\n}\nport: 4242");
            var map = ConfigParser.ParseFile(main);
            ((ConfigMap)map.Find("authorization")!.Value).Find("password")!.Value.ShouldBe("p");
            map.Find("port")!.Value.ShouldBe(4242L);
            Should.Throw<ConfigException>(() => ConfigParser.ParseFile(Path.Combine(directory.FullName, "loop.conf"))).Message.ShouldContain("include each other more than");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void DeepNestingIsRefused() =>
        Should.Throw<ConfigException>(() => ConfigParser.Parse("a " + new string('[', 100_000))).Message.ShouldContain("nested more than");

    [Theory]
    [InlineData("1h30m", 5400.0)]
    [InlineData("1.5s", 1.5)]
    [InlineData("250ms", 0.25)]
    [InlineData("-2s", -2.0)]
    [InlineData("0", 0.0)]
    public void ReadsDurations(string text, double seconds)
    {
        GoDuration.TryParse(text, out var duration, out _).ShouldBeTrue();
        duration.TotalSeconds.ShouldBe(seconds);
    }

    private static object Value(string text) => ConfigParser.Parse(text).Find("foo")!.Value;

    private static object[] Items(string text) => [.. ((List<ConfigValue>)Value(text)).Select(item => item.Value)];
}
