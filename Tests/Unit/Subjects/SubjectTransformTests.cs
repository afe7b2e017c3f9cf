using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Subjects;

public sealed class SubjectTransformTests
{
    [Fact]
    [Upstream("subject_transform_test.go", "TestSubjectTransforms")]
    [Upstream("subject_transform_test.go", "TestPlaceHolderIndex")]
    [Upstream("sublist_test.go", "TestValidateDestinationSubject")]
    public void TransformsAsTheGoServerDoes()
    {
        foreach (var vector in Golden.Json("vectors", "subject-transforms.json").GetProperty("vectors").EnumerateArray())
        {
            var (source, destination) = (vector.GetProperty("src").GetString()!, vector.GetProperty("dest").GetString()!);
            var name = $"'{source}' -> '{destination}'";
            Try(source, destination, strict: false, out var transform).ShouldBe(vector.GetProperty("error").GetString(), name);
            Try(source, destination, strict: true, out _).ShouldBe(vector.GetProperty("strict_error").GetString(), name + " strict");
            SubjectTransform.ValidateMapping(source, destination).ShouldBe(vector.GetProperty("validate_mapping_error").GetString(), name + " as mapping");
            if (transform is null || !vector.TryGetProperty("results", out var results)) continue;
            foreach (var result in results.EnumerateArray()) Check(transform, result, name);
        }
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a.b.c", "c.b.a")]
    [Upstream("subject_transform_test.go", "TestSubjectTransformDoesntPanicTransformingMissingToken")]
    public void ASubjectThatDoesNotMatchIsLeftAlone(string subject, string _)
    {
        var transform = SubjectTransform.Create("foo.*", "bar.$1")!;
        var output = new ArrayBufferWriter<byte>();
        transform.TryTransform(Encoding.UTF8.GetBytes(subject), output, new Random(1)).ShouldBeFalse();
        output.WrittenCount.ShouldBe(0);
    }

    private static void Check(SubjectTransform transform, JsonElement result, string name)
    {
        var output = new ArrayBufferWriter<byte>();
        var subject = result.GetProperty("subject").GetString()!;
        var matched = transform.TryTransform(Encoding.UTF8.GetBytes(subject), output, new Random(1));
        matched.ShouldBe(result.GetProperty("error").ValueKind == JsonValueKind.Null, $"{name} of '{subject}'");
        if (matched) Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(result.GetProperty("out").GetString(), $"{name} of '{subject}'");
    }

    private static string? Try(string source, string destination, bool strict, out SubjectTransform? transform)
    {
        try
        {
            transform = SubjectTransform.Create(source, destination, strict);
            return null;
        }
        catch (SubjectTransformException error)
        {
            transform = null;
            return error.Message;
        }
    }
}

public sealed class SubjectMappingTests
{
    [Fact]
    public void WeightsShareTheMessages()
    {
        var counts = Distribute([new("a.x", 20), new("b.x", 30)], "");
        counts["a.x"].ShouldBeInRange(1800, 2200);
        counts["b.x"].ShouldBeInRange(2800, 3200);
        counts["src"].ShouldBeInRange(4800, 5200, "what is missing to 100 % stays");
    }

    [Fact]
    public void TheSourceAmongTheDestinationsMeansLoss()
    {
        var counts = Distribute([new("src", 50)], "");
        counts["src"].ShouldBeInRange(4800, 5200);
        counts["(dropped)"].ShouldBeInRange(4800, 5200);
    }

    [Fact]
    public void AClustersOwnDestinationsComeFirst()
    {
        MappingDestinationOptions[] destinations = [new("west.x", 100, "west"), new("else.x", 100)];
        Distribute(destinations, "west").Keys.ShouldBe(["west.x"]);
        Distribute(destinations, "east").Keys.ShouldBe(["else.x"]);
    }

    [Theory]
    [InlineData(101, "individual weights need to be <= 100")]
    [InlineData(60, "total weight needs to be <= 100")]
    public void WeightsAboveTheWholeAreRefused(int weight, string error) =>
        SubjectMappings.Validate(new SubjectMappingOptions { Source = "src", Destinations = [new("a", weight), new("b", weight)] }).ShouldBe(error);

    private static Dictionary<string, int> Distribute(MappingDestinationOptions[] destinations, string cluster)
    {
        var mappings = SubjectMappings.Create([new SubjectMappingOptions { Source = "src", Destinations = destinations }], cluster);
        var random = new Random(7);
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 10_000; i++)
        {
            var output = new ArrayBufferWriter<byte>();
            mappings.TryMap("src"u8, random, output, out var dropped).ShouldBeTrue();
            var name = dropped ? "(dropped)" : Encoding.UTF8.GetString(output.WrittenSpan);
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }
        return counts;
    }
}
