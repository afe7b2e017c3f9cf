using NatsAspire.Server.Security.Tls;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security;

public sealed class DistinguishedNameTests
{
    [Theory]
    [InlineData("CN=a,OU=b,O=c", "cn=a, ou=b, o=c", true, true)]
    [InlineData("CN=a,OU=b,O=c", "O=c,OU=b,CN=a", false, true)]
    [InlineData("CN=a,OU=b", "CN=a,OU=b,O=c", false, false)]
    [InlineData("CN=a+OU=b,O=c", "OU=b+CN=a,O=c", true, true)]
    [InlineData("CN=a", "CN=A", false, false)]
    [InlineData("DC=foo1,DC=foo2", "0.9.2342.19200300.100.1.25=foo1,DC=foo2", true, true)]
    [InlineData(@"CN=J\, Doe", @"CN=J\2c Doe", true, true)]
    [InlineData(@"CN=  padded  ", "CN=padded", true, true)]
    [Upstream("dn_test.go", "TestDNEqual")]
    [Upstream("dn_test.go", "TestSuccessfulDNParsing")]
    public void NamesCompareByStructure(string first, string second, bool equal, bool sameParts)
    {
        var (one, other) = (DistinguishedName.Parse(first)!, DistinguishedName.Parse(second)!);
        one.Equals(other).ShouldBe(equal);
        one.HasSameParts(other).ShouldBe(sameParts);
    }

    [Theory]
    [InlineData("")]
    [InlineData("bob")]
    [InlineData("=x")]
    [InlineData("CN=a,")]
    [InlineData(@"CN=a\")]
    [InlineData(@"CN=a\zz")]
    [InlineData("CN=a,b")]
    [Upstream("dn_test.go", "TestErrorDNParsing")]
    public void WhatIsNoNameIsNone(string text) => DistinguishedName.Parse(text).ShouldBeNull();

    [Fact]
    public void TextIsWrittenAsGoDoes()
    {
        DistinguishedName.Parse(@"CN=J\, Doe,OU=x,DC=foo1,DC=foo2")!.ToText().ShouldBe(@"CN=J\, Doe,OU=x");
        DistinguishedName.Parse("CN=a,DC=foo1,DC=foo2")!.ToTextWithDomains().ShouldBe("CN=a,DC=foo2,DC=foo1");
    }
}
