namespace NatsAspire.Server.Configuration;

/// <summary>A value of a configuration file and where it stands (the place of its key, if it has one).</summary>
/// <param name="Value">string, long, double, bool, DateTimeOffset, <see cref="ConfigMap"/> or a list of values.</param>
/// <param name="File">File as it was named.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 0, as upstream counts.</param>
public sealed record ConfigValue(object Value, string File, int Line, int Column)
{
    /// <summary>A variable is a key that another value refers to; it need not be an option.</summary>
    public bool IsUsedVariable { get; set; }

    public string Place => $"{File}:{Line}:{Column}";
}

/// <summary>Keys and values in the order written; a key written twice has its last value.</summary>
public sealed class ConfigMap
{
    private readonly Dictionary<string, ConfigValue> _values = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, ConfigValue>> Entries => _values;

    public int Count => _values.Count;

    public void Set(string key, ConfigValue value) => _values[key] = value;

    public ConfigValue? Find(string key) => _values.GetValueOrDefault(key);
}
