using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace NatsAspire.Tests.Support;

/// <summary>
/// Reads the text format 0.0.4 of Prometheus and forgives nothing: HELP, TYPE, samples; each family once, each set of
/// labels once, every line ended.
/// </summary>
public static partial class PrometheusText
{
    /// <exception cref="FormatException">What is wrong, with its line.</exception>
    public static IReadOnlyDictionary<string, MetricFamily> Parse(string text)
    {
        if (!text.EndsWith('\n')) throw new FormatException("the last line has no end");
        var families = new Dictionary<string, MetricFamily>();
        MetricFamily? current = null;
        string? help = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } helpMatch)
            {
                if (help is not null) throw new FormatException($"HELP without TYPE before: {line}");
                help = helpMatch.Groups[1].Value;
            }
            else if (TypeLine().Match(line) is { Success: true } typeMatch)
            {
                if (help != typeMatch.Groups[1].Value) throw new FormatException($"TYPE without its HELP: {line}");
                help = null;
                current = new MetricFamily(typeMatch.Groups[1].Value, typeMatch.Groups[2].Value, []);
                if (!families.TryAdd(current.Name, current)) throw new FormatException($"a family twice: {line}");
            }
            else
            {
                if (current is null || help is not null) throw new FormatException($"neither HELP nor TYPE before: {line}");
                AddSample(current, line);
            }
        }
        foreach (var family in families.Values.Where(family => family.Samples.Count == 0)) throw new FormatException($"no samples of {family.Name}");
        return families;
    }

    private static void AddSample(MetricFamily family, string line)
    {
        if (!line.StartsWith(family.Name, StringComparison.Ordinal)) throw new FormatException($"not of {family.Name}: {line}");
        var rest = line.AsSpan(family.Name.Length);
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (rest.StartsWith("{")) ReadLabels(ref rest, labels, line);
        if (!rest.StartsWith(" ")) throw new FormatException($"no blank before the value: {line}");
        if (!Number().IsMatch(rest[1..])) throw new FormatException($"no number: {line}");
        var value = double.Parse(rest[1..], CultureInfo.InvariantCulture);
        if (family.Samples.Any(sample => sample.Labels.SequenceEqual(labels))) throw new FormatException($"the same labels twice: {line}");
        family.Samples.Add(new MetricSample(labels, value));
    }

    private static void ReadLabels(ref ReadOnlySpan<char> rest, SortedDictionary<string, string> labels, string line)
    {
        do
        {
            rest = rest[1..];
            var equals = rest.IndexOf("=\"");
            if (equals < 0 || !LabelName().IsMatch(rest[..equals])) throw new FormatException($"a bad label: {line}");
            var name = rest[..equals].ToString();
            rest = rest[(equals + 2)..];
            if (!labels.TryAdd(name, ReadValue(ref rest, line))) throw new FormatException($"a label twice: {line}");
        }
        while (rest.StartsWith(","));
        if (!rest.StartsWith("}")) throw new FormatException($"labels without end: {line}");
        rest = rest[1..];
    }

    private static string ReadValue(ref ReadOnlySpan<char> rest, string line)
    {
        var value = new StringBuilder();
        while (!rest.IsEmpty && rest[0] != '"')
        {
            if (rest[0] != '\\')
            {
                value.Append(rest[0]);
                rest = rest[1..];
                continue;
            }
            value.Append(rest.Length < 2 ? throw new FormatException($"half an escape: {line}") : rest[1] switch
            {
                'n' => '\n',
                '"' => '"',
                '\\' => '\\',
                _ => throw new FormatException($"an unknown escape: {line}"),
            });
            rest = rest[2..];
        }
        if (rest.IsEmpty) throw new FormatException($"a value without end: {line}");
        rest = rest[1..];
        return value.ToString();
    }

    [GeneratedRegex(@"^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\\\|\\n)+\z")]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)\z")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^[a-zA-Z_][a-zA-Z0-9_]*\z")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"^(NaN|[+-]Inf|[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)\z")]
    private static partial Regex Number();
}

/// <summary>All samples of one name.</summary>
public sealed record MetricFamily(string Name, string Type, List<MetricSample> Samples)
{
    /// <summary>The value of the only sample.</summary>
    public double Value => Samples.Single().Value;
}

/// <summary>One number and its labels.</summary>
public sealed record MetricSample(IReadOnlyDictionary<string, string> Labels, double Value);
