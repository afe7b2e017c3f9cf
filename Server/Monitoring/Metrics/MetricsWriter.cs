using System.Globalization;
using System.Text;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>
/// Text format 0.0.4 of Prometheus:
/// <code>
/// family = "# HELP " name " " text LF "# TYPE " name " " type LF *sample
/// sample = name [ "{" label *("," label) "}" ] " " number LF
/// label  = name "=" %x22 value %x22          ; \ as \\, " as \", LF as \n
/// </code>
/// All samples of a family stand together, so they are gathered by name first.
/// </summary>
internal sealed class MetricsWriter
{
    private readonly Dictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <summary>Adds a sample.</summary>
    /// <param name="name">[a-zA-Z_:][a-zA-Z0-9_:]*.</param>
    /// <param name="type">gauge, counter or untyped; the first of a family counts.</param>
    /// <param name="help">What it is.</param>
    /// <param name="value">The number.</param>
    /// <param name="labels">Names and values; values may be anything.</param>
    public void Add(string name, string type, string help, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (!_families.TryGetValue(name, out var family)) _families[name] = family = new Family(type, help, new StringBuilder());
        var text = family.Samples.Append(name);
        for (var i = 0; i < labels.Length; i++)
        {
            text.Append(i == 0 ? '{' : ',').Append(labels[i].Name).Append("=\"");
            Escape(text, labels[i].Value, quotes: true);
            text.Append('"');
        }
        if (labels.Length > 0) text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    /// <summary>Everything, in the order of names.</summary>
    public byte[] ToBytes()
    {
        var text = new StringBuilder();
        foreach (var (name, family) in _families.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            text.Append("# HELP ").Append(name).Append(' ');
            Escape(text, family.Help, quotes: false);
            text.Append("\n# TYPE ").Append(name).Append(' ').Append(family.Type).Append('\n').Append(family.Samples);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Escape(StringBuilder text, string value, bool quotes)
    {
        foreach (var letter in value)
        {
            if (letter == '\\') text.Append("\\\\");
            else if (letter == '\n') text.Append("\\n");
            else if (letter == '"' && quotes) text.Append("\\\"");
            else text.Append(letter);
        }
    }

    private static string Number(double value) =>
        double.IsNaN(value) ? "NaN"
        : double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    private sealed record Family(string Type, string Help, StringBuilder Samples);
}
