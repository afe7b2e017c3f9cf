using System.Globalization;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>
/// Clients of the test itself that see when links are at rest. A link is a pipe: what is known or has come at its other end shows
/// that everything told or sent before it is, too.
/// </summary>
internal sealed class LinkSentinels(IReadOnlyDictionary<LinkPlace, NatsServer> servers) : IAsyncDisposable
{
    private readonly Dictionary<(LinkPlace Place, string Account), MatrixClient> _clients = [];
    private int _number;

    /// <summary>One for each account that joins places.</summary>
    public async Task OpenAsync()
    {
        foreach (var (place, server) in servers)
        {
            _clients[(place, "A")] = await PostAsync(place, server, "a");
            if (place != LinkPlace.Leaf && servers.ContainsKey(LinkPlace.Beyond)) _clients[(place, "B")] = await PostAsync(place, server, "b");
        }
    }

    private static async Task<MatrixClient> PostAsync(LinkPlace place, NatsServer server, string user)
    {
        var client = await MatrixClient.OpenAsync(server, user, inProcess: true, echo: false);
        await client.SendAsync($"SUB sentinel.{place} 1\r\n");
        await client.FlushAsync();
        return client;
    }

    /// <summary>
    /// All that is subscribed to is known everywhere. Twice: the first may be in the list that begins a connection, which has no
    /// order; the second is told behind it.
    /// </summary>
    public async Task SettleAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            foreach (var ((place, account), client) in _clients)
            {
                var subject = string.Create(CultureInfo.InvariantCulture, $"sentinel.settled.{++_number}");
                await client.SendAsync(string.Create(CultureInfo.InvariantCulture, $"SUB {subject} {_number + 10}\r\n"));
                await client.FlushAsync();
                foreach (var (from, _) in Others(place, account))
                {
                    await ToldInterest.WaitAsync(servers[from], subject);
                }
            }
        }
    }

    /// <summary>What was sent at each place has come to the others.</summary>
    public async Task CrossAsync()
    {
        var mark = string.Create(CultureInfo.InvariantCulture, $"mark{++_number}");
        foreach (var ((place, account), client) in _clients)
        {
            foreach (var (to, _) in Others(place, account)) await client.SendAsync($"PUB sentinel.{to} {mark.Length + place.ToString().Length}\r\n{mark}{place}\r\n");
        }
        foreach (var ((place, account), client) in _clients)
        {
            foreach (var (from, _) in Others(place, account)) await Wait.Until($"{mark} of {from} in {account} is at {place}", () => client.HasGot($"{mark}{from}"));
        }
        foreach (var client in _clients.Values) client.Take();
    }

    private IEnumerable<(LinkPlace Place, string Account)> Others(LinkPlace place, string account) =>
        _clients.Keys.Where(other => other.Account == account && other.Place != place);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values) await client.DisposeAsync();
    }
}
