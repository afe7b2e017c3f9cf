using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Imports that lead back to where they began are refused; those that only look like it are not.</summary>
public sealed class ImportCycleTests
{
    [Theory]
    [InlineData("A { exports [ { service: help } ], imports [ { service { subject: help, account: B } } ] }, B { exports [ { service: help } ], imports [ { service { subject: help, account: A } } ] }")]
    [InlineData("A { exports [ { service: * } ], imports [ { service { subject: help, account: B } } ] }, B { exports [ { service: help } ], imports [ { service { subject: *, account: A } } ] }")]
    [InlineData("A { exports [ { service: * } ], imports [ { service { subject: help, account: B } } ] }, B { exports [ { service: help } ], imports [ { service { subject: help, account: C } } ] }, C { exports [ { service: * } ], imports [ { service { subject: *, account: A } } ] }")]
    [InlineData("A { exports [ { stream: strm } ], imports [ { stream { subject: strm, account: B } } ] }, B { exports [ { stream: strm } ], imports [ { stream { subject: strm, account: A } } ] }")]
    [InlineData("A { exports [ { stream: * } ], imports [ { stream { subject: bar, account: B } } ] }, B { exports [ { stream: bar } ], imports [ { stream { subject: foo, account: A }, to: bar } ] }")]
    [InlineData("A { exports [ { service: a } ], imports [ { service { subject: b, account: B }, to: a } ] }, B { exports [ { service: b } ], imports [ { service { subject: a, account: A }, to: b } ] }")]
    [InlineData("A { exports [ { service: * } ], imports [ { service { subject: foo, account: B }, to: foo } ] }, B { exports [ { service: foo } ], imports [ { service { subject: *, account: A }, to: \"$1\" } ] }")]
    [InlineData("A { exports [ { stream: * } ], imports [ { stream { subject: foo, account: B }, to: foo } ] }, B { exports [ { stream: foo } ], imports [ { stream { subject: *, account: A }, to: \"$1\" } ] }")]
    [InlineData("A { exports [ { service: * } ], imports [ { service { subject: narrow, account: C } }, { service { subject: other, account: D } } ] }, C { exports [ { service: narrow } ] }, D { exports [ { service: other } ], imports [ { service { subject: other, account: E } } ] }, E { exports [ { service: * } ], imports [ { service { subject: *, account: A } } ] }")]
    [InlineData("A { exports [ { stream: * } ], imports [ { stream { subject: narrow, account: C }, to: narrow }, { stream { subject: other, account: D }, to: other } ] }, C { exports [ { stream: narrow } ] }, D { exports [ { stream: other } ], imports [ { stream { subject: other, account: E }, to: other } ] }, E { exports [ { stream: * } ], imports [ { stream { subject: *, account: A } } ] }")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleService")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleStream")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleStreamWithMapping")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleServiceCycleWithMapping")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleWithRenaming")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleServiceMissedDueToFromMutation")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleStreamMissedDueToToMutation")]
    public void ACycleIsRefused(string accounts) =>
        Should.Throw<Exception>(() => Load(accounts)).Message.ShouldContain("import forms a cycle");

    [Theory]
    [InlineData("A { exports [ { stream: foo } ], imports [ { stream { subject: bar, account: B } } ] }, B { exports [ { stream: bar } ], imports [ { stream { subject: baz, account: C }, to: bar } ] }, C { exports [ { stream: baz } ], imports [ { stream { subject: foo, account: A }, to: bar } ] }")]
    [InlineData("A { exports [ { service: * } ], imports [ { service { subject: help, account: B } } ] }, B { exports [ { service: help } ], imports [ { service { subject: nohelp, account: C } } ] }, C { exports [ { service: * } ], imports [ { service { subject: *, account: A } } ] }")]
    [InlineData("A { exports [ { service: \"a.*\" } ], imports [ { service { subject: \"a.*\", account: B }, to: \"b.*\" } ] }, B { exports [ { service: \"a.*\" } ], imports [ { service { subject: \"a.foo\", account: A }, to: \"c.foo\" } ] }")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleNonCycleStreamWithMapping")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleServiceNonCycle")]
    [Upstream("accounts_cycles_test.go", "TestAccountCycleFalsePositiveSubjectMapping")]
    public void WhatIsNoCycleIsTaken(string accounts) => Load(accounts).Accounts.Count.ShouldBeGreaterThan(1);

    [Theory]
    [InlineData("A { users: [{user: d, pass: x}], imports [ {service: {account: B, subject: \">\" }}] }, B { users: [{user: x, pass: x}], exports [ { service: \">\" } ] }")]
    [InlineData("A { users: [{user: d, pass: x}], imports [ {service: {account: B, subject: \">\" }}] }, B { exports [ { service: \">\" } ], imports [ {service: {account: C, subject: \">\" }}] }, C { users: [{user: x, pass: x}], exports [ { service: \">\" } ] }")]
    [Upstream("accounts_cycles_test.go", "TestServiceImportReplyMatchCycle")]
    [Upstream("accounts_cycles_test.go", "TestServiceImportReplyMatchCycleMultiHops")]
    public async Task AnswersDoNotRunInCirclesThroughAServiceOfEverything(string accounts)
    {
        await using var server = await TestServer.FromConfigAsync($"accounts {{ {accounts} }}\nno_auth_user: d");
        await using var responder = await server.ConnectAsync(new TestClientOptions { User = "x", Password = "x" });
        var requests = await responder.SubscribeAsync("foo");
        await responder.FlushAsync();
        await using var requestor = await server.ConnectAsync();
        var answer = requestor.RequestAsync("foo");
        await responder.PublishAsync((await requests.NextAsync()).Reply!, "HELLO");
        (await answer).Text.ShouldBe("HELLO");
        await responder.FlushAsync();
        requests.Count.ShouldBe(1);
    }

    private static ServerOptions Load(string accounts) => ConfigLoader.LoadText($"accounts {{ {accounts} }}", CommandLine.Checks).Options;
}
