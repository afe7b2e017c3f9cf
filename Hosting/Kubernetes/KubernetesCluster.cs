using System.Text.Json.Nodes;

namespace NatsAspire.Hosting;

/// <summary>The objects of one cluster.</summary>
internal sealed class KubernetesCluster
{
    /// <summary>The user of .NET's container images.</summary>
    internal const int User = 1654;

    private const string ConfigPath = "/etc/nats", DefaultDisk = "10Gi";
    private const int BaseMemoryMi = 512, GracePeriod = 60;
    private readonly NatsTopology _topology;
    private readonly NatsCluster _cluster;
    private readonly KubernetesOptions _options;
    private readonly KubernetesSite _site;
    private readonly string _name;
    private readonly string _config;

    public KubernetesCluster(NatsTopology topology, NatsCluster cluster, KubernetesOptions options)
    {
        _topology = topology;
        _cluster = cluster;
        _options = options;
        _site = new KubernetesSite(options.Namespace);
        _name = KubernetesSite.NameOf(cluster);
        _config = Config();
    }

    private bool HasStreams => _cluster.Spec.JetStream is not null;

    public IEnumerable<JsonObject> Objects()
    {
        yield return Object("v1", "ConfigMap", $"{_name}-config", "data", new JsonObject { ["nats.conf"] = _config });
        yield return Headless();
        yield return ClientService();
        yield return StatefulSet();
        if (_cluster.Size > 1) yield return Object("policy/v1", "PodDisruptionBudget", _name, "spec", new JsonObject { ["maxUnavailable"] = 1, ["selector"] = Selector() });
        yield return NetworkPolicy();
    }

