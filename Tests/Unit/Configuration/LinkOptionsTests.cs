using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

public class LinkOptionsTests
{
    private static readonly string Certificate = Path.Combine(GoldenConfigurations.Files, "cert.pem");
    private static readonly string Key = Path.Combine(GoldenConfigurations.Files, "key.pem");

    [Theory]
    [InlineData("cluster { routes: [\"nats-route://u:s3cret@h:bad\"] }")]
    [InlineData("leafnodes { remotes: [ { url: \"nats-leaf://u:s3cret@h:bad\" } ] }")]
    [InlineData("gateway { name: A, gateways: [ { name: B, url: \"nats://u:s3cret@h:bad\" } ] }")]
    [InlineData("resolver: \"URL(http://u:s3cret@h:bad)\"")]
    public void A_wrong_url_is_quoted_without_its_password(string config)
    {
        var error = Should.Throw<ConfigException>(() => Load(config));
        error.Message.ShouldContain("[REDACTED]@h:bad");
        error.Message.ShouldNotContain("s3cret");
    }

    [Fact]
    [Upstream("opts_test.go", "TestParsingGateways")]
    public void Gateway_block_is_read()
    {
        var gateway = Load($$"""
            gateway {
              name: "A"
              listen: "127.0.0.1:4444"
              host: "127.0.0.1"
              port: 4444
              reject_unknown_cluster: true
              authorization { user: "ivan", password: "pwd", timeout: 2.0 }
              tls { cert_file: "{{Certificate}}", key_file: "{{Key}}", timeout: 3.0 }
              advertise: "me:1"
              connect_retries: 10
              connect_backoff: true
              gateways: [
                { name: "B", urls: ["nats://user1:pwd1@host2:5222", "nats://user1:pwd1@host3:6222"] }
                { name: "C", url: "nats://host4:7222" }
              ]
            }
            """).Gateway;
        gateway.Tls!.Timeout.ShouldBe(TimeSpan.FromSeconds(3));
        gateway.Gateways.Select(remote => remote.Name).ShouldBe(["B", "C"]);
        gateway.Gateways[0].Urls.ShouldBe([new Uri("nats://user1:pwd1@host2:5222"), new Uri("nats://user1:pwd1@host3:6222")]);
        gateway.Gateways[1].Urls.ShouldBe([new Uri("nats://host4:7222")]);
        gateway.ShouldBe(new GatewayOptions
        {
            Name = "A",
            Host = "127.0.0.1",
            Port = 4444,
            Username = "ivan",
            Password = "pwd",
            AuthTimeout = TimeSpan.FromSeconds(2),
            Advertise = "me:1",
            ConnectRetries = 10,
            ConnectBackoff = true,
            RejectUnknown = true,
            Tls = gateway.Tls,
            Gateways = gateway.Gateways,
        });
    }

    [Theory]
    [Upstream("opts_test.go", "TestParsingGatewaysErrors")]
    [InlineData("gateway: \"bad_type\"", "Expected gateway to be a map")]
    [InlineData("gateway { name: A, port: -1, listen: \"bad::address\" }", "parse address")]
    [InlineData("gateway { name: A, port: -1, authorization { users { } } }", "be an array")]
    [InlineData("gateway { name: A, port: -1, reject_unknown_cluster: true, unknown_field: 1 }", "unknown field")]
    [InlineData("gateway { name: A, port: -1, authorization { users [ {user: alice, password: foo}\n {user: bob, password: bar} ] } }", "does not allow multiple users")]
    [InlineData("gateway { name: A, port: -1, tls { cert_file: 123 } }", "to be filename")]
    [InlineData("gateway { name: A, port: -1, tls { cert_file: \"./missing.pem\", key_file: \"./server-key.pem\" } }", "certificate/key pair")]
    [InlineData("gateway { name: A, port: -1, tls { cert_file: \"CERT\", key_file: \"./missing.pem\" } }", "certificate/key pair")]
    [InlineData("gateway { name: A, port: -1, tls { cert_file: \"CERT\" } }", "missing 'key_file' in TLS configuration")]
    [InlineData("gateway { name: A, port: -1, tls { key_file: \"KEY\" } }", "missing 'cert_file' in TLS configuration")]
    [InlineData("gateway { name: A, gateways { name: B } }", "Expected gateways field to be an array")]
    [InlineData("gateway { name: A, gateways [ \"g1\", \"g2\" ] }", "Expected gateway entry to be a map")]
    [InlineData("gateway { name: A, gateways [ { name: B, url: \"nats://wrong url\" } ] }", "error parsing gateway url")]
    [InlineData("gateway { name: A, gateways [ { name: B, urls: [\"nats://wrong url\", \"nats://host:5222\"] } ] }", "error parsing gateway url")]
    [InlineData("gateway { name: A, port: -1, gateways [ { name: B, tls { cert_file: 123 } } ] }", "to be filename")]
    [InlineData("gateway { name: A, port: -1, gateways [ { name: B, unknown_field: 1 } ] }", "unknown field")]
    public void Mistakes_of_a_gateway_block_are_named(string text, string error) =>
        Should.Throw<ConfigException>(() => Load(text.Replace("CERT", Certificate).Replace("KEY", Key))).Message.ShouldContain(error);

