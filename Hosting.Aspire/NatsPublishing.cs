using Aspire.Hosting;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

#pragma warning disable ASPIREPIPELINES001, ASPIREPIPELINES004 // Aspire's pipelines are marked experimental, and there is no other way to publish.

namespace NatsAspire.Hosting;

/// <summary>
/// <c>aspire publish</c>: the clusters as a Helm chart of this repository's own. Aspire's Kubernetes publisher gives stateful
/// sets neither a headless service nor volumes of their own, so that servers published by it would not find each other.
/// </summary>
internal static class NatsPublishing
{
    private const string Folder = "nats";

    public static void AddStep(IDistributedApplicationBuilder builder, NatsApplication application) => builder.Pipeline.AddStep(
        "publish-nats",
        async context =>
        {
            var folder = Path.Combine(context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory(), Folder);
            var written = await ManifestFolder.WriteAsync(folder, HelmChart.Write(NatsTopology.Build(application.ToSpec()), new KubernetesOptions()));
            context.Logger.LogInformation("Wrote {Count} files of a Helm chart to {Folder}; its README.md says what comes next.", written.Count, folder);
        },
        dependsOn: WellKnownPipelineSteps.PublishPrereq,
        requiredBy: WellKnownPipelineSteps.Publish);
}
