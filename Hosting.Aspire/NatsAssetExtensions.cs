using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using NatsAspire.Hosting;

namespace Aspire.Hosting;

/// <summary>Streams, key-value buckets and object stores as children of a cluster: <c>WaitFor</c> one of them waits until it is made.</summary>
public static class NatsAssetExtensions
{
    /// <summary>Adds a stream; without subjects it takes those that begin with its name.</summary>
    public static IResourceBuilder<NatsAssetResource> AddStream(
        this IResourceBuilder<NatsClusterResource> cluster, string name, Func<StreamSpec, StreamSpec>? configure = null)
    {
        var spec = new StreamSpec { Name = name, In = cluster.Resource.Name, Subjects = [$"{name}.>"] };
        return Add(cluster, configure?.Invoke(spec) ?? spec, "Stream", name, "Stream");
    }

    /// <summary>Adds a key-value bucket.</summary>
    public static IResourceBuilder<NatsAssetResource> AddKeyValue(
        this IResourceBuilder<NatsClusterResource> cluster, string name, Func<KeyValueSpec, KeyValueSpec>? configure = null)
    {
        var spec = new KeyValueSpec { Name = name, In = cluster.Resource.Name };
        return Add(cluster, configure?.Invoke(spec) ?? spec, "KeyValue", "KV_" + name, "Key");
    }

    /// <summary>Adds an object store.</summary>
    public static IResourceBuilder<NatsAssetResource> AddObjectStore(
        this IResourceBuilder<NatsClusterResource> cluster, string name, Func<ObjectStoreSpec, ObjectStoreSpec>? configure = null)
    {
        var spec = new ObjectStoreSpec { Name = name, In = cluster.Resource.Name };
        return Add(cluster, configure?.Invoke(spec) ?? spec, "ObjectStore", "OBJ_" + name, "Box");
    }

    private static IResourceBuilder<NatsAssetResource> Add(IResourceBuilder<NatsClusterResource> cluster, AssetSpec spec, string kind, string stream, string icon)
    {
        // Resources are named apart without case, as a stream "orders" and a bucket of that name are not.
        var asset = new NatsAssetResource($"{cluster.Resource.Name}-{kind.ToLowerInvariant()}-{spec.Name.ToLowerInvariant().Replace('_', '-')}", cluster.Resource, spec, kind);
        cluster.Resource.Application.Assets.Add(asset);
        var resource = cluster.ApplicationBuilder.AddResource(asset)
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = $"Nats{kind}",
                Properties = [new("name", spec.Name), new("replicas", spec.Replicas), new("storage", spec.Storage)],
                State = KnownResourceStates.NotStarted,
            })
            .WithIconName(icon)
            .ExcludeFromManifest();
        resource.OnInitializeResource(async (self, e, cancellation) =>
        {
            await e.Notifications.PublishUpdateAsync(self, state => state with { State = KnownResourceStates.Waiting });
            await e.Eventing.PublishAsync(new ConnectionStringAvailableEvent(self, e.Services), cancellation);
            await e.Notifications.WaitForResourceHealthyAsync(self.Parent.Name, cancellation);
            var application = self.Parent.Application;
            try
            {
                await new AssetProvisioner(application.Topology, application.Passwords).CreateAsync(self.Spec, stream, cancellation);
                await e.Eventing.PublishAsync(new BeforeResourceStartedEvent(self, e.Services), cancellation);
                await e.Notifications.PublishUpdateAsync(self, state => state with { State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success) });
            }
            catch (TopologyException error)
            {
                await e.Notifications.PublishUpdateAsync(self, state => state with
                {
                    State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error),
                    Properties = [new("name", spec.Name), new("error", error.Message)],
                });
            }
        });
        return resource.WithStepDown(stream);
    }
}
