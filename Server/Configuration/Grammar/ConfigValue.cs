using System.Globalization;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>A value of a configuration, with the place it was read from.</summary>
public sealed class ConfigValue
{
    private ConfigValue(object content, ConfigToken at, string file, long size)
    {
        Content = content;
        File = file;
        Line = at.Line;
        Column = at.Column;
        ExpandedSize = size;
    }

    /// <summary>File as it was named, or empty.</summary>
    public string File { get; }

    /// <summary>Line of the key, or of the value in an array. From 1.</summary>
    public int Line { get; }

    /// <summary>Byte offset from the line feed before it, on the first line from its first byte.</summary>
    public int Column { get; }

    /// <summary>Some other value refers to it as a variable, so it needs not to be an option.</summary>
    public bool IsUsedVariable { get; private set; }

    /// <summary>Values in it and below, each variable counted wherever it is used.</summary>
    internal long ExpandedSize { get; }

    /// <summary>string, long, double, bool, DateTimeOffset, a list or a dictionary.</summary>
    internal object Content { get; }

    /// <summary>What errors call its type.</summary>
    public string TypeName => NameOf(Content.GetType());

    internal string Source => $"{File}:{Line}:{Column}";

    internal static ConfigValue Scalar(object content, ConfigToken at, string file) => new(content, at, file, 1);

    internal static ConfigValue Array(IReadOnlyList<ConfigValue> items, ConfigToken at, string file) =>
        new(items, at, file, 1 + items.Sum(item => item.ExpandedSize));

    internal static ConfigValue Map(IReadOnlyDictionary<string, ConfigValue> entries, ConfigToken at, string file) =>
        new(entries, at, file, 1 + entries.Values.Sum(value => value.ExpandedSize));

    /// <summary>The same content found at another place.</summary>
    internal ConfigValue At(ConfigToken place, string file) => new(Content, place, file, ExpandedSize);

    internal ConfigValue MarkUsed()
    {
        IsUsedVariable = true;
        return this;
    }

    /// <exception cref="ConfigTypeException">It is no string.</exception>
    public string AsString() => As<string>();

    /// <exception cref="ConfigTypeException">It is no integer.</exception>
    public long AsInteger() => As<long>();

    /// <exception cref="ConfigTypeException">It is no boolean.</exception>
    public bool AsBoolean() => As<bool>();

    /// <exception cref="ConfigTypeException">It is no array.</exception>
    public IReadOnlyList<ConfigValue> AsArray() => As<IReadOnlyList<ConfigValue>>();

    /// <exception cref="ConfigTypeException">It is no map.</exception>
    public IReadOnlyDictionary<string, ConfigValue> AsMap() => As<IReadOnlyDictionary<string, ConfigValue>>();

    public bool Is<T>(out T value)
    {
        var matches = Content is T;
        value = matches ? (T)Content : default!;
        return matches;
    }

    /// <summary>The value as text, for messages.</summary>
    public override string ToString() => Content switch
    {
        bool flag => flag ? "true" : "false",
        IReadOnlyList<ConfigValue> items => $"[{string.Join(' ', items)}]",
        IReadOnlyDictionary<string, ConfigValue> entries => $"map[{string.Join(' ', entries.Select(entry => $"{entry.Key}:{entry.Value}"))}]",
        _ => Convert.ToString(Content, CultureInfo.InvariantCulture) ?? "",
    };

    private T As<T>() => Content is T value
        ? value
        : throw new ConfigTypeException(this, $"interface conversion: interface {{}} is {TypeName}, not {NameOf(typeof(T))}");

    private static string NameOf(Type type) =>
        type == typeof(string) ? "string"
        : type == typeof(long) ? "int64"
        : type == typeof(double) ? "float64"
        : type == typeof(bool) ? "bool"
        : type == typeof(DateTimeOffset) ? "time.Time"
        : type.IsAssignableTo(typeof(IReadOnlyDictionary<string, ConfigValue>)) ? "map[string]interface {}"
        : "[]interface {}";
}
