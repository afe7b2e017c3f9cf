namespace NatsAspire.Hosting;

/// <summary>What streams, buckets and stores have in common.</summary>
public abstract record AssetSpec
{
    public string Name { get; set; } = "";

    /// <summary>The cluster or leaf node that holds it.</summary>
    public string In { get; set; } = "";

    /// <summary>Null: the only one there is, or that of all who have no other.</summary>
    public string? Account { get; set; }

    /// <summary>1..5, not more than the cluster has servers.</summary>
    public int Replicas { get; set; } = 1;

    /// <summary>"file" or "memory".</summary>
    public string Storage { get; set; } = "file";

    /// <summary>As "1Gi"; null: no limit.</summary>
    public string? MaxBytes { get; set; }

    /// <summary>How long things are kept, as "24:00:00"; null: for ever.</summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>Only on servers with all of these tags.</summary>
    public IReadOnlyList<string> Tags { get; set; } = [];
}

/// <summary>A stream.</summary>
public sealed record StreamSpec : AssetSpec
{
    /// <summary>At least one.</summary>
    public IReadOnlyList<string> Subjects { get; set; } = [];

    /// <summary>"limits", "interest" or "workqueue".</summary>
    public string Retention { get; set; } = "limits";

    /// <summary>1 and more; null: no limit.</summary>
    public long? MaxMessages { get; set; }
}

/// <summary>A key-value bucket.</summary>
public sealed record KeyValueSpec : AssetSpec
{
    /// <summary>Values kept of each key, 1..64.</summary>
    public int History { get; set; } = 1;
}

/// <summary>An object store.</summary>
public sealed record ObjectStoreSpec : AssetSpec;
