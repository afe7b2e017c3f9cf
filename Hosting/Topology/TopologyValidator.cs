using System.Text.RegularExpressions;

namespace NatsAspire.Hosting;

/// <summary>What a topology must be, before anything starts. Every message names the place and the remedy.</summary>
internal sealed partial class TopologyValidator
{
    private readonly TopologySpec _spec;
    private readonly List<string> _problems = [];
    private readonly List<ClusterSpec> _all;
    private readonly List<string> _places;

    private TopologyValidator(TopologySpec spec)
    {
        _spec = spec;
        _all = [.. spec.Clusters, .. spec.LeafNodes];
        _places = [.. spec.Clusters.Select((_, i) => $"clusters[{i}]"), .. spec.LeafNodes.Select((_, i) => $"leafNodes[{i}]")];
    }

    /// <exception cref="TopologyException">Something cannot be; the message lists all of it.</exception>
    public static void Check(TopologySpec spec)
    {
        var validator = new TopologyValidator(spec);
        validator.CheckNames();
        if (validator._problems.Count == 0)
        {
            validator.CheckPorts();
            validator.CheckGateways();
            validator.CheckLeafNodes();
            validator.CheckJetStream();
            validator.CheckTls();
            validator.CheckAccounts();
            validator.CheckAssets();
        }
        if (validator._problems.Count > 0) throw new TopologyException($"This topology cannot be:\n{string.Join('\n', validator._problems.Select(problem => "  " + problem))}");
    }

