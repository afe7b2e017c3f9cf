using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clustering.LeafNodes;

/// <summary>Streams and services that accounts import from one whose other half is at the far end of a leaf node connection.</summary>
public sealed class LeafImportTests
{
    private const string Tests = "test/leafnode_test.go";

    [Fact]
    [Upstream(Tests, "TestStreamExportWithMultipleAccounts")]
    public async Task AStreamOfTheHubIsImportedFromTheAccountThatIsJoinedToIt()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        await using var leaf = await TestServer.FromConfigAsync(RemoteOf("leaf", hub, "", "EXTERNAL") + """
            accounts {
              INTERNAL: { users: [ { user: good, password: good } ], imports: [ { stream: { account: EXTERNAL, subject: foo }, prefix: bar } ] }
              EXTERNAL: { users: [ { user: bad, password: bad } ], exports: [ { stream: foo } ] }
            }
            """);
        await using var client = await LeafPair.ClientAsync(leaf, "good");
        var all = await client.SubscribeAsync(">");
        await client.FlushAsync();
        await LeafPair.HasInterestAsync(hub, "foo", account: "$G");
        await using var publisher = await TestClient.ConnectAsync(hub.ClientEndPoint!);
        await publisher.PublishAsync("foo");
        (await all.NextAsync()).Subject.ShouldBe("bar.foo");
    }

    [Fact]
    [Upstream(Tests, "TestServiceExportWithMultipleAccounts")]
    public async Task AServiceOfTheHubIsAskedThroughTheAccountThatIsJoinedToIt()
    {
        await using var hub = await LeafPair.HubAsync(accounts: "");
        await using var leaf = await TestServer.FromConfigAsync(RemoteOf("leaf", hub, "", "EXTERNAL") + """
            accounts {
              INTERNAL: { users: [ { user: good, password: good } ], imports: [ { service: { account: EXTERNAL, subject: foo } } ] }
              EXTERNAL: { users: [ { user: evil, password: evil } ], exports: [ { service: foo } ] }
            }
            """);
        await using var service = await TestClient.ConnectAsync(hub.ClientEndPoint!);
        var requests = await service.SubscribeAsync("foo");
        await service.FlushAsync();
        await LeafPair.HasInterestAsync(leaf, "foo", account: "EXTERNAL");
        await using var client = await LeafPair.ClientAsync(leaf, "good");
        await AnswerAsync(client, "foo", requests, service);
    }

    [Fact]
    [Upstream(Tests, "TestServiceExportWithLeafnodeRestart")]
    public async Task AServiceBehindImportsAtBothEndsIsAskedAgainAfterARestart()
    {
        await using var hub = await TestServer.FromConfigAsync("""
            server_name: G
            leafnodes { listen: "127.0.0.1:-1", authorization { account: EXTERNAL, user: ln, password: pass } }
            accounts {
              INTERNAL: {
                users: [ { user: good, password: good } ]
                exports: [ { service: foo, response: singleton } ]
                imports: [ { service: { account: EXTERNAL, subject: evilfoo }, to: from_evilfoo } ]
              }
              EXTERNAL: {
                users: [ { user: evil, password: evil } ]
                exports: [ { service: evilfoo, response: singleton } ]
                imports: [ { service: { account: INTERNAL, subject: foo }, to: goodfoo } ]
              }
            }
            """);
        for (var turn = 0; turn < 2; turn++)
        {
            await LeafPair.HasInterestAsync(hub, "evilfoo", isWanted: false, account: "EXTERNAL");
            await using var leaf = await TestServer.FromConfigAsync(RemoteOf("E", hub, "ln:pass@", "EXTERNAL_GOOD") + """
                accounts {
                  INTERNAL_EVILINC: {
                    users: [ { user: evil, password: evil } ]
                    exports: [ { service: foo, response: singleton } ]
                    imports: [ { service: { account: EXTERNAL_GOOD, subject: goodfoo }, to: from_goodfoo } ]
                  }
                  EXTERNAL_GOOD: {
                    users: [ { user: good, password: good } ]
                    exports: [ { service: goodfoo, response: singleton } ]
                    imports: [ { service: { account: INTERNAL_EVILINC, subject: foo }, to: evilfoo } ]
                  }
                }
                """);
            await using var service = await LeafPair.ClientAsync(leaf, "evil");
            var requests = await service.SubscribeAsync("foo");
            await service.FlushAsync();
            await LeafPair.HasInterestAsync(hub, "evilfoo", account: "EXTERNAL");
            await using var client = await LeafPair.ClientAsync(hub, "good");
            await AnswerAsync(client, "from_evilfoo", requests, service);
        }
    }

    [Fact]
    [Upstream(Tests, "TestLeafNodeAndGatewaysStreamAndShadowSubs")]
    public async Task AStreamOfALeafsOtherAccountReachesAnotherClustersImport()
    {
        await using var super = await SuperCluster.StartAsync(
            more: """
                accounts {
                  SYS {}
                  A: { users: [ { user: a, password: a, permissions: { publish: [ "A.b.>" ] } } ], exports: [ { stream: "A.b.>", accounts: [ B ] } ] }
                  B: { users: [ { user: b, password: b, permissions: { subscribe: [ "A.b.>" ] } } ], imports: [ { stream: { account: A, subject: "A.b.>" } } ] }
                }
                system_account: SYS

                """,
            each: name => name == "A1" ? "leafnodes { listen: \"127.0.0.1:-1\", authorization { users: [ { user: a, password: a, account: A } ] } }" : "");
        await using var subscriber = await LeafPair.ClientAsync(super["B1"], "b");
        var heard = await subscriber.SubscribeAsync("A.b.>");
        await subscriber.FlushAsync();
        await LeafPair.HasInterestAsync(super["A1"], "A.b.c");
        await using var leaf = await TestServer.FromConfigAsync(RemoteOf("leaf", super["A1"], "a:a@", "C") + """
            accounts {
              SYS {}
              C: { imports: [ { stream: { account: D, subject: "b.>" }, prefix: A } ] }
              D: { users: [ { user: d, password: d, permissions: { publish: [ "b.>" ] } } ], exports: [ { stream: "b.>", accounts: [ C ] } ] }
            }
            system_account: SYS
            """);
        await LeafPair.HasInterestAsync(leaf, "A.b.c", account: "C");
        await using var publisher = await LeafPair.ClientAsync(leaf, "d");
        await publisher.PublishAsync("b.c", "test");
        (await heard.NextAsync()).Text.ShouldBe("test");
    }

    private static string RemoteOf(string name, NatsServer hub, string user, string account) =>
        $"server_name: {name}\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://{user}127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: {account} }} ] }}\n";

    private static async Task AnswerAsync(TestClient client, string subject, TestSubscription requests, TestClient service)
    {
        var answer = client.RequestAsync(subject, "hello");
        await service.PublishAsync((await requests.NextAsync()).Reply!, "world");
        (await answer).Text.ShouldBe("world");
    }
}
