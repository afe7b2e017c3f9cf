using System.Text;
using NatsAspire.Server.Clients;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>No secret of a CONNECT is left in what is logged, whether it is JSON or only looks like it.</summary>
public sealed class RedactionTests
{
    [Theory]
    [InlineData("""{"user":"derek","pass":"s3cr3t"}""", """{"user":"derek","pass":"[REDACTED]"}""")]
    [InlineData("""{"pass":   "s3cr3t"  ,"user":"s3cr3t"}""", """{"pass":   "[REDACTED]"  ,"user":"s3cr3t"}""")]
    [InlineData("""{"pass":"","name":"n"}""", """{"pass":"[REDACTED]","name":"n"}""")]
    [InlineData("""{"pass":"a long one, with blanks"}""", """{"pass":"[REDACTED]"}""")]
    [InlineData("""{"pass":"a","pass":"b","password":"c"}""", """{"pass":"[REDACTED]","pass":"[REDACTED]","password":"[REDACTED]"}""")]
    [InlineData("""{pass:s3cr3t ,  password = s3cr3t}""", """{pass:[REDACTED],  password = [REDACTED]}""")]
    [InlineData("""{pass = "s3cr3t",pass= "s3cr3t"}""", """{pass = "[REDACTED]",pass= "[REDACTED]"}""")]
    [InlineData("{pass:s3cr3t\r\n", "{pass:[REDACTED]\r\n")]
    [Upstream("log_test.go", "TestRemovePassFromTrace")]
    public void Passwords(string connect, string expected) => Hide(connect).ShouldBe(expected);

    [Theory]
    [InlineData("""{"user":"derek","auth_token":"s3cr3t"}""", """{"user":"derek","auth_token":"[REDACTED]"}""")]
    [InlineData("""{"auth_token" : "s3cr3t", "pass":"p"}""", """{"auth_token" : "[REDACTED]", "pass":"[REDACTED]"}""")]
    [InlineData("""{auth_token = s3cr3t}""", """{auth_token = [REDACTED]}""")]
    [Upstream("log_test.go", "TestRemoveAuthTokenFromTrace")]
    public void Tokens(string connect, string expected) => Hide(connect).ShouldBe(expected);

    [Theory]
    [InlineData("""{"sig":"s","proxy_sig":"p","nkey":"N","user":"u"}""", """{"sig":"[REDACTED]","proxy_sig":"[REDACTED]","nkey":"[REDACTED]","user":"u"}""")]
    [InlineData("""{"jwt":"eyJ0"}""", """{"jwt":"[REDACTED]"}""")]
    [InlineData("""{"name":"foo sig:bar","sig":"REAL"}""", """{"name":"foo sig:[REDACTED]","sig":"[REDACTED]"}""")]
    [InlineData("""{"name":"open,"sig":"abc"}""", """{"name":"open,"sig":"[REDACTED]"}""")]
    [InlineData("""{"design":"mine"}""", """{"design":"mine"}""")]
    [InlineData("sig=abc\r\n", "sig=[REDACTED]\r\n")]
    [Upstream("log_test.go", "TestRemoveAdditionalAuthFieldsFromTrace")]
    public void Signatures(string connect, string expected) => Hide(connect).ShouldBe(expected);

    [Theory]
    [InlineData("""{"pass":"with \"quotes\" s3cr3t"}""")]
    [InlineData("""{"pass":"with, comma s3cr3t"}""")]
    [InlineData("""{"pass":"with } brace s3cr3t"}""")]
    [InlineData("""{"PASS":"s3cr3t"}""")]
    [InlineData("""{"p\u0061ss":"s3cr3t"}""")]
    [InlineData("""{"\u0061uth_token":"x\u0022s3cr3t"}""")]
    [InlineData("""{"pass":"never closed s3cr3t""")]
    [InlineData("""{"pass":"a\\","auth_token":"s3cr3t"}""")]
    public void SpelledUnusually(string connect) => Hide(connect).ShouldNotContain("s3cr3t");

    [Fact]
    public void ASnippetHidesBeforeItCuts()
    {
        var snippet = Redaction.Snippet(Encoding.UTF8.GetBytes("CONECT {\"pass\":\"" + new string('s', 100) + "\",\"name\":\"" + new string('n', 100) + "\"}"));
        snippet.ShouldStartWith("CONECT {\"pass\":\"[REDACTED]\",\"name\":\"nnn");
        snippet.Length.ShouldBe(64);
    }

    private static string Hide(string connect) => Redaction.HideSecrets(Encoding.UTF8.GetBytes(connect));
}
