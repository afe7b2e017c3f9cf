using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Manifests of topologies: kubectl reads them, what they name is there, no secret stands in them, and servers start with them.</summary>
public sealed partial class KubernetesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("natsaspire-kubernetes-").FullName;

    public static TheoryData<string> Topologies() => [.. BuiltInTopologies.Names, "everything"];

    [Theory]
    [MemberData(nameof(Topologies))]
    public async Task KubectlKnowsEveryFieldAndEveryNameIsThere(string name)
    {
        Peers.Kubectl();
        Publish(name);
        var objects = await ObjectsAsync();
        objects.Select(one => $"{Kind(one)}/{Name(one)}").Distinct().Count().ShouldBe(objects.Count);
        NamesAreThere(objects);
        foreach (var one in objects.Where(one => Kind(one) == "StatefulSet")) IsConfined(one.GetProperty("spec").GetProperty("template").GetProperty("spec"));
    }

    [Fact]
    public void NoPasswordStandsInAnyFile()
    {
        var topology = Publish("everything");
        var known = TopologySecrets.Wanted(topology).Values.OfType<string>().ToList();
        known.ShouldNotBeEmpty();
        foreach (var file in Directory.EnumerateFiles(_folder))
        {
            var text = File.ReadAllText(file);
            known.Where(password => text.Contains(password[..6], StringComparison.Ordinal)).ShouldBeEmpty(file);
            Password().Matches(text).Where(match => !match.Groups[1].Value.StartsWith('$')).Select(match => match.Value).ShouldBeEmpty(file);
        }
    }

    [Theory]
    [MemberData(nameof(Topologies))]
    public async Task BothServersTakeEveryPodsConfiguration(string name)
    {
        var topology = Publish(name);
        foreach (var cluster in topology.Clusters)
        {
            var pod = new Pod(topology, cluster, 0, _folder);
            var file = pod.Write(address => address);
            foreach (var server in new[] { Peers.OurServer(), Peers.GoServer() })
            {
                await using var check = RunningProcess.Start(server, pod.Variables, "-t", "-c", file);
                (await check.WaitForExitAsync(TimeSpan.FromSeconds(30))).ShouldBe(0, check.Output);
            }
        }
    }

    /// <summary>Pods as processes: each with its rendered file and variables on a loopback address of its own, to which its DNS name is resolved.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PodsFormTheSuperCluster(bool isOurs)
    {
        var server = isOurs ? Peers.OurServer() : Peers.GoServer();
        var topology = Publish("supercluster");
        var pods = topology.Clusters.SelectMany(cluster => Enumerable.Range(0, cluster.Size).Select(index => new Pod(topology, cluster, index, _folder))).ToList();
        var addresses = pods.Select((pod, index) => (pod, index)).ToDictionary(one => one.pod.Dns, one => $"127.{(isOurs ? 78 : 77)}.{Environment.ProcessId % 250}.{one.index + 1}");
        var running = new List<RunningProcess>();
        try
        {
            foreach (var pod in pods)
            {
                var file = pod.Write(text => addresses.Aggregate(text.Replace("0.0.0.0", addresses[pod.Dns]), (all, one) => all.Replace(one.Key, one.Value)));
                var variables = pod.Variables.ToDictionary(one => one.Key, one => addresses.Aggregate(one.Value, (all, address) => all.Replace(address.Key, address.Value)));
                running.Add(RunningProcess.Start(server, variables, "-c", file));
            }
            using var http = new HttpClient();
            foreach (var pod in pods)
            {
                var seen = "";
                await Wait.Until($"{pod.Name} is joined to all", async () => (seen = await JoinedAsync(http, pod, addresses[pod.Dns])).Length == 0, () => $"{seen}\n{string.Join('\n', running.Select(one => one.Output))}", TimeSpan.FromSeconds(20));
            }
        }
        finally
        {
            foreach (var one in running) await one.DisposeAsync();
        }
    }

    [Fact]
    public void UsersWhoseVariablesFallTogetherAreRefused()
    {
        var topology = NatsTopology.Build(TopologyFile.Parse("""{"clusters":[{"name":"a"}],"accounts":[{"name":"X","users":[{"name":"a-b"},{"name":"a_b"}]}]}"""));
        Should.Throw<TopologyException>(() => KubernetesManifests.Write(topology, new KubernetesOptions())).Message.ShouldBe("The passwords of a-b and a_b would be in one variable, NATS_PASSWORD_A_B. Rename one of these users.");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<string> JoinedAsync(HttpClient http, Pod pod, string address)
    {
        try
        {
            using var varz = JsonDocument.Parse(await http.GetStringAsync($"http://{address}:8222/varz"));
            if (varz.RootElement.GetProperty("server_name").GetString() != pod.Name) return "has another name";
            var remotes = varz.RootElement.TryGetProperty("remotes", out var number) ? number.GetInt32() : 0;
            if (remotes != pod.Cluster.Size - 1) return $"sees {remotes} others";
            if (pod.Cluster.IsLeaf) return varz.RootElement.GetProperty("leafnodes").GetInt32() == 1 ? "" : "no hub";
            using var gatewayz = JsonDocument.Parse(await http.GetStringAsync($"http://{address}:8222/gatewayz"));
            return gatewayz.RootElement.GetProperty("outbound_gateways").EnumerateObject().Count() == 1 ? "" : "no gateway";
        }
        catch (HttpRequestException error)
        {
            return error.Message;
        }
    }

    private NatsTopology Publish(string name)
    {
        var topology = NatsTopology.Build(name == "everything" ? TopologyFile.Parse(TopologyFileTests.Everything) : BuiltInTopologies.Find(name, 3, null)!);
        foreach (var (file, text) in KubernetesManifests.Write(topology, new KubernetesOptions())) File.WriteAllText(Path.Combine(_folder, file), text);
        return topology;
    }

    /// <summary>All objects as kubectl's own types have them: a field that they do not know would be lost on the way.</summary>
    private async Task<List<JsonElement>> ObjectsAsync()
    {
        await using var built = RunningProcess.Start(Peers.Kubectl(), "kustomize", _folder);
        (await built.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0, built.Output);
        var objects = new List<JsonElement>();
        var number = 0;
        foreach (var text in built.Output.Split("\n---\n"))
        {
            var file = Path.Combine(_folder, $"one-{number++}.txt");
            await File.WriteAllTextAsync(file, text);
            var typed = await JsonAsync("label", "--local", "-f", file, "checked=typed", "-o", "json");
            var plain = await JsonAsync("annotate", "--local", "-f", file, "checked=plain", "-o", "json");
            Missing(plain, typed, $"{Kind(plain)}/{Name(plain)}").Where(place => !place.EndsWith("annotations", StringComparison.Ordinal)).ShouldBeEmpty();
            objects.Add(plain);
        }
        return objects;
    }

    private static async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        await using var kubectl = RunningProcess.Start(Peers.Kubectl(), arguments);
        (await kubectl.WaitForExitAsync(TimeSpan.FromSeconds(15))).ShouldBe(0, kubectl.Output);
        return JsonDocument.Parse(kubectl.Output).RootElement;
    }

    private static IEnumerable<string> Missing(JsonElement wanted, JsonElement there, string at) => (wanted.ValueKind, there.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => wanted.EnumerateObject().SelectMany(one =>
            there.TryGetProperty(one.Name, out var same) ? Missing(one.Value, same, $"{at}.{one.Name}") : [$"{at}.{one.Name}"]),
        (JsonValueKind.Array, JsonValueKind.Array) => wanted.EnumerateArray().Zip(there.EnumerateArray()).SelectMany((pair, i) => Missing(pair.First, pair.Second, $"{at}[{i}]")),
        var (one, other) => one == other ? [] : [$"{at} is {one}, not {other}"],
    };

    private void NamesAreThere(List<JsonElement> objects)
    {
        var there = objects.Select(one => $"{Kind(one)}/{Name(one)}").ToHashSet();
        var secrets = Key().Matches(File.ReadAllText(Path.Combine(_folder, "create-secrets.sh"))).Select(match => match.Groups[1].Value).ToHashSet();
        foreach (var one in objects)
        {
            Name(one).ShouldMatch("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$");
            foreach (var (path, value) in Strings(one, ""))
            {
                if (path.EndsWith(".configMap.name", StringComparison.Ordinal)) there.ShouldContain($"ConfigMap/{value}");
                else if (path.EndsWith(".serviceName", StringComparison.Ordinal)) there.ShouldContain($"Service/{value}");
                else if (path.EndsWith(".secretKeyRef.name", StringComparison.Ordinal)) value.ShouldBe("nats-passwords");
                else if (path.EndsWith(".secretKeyRef.key", StringComparison.Ordinal)) secrets.ShouldContain(value);
                foreach (Match name in PodName().Matches(value))
                {
                    there.ShouldContain($"Service/{name.Groups[3].Value}");
                    var set = objects.Single(other => Kind(other) == "StatefulSet" && Name(other) == name.Groups[1].Value);
                    int.Parse(name.Groups[2].Value).ShouldBeLessThan(set.GetProperty("spec").GetProperty("replicas").GetInt32());
                    set.GetProperty("spec").GetProperty("serviceName").GetString().ShouldBe(name.Groups[3].Value);
                }
            }
        }
    }

    private static void IsConfined(JsonElement pod)
    {
        pod.GetProperty("securityContext").GetProperty("runAsNonRoot").GetBoolean().ShouldBeTrue();
        var container = pod.GetProperty("containers")[0];
        container.GetProperty("securityContext").GetProperty("readOnlyRootFilesystem").GetBoolean().ShouldBeTrue();
        pod.GetProperty("terminationGracePeriodSeconds").GetInt32().ShouldBeGreaterThan(40);
        var mounted = container.GetProperty("volumeMounts").EnumerateArray().Select(mount => mount.GetProperty("name").GetString()!);
        pod.GetProperty("volumes").EnumerateArray().Select(volume => volume.GetProperty("name").GetString()!).Append("data").ShouldBeSubsetOf(mounted.Append("data"));
    }

    private static IEnumerable<(string Path, string Value)> Strings(JsonElement element, string at) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(one => Strings(one.Value, $"{at}.{one.Name}")),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(one => Strings(one, at)),
        JsonValueKind.String => [(at, element.GetString()!)],
        _ => [],
    };

    private static string Kind(JsonElement one) => one.GetProperty("kind").GetString()!;

    private static string Name(JsonElement one) => one.GetProperty("metadata").GetProperty("name").GetString()!;

    /// <summary>What a pod would find: its configuration, and the variables that Kubernetes makes for it.</summary>
    private sealed class Pod(NatsTopology topology, NatsCluster cluster, int index, string folder)
    {
        private readonly KubernetesManifestFile _file = KubernetesManifestFile.Read(Path.Combine(folder, cluster.Name + ".yaml"));

        public NatsCluster Cluster => cluster;

        public string Name => $"{cluster.Name}-{index}";

        public string Dns => $"{Name}.{cluster.Name}-headless.nats.svc";

        public Dictionary<string, string> Variables
        {
            get
            {
                var passwords = TopologySecrets.Wanted(topology).Keys.ToDictionary(user => user, user => "p0" + TopologySecrets.VariableOf(user).ToLowerInvariant());
                var variables = _file.Secrets.ToDictionary(one => one.Variable, one => passwords[one.User]);
                variables["SERVER_NAME"] = Name;
                foreach (var (name, value) in _file.Values) variables[name] = ExpandedName().Replace(value, match => variables[match.Groups[1].Value]);
                return variables;
            }
        }

        public string Write(Func<string, string> resolve)
        {
            var path = Path.Combine(folder, Name + ".conf");
            Directory.CreateDirectory(Path.Combine(folder, Name));
            File.WriteAllText(path, resolve(_file.Config).Replace("\"/data\"", $"\"{folder}/{Name}\"").Replace("/var/run/nats/", $"{folder}/{Name}/"));
            return path;
        }
    }

    [GeneratedRegex(@"password: ([^ ,}\n]+)")]
    private static partial Regex Password();

    [GeneratedRegex("--from-literal=([^=]+)=")]
    private static partial Regex Key();

    [GeneratedRegex(@"([a-z0-9-]+)-([0-9]+)\.([a-z0-9-]+)\.nats\.svc")]
    private static partial Regex PodName();

    [GeneratedRegex(@"\$\(([A-Z0-9_]+)\)")]
    private static partial Regex ExpandedName();
}
