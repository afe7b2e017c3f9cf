using NatsAspire.Server.Hosting;

namespace NatsAspire.Tests.Support;

/// <summary>A hub and a server that is its leaf, in this process, with accounts A and B and their users of the same names.</summary>
public sealed class LeafPair : IAsyncDisposable
{
    /// <summary>Accounts as most tests want them; the user without a name is a's.</summary>
    public const string Accounts = """
        accounts {
          SYS: { users: [{user: sys, password: sys}] }
          A: { users: [{user: a, password: a}] }
          B: { users: [{user: b, password: b}] }
        }
        system_account: SYS
        no_auth_user: a

        """;

    private LeafPair(NatsServer hub, NatsServer leaf) => (Hub, Leaf) = (hub, leaf);

    public NatsServer Hub { get; }

    public NatsServer Leaf { get; }

    /// <summary>Starts both and waits until they are connected.</summary>
    /// <param name="hub">What stands in the hub's leafnodes block beside its address.</param>
    /// <param name="remote">What stands in the remote beside its address.</param>
    /// <param name="user">Whom the leaf connects as.</param>
    /// <param name="account">The leaf's account.</param>
    public static async Task<LeafPair> StartAsync(string hub = "", string remote = "", string user = "a", string account = "A")
    {
        var there = await HubAsync(hub);
        var here = await LeafAsync("leaf", there, remote, user, account);
        var pair = new LeafPair(there, here);
        await ConnectedAsync(there, 1);
        await ConnectedAsync(here, 1);
        return pair;
    }

    /// <summary>A hub.</summary>
    public static Task<NatsServer> HubAsync(string leafNodes = "", string accounts = Accounts, string more = "", string name = "hub") =>
        TestServer.FromConfigAsync($"server_name: {name}\nleafnodes {{ host: 127.0.0.1, port: -1\n{leafNodes}\n }}\n{accounts}{more}");

    /// <summary>A leaf of it.</summary>
    public static Task<NatsServer> LeafAsync(
        string name, NatsServer hub, string remote = "", string user = "a", string account = "A", string accounts = Accounts, string more = "") =>
        TestServer.FromConfigAsync(
            $"server_name: {name}\nleafnodes {{ reconnect: \"100ms\", remotes: [ {{ url: \"nats-leaf://{user}:{user}@127.0.0.1:{hub.LeafNodeEndPoint!.Port}\", account: {account}\n{remote}\n }} ] }}\n{accounts}{more}");

    /// <summary>Waits until a server has so many leaf node connections.</summary>
    public static Task ConnectedAsync(NatsServer server, int count) =>
        Wait.Until($"{count} leaf node connections at {server.Name}", () => server.LeafNodeCount == count, () => $"{server.LeafNodeCount}");

    /// <summary>A client of account A.</summary>
    public static Task<TestClient> ClientAsync(NatsServer server, string user = "a") =>
        TestClient.ConnectAsync(server.ClientEndPoint!, new TestClientOptions { User = user, Password = user });

    /// <summary>Waits until what is published on one server would reach somebody.</summary>
    public static Task HasInterestAsync(NatsServer server, string subject, bool isWanted = true, string account = "A") => Wait.Until(
        $"{server.Name} {(isWanted ? "knows" : "no longer knows")} of {subject}",
        () => server.Accounts.Find(account)!.Subscriptions.HasInterest(System.Text.Encoding.ASCII.GetBytes(subject)) == isWanted);

    public async ValueTask DisposeAsync()
    {
        await Leaf.DisposeAsync();
        await Hub.DisposeAsync();
    }
}
