using System.Text.RegularExpressions;
using NatsAspire.Hosting;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>The Helm chart says what the manifests say: rendered with the same values it is the same.</summary>
public sealed partial class HelmChartTests
{
    private static readonly KubernetesOptions Options = new() { Namespace = "prod", Image = "registry.example/nats:1", ToolsImage = "registry.example/box:2" };

    public static TheoryData<string> Topologies() => [.. BuiltInTopologies.Names, "everything", "braces"];

    [Theory]
    [MemberData(nameof(Topologies))]
    public void RenderedItIsTheManifests(string name)
    {
        var topology = Build(name);
        var chart = HelmChart.Write(topology, Options).ToDictionary(file => file.Path, file => file.Text);
        var plain = KubernetesManifests.Write(topology, Options).ToDictionary(file => file.Name, file => file.Text);
        foreach (var cluster in topology.Clusters) Render(chart[$"templates/{cluster.Name}.yaml"]).ShouldBe(plain[$"{cluster.Name}.yaml"]);
        Render(chart["templates/servicemonitor.yaml"]).ShouldBe("\n" + plain["optional-servicemonitor.yaml"] + "\n");
        chart.ContainsKey("templates/streams.yaml").ShouldBe(plain.ContainsKey("streams.yaml"));
        if (plain.TryGetValue("streams.yaml", out var streams)) Hook().Replace(Render(chart["templates/streams.yaml"]), "").ShouldBe(streams);
        chart["create-secrets.sh"].ShouldBe(plain["create-secrets.sh"]);
        chart["values.yaml"].ShouldContain("image: registry.example/nats:1");
        chart["values.yaml"].ShouldContain("toolsImage: registry.example/box:2");
        chart["Chart.yaml"].ShouldContain("apiVersion: v2");
        chart.Keys.ShouldNotContain("templates/namespace.yaml", "the release has one");
        chart.Values.ShouldAllBe(text => !text.Contains("-slot", StringComparison.Ordinal));
    }

    [Fact]
    public void AnOwnImageOfAClusterStays() =>
        HelmChart.Write(NatsTopology.Build(TopologyFile.Parse("""{"clusters":[{"name":"a","image":"mine:3"}]}""")), Options)
            .Single(file => file.Path == "templates/a.yaml").Text.ShouldContain("image: mine:3");

    private static NatsTopology Build(string name) => NatsTopology.Build(name switch
    {
        "everything" => TopologyFile.Parse(TopologyFileTests.Everything),
        // Helm would read them as its own.
        "braces" => TopologyFile.Parse("""{"clusters":[{"name":"a","servers":1,"jetStream":{}}],"streams":[{"name":"S","in":"a","subjects":["s.{{x}}"]}]}"""),
        _ => BuiltInTopologies.Find(name, 3, null)!,
    });

    /// <summary>As Helm would: of its language the chart uses these words only.</summary>
    private static string Render(string template)
    {
        var seen = new List<string>();
        var rendered = Expression().Replace(template, match =>
        {
            seen.Add(match.Value);
            return match.Value switch
            {
                "{{ .Release.Namespace }}" => Options.Namespace,
                "{{ .Values.image }}" => Options.Image,
                "{{ .Values.toolsImage }}" => Options.ToolsImage,
                "{{ \"{{\" }}" => "{{",
                "{{- if .Values.serviceMonitor.enabled }}" or "{{- end }}" => "",
                var other => throw new InvalidOperationException($"{other} is not in the chart's language."),
            };
        });
        seen.ShouldNotBeEmpty();
        return rendered;
    }

    [GeneratedRegex("\\{\\{ \"\\{\\{\" \\}\\}|\\{\\{.*?\\}\\}")]
    private static partial Regex Expression();

    [GeneratedRegex("  annotations:\n    \"?helm.sh/hook\"?: .*\n    \"?helm.sh/hook-delete-policy\"?: .*\n")]
    private static partial Regex Hook();
}
