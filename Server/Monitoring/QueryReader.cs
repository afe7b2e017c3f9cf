using System.Globalization;
using System.Numerics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring;

/// <summary>
/// The parameters of a request, in Go's grammar of numbers and booleans. The first bad one is remembered; its text is
/// upstream's.
/// </summary>
internal sealed class QueryReader
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public QueryReader(QueryString query)
    {
        // Of a repeated parameter the first value counts.
        foreach (var pair in new QueryStringEnumerable(query.Value)) _values.TryAdd(pair.DecodeName().ToString(), pair.DecodeValue().ToString());
    }

    /// <summary>What is wrong; null: nothing so far.</summary>
    public string? Error { get; private set; }

    public string Text(string name) => _values.GetValueOrDefault(name) ?? "";

    public bool Boolean(string name)
    {
        switch (Text(name))
        {
            case "" or "0" or "f" or "F" or "false" or "FALSE" or "False":
                return false;
            case "1" or "t" or "T" or "true" or "TRUE" or "True":
                return true;
            default:
                Fail($"Error decoding boolean for '{name}': strconv.ParseBool: parsing {QuotedText.Quote(Text(name))}: invalid syntax");
                return false;
        }
    }

    public long Integer(string name) => Number<long>(name, "int", "Atoi", NumberStyles.AllowLeadingSign);

    public ulong Unsigned(string name) => Number<ulong>(name, "uint64", "ParseUint", NumberStyles.None);

    public ConnectionState State(string name)
    {
        switch (Text(name).ToLowerInvariant())
        {
            case "" or "open":
                return ConnectionState.Open;
            case "closed":
                return ConnectionState.Closed;
            case "any" or "all":
                return ConnectionState.All;
            default:
                Fail($"Error decoding state for {Text(name)}");
                return ConnectionState.Open;
        }
    }

    /// <summary>subs=detail, or a boolean.</summary>
    public (bool List, bool Detail) Subscriptions() =>
        Text("subs").Equals("detail", StringComparison.OrdinalIgnoreCase) ? (false, true) : (Boolean("subs"), false);

    private T Number<T>(string name, string type, string function, NumberStyles styles)
        where T : struct, IBinaryInteger<T>
    {
        var text = Text(name);
        if (text.Length == 0) return T.Zero;
        if (T.TryParse(text, styles, CultureInfo.InvariantCulture, out var value)) return value;
        var digits = styles == NumberStyles.None ? text : text.TrimStart('+', '-');
        var isNumber = digits.Length > 0 && digits.Length >= text.Length - 1 && digits.All(char.IsAsciiDigit);
        Fail($"Error decoding {type} for '{name}': strconv.{function}: parsing {QuotedText.Quote(text)}: {(isNumber ? "value out of range" : "invalid syntax")}");
        return T.Zero;
    }

    private void Fail(string error) => Error ??= error;
}
