namespace NatsAspire.Hosting;

/// <summary>How manifests are written.</summary>
public sealed record KubernetesOptions
{
    public string Namespace { get; init; } = "nats";

    /// <summary>Image of the servers, where their cluster names none.</summary>
    public string Image { get; init; } = "natsaspire/nats-server:0.1.0";

    /// <summary>Image with the nats CLI, for the job that makes streams.</summary>
    public string ToolsImage { get; init; } = "docker.io/natsio/nats-box:0.18.0";
}
