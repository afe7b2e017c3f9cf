using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Tests.Unit.Configuration;

[Collection(nameof(WorkingFolder))]
public class GoldenConfigTests
{
    public static TheoryData<string> Files => [.. GoldenConfigurations.Tests.Select(run => run.Arguments[2])];

    [Theory]
    [MemberData(nameof(Files))]
    public void Test_of_a_configuration_says_what_upstream_says(string file)
    {
        var expected = GoldenConfigurations.Tests.Single(run => run.Arguments[2] == file);
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        Test(file).ShouldBe((expected.Result, expected.Errors));
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
