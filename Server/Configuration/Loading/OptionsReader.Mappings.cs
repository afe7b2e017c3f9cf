using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Subject mappings.</summary>
internal sealed partial class OptionsReader
{
    private List<SubjectMappingOptions> ReadMappings(ConfigValue block)
    {
        var mappings = new List<SubjectMappingOptions>();
        diagnostics.Guard(() =>
        {
            foreach (var (source, value) in block.AsMap())
            {
                if (!SubjectSyntax.IsValid(source)) diagnostics.Error(block, $"Subject {QuotedText.Quote(source)} is not a valid subject");
                else AddMapping(mappings, source, value);
            }
        });
        return mappings;
    }

    private void AddMapping(List<SubjectMappingOptions> mappings, string source, ConfigValue value)
    {
        var destinations = new List<MappingDestinationOptions>();
        var to = "";
        if (value.Is<string>(out var single))
        {
            destinations.Add(new MappingDestinationOptions(single, 100));
            to = $" to {QuotedText.Quote(single)}";
        }
        else if (value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            foreach (var item in items) diagnostics.GuardRefused(() => destinations.Add(ReadDestination(item)));
        }
        else
        {
            var isRead = false;
            diagnostics.GuardRefused(() =>
            {
                destinations.Add(ReadDestination(value));
                isRead = true;
            });
            if (!isRead) return;
        }
        var mapping = new SubjectMappingOptions { Source = source, Destinations = destinations };
        if (validateMapping?.Invoke(mapping) is { } error) diagnostics.Error(value, $"Error adding mapping for {QuotedText.Quote(source)}{to} : {error}");
        else mappings.Add(mapping);
    }

    private static MappingDestinationOptions ReadDestination(ConfigValue block)
    {
        if (!block.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(block, "Expected an entry for the mapping destination");
        }
        var destination = new MappingDestinationOptions("", 0);
        var hasWeight = false;
        foreach (var (key, value) in entries)
        {
            switch (key.ToLowerInvariant())
            {
                case "dest" or "destination":
                    destination = destination with { Subject = value.AsString() };
                    break;
                case "weight":
                    destination = destination with { Weight = ReadWeight(value) };
                    hasWeight = true;
                    break;
                case "cluster":
                    destination = destination with { Cluster = value.AsString() };
                    break;
                default:
                    throw new ConfigRefusedException(value, $"Unknown field {QuotedText.Quote(key)} for mapping destination");
            }
        }
        return hasWeight
            ? destination
            : throw new ConfigRefusedException(block, $"Missing weight for mapping destination {QuotedText.Quote(destination.Subject)}");
    }

    private static int ReadWeight(ConfigValue value)
    {
        if (value.Is<string>(out var text))
        {
            var digits = text.EndsWith('%') ? text[..^1] : text;
            if (!long.TryParse(digits, out var parsed))
            {
                throw new ConfigRefusedException(value, $"Invalid weight {QuotedText.Quote(digits)} for mapping destination");
            }
            return CheckWeight(parsed, value);
        }
        return value.Is<long>(out var weight)
            ? CheckWeight(weight, value)
            : throw new ConfigRefusedException(value, $"Unknown entry type for weight of {value}\n");
    }

    private static int CheckWeight(long weight, ConfigValue value) => weight is >= 0 and <= 100
        ? (int)weight
        : throw new ConfigRefusedException(value, $"Invalid weight {weight} for mapping destination");
}
