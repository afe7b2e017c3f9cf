using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Configuration;

[Collection(nameof(WorkingFolder))]
public class ConfigCheckTests
{
    private static readonly Case[] Cases = Read();

    public static TheoryData<int, string> Names => [.. Cases.Index().Select(item => (item.Index, item.Item.Name))];

    [Theory]
    [MemberData(nameof(Names))]
    [Upstream("config_check_test.go", "TestConfigCheck")]
    public void Check_names_the_place_of_what_is_wrong(int number, string name)
    {
        var expected = Cases[number];
        expected.Name.ShouldBe(name);
        var folder = Directory.CreateTempSubdirectory("config-check");
        try
        {
            var file = Path.Combine(folder.FullName, "server.conf");
            File.WriteAllText(file, expected.Config);
            using var _ = new WorkingFolder(GoldenConfigurations.Files);
            var message = Check(file);
            if (expected.Expected is null) message.ShouldBeEmpty();
            else message.ShouldContain(expected.Message(file));
            if (expected.Expected is not null) message.ShouldNotBeEmpty();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Check(string file)
    {
        try
        {
            return ConfigLoader.Load(file, SubjectMappings.Validate).Warnings;
        }
        catch (ConfigException failure)
        {
            return failure.Message;
        }
    }

    private static Case[] Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(GoldenConfigurations.Folder, "config-check.json")));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(item => new Case(
            item.GetProperty("name").GetString()!,
            item.GetProperty("config").GetString()!,
            item.GetProperty("error").GetString(),
            item.GetProperty("warning").GetString(),
            item.GetProperty("line").GetInt32(),
            item.GetProperty("column").GetInt32(),
            item.GetProperty("reason").GetString()!))];
    }

    private sealed record Case(string Name, string Config, string? Error, string? Warning, int Line, int Column, string Reason)
    {
        public string? Expected => Error ?? Warning;

        public string Message(string file)
        {
            if (Column > 0) return $"{file}:{Line}:{Column}: {Expected}{(Reason.Length > 0 ? ": " + Reason : "")}";
            return Warning ?? Reason;
        }
    }
}
