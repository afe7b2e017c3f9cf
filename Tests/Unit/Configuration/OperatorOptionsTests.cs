using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

public class OperatorOptionsTests
{
    private const string Subject = "OCY6DE2ETSN3UODFTYEXBZLQLI7X4GSXR54NZC4BBLI6QCTZUT65OIVN";

    [Fact]
    [Upstream("opts_test.go", "TestReadOperatorJWT")]
    public void Operator_names_system_account_and_resolver()
    {
        var options = Load(Config("operatorJwtWithSysAccAndUrlResolver"));
        options.SystemAccount.ShouldBe("ADZ547B24WHPLWOK7TMLNBSA7FQFXR6UM2NZ4HHNIB7RDFVZQFOZ4GQQ");
        options.Operator.Resolver.ShouldBe(new ResolverOptions { Kind = ResolverKind.Url, Url = "http://localhost:8000/jwt/v1/accounts/" });
        options.Operator.Operators.Single().Subject.ShouldBe(Subject);
    }

    [Fact]
    [Upstream("opts_test.go", "TestReadMultipleOperatorJWT")]
    public void Configuration_goes_before_operators()
    {
        var options = Load(Config("operatorJwtList"));
        options.Operator.Operators.Select(claims => claims.SystemAccount).ShouldBe(
            ["ADZ547B24WHPLWOK7TMLNBSA7FQFXR6UM2NZ4HHNIB7RDFVZQFOZ4GQQ", "ACQTWVGSGHYVY3R6D2WMO3V6LV2MGK5B7G47E43BHJB6FQVY7EHNTMMG"]);
        options.Operator.Operators.Select(claims => claims.Name).ShouldBe(["OP", "op2"]);
        options.SystemAccount.ShouldBe("SYSACC");
    }

    [Theory]
    [Upstream("opts_test.go", "TestReadOperatorJWTSystemAccountMismatch")]
    [InlineData("ADSPOYMHXJN6JVYQCLRZ5XQ5IUN6A3S33XA4NV4VH74423U7U7YR4YVW", null)]
    [InlineData("ADXJJCDCSRSMCOV25FXQW7R4QOG7R763TVEXBNWJHLBMBGWOJYG5XZBG", "system_account in config and operator JWT must be identical")]
    public void System_account_is_the_operators(string account, string? error)
    {
        var options = Load($"{Config("operatorJwtWithSysAccAndMemResolver")}\n system_account: {account}");
        options.Operator.Preload.Keys.ShouldBe(["ADSPOYMHXJN6JVYQCLRZ5XQ5IUN6A3S33XA4NV4VH74423U7U7YR4YVW"]);
        OptionsValidator.FindError(options).ShouldBe(error);
    }

    [Theory]
    [Upstream("opts_test.go", "TestReadOperatorAssertVersionFail")]
    [InlineData("1.2.3", null)]
    [InlineData("2.14.5", null)]
    [InlineData("2.13.99", null)]
    [InlineData("10.20.30", "expected major version 10 > server major version 2")]
    [InlineData("2.15.0", "expected minor version 15 > server minor version 14")]
    [InlineData("2.14.6", "expected update version 6 > server update version 5")]
    [InlineData("2.14", "expects version 2.14 got error instead")]
    public void Operator_may_ask_for_a_version(string version, string? error)
    {
        var found = OptionsValidator.FindError(Load($"operator: {Jwt(version)}\nresolver: MEM"));
        if (error is null) found.ShouldBeNull();
        else found.ShouldNotBeNull().ShouldStartWith($"operator {Subject} {error}");
    }

    [Theory]
    [InlineData("operator: eyJx", "error parsing operator JWT: expected 3 chunks")]
    [InlineData("operator: missing.jwt", "error parsing operator JWT: open missing.jwt: no such file or directory")]
    [InlineData("resolver_pinned_accounts: [1, x]", "error parsing resolver_pinned_accounts: unsupported type in array int64")]
    [InlineData("resolver_preload: { A: b }", "invalid account JWT")]
    [InlineData("resolver { type: full }", "dir has no value and needs to point to a directory")]
    [InlineData("trusted: [OX]", "trust key \"OX\" required to be a valid public operator nkey")]
    public void Mistakes_are_named(string text, string error) => Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain(error);

    private static string Jwt(string version)
    {
        static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));

        var claims = $$$"""{"sub":"{{{Subject}}}","nats":{"type":"operator","version":2,"assert_server_version":"{{{version}}}"}}""";
        return $"{Part("""{"typ":"JWT","alg":"ed25519-nkey"}""")}.{Part(claims)}.c2ln";
    }

    private static string Config(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(GoldenConfigurations.Folder, "operators.json")));
        return document.RootElement.GetProperty(name).GetString()!;
    }
}
