using NatsAspire.Server.Cli;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Tests.Unit.Configuration;

[Collection(nameof(WorkingFolder))]
public class GoldenStartTests
{
    /// <summary>What these say comes from subsystems that are started, not from the options.</summary>
    private static readonly HashSet<string> FailsLater =
        ["js-on-system-account.conf", "https-no-tls.conf", "http-and-https.conf", "operator-no-resolver.conf", "resolver-url.conf"];

    public static TheoryData<string> Files =>
        [.. GoldenConfigurations.Starts.Select(run => run.Arguments[1]).Where(file => !FailsLater.Contains(file))];

    [Theory]
    [MemberData(nameof(Files))]
    public void Start_with_a_configuration_is_refused_with_upstreams_words(string file)
    {
        var expected = GoldenConfigurations.Starts.Single(run => run.Arguments[1] == file);
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        var request = CommandLine.Parse(expected.Arguments).ShouldBeOfType<CliRequest.Run>();
        var error = OptionsValidator.FindError(request.Source.Load().Options);
        error.ShouldBe(expected.Result == "running" ? null : expected.Errors["nats-server: ".Length..].TrimEnd('\n'));
    }
}
