using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Hosting;

/// <summary>Makes the streams, buckets and stores of a topology, or brings those that are there to what it says.</summary>
/// <param name="topology">What is wanted.</param>
/// <param name="passwords">By user.</param>
/// <param name="log">Told what is waited for; null: nobody is.</param>
public sealed class AssetProvisioner(NatsTopology topology, IReadOnlyDictionary<string, string> passwords, IRunnerLog? log = null)
{
    private const int NameInUse = 10058;

    /// <summary>Assets under way.</summary>
    private const int AtOnce = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(250), Answer = TimeSpan.FromSeconds(5);

    /// <summary>All assets as what the API takes: a stream each.</summary>
    public static IEnumerable<(AssetSpec Asset, string Stream)> Assets(TopologySpec spec) =>
        spec.Streams.Select(one => ((AssetSpec)one, one.Name))
            .Concat(spec.KeyValues.Select(one => ((AssetSpec)one, "KV_" + one.Name)))
            .Concat(spec.ObjectStores.Select(one => ((AssetSpec)one, "OBJ_" + one.Name)));

    /// <summary>Makes all of them; servers that are still forming a cluster are given time.</summary>
    /// <exception cref="TopologyException">One cannot be made; the message says which, and what the server says.</exception>
    public Task CreateAllAsync(CancellationToken cancellation) =>
        Parallel.ForEachAsync(Assets(topology.Spec), new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = AtOnce }, async (one, stop) =>
            await CreateAsync(one.Asset, one.Stream, stop));

    /// <summary>The stream's configuration, as the API takes it: buckets and stores as clients make them.</summary>
    public static JsonObject Configuration(AssetSpec asset, string stream, NatsCluster cluster)
    {
        var json = new JsonObject
        {
            ["name"] = stream,
            ["retention"] = "limits",
            ["storage"] = asset.Storage,
            ["num_replicas"] = asset.Replicas,
            ["max_consumers"] = -1,
            ["max_msgs"] = -1,
            ["max_bytes"] = asset.MaxBytes is { } size ? ByteSize.Parse(size) : -1,
            ["max_age"] = (asset.MaxAge?.Ticks ?? 0) * 100,
            ["discard"] = "old",
            ["allow_direct"] = true,
        };
        if (cluster.Gateways.Count > 0 || asset.Tags.Count > 0)
        {
            var placement = new JsonObject();
            if (cluster.IsMesh) placement["cluster"] = cluster.Name;
            if (asset.Tags.Count > 0) placement["tags"] = new JsonArray([.. asset.Tags.Select(tag => (JsonNode)tag)]);
            json["placement"] = placement;
        }
        switch (asset)
        {
            case StreamSpec one:
                json["subjects"] = new JsonArray([.. one.Subjects.Select(subject => (JsonNode)subject)]);
                json["retention"] = one.Retention;
                json["max_msgs"] = one.MaxMessages ?? -1;
                break;
            case KeyValueSpec bucket:
                json["subjects"] = new JsonArray($"$KV.{bucket.Name}.>");
                json["max_msgs_per_subject"] = bucket.History;
                json["discard"] = "new";
                json["allow_rollup_hdrs"] = true;
                json["deny_delete"] = true;
                break;
            default:
                json["subjects"] = new JsonArray($"$O.{asset.Name}.C.>", $"$O.{asset.Name}.M.>");
                json["discard"] = "new";
                json["allow_rollup_hdrs"] = true;
                break;
        }
        return json;
    }

    /// <summary>What an answer of the API says is wrong; null: nothing.</summary>
    public static string? RefusalIn(string answer) => ErrorIn(answer) is { Code: not 0 } error ? error.Description : null;

    /// <summary>Makes one, as the stream of that name.</summary>
    /// <exception cref="TopologyException">It cannot be made; the message says what the server says.</exception>
    public async Task CreateAsync(AssetSpec asset, string stream, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        var body = Configuration(asset, stream, topology[asset.In]).ToJsonString();
        var error = "nobody answered";
        try
        {
            for (var turn = 0; ; turn++)
            {
                var server = topology[asset.In].Servers[turn % topology[asset.In].Size];
                var (code, description) = await TryAsync(server, asset, $"$JS.API.STREAM.CREATE.{stream}", body, limit.Token);
                if (code == NameInUse) (code, description) = await TryAsync(server, asset, $"$JS.API.STREAM.UPDATE.{stream}", body, limit.Token);
                if (code is 0) return;
                if (error != description) log?.Notice($"\"{asset.Name}\" in {asset.In} is still to be made: {description}.");
                error = description;
                // What a server says about the request will not change; that it has no leader yet, or no peers, will.
                if (code is not (null or 10005 or 10008 or 10009 or 10074 or 10039)) break;
                await Task.Delay(Pause, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The error seen last says more than that time is over.
        }
        throw new TopologyException($"\"{asset.Name}\" in {asset.In} cannot be made: {error}.");
    }

    /// <summary>The error's code, 0: none; null: the server could not be asked.</summary>
    private async Task<(int? Code, string Description)> TryAsync(NatsServerSpec server, AssetSpec asset, string subject, string body, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Answer);
        var user = topology.Spec.Accounts.FirstOrDefault(account => account.Name == asset.Account) is { } account ? TopologySecrets.ManagerOf(account) : null;
        try
        {
            await using var client = await NatsRequester.ConnectAsync(server, user, user is null ? null : passwords[user], limit.Token);
            return ErrorIn(await client.RequestAsync(subject, body, limit.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"{server.Name} did not answer in {Answer.TotalSeconds:0} s");
        }
        catch (Exception error) when (error is IOException or NatsRequestException or JsonException)
        {
            return (null, error.Message);
        }
    }

    /// <summary>What an answer of the API says is wrong.</summary>
    internal static (int? Code, string Description) ErrorIn(string answer)
    {
        using var document = JsonDocument.Parse(answer);
        if (!document.RootElement.TryGetProperty("error", out var error)) return (0, "");
        var code = error.TryGetProperty("err_code", out var number) ? number.GetInt32() : -1;
        var text = error.TryGetProperty("description", out var description) ? description.GetString() : null;
        return (code, string.Create(CultureInfo.InvariantCulture, $"{text ?? "no reason given"} ({code})"));
    }
}
