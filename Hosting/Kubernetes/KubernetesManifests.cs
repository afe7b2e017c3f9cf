using System.Text;
using System.Text.Json.Nodes;

namespace NatsAspire.Hosting;

/// <summary>
/// A topology as Kubernetes manifests: for each cluster a StatefulSet with its services, configuration, disruption budget
/// and network policy; a job that makes the streams; a script that makes up the passwords, which stand nowhere else.
/// </summary>
public static class KubernetesManifests
{
    internal const string PasswordsSecret = "nats-passwords", Instance = "app.kubernetes.io/instance";

    /// <summary>The files of a folder for <c>kubectl apply -k</c>, by name.</summary>
    /// <param name="topology">What is to run.</param>
    /// <param name="options">How.</param>
    /// <exception cref="TopologyException">Kubernetes cannot have it so: names or variables that fall together, TLS without a secret.</exception>
    public static IReadOnlyList<(string Name, string Text)> Write(NatsTopology topology, KubernetesOptions options)
    {
        CheckVariables(topology);
        var files = new List<(string Name, string Text)> { ("namespace.yaml", Yaml.Write(Namespace(options))) };
        foreach (var cluster in topology.Clusters)
        {
            files.Add(($"{KubernetesSite.NameOf(cluster)}.yaml", Documents(new KubernetesCluster(topology, cluster, options).Objects())));
        }
        if (KubernetesStreams.Objects(topology, options) is { Count: > 0 } streams) files.Add(("streams.yaml", Documents(streams)));
        var resources = new JsonArray([.. files.Select(file => (JsonNode)file.Name)]);
        files.Add(("kustomization.yaml", Yaml.Write(new JsonObject { ["apiVersion"] = "kustomize.config.k8s.io/v1beta1", ["kind"] = "Kustomization", ["resources"] = resources })));
        files.Add(("optional-servicemonitor.yaml", Yaml.Write(ServiceMonitor(options))));
        files.Add(("create-secrets.sh", SecretsScript(topology, options)));
        files.Add(("README.md", Readme(topology, options)));
        return files;
    }

    internal static JsonObject Metadata(string name, string space, string? instance = null)
    {
        var labels = new JsonObject { ["app.kubernetes.io/name"] = "nats", ["app.kubernetes.io/managed-by"] = "natsaspire" };
        if (instance is not null) labels[Instance] = instance;
        return new JsonObject { ["name"] = name, ["namespace"] = space, ["labels"] = labels };
    }

    /// <summary>A password's variable, from the secret.</summary>
    internal static JsonObject PasswordVariable(string user, string? variable = null) => new()
    {
        ["name"] = variable ?? TopologySecrets.VariableOf(user),
        ["valueFrom"] = new JsonObject { ["secretKeyRef"] = new JsonObject { ["name"] = PasswordsSecret, ["key"] = user } },
    };

    /// <summary>What every container here may not do.</summary>
    internal static JsonObject Confined() => new()
    {
        ["allowPrivilegeEscalation"] = false,
        ["readOnlyRootFilesystem"] = true,
        ["capabilities"] = new JsonObject { ["drop"] = new JsonArray("ALL") },
    };

    private static JsonObject Namespace(KubernetesOptions options) =>
        new() { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = options.Namespace } };

    internal static string Documents(IEnumerable<JsonObject> objects) => string.Join("---\n", objects.Select(Yaml.Write));

    internal static void CheckVariables(NatsTopology topology)
    {
        foreach (var same in TopologySecrets.Wanted(topology).Keys.GroupBy(TopologySecrets.VariableOf).Where(same => same.Count() > 1))
        {
            throw new TopologyException($"The passwords of {string.Join(" and ", same)} would be in one variable, {same.Key}. Rename one of these users.");
        }
    }

    internal static JsonObject ServiceMonitor(KubernetesOptions options) => new()
    {
        ["apiVersion"] = "monitoring.coreos.com/v1",
        ["kind"] = "ServiceMonitor",
        ["metadata"] = Metadata("nats", options.Namespace),
        ["spec"] = new JsonObject
        {
            ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app.kubernetes.io/name"] = "nats", ["natsaspire/monitored"] = "true" } },
            ["endpoints"] = new JsonArray(new JsonObject
            {
                ["port"] = "monitor",
                ["path"] = "/metrics",
                ["interval"] = "15s",
                ["params"] = new JsonObject { ["use_internal_server_name"] = new JsonArray("true"), ["connz"] = new JsonArray("true") },
            }),
        },
    };

    internal static string SecretsScript(NatsTopology topology, KubernetesOptions options)
    {
        var text = new StringBuilder(
            $$"""
            #!/bin/sh
            # Makes up a password for everybody, once; a secret that is there already stays. To give your own, make the secret
            # {{PasswordsSecret}} with these keys yourself: letters and digits, a letter first.
            set -eu
            make() { printf 'p'; od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
            kubectl get namespace {{options.Namespace}} >/dev/null 2>&1 || kubectl create namespace {{options.Namespace}}
            kubectl -n {{options.Namespace}} get secret {{PasswordsSecret}} >/dev/null 2>&1 && exit 0
            kubectl -n {{options.Namespace}} create secret generic {{PasswordsSecret}}
            """);
        foreach (var user in TopologySecrets.Wanted(topology).Keys) text.Append(" \\\n  --from-literal=").Append(user).Append("=\"$(make)\"");
        return text.Append('\n').ToString().ReplaceLineEndings("\n");
    }

    private static string Readme(NatsTopology topology, KubernetesOptions options)
    {
        var first = KubernetesSite.NameOf(topology.Clusters[0]);
        var tls = topology.Clusters.Where(cluster => cluster.Spec.Tls is not null).Select(cluster => cluster.Spec.Tls!.Secret).Distinct().ToList();
        var certificates = tls.Count == 0 ? "" : $"Before that, make the secrets with certificates: {string.Join(", ", tls)} (kubernetes.io/tls).\n\n";
        return $"""
            # NATS on Kubernetes

            Written by `dotnet run --project AppHost -- publish`; run it again rather than edit.

            ```sh
            dotnet publish Server -c Release /t:PublishContainer      # the image {options.Image}; push it where the cluster finds it
            sh create-secrets.sh                                      # passwords, made up in the cluster
            kubectl apply -k .
            kubectl -n {options.Namespace} rollout status statefulset/{first}
            ```

            {certificates}Clients in the cluster connect to `nats://{first}.{options.Namespace}:4222`. A password:
            `kubectl -n {options.Namespace} get secret {PasswordsSecret} -o jsonpath='{"{.data.USER}"}' | base64 -d`.
            `optional-servicemonitor.yaml` is for the Prometheus operator.

            """.ReplaceLineEndings("\n");
    }
}
