using System.Text.Json;
using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>The conversations of the golden corpus that need one connection and what this build serves.</summary>
public sealed class GoldenTranscriptTests
{
    /// <summary>Those that are not replayed here, and why.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["lame-duck.json"] = "ends by a signal: LameDuckTests",
        ["lame-duck-protocol-0.json"] = "ends by a signal: LameDuckTests",
        ["server-shutdown.json"] = "ends by a signal: ClientConnectionTests",
        ["queue-three-connections.json"] = "three connections: ClientConnectionTests",
        ["queue-groups.json"] = "the member is chosen by lot: ClientConnectionTests",
        ["subject-mapping.json"] = "upstream does not map what arrives in one read with CONNECT; ours does: SubjectMappingTests",
        ["slow-consumer.json"] = "a figure, no conversation: SlowConsumerTests",
        ["hmsg-to-no-header-client.json"] = "the publisher is another connection: ClientConnectionTests",
        ["perm-allow-responses.json"] = "the requestor is another connection: ClientConnectionTests",
        ["max-connections.json"] = "needs two connections before: ClientConnectionTests",
        ["accounts-isolated.json"] = "the publisher is another connection: ClientConnectionTests",
        ["import-requestor-account-b.json"] = "imports are not served yet",
        ["import-responder-account-a.json"] = "exports are not served yet",
        ["account-max-conns.json"] = "its limit comes from a JWT",
        ["user-info-request.json"] = "the system services are not served yet",
        ["sys-account-sub.json"] = "system events are not served yet",
    };

    private static readonly string[] ServedConfigs = ["auth", "noauth", "token", "accounts"];

    public static TheoryData<string, string> Transcripts()
    {
        var data = new TheoryData<string, string>();
        var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(GoldenTranscript.Folder, "index.json"))).RootElement;
        foreach (var entry in index.GetProperty("transcripts").EnumerateArray())
        {
            var file = entry.GetProperty("file").GetString()!;
            if (!entry.TryGetProperty("server_config", out var config) || Elsewhere.ContainsKey(file)) continue;
            if (ServedConfigs.Contains(config.GetString())) data.Add(file, config.GetString()!);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Transcripts))]
    public async Task SaysWhatTheGoServerSays(string file, string config)
    {
        await using var server = await StartAsync(config);
        await GoldenTranscript.Load(file).ReplayAsync(server.ClientEndPoint!);
    }

    internal static Task<NatsServer> StartAsync(string config)
    {
        var text = GoldenTranscript.ServerConfig(config);
        // Exports and imports come with a later milestone; these conversations do not use them.
        var start = text.IndexOf(", exports:", StringComparison.Ordinal);
        if (start >= 0) text = text.Remove(start, text.IndexOf(", mappings:", StringComparison.Ordinal) - start);
        start = text.IndexOf(", imports:", StringComparison.Ordinal);
        if (start >= 0) text = text.Remove(start, text.IndexOf("} }\nsystem_account", StringComparison.Ordinal) - start);
        return TestServer.FromConfigAsync(text);
    }
}
