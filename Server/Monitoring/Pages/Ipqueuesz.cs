using System.Text.Json.Serialization;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>What /ipqueuesz is to show; keys are those of a request to the system account.</summary>
public sealed record IpqueueszOptions
{
    /// <summary>Empty queues too.</summary>
    [JsonPropertyName("all")] public bool All { get; init; }

    /// <summary>Only queues whose name holds this.</summary>
    [JsonPropertyName("filter")] public string? Filter { get; init; }
}

/// <summary>/ipqueuesz: work that waits inside the server, by the queue's name.</summary>
public static class Ipqueuesz
{
    /// <summary>The queues of this moment, in the order of their names.</summary>
    public static IReadOnlyDictionary<string, QueueState> Collect(MonitoringSource source, IpqueueszOptions? options = null)
    {
        options ??= new IpqueueszOptions();
        var queues = new SortedDictionary<string, QueueState>(StringComparer.Ordinal);
        foreach (var loop in source.Loops)
        {
            var name = $"Posted to {loop.Name}";
            var isShown = (options.All || loop.PostedCount > 0)
                && (string.IsNullOrEmpty(options.Filter) || name.Contains(options.Filter, StringComparison.Ordinal));
            if (isShown) queues[name] = new QueueState(loop.PostedCount, 0);
        }
        return queues;
    }
}

/// <summary>One queue.</summary>
/// <param name="Pending">Items that wait.</param>
/// <param name="InProgress">Items taken out and not done.</param>
public sealed record QueueState(
    [property: JsonPropertyName("pending")] int Pending,
    [property: JsonPropertyName("in_progress"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int InProgress);
