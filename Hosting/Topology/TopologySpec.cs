using System.Text.Json.Serialization;

namespace NatsAspire.Hosting;

/// <summary>
/// What a topology file says, or code that builds one: clusters, gateways between them, leaf nodes, accounts, and the
/// streams, buckets and stores that are made before anybody uses them. <see cref="NatsTopology.Build"/> checks it and
/// gives its servers ports. Properties can be set, since the generated reader gives those that can only be initialized no
/// defaults.
/// </summary>
public sealed record TopologySpec
{
    /// <summary>Where editors find the schema; means nothing here.</summary>
    [JsonPropertyName("$schema")]
    public string? Schema { get; set; }

    /// <summary>At least one.</summary>
    public IReadOnlyList<ClusterSpec> Clusters { get; set; } = [];

    /// <summary>Servers, or clusters of them, that reach out to a hub.</summary>
    public IReadOnlyList<ClusterSpec> LeafNodes { get; set; } = [];

    /// <summary>Empty: one account for all, and no passwords.</summary>
    public IReadOnlyList<AccountSpec> Accounts { get; set; } = [];

    public IReadOnlyList<StreamSpec> Streams { get; set; } = [];

    public IReadOnlyList<KeyValueSpec> KeyValues { get; set; } = [];

    public IReadOnlyList<ObjectStoreSpec> ObjectStores { get; set; } = [];

    /// <summary>The same, where what names no account is in the only one there is.</summary>
    internal TopologySpec InOnlyAccount()
    {
        if (Accounts is not [{ Name: var only }]) return this;
        return this with
        {
            LeafNodes = [.. LeafNodes.Select(leaf => leaf with { Account = leaf.Account ?? only })],
            Streams = [.. Streams.Select(stream => stream with { Account = stream.Account ?? only })],
            KeyValues = [.. KeyValues.Select(bucket => bucket with { Account = bucket.Account ?? only })],
            ObjectStores = [.. ObjectStores.Select(store => store with { Account = store.Account ?? only })],
        };
    }
}

/// <summary>Servers in a full mesh; with a hub, a leaf node.</summary>
public sealed record ClusterSpec
{
    /// <summary>Letters, digits, dashes; begins with a letter; at most 50. Its servers are NAME-1, NAME-2 ….</summary>
    public string Name { get; set; } = "";

    /// <summary>1..<see cref="NatsTopology.MaxServers"/>. Null: three, of a leaf node one.</summary>
    public int? Servers { get; set; }

    /// <summary>Client port of the first server on a local run, the others follow; null: free ones.</summary>
    public int? Port { get; set; }

    /// <summary>Null: no JetStream.</summary>
    public JetStreamSpec? JetStream { get; set; }

    /// <summary>Tags of all its servers, which placements name.</summary>
    public IReadOnlyList<string> Tags { get; set; } = [];

    /// <summary>Clusters joined to this one by gateways; enough if one side says it.</summary>
    public IReadOnlyList<string> Gateways { get; set; } = [];

    /// <summary>Of a leaf node: the cluster or leaf node it connects to.</summary>
    public string? Hub { get; set; }

    /// <summary>Of a leaf node: the account it joins to the hub's of the same name; null: the only one, or that of all who have no other.</summary>
    public string? Account { get; set; }

    /// <summary>Encryption of client connections; null: none.</summary>
    public TlsSpec? Tls { get; set; }

    /// <summary>A container image for manifests; null: this repository's.</summary>
    public string? Image { get; set; }
}

/// <summary>JetStream of a cluster's servers.</summary>
public sealed record JetStreamSpec
{
    /// <summary>Most memory a server gives to streams, as "256Mi"; null: the server decides.</summary>
    public string? MaxMemory { get; set; }

    /// <summary>Most disk, as "10Gi"; null: the server decides. Also the size of a server's volume in manifests.</summary>
    public string? MaxFile { get; set; }

    /// <summary>Keeps a leaf node's streams apart from its hub's.</summary>
    public string? Domain { get; set; }
}

/// <summary>Certificates in PEM files (local runs), or the Kubernetes secret that holds them as tls.crt, tls.key and ca.crt.</summary>
public sealed record TlsSpec
{
    public string? CertFile { get; set; }

    public string? KeyFile { get; set; }

    /// <summary>Whom clients' certificates must come from, with <see cref="Verify"/>.</summary>
    public string? CaFile { get; set; }

    /// <summary>Clients must show a certificate.</summary>
    public bool Verify { get; set; }

    /// <summary>Secret of type kubernetes.io/tls, for manifests.</summary>
    public string? Secret { get; set; }
}

/// <summary>An account on every server.</summary>
public sealed record AccountSpec
{
    public string Name { get; set; } = "";

    /// <summary>Null: yes, where the cluster has it.</summary>
    public bool? JetStream { get; set; }

    public IReadOnlyList<UserSpec> Users { get; set; } = [];
}

/// <summary>Somebody who may connect.</summary>
public sealed record UserSpec
{
    /// <summary>Unique among all accounts' users.</summary>
    public string Name { get; set; } = "";

    /// <summary>For local runs; null: one is made up. Manifests never hold it.</summary>
    public string? Password { get; set; }

    /// <summary>Subjects it may publish to; empty: all.</summary>
    public IReadOnlyList<string> Publish { get; set; } = [];

    /// <summary>Subjects it may subscribe to; empty: all.</summary>
    public IReadOnlyList<string> Subscribe { get; set; } = [];
}
