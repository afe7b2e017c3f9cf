using System.Text.Json.Nodes;

namespace NatsAspire.Hosting;

/// <summary>
/// The same manifests as a Helm chart: namespace, images and the ServiceMonitor are given when it is installed, everything
/// else is as the topology says.
/// </summary>
public static class HelmChart
{
    /// <summary>Stand for what the chart leaves open while the manifests are made; names that nothing else has.</summary>
    private const string Namespace = "natsaspire-namespace-slot", Image = "natsaspire-image-slot", ToolsImage = "natsaspire-tools-slot";

    private const string NamespaceExpression = "{{ .Release.Namespace }}", ImageExpression = "{{ .Values.image }}", ToolsExpression = "{{ .Values.toolsImage }}";

    /// <summary>The files of the chart's folder, by path.</summary>
    /// <param name="topology">What is to run.</param>
    /// <param name="options">Image and namespace are what values and script begin with.</param>
    /// <param name="name">Of the chart.</param>
    /// <exception cref="TopologyException">Kubernetes cannot have it so: names or variables that fall together, TLS without a secret.</exception>
    public static IReadOnlyList<(string Path, string Text)> Write(NatsTopology topology, KubernetesOptions options, string name = "nats")
    {
        var open = options with { Namespace = Namespace, Image = Image, ToolsImage = ToolsImage };
        var files = new List<(string Path, string Text)>
        {
            ("Chart.yaml", Yaml.Write(new JsonObject
            {
                ["apiVersion"] = "v2", ["name"] = name, ["description"] = "NATS clusters, written by NatsAspire from a topology", ["type"] = "application",
                ["version"] = "0.1.0", ["appVersion"] = "2.14",
            })),
            ("values.yaml", Yaml.Write(new JsonObject
            {
                ["image"] = options.Image, ["toolsImage"] = options.ToolsImage, ["serviceMonitor"] = new JsonObject { ["enabled"] = false },
            })),
        };
        foreach (var cluster in topology.Clusters) files.Add(Template($"{KubernetesSite.NameOf(cluster)}.yaml", new KubernetesCluster(topology, cluster, open).Objects()));
        if (KubernetesStreams.Objects(topology, open) is { Count: > 0 } streams) files.Add(Template("streams.yaml", streams.Select(AsHook)));
        var (path, monitor) = Template("servicemonitor.yaml", [KubernetesManifests.ServiceMonitor(open)]);
        files.Add((path, $"{{{{- if .Values.serviceMonitor.enabled }}}}\n{monitor}{{{{- end }}}}\n"));
        files.Add(("create-secrets.sh", KubernetesManifests.SecretsScript(topology, options)));
        files.Add(("README.md", Readme(topology, options, name)));
        KubernetesManifests.CheckVariables(topology);
        return files;
    }

    private static (string Path, string Text) Template(string name, IEnumerable<JsonObject> objects)
    {
        // Configurations may hold braces of their own, as mappings do.
        var text = KubernetesManifests.Documents(objects).Replace("{{", "{{ \"{{\" }}", StringComparison.Ordinal);
        return ("templates/" + name, text.Replace(Namespace, NamespaceExpression, StringComparison.Ordinal)
            .Replace(Image, ImageExpression, StringComparison.Ordinal).Replace(ToolsImage, ToolsExpression, StringComparison.Ordinal));
    }

    /// <summary>A job cannot be changed, so each install and upgrade has one of its own.</summary>
    private static JsonObject AsHook(JsonObject one)
    {
        if (one["kind"]!.GetValue<string>() != "Job") return one;
        one["metadata"]!["annotations"] = new JsonObject { ["helm.sh/hook"] = "post-install,post-upgrade", ["helm.sh/hook-delete-policy"] = "before-hook-creation" };
        return one;
    }

    private static string Readme(NatsTopology topology, KubernetesOptions options, string name)
    {
        var first = KubernetesSite.NameOf(topology.Clusters[0]);
        return $"""
            # NATS on Kubernetes, by Helm

            Written by `dotnet run --project AppHost -- publish --helm` or by `aspire publish`; run it again rather than edit.

            ```sh
            dotnet publish Server -c Release /t:PublishContainer      # the image {options.Image}; push it where the cluster finds it
            sh create-secrets.sh                                      # passwords, made up in the cluster, in the namespace {options.Namespace}
            helm upgrade --install {name} . --namespace {options.Namespace}
            kubectl -n {options.Namespace} rollout status statefulset/{first}
            ```

            `--set image=…` names another image, `--set serviceMonitor.enabled=true` is for the Prometheus operator.
            Clients in the cluster connect to `nats://{first}.{options.Namespace}:4222`. A password:
            `kubectl -n {options.Namespace} get secret {KubernetesManifests.PasswordsSecret} -o jsonpath='{"{.data.USER}"}' | base64 -d`.

            """.ReplaceLineEndings("\n");
    }
}
