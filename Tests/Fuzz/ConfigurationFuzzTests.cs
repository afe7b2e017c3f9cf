using System.Diagnostics;
using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Unit.Configuration;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Whatever a configuration holds, it is read or refused, soon.</summary>
[Collection(nameof(WorkingFolder))]
public class ConfigurationFuzzTests
{
    private const int Mutations = 6000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly byte[][] Seeds = [.. Directory.EnumerateFiles(GoldenConfigurations.Files, "*.conf").Order().Select(File.ReadAllBytes)];
    private static readonly byte[][] Words = [.. new[]
    {
        "{", "}", "[", "]", "(", ")", "\"", "'", "\\", "\\x4", "#", "//", "\n", "\r\n", ";", ",", "=", ":", "$", "$2a$", "\0", " ", "-1", ".5", "1.",
        "99999999999999999999", "1e", "9eb", "2026-01-01T00:00:00Z", "2026-99-99T99:99:99Z", "include ", "include 'port.conf'", "true", "\ufeff", "ø",
        "users", "permissions", "listen", "tls", "jetstream", "accounts", "mappings", "$A", "\u2028", "\n)\n", "\n)",
    }.Select(Encoding.UTF8.GetBytes), [0xff], [0xe2, 0x82], [0xed, 0xb2, 0x80]];

    [Fact]
    public void Cut_anywhere()
    {
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        foreach (var seed in Seeds.Where(seed => seed.Length < 1500))
        {
            for (var length = 0; length < seed.Length; length++) Check(seed[..length], $"cut at {length}");
        }
    }

    [Fact]
    public void Changed_anyhow()
    {
        using var _ = new WorkingFolder(GoldenConfigurations.Files);
        var start = Environment.TickCount;
        for (var number = 0; number < Mutations; number++)
        {
            var seed = unchecked(start + number);
            Check(Mutate(new Random(seed)), $"seed {seed}");
        }
    }

    [Theory]
    [InlineData("a [", 5000)]
    [InlineData("a {", 100_000)]
    [InlineData("{", 100_000)]
    [InlineData("a (\n", 100_000)]
    [InlineData("\"", 100_001)]
    [InlineData("a { b: $a }\n", 2000)]
    public void Repeated_often(string text, int times) => Check(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times))), text);

    [Fact]
    public void Variables_that_double_each_other_are_refused()
    {
        var text = new StringBuilder("a0: [a, b, c, d]\n");
        for (var level = 1; level <= 60; level++) text.Append($"a{level}: [$a{level - 1}, $a{level - 1}]\n");
        Should.Throw<ConfigException>(() => ConfigLoader.LoadText(text.ToString())).Message.ShouldContain("too many values");
    }

    [Fact]
    public void Include_that_leads_back_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("b.conf", "include 'a.conf'");
        var first = folder.Write("a.conf", "include 'b.conf'");
        Should.Throw<ConfigException>(() => ConfigLoader.Load(first)).Message.ShouldContain("include cycle");
    }

    private static byte[] Mutate(Random random)
    {
        var bytes = Seeds[random.Next(Seeds.Length)].ToList();
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(4))
            {
                case 0:
                    bytes.InsertRange(at, Words[random.Next(Words.Length)]);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(12), bytes.Count - at));
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                default:
                    var other = Seeds[random.Next(Seeds.Length)];
                    var from = random.Next(other.Length + 1);
                    bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(40))]);
                    break;
            }
        }
        return [.. bytes];
    }

    private static void Check(byte[] bytes, string how)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            var options = ConfigLoader.LoadText(ConfigText.Decode(bytes), SubjectMappings.Validate).Options;
            OptionsValidator.FindError(options);
            UnsupportedOptions.Find(options);
        }
        catch (ConfigException refused)
        {
            refused.Message.ShouldNotBeEmpty(how);
        }
        catch (Exception failure)
        {
            Assert.Fail($"{how}: {failure}\n{Convert.ToBase64String(bytes)}");
        }
        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(Patience, how);
    }
}
