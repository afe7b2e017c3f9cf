using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>Streams that have the same messages, for clients that read from the nearest.</summary>
internal sealed partial class MetaHost
{
    /// <summary>A stream and its mirrors, those in the asking client's cluster first, then those in clusters near to it.</summary>
    /// <param name="account">Its account.</param>
    /// <param name="stream">Its name.</param>
    /// <param name="client">Who asks; null: nobody knows.</param>
    /// <returns>Empty: it has no mirrors.</returns>
    public ValueList<StreamAlternate> AlternatesOf(Account account, string stream, ClientInfo? client)
    {
        var same = _state.Current.Of(account.Name).Values.Select(one => one.Assignment)
            .Where(one => one.Unsupported is null && (one.Name == stream || one.Configuration.Mirror?.Name == stream)).ToList();
        if (same.Count < 2) return [];
        List<string> near = client is null ? [] : [client.Cluster ?? "", .. client.Alternates ?? []];
        return [.. same.OrderBy(one => near.IndexOf(one.Group.Cluster ?? "") is var place and >= 0 ? place : near.Count)
            .Select(one => new StreamAlternate { Name = one.Name, Domain = _engine.Domain, Cluster = one.Group.Cluster ?? "" })];
    }
}
