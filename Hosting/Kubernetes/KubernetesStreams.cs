using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Hosting;

/// <summary>The job that makes streams, buckets and stores, or brings those that are there to what the topology says.</summary>
internal static class KubernetesStreams
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IReadOnlyList<JsonObject> Objects(NatsTopology topology, KubernetesOptions options)
    {
        var files = new JsonObject();
        var script = new StringBuilder(
            """
            set -eu
            apply() { # SERVER STREAM FILE
              if nats --server "$1" stream info "$2" >/dev/null 2>&1; then nats --server "$1" stream edit "$2" --force --config "$3"
              else nats --server "$1" stream add "$2" --config "$3"; fi
            }

            """.ReplaceLineEndings("\n"));
        var managers = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (asset, stream) in AssetProvisioner.Assets(topology.Spec))
        {
            var cluster = topology[asset.In];
            var file = $"{KubernetesSite.NameOf(cluster)}.{asset.Account ?? "default"}.{stream}.json";
            files[file] = AssetProvisioner.Configuration(asset, stream, cluster).ToJsonString(Indented).ReplaceLineEndings("\n") + "\n";
            var credentials = "";
            if (topology.Spec.Accounts.FirstOrDefault(account => account.Name == asset.Account) is { } account)
            {
                var manager = TopologySecrets.ManagerOf(account);
                managers.Add(manager);
                credentials = $"NATS_USER={manager} NATS_PASSWORD=\"${TopologySecrets.VariableOf(manager)}\" ";
            }
            var scheme = cluster.Spec.Tls is null ? "nats" : "tls";
            script.Append($"{credentials}apply {scheme}://{KubernetesSite.NameOf(cluster)}:{KubernetesSite.Ports.Client} {stream} /streams/{file}\n");
        }
        if (files.Count == 0) return [];
        files["apply.sh"] = script.ToString();
        return [ConfigMap(files, options), Job(managers, options)];
    }

    private static JsonObject ConfigMap(JsonObject files, KubernetesOptions options) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "ConfigMap",
        ["metadata"] = KubernetesManifests.Metadata("nats-streams", options.Namespace),
        ["data"] = files,
    };

    private static JsonObject Job(IEnumerable<string> managers, KubernetesOptions options)
    {
        var pod = new JsonObject
        {
            ["restartPolicy"] = "OnFailure",
            ["automountServiceAccountToken"] = false,
            ["securityContext"] = new JsonObject { ["runAsNonRoot"] = true, ["runAsUser"] = KubernetesCluster.User, ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" } },
            ["containers"] = new JsonArray(new JsonObject
            {
                ["name"] = "apply",
                ["image"] = options.ToolsImage,
                ["command"] = new JsonArray("sh", "/streams/apply.sh"),
                ["env"] = new JsonArray([new JsonObject { ["name"] = "HOME", ["value"] = "/tmp" }, .. managers.Select(manager => KubernetesManifests.PasswordVariable(manager))]),
                ["securityContext"] = KubernetesManifests.Confined(),
                ["volumeMounts"] = new JsonArray(
                    new JsonObject { ["name"] = "streams", ["mountPath"] = "/streams", ["readOnly"] = true },
                    new JsonObject { ["name"] = "tmp", ["mountPath"] = "/tmp" }),
            }),
            ["volumes"] = new JsonArray(
                new JsonObject { ["name"] = "streams", ["configMap"] = new JsonObject { ["name"] = "nats-streams" } },
                new JsonObject { ["name"] = "tmp", ["emptyDir"] = new JsonObject() }),
        };
        return new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["metadata"] = KubernetesManifests.Metadata("nats-streams", options.Namespace),
            ["spec"] = new JsonObject { ["backoffLimit"] = 20, ["template"] = new JsonObject { ["spec"] = pod } },
        };
    }
}