    [Fact]
    [Upstream("opts_test.go", "TestParsingLeafNodesListener")]
    public void Leaf_listener_is_read()
    {
        var leaf = Load($$"""
            leafnodes {
              listen: "127.0.0.1:3333"
              host: "127.0.0.1"
              port: 3333
              advertise: "me:22"
              authorization { user: "derek", password: "s3cr3t!", timeout: 2.2 }
              tls { cert_file: "{{Certificate}}", key_file: "{{Key}}", timeout: 3.3 }
            }
            """).LeafNode;
        leaf.Tls!.Timeout.ShouldBe(TimeSpan.FromSeconds(3.3));
        leaf.ShouldBe(new LeafNodeOptions
        {
            Host = "127.0.0.1",
            Port = 3333,
            Username = "derek",
            Password = "s3cr3t!",
            AuthTimeout = TimeSpan.FromSeconds(2.2),
            Advertise = "me:22",
            Tls = leaf.Tls,
            Users = leaf.Users,
            Remotes = leaf.Remotes,
        });
    }

    [Fact]
    public void Leaf_remote_is_read()
    {
        var remote = Load("leafnodes {\n remotes = [\n {\n url: nats-leaf://127.0.0.1:2222\n account: foobar // Local\n credentials: \"./my.creds\"\n }\n ]\n}").LeafNode.Remotes.Single();
        remote.Urls.ShouldBe([new Uri("nats-leaf://127.0.0.1:2222")]);
        (remote.LocalAccount, remote.CredentialsFile).ShouldBe(("foobar", "./my.creds"));
    }

    [Fact]
    [Upstream("opts_test.go", "TestClusterPermissionsConfig")]
    public void Cluster_permissions_may_stand_in_two_places()
    {
        const string authorization = "authorization { user: ivan, password: pwd, permissions { import { allow: foo }, export { allow: bar } } }";
        var result = ConfigLoader.LoadText($"cluster {{ port: 1234, {authorization} }}");
        result.Warnings.ShouldContain("setting \"permissions\" within cluster authorization block is deprecated");
        result.Options.Cluster.Permissions!.Import!.Allow.ShouldBe(["foo"]);
        result.Options.Cluster.Permissions.Export!.Allow.ShouldBe(["bar"]);
        foreach (var order in new[] { "{0}, {1}", "{1}, {0}" })
        {
            var both = string.Format(order, "permissions { import { allow: baz }, export { allow: bat } }", authorization);
            var permissions = Load($"cluster {{ port: 1234, {both} }}").Cluster.Permissions!;
            permissions.Import!.Allow.ShouldBe(["baz"]);
            permissions.Export!.Allow.ShouldBe(["bat"]);
        }
        string[] invalid =
        [
            "permissions: foo", "permissions { unknown_field: foo }",
            "permissions { import: [1, 2, 3] }", "permissions { import { unknown_field: foo } }",
            "permissions { import { allow { x: y } } }", "permissions { import { deny { x: y } } }",
            "permissions { export: [1, 2, 3] }", "permissions { export { unknown_field: foo } }",
            "permissions { export { allow { x: y } } }", "permissions { export { deny { x: y } } }",
        ];
        foreach (var permissions in invalid)
        {
            Should.Throw<ConfigException>(() => Load($"cluster {{ port: 1234, {permissions} }}"), permissions);
            Should.Throw<ConfigException>(() => Load($"cluster {{ port: 1234, authorization {{ user: ivan, password: pwd, {permissions} }} }}"), permissions);
        }
    }

    [Fact]
    [Upstream("opts_test.go", "TestParseServiceLatency")]
    public void Services_are_measured()
    {
        const string text = "system_account = nats.io\naccounts {\n nats.io {\n exports [{\n service: nats.add\n latency: LATENCY\n }]\n }\n}";
        ServiceLatencyOptions? Read(string latency) => Load(text.Replace("LATENCY", latency)).Accounts.Single().Exports.Single().Latency;
        Read("{ sampling: 33%, subject: latency.add }").ShouldBe(new ServiceLatencyOptions("latency.add", 33));
        Read("{ subject: latency.add }").ShouldBe(new ServiceLatencyOptions("latency.add", 100));
        Read("{ sampling: 87, subject: latency.add }").ShouldBe(new ServiceLatencyOptions("latency.add", 87));
        Read("{ sampling: headers, subject: latency.add }").ShouldBe(new ServiceLatencyOptions("latency.add", 0));
        Read("latency.add").ShouldBe(new ServiceLatencyOptions("latency.add", 100));
        foreach (var wrong in new[] { "{ sampling: 0, subject: a }", "{ sampling: 101, subject: a }", "{ sampling: x, subject: a }", "{ sampling: 5 }", "5" })
        {
            Should.Throw<ConfigException>(() => Read(wrong), wrong);
        }
    }

    [Fact]
    public void What_is_not_built_yet_is_named()
    {
        UnsupportedOptions.Find(new ServerOptions()).ShouldBeEmpty();
        UnsupportedOptions.Find(Load(ClusterText)).ShouldBeEmpty();
        UnsupportedOptions.Find(Load("jetstream: enabled\nleafnodes { port: 7422 }\ncluster { port: 1, compression: s2_fast }\nmqtt { port: 1883 }")).ShouldBe(
        [
            "mqtt is configured, but this build does not support it.",
        ]);
    }
}
