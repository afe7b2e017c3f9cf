using NatsAspire.Server.Hosting;
using NatsAspire.Server.Monitoring.Pages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Accounts;

/// <summary>Subjects that are mapped to others as they are published.</summary>
public sealed class MappingTests
{
    [Theory]
    [InlineData("foo: bar", "foo", "bar")]
    [InlineData("\"foo.*.*\": \"bar.$2.$1\", \"bar.*.>\": \"baz.$1.>\"", "foo.1.2", "bar.2.1")]
    [InlineData("\"bar.*.*\": \"RAB.$2.$1\"", "bar.11.22", "RAB.22.11")]
    [Upstream("accounts_test.go", "TestAccountBasicRouteMapping")]
    [Upstream("accounts_test.go", "TestAccountWildcardRouteMapping")]
    [Upstream("accounts_test.go", "TestAccountRouteMappingChangesAfterClientStart")]
    public async Task AMappingIsTakenOnceAndEndsWithAReload(string mappings, string published, string seen)
    {
        await using var server = await TestServer.FromConfigAsync("");
        await using var client = await server.ConnectAsync();
        var messages = await client.SubscribeAsync(">");
        await server.ReloadAsync(TestServer.Parse($"mappings {{ {mappings} }}"));
        await client.PublishAsync(published);
        (await messages.NextAsync()).Subject.ShouldBe(seen);
        await server.ReloadAsync(TestServer.Parse(""));
        await client.PublishAsync(published);
        (await messages.NextAsync()).Subject.ShouldBe(published);
        messages.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("{ dest: bar, weight: 50% }", 50, 50, 0)]
    [InlineData("[ { dest: bar, weight: 50% }, { dest: baz, weight: 30% } ]", 20, 50, 30)]
    [InlineData("[ { dest: bar, weight: 40% }, { destination: baz, weight: 20 } ]", 40, 40, 20)]
    [Upstream("accounts_test.go", "TestAccountSimpleWeightedRouteMapping")]
    [Upstream("accounts_test.go", "TestAccountMultiWeightedRouteMappings")]
    [Upstream("accounts_test.go", "TestGlobalAccountRouteMappingsConfiguration")]
    public async Task WeightsShareTheMessages(string destinations, int foo, int bar, int baz)
    {
        await using var server = await TestServer.FromConfigAsync($"mappings {{ foo: {destinations} }}");
        await using var client = await server.ConnectAsync();
        var counts = new List<(TestSubscription Of, int Share)> { (await client.SubscribeAsync("foo"), foo), (await client.SubscribeAsync("bar"), bar), (await client.SubscribeAsync("baz"), baz) };
        for (var i = 0; i < 3000; i++) await client.PublishAsync("foo");
        await client.FlushAsync();
        counts.Sum(count => count.Of.Count).ShouldBe(3000);
        foreach (var (subscription, share) in counts) subscription.Count.ShouldBeInRange(30 * share - 6 * share, 30 * share + 6 * share);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountRouteMappingsWithLossInjection")]
    public async Task MessagesMayBeLostOnPurpose()
    {
        await using var server = await TestServer.FromConfigAsync("mappings { foo: { dest: foo, weight: 80% }, bar: { dest: bar, weight: 0% } }");
        await using var client = await server.ConnectAsync();
        var foo = await client.SubscribeAsync("foo");
        var bar = await client.SubscribeAsync("bar");
        for (var i = 0; i < 1000; i++)
        {
            await client.PublishAsync("foo");
            await client.PublishAsync("bar");
        }
        await client.FlushAsync();
        foo.Count.ShouldBeInRange(700, 900);
        bar.Count.ShouldBe(0);
    }

    [Fact]
    [Upstream("accounts_test.go", "TestAccountRouteMappingsConfiguration")]
    [Upstream("accounts_test.go", "TestAccountServiceImportWithRouteMappings")]
    public async Task MappingsOfAnAccountHoldForRequestsOfOthers()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts {
              foo { users = [{user: foo, password: foo}], exports = [{service: "request"}], mappings = { request: request.v2, "a.*": [ { dest: "b.$1", weight: 40% } ] } }
              bar { users = [{user: bar, password: bar}], imports = [{service: {account: "foo", subject:"request"}}] }
            }
            """);
        server.Accountz(new AccountzOptions { Account = "foo" }).Account!.Mappings!.Count.ShouldBe(2);
        await using var foo = await server.ConnectAsync(new TestClientOptions { User = "foo", Password = "foo" });
        var requests = await foo.SubscribeAsync("request.v2");
        await foo.FlushAsync();
        await using var bar = await server.ConnectAsync(new TestClientOptions { User = "bar", Password = "bar" });
        await bar.PublishAsync("request");
        (await requests.NextAsync()).Subject.ShouldBe("request.v2");
    }

    [Fact]
    [Upstream("accounts_cycles_test.go", "TestAccountSubjectMapping")]
    public async Task APartitionIsTheSameForTheSameTokens()
    {
        await using var server = await TestServer.FromConfigAsync("mappings = { \"foo.*.*\" : \"foo.$1.{{wildcard(2)}}.{{partition(10,1,2)}}\" }");
        await using var client = await server.ConnectAsync();
        var messages = await client.SubscribeAsync("foo.*.*.*");
        var partitions = new List<string>();
        for (var i = 0; i < 200; i++)
        {
            await client.PublishAsync($"foo.{i % 100}.{100 - i % 100}");
            var tokens = (await messages.NextAsync()).Subject.Split('.');
            tokens[..3].ShouldBe(["foo", $"{i % 100}", $"{100 - i % 100}"]);
            int.Parse(tokens[3]).ShouldBeInRange(0, 9);
            partitions.Add(tokens[3]);
        }
        partitions[100..].ShouldBe(partitions[..100]);
        partitions.Distinct().Count().ShouldBeGreaterThan(5);
    }

    [Fact]
    [Upstream("accounts_cycles_test.go", "TestAccountImportSubjectMapping")]
    [Upstream("accounts_test.go", "TestAccountImportsWithWildcardSupportStreamAndService")]
    public async Task ImportsMapWildcards()
    {
        await using var server = await TestServer.FromConfigAsync(
            """
            accounts {
              foo { users = [{user: foo, password: foo}], exports = [ { service: "$request.*.$in.*.>" }, { stream: "$events.*.$in.*.>" }, { stream: "foo.*.*" } ] }
              bar { users = [{user: bar, password: bar}], imports = [
                { service: {account: "foo", subject:"$request.*.$in.*.>"}, to:"my.request.$2.$1.>"}
                { stream: {account: "foo", subject:"$events.*.$in.*.>"}, to:"my.events.$2.$1.>"}
                { stream: {account: "foo", subject:"foo.*.*"}, to:"foo.$1.{{wildcard(2)}}"} ] }
            }
            """);
        await using var foo = await server.ConnectAsync(new TestClientOptions { User = "foo", Password = "foo" });
        await using var bar = await server.ConnectAsync(new TestClientOptions { User = "bar", Password = "bar" });
        var requests = await foo.SubscribeAsync("$request.>");
        await foo.FlushAsync();
        var answer = bar.RequestAsync("my.request.1.2.bar", "yes?");
        var request = await requests.NextAsync();
        request.Subject.ShouldBe("$request.2.$in.1.bar");
        await foo.PublishAsync(request.Reply!, "yes!");
        (await answer).Text.ShouldBe("yes!");
        var events = await bar.SubscribeAsync("my.events.>");
        var plain = await bar.SubscribeAsync("foo.*.*");
        await bar.FlushAsync();
        await foo.PublishAsync("$events.1.$in.2.bar");
        (await events.NextAsync()).Subject.ShouldBe("my.events.2.1.bar");
        await foo.PublishAsync("foo.7.93");
        (await plain.NextAsync()).Subject.ShouldBe("foo.7.93");
    }
}
