using System.Text.Json;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>What a cluster's manifests say of a pod's files and variables, read from the YAML as it is written.</summary>
internal sealed partial record KubernetesManifestFile(string Config, IReadOnlyList<(string Variable, string User)> Secrets, IReadOnlyList<(string Name, string Value)> Values)
{
    public static KubernetesManifestFile Read(string path)
    {
        var text = File.ReadAllText(path);
        var block = text[(text.IndexOf("nats.conf: |\n", StringComparison.Ordinal) + "nats.conf: |\n".Length)..];
        var config = string.Join('\n', block.Split('\n').TakeWhile(line => line.Length == 0 || line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Length == 0 ? line : line[4..])) + "\n";
        return new KubernetesManifestFile(
            config,
            [.. Secret().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value))],
            [.. Value().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value.StartsWith('"') ? JsonSerializer.Deserialize<string>(match.Groups[2].Value)! : match.Groups[2].Value))]);
    }

    [GeneratedRegex(@"- name: (NATS_PASSWORD_[A-Z0-9_]+)\n +valueFrom:\n +secretKeyRef:\n +name: nats-passwords\n +key: (\S+)\n")]
    private static partial Regex Secret();

    [GeneratedRegex(@"- name: ([A-Za-z_0-9]+)\n +value: (.+)\n")]
    private static partial Regex Value();
}