    /// <summary>Names of the clusters that gateways join to this one, itself among them.</summary>
    public static HashSet<string> SuperCluster(ClusterSpec cluster, IReadOnlyList<ClusterSpec> all)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal) { cluster.Name };
        var open = new Queue<string>(reached);
        while (open.TryDequeue(out var name))
        {
            foreach (var other in all)
            {
                if ((other.Name == name ? other.Gateways : other.Gateways.Contains(name) ? [other.Name] : []) is { Count: > 0 } found)
                {
                    foreach (var next in found.Where(reached.Add)) open.Enqueue(next);
                }
            }
        }
        return reached;
    }

    private static int SizeOf(ClusterSpec cluster) => cluster.Servers ?? (cluster.Hub is null ? 3 : 1);

    private ClusterSpec? Find(string name) => _all.Find(cluster => cluster.Name == name);

    private void CheckNames()
    {
        if (_spec.Clusters.Count == 0) Problem("clusters", "there is none. Add at least one: { \"name\": \"west\" }");
        // Aspire's resources and DNS tell names apart without case; servers and clusters are resources both.
        var taken = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < _all.Count; i++)
        {
            var (cluster, place) = (_all[i], _places[i]);
            if (!ClusterNames().IsMatch(cluster.Name))
            {
                Problem($"{place}.name", $"\"{cluster.Name}\" cannot name a cluster: use letters, digits and single dashes, begin with a letter, at most 50 characters");
                continue;
            }
            if (!taken.TryAdd(cluster.Name, place)) Problem($"{place}.name", $"\"{cluster.Name}\" is the name of {taken[cluster.Name]} already. Give each cluster and leaf node its own");
            var size = SizeOf(cluster);
            if (size is < 1 or > NatsTopology.MaxServers)
            {
                Problem($"{place}.servers", $"A cluster has 1 to {NatsTopology.MaxServers} servers, not {size}.");
                continue;
            }
            for (var server = 1; server <= size; server++)
            {
                var name = $"{cluster.Name}-{server}";
                if (!taken.TryAdd(name, $"a server of {place}")) Problem($"{place}.name", $"its server \"{name}\" has the name of {taken[name]}. Rename one of them");
            }
        }
    }

    private void CheckPorts()
    {
        var taken = new Dictionary<int, string>();
        for (var i = 0; i < _all.Count; i++)
        {
            if (_all[i].Port is not { } first) continue;
            var last = first + SizeOf(_all[i]) - 1;
            if (first < 1 || last > 65535)
            {
                Problem($"{_places[i]}.port", $"Ports {first} to {last} are not all between 1 and 65535.");
                continue;
            }
            for (var port = first; port <= last; port++)
            {
                var server = $"{_all[i].Name}-{port - first + 1}";
                if (taken.TryAdd(port, server)) continue;
                Problem($"{_places[i]}.port", $"{server} and {taken[port]} would both listen on {port}. Begin at {taken.Keys.Max() + 1}, or leave the port out");
                break;
            }
        }
    }

    private void CheckGateways()
    {
        for (var i = 0; i < _all.Count; i++)
        {
            var cluster = _all[i];
            for (var j = 0; j < cluster.Gateways.Count; j++)
            {
                var (name, place) = (cluster.Gateways[j], $"{_places[i]}.gateways[{j}]");
                if (cluster.Hub is not null) Problem(place, "a leaf node has no gateways: it reaches other clusters through its hub. Take them out");
                else if (name == cluster.Name) Problem(place, $"\"{name}\" is this cluster itself. Name another one, or take it out");
                else if (Find(name) is not { } other) Problem(place, $"there is no cluster \"{name}\". Known: {Known(_spec.Clusters)}");
                else if (other.Hub is not null) Problem(place, $"\"{name}\" is a leaf node; gateways join clusters. Name its hub \"{other.Hub}\" instead");
                else if (cluster.Gateways.Take(j).Contains(name)) Problem(place, $"\"{name}\" is named twice. Take one out");
            }
        }
    }

    private void CheckLeafNodes()
    {
        for (var i = 0; i < _spec.Clusters.Count; i++)
        {
            if (_spec.Clusters[i].Hub is not null) Problem($"clusters[{i}].hub", "a cluster has no hub. Move it to leafNodes, or take the hub out");
            if (_spec.Clusters[i].Account is not null) Problem($"clusters[{i}].account", "only a leaf node joins an account. Take it out");
        }
        for (var i = 0; i < _spec.LeafNodes.Count; i++)
        {
            var (leaf, place) = (_spec.LeafNodes[i], $"leafNodes[{i}]");
            if (leaf.Hub is not { } hub) Problem($"{place}.hub", $"a leaf node needs the name of its hub. Known: {Known(_all.Where(one => one != leaf))}");
            else if (Find(hub) is null) Problem($"{place}.hub", $"there is no cluster \"{hub}\". Known: {Known(_all.Where(one => one != leaf))}");
            else if (LoopOf(leaf) is { } loop) Problem($"{place}.hub", $"leaf nodes go round in a circle: {loop}. Let one of them have a cluster as its hub");
            CheckAccountName($"{place}.account", leaf.Account);
            if (leaf.Account is null && _spec.Accounts.Count > 0) Problem($"{place}.account", $"there are accounts, so name the one it joins: {string.Join(", ", _spec.Accounts.Select(account => account.Name))}");
        }
    }

    private string? LoopOf(ClusterSpec leaf)
    {
        var way = new List<string> { leaf.Name };
        for (var next = leaf.Hub; next is not null; next = Find(next)?.Hub)
        {
            way.Add(next);
            if (next == leaf.Name) return string.Join(" → ", way);
            if (way.Count > _all.Count) return null;
        }
        return null;
    }

    private void CheckJetStream()
    {
        for (var i = 0; i < _all.Count; i++)
        {
            var (cluster, place) = (_all[i], _places[i]);
            for (var j = 0; j < cluster.Tags.Count; j++)
            {
                if (!Tags().IsMatch(cluster.Tags[j])) Problem($"{place}.tags[{j}]", $"\"{cluster.Tags[j]}\" cannot be a tag: use letters, digits and . _ : - /");
            }
            if (cluster.JetStream is not { } jetStream) continue;
            CheckSize($"{place}.jetStream.maxMemory", jetStream.MaxMemory);
            CheckSize($"{place}.jetStream.maxFile", jetStream.MaxFile);
            if (jetStream.Domain is { } domain && !Tokens().IsMatch(domain)) Problem($"{place}.jetStream.domain", $"\"{domain}\" cannot be a domain: use letters, digits, - and _");
            if (DifferentDomain(cluster) is { } other) Problem($"{place}.jetStream.domain", $"\"{other.Name}\" is joined by gateways and has the domain \"{other.JetStream!.Domain ?? "(none)"}\": one super-cluster is one domain. Make them equal");
            if (HubWithJetStream(cluster) is { } hub && (jetStream.Domain is null || jetStream.Domain == hub.JetStream!.Domain))
            {
                Problem($"{place}.jetStream.domain", $"a leaf node's streams need a domain that is not that of \"{hub.Name}\". Write \"domain\": \"{cluster.Name}\"");
            }
        }
    }

    private ClusterSpec? DifferentDomain(ClusterSpec cluster) =>
        SuperCluster(cluster, _all).Select(Find).FirstOrDefault(other => other?.JetStream is { } theirs && theirs.Domain != cluster.JetStream!.Domain);

    /// <summary>The next on the way to the hub that has JetStream, or whose super-cluster has.</summary>
    private ClusterSpec? HubWithJetStream(ClusterSpec leaf)
    {
        var steps = 0;
        for (var hub = leaf.Hub is { } name ? Find(name) : null; hub is not null && steps++ < _all.Count; hub = hub.Hub is { } next ? Find(next) : null)
        {
            if (SuperCluster(hub, _all).Select(Find).FirstOrDefault(one => one?.JetStream is not null) is { } found) return found;
        }
        return null;
    }

    private void CheckTls()
    {
        for (var i = 0; i < _all.Count; i++)
        {
            if (_all[i].Tls is not { } tls) continue;
            var place = $"{_places[i]}.tls";
            if (tls.CertFile is null != tls.KeyFile is null) Problem(place, "certFile and keyFile go together. Name both");
            if (tls.CertFile is null && tls.Secret is null) Problem(place, "names no certificate. Give certFile and keyFile, for manifests secret");
            if (tls.Verify && tls.CertFile is not null && tls.CaFile is null) Problem($"{place}.caFile", "verify needs it. Name the file with the authorities clients' certificates come from");
            if (tls.Secret is { } secret && !DnsNames().IsMatch(secret)) Problem($"{place}.secret", $"\"{secret}\" cannot name a Kubernetes secret: use small letters, digits and dashes");
            foreach (var (key, file) in new[] { ("certFile", tls.CertFile), ("keyFile", tls.KeyFile), ("caFile", tls.CaFile) })
            {
                if (file is not null && !File.Exists(file)) Problem($"{place}.{key}", $"there is no file {file}. Paths count from the topology's folder");
            }
        }
    }

    private void CheckSize(string place, string? size)
    {
        if (size is not null && ByteSize.Parse(size) is null) Problem(place, $"\"{size}\" is no size. Write it as \"512Mi\" or \"10Gi\"");
    }

    private void CheckAccountName(string place, string? name)
    {
        if (name is not null && !_spec.Accounts.Any(account => account.Name == name))
        {
            Problem(place, $"there is no account \"{name}\". {(_spec.Accounts.Count == 0 ? "Add it to accounts, or take it out" : $"Known: {string.Join(", ", _spec.Accounts.Select(account => account.Name))}")}");
        }
    }

    private void Problem(string place, string text) => _problems.Add($"{place}: {text}{(text.EndsWith('.') ? "" : ".")}");

    private static string Known(IEnumerable<ClusterSpec> clusters) => string.Join(", ", clusters.Select(cluster => cluster.Name).DefaultIfEmpty("none"));

    [GeneratedRegex("^(?=.{1,50}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$")]
    private static partial Regex ClusterNames();

    [GeneratedRegex("^[A-Za-z0-9._:/-]{1,100}$")]
    private static partial Regex Tags();

    [GeneratedRegex("^[A-Za-z0-9_-]{1,100}$")]
    private static partial Regex Tokens();

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$")]
    private static partial Regex DnsNames();
}
