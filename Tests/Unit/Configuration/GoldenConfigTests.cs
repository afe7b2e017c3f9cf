using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Unit.Configuration;

[Collection(nameof(WorkingFolder))]
public class GoldenConfigTests
{
    /// <summary>
    /// Upstream walks maps in random order, so which of two entries that exclude each other it names is chance.
    /// Here it is always the later one in the file.
    /// </summary>
    private static readonly Dictionary<string, string> LaterEntryIsNamed = new()
    {
        ["accounts-duplicate-user.conf"] = "accounts-duplicate-user.conf:1:54: Duplicate user \"a\" detected",
        ["accounts-export-both.conf"] = "accounts-export-both.conf:1:38: Detected stream \"b\" but already saw a service",
    };

    public static TheoryData<string> Files => [.. GoldenConfigurations.Tests.Select(run => run.Arguments[2])];

    [Theory]
    [MemberData(nameof(Files))]
    public void Test_of_a_configuration_says_what_upstream_says(string file)
    {
        var expected = GoldenConfigurations.Tests.Single(run => run.Arguments[2] == file);
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        var errors = LaterEntryIsNamed.TryGetValue(file, out var named) ? $"nats-server: {named}\n\n" : expected.Errors;
        Test(file).ShouldBe((expected.Result, errors));
    }

    private static (string ExitCode, string Errors) Test(string file)
    {
        try
        {
            var result = ConfigLoader.Load(file, SubjectMappings.Validate);
            return result.HasWarnings
                ? ("1", $"nats-server: {result.Warnings}\n")
                : ("0", $"nats-server: configuration file {file} is valid ({result.Options.ConfigDigest})\n");
        }
        catch (ConfigException failure)
        {
            return ("1", $"nats-server: {failure.Message}\n");
        }
    }
}
