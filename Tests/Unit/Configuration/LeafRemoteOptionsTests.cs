using NatsAspire.Server.Cli;
using NatsAspire.Server.Clustering.LeafNodes;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Remotes of leaf nodes: how long they are dialled, through which proxy, and what may not be configured.</summary>
public sealed class LeafRemoteOptionsTests
{
    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeDialTimeoutConfig")]
    public void A_remote_may_have_its_own_dial_timeout()
    {
        var leaf = Load("leafnodes { dial_timeout: \"5s\", remotes = [ { url: \"nats-leaf://127.0.0.1:1234\" }, { url: \"nats-leaf://127.0.0.1:5678\", dial_timeout: \"15s\" } ] }").LeafNode;
        leaf.DialTimeout.ShouldBe(TimeSpan.FromSeconds(5));
        leaf.Remotes.Select(remote => remote.DialTimeout.TotalSeconds).ShouldBe([0, 15]);
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(3, 0, 3)]
    [InlineData(0, 4, 4)]
    [InlineData(3, 4, 4)]
    [InlineData(-1, 0, 1)]
    [InlineData(3, -1, 3)]
    [Upstream("leafnode_test.go", "TestLeafNodeDialTimeoutOption")]
    public void The_remotes_own_limit_counts_before_that_for_all(int all, int own, int expected) => LeafDialer.DialTimeout(
        new LeafNodeOptions { DialTimeout = TimeSpan.FromSeconds(all) }, new RemoteLeafOptions { DialTimeout = TimeSpan.FromSeconds(own) }).TotalSeconds.ShouldBe(expected);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Upstream("leafnode_test.go", "TestLeafNodeRandomRemotes")]
    public void Addresses_are_tried_in_an_order_of_chance_unless_it_is_fixed(bool noRandomize)
    {
        Uri[] urls = [.. Enumerable.Range(0, 16).Select(i => new Uri($"nats-leaf://host{i}:7422"))];
        var options = new RemoteLeafOptions { Urls = urls, NoRandomize = noRandomize };
        using var remote = new LeafRemote(options);
        remote.Addresses.SequenceEqual(urls).ShouldBe(noRandomize);
        remote.Addresses.ShouldBe(urls, ignoreOrder: true);
        options.Urls.ShouldBe(urls);
    }

    [Theory]
    [InlineData("leafnodes { dial_timeout: abc }")]
    [InlineData("leafnodes { remotes = [ { url: \"nats-leaf://127.0.0.1:1234\", dial_timeout: abc } ] }")]
    [Upstream("leafnode_test.go", "TestLeafNodeDialTimeoutConfigInvalid")]
    public void A_dial_timeout_is_a_duration(string text) =>
        Should.Throw<ConfigException>(() => Load(text)).Message.ShouldContain("error parsing dial_timeout");

    [Fact]
    [Upstream("leafnode_test.go", "TestLeafNodeValidateAuthOptions")]
    public async Task Users_stand_alone_and_once()
    {
        var user = new LeafUserOptions { Username = "user", Password = "pwd" };
        await RefusedAsync(new LeafNodeOptions { Username = "user1", Password = "pwd", Users = [user] }, "can not have a single user/pass and a users array");
        await RefusedAsync(new LeafNodeOptions { Users = [user, user with { Password = "other" }] }, "duplicate user");
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("A", null)]
    [InlineData("A", "credsfile")]
    [Upstream("leafnode_test.go", "TestLeafNodeDetectDuplicateRemotesInOptions")]
    public async Task A_remote_stands_once(string? account, string? credentials)
    {
        var remote = new RemoteLeafOptions { Urls = [new Uri("nats://user1:pwd@127.0.0.1:1234")], LocalAccount = account, CredentialsFile = credentials };
        var other = new RemoteLeafOptions { Urls = [new Uri("nats://user2:pwd@127.0.0.1:1235")] };
        (await RefusedAsync(new LeafNodeOptions { Remotes = [remote, other, remote] }, "duplicate remote")).ShouldContain("user1:xxxxx");
    }

    [Fact]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyConfigParsing")]
    public void A_proxy_is_read() =>
        Load(Proxied("ws://127.0.0.1:7422", "url: \"http://proxy.example.com:8080\", username: \"user\", password: \"pass\", timeout: \"10s\"")).LeafNode.Remotes.Single().Proxy
            .ShouldBe(new HttpProxyOptions { Url = "http://proxy.example.com:8080", Username = "user", Password = "pass", Timeout = TimeSpan.FromSeconds(10) });

    [Theory]
    [InlineData("\"nats://127.0.0.1:7422\"", "proxy configuration will be ignored")]
    [InlineData("\"nats://127.0.0.1:7422\", \"ws://127.0.0.1:8080\"", "proxy configuration will only be used for WebSocket URLs")]
    [InlineData("\"ws://127.0.0.1:7422\"", null)]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyConfigWarnings")]
    public void Who_does_not_go_through_the_proxy_is_warned_of(string urls, string? warning)
    {
        var loaded = ConfigLoader.LoadText($"leafnodes {{ remotes = [ {{ urls: [ {urls} ], proxy {{ url: \"http://proxy.example.com:8080\" }} }} ] }}", CommandLine.Checks);
        loaded.Options.LeafNode.Remotes.Single().Proxy!.Url.ShouldBe("http://proxy.example.com:8080");
        if (warning is null) loaded.Warnings.ShouldBeEmpty();
        else loaded.Warnings.ShouldContain(warning);
    }

    [Theory]
    [InlineData("ftp://proxy.example.com:21", "", "", 0, "proxy URL scheme must be http or https")]
    [InlineData("", "", "", 0, null)]
    [InlineData("ht!tp://invalid-url-with-bad-characters", "", "", 0, "invalid proxy URL")]
    [InlineData("http://", "", "", 0, "proxy URL must specify a host")]
    [InlineData("http://proxy.example.com:8080", "user", "", 0, "proxy username and password must both be specified")]
    [InlineData("http://proxy.example.com:8080", "", "pass", 0, "proxy username and password must both be specified")]
    [InlineData("http://proxy.example.com:8080", "", "", -5, "proxy timeout must be >= 0")]
    [InlineData("http://proxy.example.com:8080", "", "", 0, null)]
    [InlineData("http://proxy.example.com:8080", "user", "pass", 10, null)]
    [InlineData("https://proxy.example.com:3128", "", "", 30, null)]
    [Upstream("leafnode_proxy_test.go", "TestLeafNodeHttpProxyValidationProgrammatic")]
    public void What_is_no_proxy_is_refused(string url, string user, string password, int timeout, string? error)
    {
        var proxy = new HttpProxyOptions { Url = url, Username = user, Password = password, Timeout = TimeSpan.FromSeconds(timeout) };
        var options = TestServer.Options with { LeafNode = new LeafNodeOptions { Remotes = [new RemoteLeafOptions { Urls = [new Uri("ws://127.0.0.1:7422")], Proxy = proxy }] } };
        if (error is null) OptionsValidator.Validate(options);
        else Should.Throw<Exception>(() => OptionsValidator.Validate(options)).Message.ShouldContain(error);
    }

    private static string Proxied(string url, string proxy) => $"leafnodes {{ remotes = [ {{ url: \"{url}\", proxy {{ {proxy} }} }} ] }}";

    private static async Task<string> RefusedAsync(LeafNodeOptions leaf, string error)
    {
        var options = TestServer.Options with { LeafNode = leaf, Accounts = [new AccountOptions { Name = "A" }] };
        var message = (await Should.ThrowAsync<Exception>(() => NatsServer.StartAsync(options))).Message;
        message.ShouldContain(error);
        return message;
    }
}