    /// <summary>One for all pods, whose name is a variable: routes lead to all of them, and a server knows itself.</summary>
    private string Config()
    {
        var routes = string.Join('\n', _cluster.Servers.Select(server => $"    {ServerSite.Quote($"nats-route://{_site.Address(server, ports => ports.Route)}")}"));
        var text = ServerConfigWriter.Write(_topology, _cluster.Servers[0], _site);
        if (!_cluster.IsMesh) return text;
        var begin = text.IndexOf("  routes: [\n", StringComparison.Ordinal) + "  routes: [\n".Length;
        var end = text.IndexOf("  ]\n", begin, StringComparison.Ordinal);
        return $"{text[..begin]}{routes}\n{text[end..]}";
    }

    private JsonObject Object(string version, string kind, string name, string body, JsonObject content) => new()
    {
        ["apiVersion"] = version,
        ["kind"] = kind,
        ["metadata"] = KubernetesManifests.Metadata(name, _options.Namespace, _name),
        [body] = content,
    };

    private JsonObject Labels() => new() { ["app.kubernetes.io/name"] = "nats", [KubernetesManifests.Instance] = _name };

    private JsonObject Selector() => new() { ["matchLabels"] = Labels() };

    private IEnumerable<(string Name, int Port)> Ports()
    {
        yield return ("client", KubernetesSite.Ports.Client);
        yield return ("monitor", KubernetesSite.Ports.Monitor);
        if (_cluster.IsMesh) yield return ("route", KubernetesSite.Ports.Route);
        if (_cluster.Gateways.Count > 0) yield return ("gateway", KubernetesSite.Ports.Gateway);
        if (_cluster.HasLeafNodes) yield return ("leaf", KubernetesSite.Ports.Leaf);
    }

    private static JsonArray ServicePorts(IEnumerable<(string Name, int Port)> ports) =>
        new([.. ports.Select(port => new JsonObject { ["name"] = port.Name, ["port"] = port.Port, ["targetPort"] = port.Name, ["appProtocol"] = port.Name == "monitor" ? "http" : "tcp" })]);

    /// <summary>Names for the pods, from the moment they exist: servers find each other before they are ready.</summary>
    private JsonObject Headless()
    {
        var service = Object("v1", "Service", $"{_name}-headless", "spec", new JsonObject
        {
            ["clusterIP"] = "None",
            ["publishNotReadyAddresses"] = true,
            ["selector"] = Labels(),
            ["ports"] = ServicePorts(Ports()),
        });
        service["metadata"]!["labels"]!["natsaspire/monitored"] = "true";
        return service;
    }

    private JsonObject ClientService() => Object("v1", "Service", _name, "spec", new JsonObject
    {
        ["selector"] = Labels(),
        ["ports"] = ServicePorts(Ports().Where(port => port.Name is "client" or "leaf")),
    });

    private JsonObject StatefulSet()
    {
        var spec = new JsonObject
        {
            ["replicas"] = _cluster.Size,
            ["serviceName"] = $"{_name}-headless",
            ["podManagementPolicy"] = "Parallel",
            ["selector"] = Selector(),
            ["template"] = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = Labels() }, ["spec"] = Pod() },
        };
        if (HasStreams)
        {
            spec["volumeClaimTemplates"] = new JsonArray(new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = "data" },
                ["spec"] = new JsonObject
                {
                    ["accessModes"] = new JsonArray("ReadWriteOnce"),
                    ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = Quantity(_cluster.Spec.JetStream!.MaxFile) ?? DefaultDisk } },
                },
            });
        }
        return Object("apps/v1", "StatefulSet", _name, "spec", spec);
    }

    private JsonObject Pod()
    {
        var volumes = new JsonArray
        {
            new JsonObject { ["name"] = "config", ["configMap"] = new JsonObject { ["name"] = $"{_name}-config" } },
            new JsonObject { ["name"] = "run", ["emptyDir"] = new JsonObject { ["sizeLimit"] = "16Mi" } },
        };
        if (_cluster.Spec.Tls?.Secret is { } secret) volumes.Add(new JsonObject { ["name"] = "certificates", ["secret"] = new JsonObject { ["secretName"] = secret } });
        return new JsonObject
        {
            ["terminationGracePeriodSeconds"] = GracePeriod,
            ["automountServiceAccountToken"] = false,
            ["enableServiceLinks"] = false,
            ["securityContext"] = new JsonObject
            {
                ["runAsNonRoot"] = true,
                ["runAsUser"] = User,
                ["runAsGroup"] = User,
                ["fsGroup"] = User,
                ["seccompProfile"] = new JsonObject { ["type"] = "RuntimeDefault" },
            },
            ["topologySpreadConstraints"] = new JsonArray(new JsonObject
            {
                ["maxSkew"] = 1,
                ["topologyKey"] = "kubernetes.io/hostname",
                ["whenUnsatisfiable"] = "ScheduleAnyway",
                ["labelSelector"] = Selector(),
            }),
            ["containers"] = new JsonArray(Container()),
            ["volumes"] = volumes,
        };
    }

    private JsonObject Container()
    {
        var mounts = new JsonArray
        {
            new JsonObject { ["name"] = "config", ["mountPath"] = ConfigPath, ["readOnly"] = true },
            new JsonObject { ["name"] = "run", ["mountPath"] = "/var/run/nats" },
        };
        if (HasStreams) mounts.Add(new JsonObject { ["name"] = "data", ["mountPath"] = KubernetesSite.StorePath });
        if (_cluster.Spec.Tls is not null) mounts.Add(new JsonObject { ["name"] = "certificates", ["mountPath"] = KubernetesSite.CertificatePath, ["readOnly"] = true });
        return new JsonObject
        {
            ["name"] = "nats",
            ["image"] = _cluster.Spec.Image ?? _options.Image,
            ["args"] = new JsonArray("--config", $"{ConfigPath}/nats.conf"),
            ["env"] = Variables(),
            ["ports"] = new JsonArray([.. Ports().Select(port => new JsonObject { ["name"] = port.Name, ["containerPort"] = port.Port })]),
            ["resources"] = Resources(),
            ["startupProbe"] = Probe("/healthz", period: 5, failures: 180),
            ["readinessProbe"] = Probe("/healthz?js-server-only=true", period: 10, failures: 3),
            ["livenessProbe"] = Probe("/healthz?js-enabled-only=true", period: 30, failures: 3),
            // The server sends its clients elsewhere and ends within the grace period; the TERM that follows changes nothing.
            ["lifecycle"] = new JsonObject
            {
                ["preStop"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray("/app/nats-server", "--signal", $"ldm={KubernetesSite.PidFile}") } },
            },
            ["securityContext"] = KubernetesManifests.Confined(),
            ["volumeMounts"] = mounts,
        };
    }

    private JsonArray Variables()
    {
        var variables = new JsonArray
        {
            new JsonObject { ["name"] = "SERVER_NAME", ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = "metadata.name" } } },
            // A root file system that cannot be written has no room for .NET's diagnostic pipes.
            new JsonObject { ["name"] = "DOTNET_EnableDiagnostics", ["value"] = "0" },
        };
        foreach (var user in _site.Users) variables.Add(KubernetesManifests.PasswordVariable(user));
        // Behind the passwords: Kubernetes puts only what stands before into a value.
        foreach (var (name, url) in _site.Urls) variables.Add(new JsonObject { ["name"] = name, ["value"] = url });
        return variables;
    }

    private JsonObject Resources()
    {
        var streams = _cluster.Spec.JetStream?.MaxMemory is { } text ? (int)Math.Min(ByteSize.Parse(text)!.Value >> 20, 1 << 20) : 0;
        return new JsonObject
        {
            ["requests"] = new JsonObject { ["cpu"] = "250m", ["memory"] = $"{BaseMemoryMi / 2 + streams}Mi" },
            ["limits"] = new JsonObject { ["memory"] = $"{BaseMemoryMi + streams}Mi" },
        };
    }

    private static JsonObject Probe(string path, int period, int failures) => new()
    {
        ["httpGet"] = new JsonObject { ["path"] = path, ["port"] = "monitor" },
        ["periodSeconds"] = period,
        ["timeoutSeconds"] = 5,
        ["failureThreshold"] = failures,
    };

    /// <summary>Clients and scrapers from anywhere in the cluster; servers from those who belong together only.</summary>
    private JsonObject NetworkPolicy()
    {
        var rules = new JsonArray { Rule(null, "client", "monitor") };
        if (_cluster.IsMesh) rules.Add(Rule([_cluster], "route"));
        if (_cluster.Gateways.Count > 0) rules.Add(Rule([.. _cluster.Gateways], "gateway"));
        var leaves = _topology.Clusters.Where(other => other.Hub == _cluster).ToList();
        if (leaves.Count > 0) rules.Add(Rule(leaves, "leaf"));
        return Object("networking.k8s.io/v1", "NetworkPolicy", _name, "spec", new JsonObject
        {
            ["podSelector"] = Selector(),
            ["policyTypes"] = new JsonArray("Ingress"),
            ["ingress"] = rules,
        });
    }

    private static JsonObject Rule(IReadOnlyList<NatsCluster>? from, params string[] ports)
    {
        var rule = new JsonObject { ["ports"] = new JsonArray([.. ports.Select(port => new JsonObject { ["protocol"] = "TCP", ["port"] = port })]) };
        if (from is null) return rule;
        var names = new JsonArray([.. from.Select(cluster => (JsonNode)KubernetesSite.NameOf(cluster))]);
        rule["from"] = new JsonArray(new JsonObject
        {
            ["podSelector"] = new JsonObject
            {
                ["matchLabels"] = new JsonObject { ["app.kubernetes.io/name"] = "nats" },
                ["matchExpressions"] = new JsonArray(new JsonObject { ["key"] = KubernetesManifests.Instance, ["operator"] = "In", ["values"] = names }),
            },
        });
        return rule;
    }

    /// <summary>As Kubernetes writes it: without the B that nats.conf lets through.</summary>
    private static string? Quantity(string? size) => size?.TrimEnd('B').Replace('K', 'k').Replace("ki", "Ki");
}
