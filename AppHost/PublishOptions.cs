using System.CommandLine;
using NatsAspire.Hosting;

namespace NatsAspire.AppHost;

/// <summary>What <c>publish</c> is asked for.</summary>
/// <param name="Output">Folder of the manifests.</param>
/// <param name="Namespace">Of Kubernetes.</param>
/// <param name="Image">Container image of the servers.</param>
/// <param name="IsHelm">A chart, not manifests.</param>
internal sealed record PublishOptions(string Output, string Namespace, string Image, bool IsHelm)
{
    private const int LongestLabel = 63;
    private const string DefaultImage = "natsaspire/nats-server:0.1.0";

    public static Command Command(Func<TopologySpec, PublishOptions, Task<int>> publish)
    {
        var topology = new Option<string>("--topology", "-t") { Description = $"{string.Join(", ", BuiltInTopologies.Names)}, or a JSON file.", DefaultValueFactory = _ => "supercluster" };
        var output = new Option<string>("--output", "-o") { Description = "Folder to write to; what an earlier publish wrote there is replaced.", Required = true };
        var space = new Option<string>("--namespace") { Description = "Kubernetes namespace.", DefaultValueFactory = _ => "nats" };
        var image = new Option<string>("--image") { Description = "Container image of the servers.", DefaultValueFactory = _ => DefaultImage };
        var helm = new Option<bool>("--helm") { Description = "Write a Helm chart; without, manifests for kubectl apply -k." };
        var command = new Command("publish", "Writes Kubernetes manifests of a topology, or a Helm chart.") { topology, output, space, image, helm };
        command.SetAction(parsed =>
        {
            var name = parsed.GetValue(topology)!;
            Check(parsed.GetValue(space)!, parsed.GetValue(image)!);
            var spec = BuiltInTopologies.Find(name, 3, null) ?? TopologyFile.Read(name);
            return publish(spec, new PublishOptions(parsed.GetValue(output)!, parsed.GetValue(space)!, parsed.GetValue(image)!, parsed.GetValue(helm)));
        });
        return command;
    }

    private static void Check(string space, string image)
    {
        var isLabel = space.Length is > 0 and <= LongestLabel && space.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-')
            && space[0] != '-' && space[^1] != '-';
        if (!isLabel) throw new TopologyException($"--namespace {space}: Kubernetes takes lower-case letters, digits and dashes between them, {LongestLabel} at most.");
        if (image.Length == 0 || image.Any(char.IsWhiteSpace)) throw new TopologyException("--image is empty or has blanks in it. Name one as registry.example/nats-server:1.0.");
    }
}
