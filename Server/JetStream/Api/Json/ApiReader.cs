using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>Reads a value over what is known of it so far: what the JSON does not name stays.</summary>
internal delegate T ApiRead<T>(ref ApiReader reader, T value);

/// <summary>
/// Reads requests as upstream's JSON decoder does: names in any case, the last of equal ones wins, null leaves a plain
/// field as it was, unknown names are errors in strict mode, and so are the texts, which clients show. A type error is
/// kept while the rest is read; only the first counts. Nothing throws.
/// </summary>
internal ref partial struct ApiReader
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly bool _strict;
    private readonly List<Frame> _frames = [];
    private int _at;
    private string? _firstError;
    private string? _fatal;

    private ApiReader(ReadOnlySpan<byte> json, bool strict)
    {
        _json = json;
        _strict = strict;
    }

    /// <summary>Reads a request; several JSON values one after another change the same result, none leaves it.</summary>
    /// <param name="json">The payload.</param>
    /// <param name="strict">Whether unknown fields are errors.</param>
    /// <param name="initial">What is not named.</param>
    /// <param name="read">The type's reader.</param>
    /// <param name="result">What was read; only to be used when there is no error.</param>
    /// <returns>Null, or upstream's error text.</returns>
    public static string? ReadRequest<T>(ReadOnlySpan<byte> json, bool strict, T initial, ApiRead<T> read, out T result)
    {
        result = initial;
        var at = 0;
        string? error = null;
        while (error is null && (at = JsonSyntax.SkipBlanks(json, at)) < json.Length)
        {
            var start = at;
            if (JsonSyntax.CheckValue(json, ref at) is { } wrong)
            {
                error = wrong.Length == 0 ? "unexpected EOF" : $"{wrong} at offset {at + 1}";
                break;
            }
            error = ReadValue(json, start, strict: true, read, ref result);
        }
        return error is null || strict ? error : ReadSingle(json, initial, read, out result);
    }

    /// <summary>Reads exactly one JSON value and lets unknown fields pass.</summary>
    /// <returns>Null, or upstream's error text.</returns>
    public static string? ReadSingle<T>(ReadOnlySpan<byte> json, T initial, ApiRead<T> read, out T result)
    {
        result = initial;
        var start = JsonSyntax.SkipBlanks(json, 0);
        var at = start;
        if (JsonSyntax.CheckValue(json, ref at) is { } wrong) return wrong.Length == 0 ? "unexpected end of JSON input" : wrong;
        at = JsonSyntax.SkipBlanks(json, at);
        return at < json.Length
            ? JsonSyntax.Unexpected(json, at, "after top-level value")
            : ReadValue(json, start, strict: false, read, ref result);
    }

    private static string? ReadValue<T>(ReadOnlySpan<byte> json, int start, bool strict, ApiRead<T> read, ref T result)
    {
        var reader = new ApiReader(json, strict) { _at = start };
        result = read(ref reader, result);
        return reader._fatal ?? reader._firstError;
    }

    /// <summary>Goes into an object; false when the value is null or none, which is an error then.</summary>
    /// <param name="name">Upstream's name of the type.</param>
    /// <param name="embedded">Upstream's name of the type that its fields come from; null: its own.</param>
    public bool Enter(string name, string? embedded = null)
    {
        if (_fatal is not null || TakeNull()) return false;
        if (Current != '{')
        {
            WrongType("server." + name);
            return false;
        }
        _at++;
        _frames.Add(new Frame(name, embedded));
        return true;
    }

    /// <summary>Goes to the next field of the object entered last; false behind its end.</summary>
    /// <param name="field">Its name in small letters.</param>
    public bool Next(out string field)
    {
        field = "";
        if (_fatal is not null) return false;
        SkipBlanks();
        if (Current == ',') _at++;
        SkipBlanks();
        if (Current == '}')
        {
            _at++;
            _frames.RemoveAt(_frames.Count - 1);
            return false;
        }
        var written = TakeString();
        field = written.ToLowerInvariant();
        var frame = _frames[^1];
        _frames[^1] = frame with { Field = field, Written = written, InOwn = frame.Embedded is null };
        SkipBlanks();
        _at++;
        SkipBlanks();
        return true;
    }

    /// <summary>The field belongs to the type itself, not to the one that is embedded in it.</summary>
    public readonly void FieldIsOwn() => _frames[^1] = _frames[^1] with { InOwn = true };

    /// <summary>A name that the type does not have.</summary>
    public void Unknown()
    {
        if (_strict) _firstError ??= $"json: unknown field {QuotedText.Quote(_frames[^1].Written)}";
        SkipValue();
    }

    /// <summary>Fails at once, whatever else is wrong.</summary>
    public void Fail(string error) => _fatal ??= error;

    private readonly byte Current => _json[_at];

    private void SkipBlanks() => _at = JsonSyntax.SkipBlanks(_json, _at);

    private void SkipValue() => JsonSyntax.CheckValue(_json, ref _at);

    private bool TakeNull()
    {
        if (Current != 'n') return false;
        _at += "null".Length;
        return true;
    }

    /// <summary>Notes that a value is of another type than upstream's, and goes behind it.</summary>
    private void WrongType(string wanted)
    {
        var found = Current switch
        {
            (byte)'"' => "string",
            (byte)'{' => "object",
            (byte)'[' => "array",
            (byte)'t' or (byte)'f' => "bool",
            _ => "number",
        };
        SkipValue();
        WrongType(found, wanted);
    }

    private void WrongType(string found, string wanted) => _firstError ??= DescribeWrongType(found, wanted);

    private readonly string DescribeWrongType(string found, string wanted) => _frames.Count == 0
        ? $"json: cannot unmarshal {found} into Go value of type {wanted}"
        : $"json: cannot unmarshal {found} into Go struct field {_frames[^1].Name}.{string.Join('.', _frames.Select(frame => frame.Path))} of type {wanted}";

    /// <summary>An object that is being read, and its field.</summary>
    private readonly record struct Frame(string Name, string? Embedded)
    {
        public string Field { get; init; } = "";

        public string Written { get; init; } = "";

        public bool InOwn { get; init; }

        public string Path => InOwn ? Field : $"{Embedded}.{Field}";
    }
}
