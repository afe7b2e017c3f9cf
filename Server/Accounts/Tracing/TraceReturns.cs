using System.Text.Json;
using NatsAspire.Server.Accounts.Imports;

namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>
/// The ways back for the events of one traced message that crossed into other accounts. They are closed when every
/// server it went to has told of it; each says how many it has sent it on to. Events come in any order, on any
/// thread. What never comes leaves them to the sweep of <see cref="ServiceResponses"/>.
/// </summary>
internal sealed class TraceReturns
{
    /// <summary>Servers behind one message; beyond, nobody counts, and the sweep closes.</summary>
    private const int Limit = 4096;

    /// <summary>Longest place of a server that is believed, in characters.</summary>
    private const int MaxHopLength = 256;

    private readonly Lock _lock = new();
    private readonly List<(ServiceResponses Owner, ResponseRoute Route)> _routes = [];
    private readonly HashSet<string> _awaited = [];
    private readonly HashSet<string> _arrived = [];
    private bool _sealed;

    /// <summary>A way back was opened.</summary>
    public void Add(ServiceResponses owner, ResponseRoute route)
    {
        lock (_lock) _routes.Add((owner, route));
    }

    /// <summary>The message goes to another server, whose event will come back.</summary>
    public void Expect(string hop)
    {
        lock (_lock) _awaited.Add(hop);
    }

    /// <summary>It did not go there after all.</summary>
    public void Forget(string hop)
    {
        lock (_lock) _awaited.Remove(hop);
    }

    /// <summary>This server is done with the message.</summary>
    public void Seal()
    {
        lock (_lock)
        {
            _sealed = true;
            CloseWhenComplete();
        }
    }

    /// <summary>An event of another server has come back.</summary>
    /// <param name="json">The event; anything else is passed over.</param>
    public void OnEvent(ReadOnlySpan<byte> json)
    {
        if (!TryRead(json, out var hop, out var hops)) return;
        lock (_lock)
        {
            if (hops > Limit || _awaited.Count + _arrived.Count + hops > Limit || !_arrived.Add(hop)) return;
            for (var i = 1; i <= hops; i++) _awaited.Add($"{hop}.{i}");
            CloseWhenComplete();
        }
    }

    private void CloseWhenComplete()
    {
        if (!_sealed || !_awaited.IsSubsetOf(_arrived)) return;
        foreach (var (owner, route) in _routes) owner.Close(route);
        _routes.Clear();
    }

    private static bool TryRead(ReadOnlySpan<byte> json, out string hop, out int hops)
    {
        (hop, hops) = ("", 0);
        try
        {
            if (JsonSerializer.Deserialize(json, TraceJson.Default.ReturnedTraceEvent) is not { Hops: >= 0 } told) return false;
            if (told.Request?.Headers is not { } headers || !headers.TryGetValue(TraceHeaders.Hop, out var values) || values is not [{ Length: <= MaxHopLength } value]) return false;
            (hop, hops) = (value, told.Hops);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
