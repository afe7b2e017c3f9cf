using NatsAspire.Server.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Clients;

/// <summary>The conversations of the golden corpus: with our server, and with Debian's to see that the comparison is fair.</summary>
public sealed class GoldenTranscriptTests
{
    /// <summary>Those whose other parties are not in the recording: <see cref="GoldenCompanyTests"/> plays them.</summary>
    internal static readonly string[] WithCompany =
    [
        "lame-duck.json", "lame-duck-protocol-0.json", "server-shutdown.json", "queue-groups.json",
        "hmsg-to-no-header-client.json", "perm-allow-responses.json", "max-connections.json",
        "user-info-request.json", "sys-account-sub.json",
    ];

    /// <summary>Those that are not replayed, and why.</summary>
    private static readonly Dictionary<string, string> NotReplayed = new()
    {
        ["queue-three-connections.json"] = "three connections, of which only the total is fixed: ClientConnectionTests",
        ["subject-mapping.json"] = "upstream does not map what arrives in one read with CONNECT; ours does: SubjectMappingTests",
        ["slow-consumer.json"] = "a figure, no conversation: SlowConsumerTests",
        ["import-requestor-account-b.json"] = "one half of two: ImportTests",
        ["import-responder-account-a.json"] = "one half of two: ImportTests",
    };

    /// <summary>Where Debian's 2.9.10 speaks otherwise than 2.14.5, and how.</summary>
    private static readonly Dictionary<string, string> DebianDiffers = new()
    {
        ["connect-headers.json"] = "its 503 does not name the subject",
    };

    private static readonly Dictionary<string, string> NotServed = new()
    {
        ["operator"] = "operator mode is not served yet",
        ["websocket"] = "frames, no lines: GoldenWebSocketTests",
    };

    public static TheoryData<string, string> Transcripts() =>
        [.. Alone().Select(transcript => new TheoryDataRow<string, string>(transcript.File, transcript.Config))];

    public static TheoryData<string, string> DebianTranscripts() =>
        [.. Alone().Where(transcript => !DebianDiffers.ContainsKey(transcript.File)).Select(transcript => new TheoryDataRow<string, string>(transcript.File, transcript.Config))];

    [Theory]
    [MemberData(nameof(Transcripts))]
    public async Task SaysWhatTheGoServerSays(string file, string config)
    {
        await using var server = await StartAsync(config);
        await GoldenTranscript.Load(file).ReplayAsync(server.ClientEndPoint!);
    }

    [Theory]
    [MemberData(nameof(DebianTranscripts))]
    public async Task DebiansServerPassesTheComparison(string file, string config)
    {
        await using var server = await ServerProcess.StartAsync(Peers.GoServer(), GoldenTranscript.ServerConfigOnFreePorts(config));
        await GoldenTranscript.Load(file).ReplayAsync(server.ClientEndPoint, GoldenDialect.Debian29);
    }

    [Fact]
    public void EveryTranscriptIsReplayedOrSaysWhyNot()
    {
        var unexplained = GoldenTranscript.All()
            .Where(transcript => !NotReplayed.ContainsKey(transcript.File) && !WithCompany.Contains(transcript.File) && !NotServed.ContainsKey(transcript.Config))
            .Except(Alone());
        unexplained.ShouldBeEmpty();
        var files = GoldenTranscript.All().Select(transcript => transcript.File).ToArray();
        NotReplayed.Keys.Concat(WithCompany).Concat(DebianDiffers.Keys).Except(files).ShouldBeEmpty("named here, but not recorded");
    }

    internal static Task<NatsServer> StartAsync(string config)
    {
        var text = GoldenTranscript.ServerConfig(config);
        return TestServer.FromConfigAsync(text);
    }

    private static IEnumerable<(string File, string Config)> Alone() => GoldenTranscript.All()
        .Where(transcript => transcript.Config is "auth" or "noauth" or "token" or "accounts" or "nkey")
        .Where(transcript => !NotReplayed.ContainsKey(transcript.File) && !WithCompany.Contains(transcript.File));
}
