using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using NatsAspire.Server.Configuration.Loading;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>Values of fields. Each takes what the field holds and returns what it holds then.</summary>
internal ref partial struct ApiReader
{
    private const char Replacement = '\uFFFD';

    public bool Bool(bool value)
    {
        if (IsPassed()) return value;
        if (Current is not ((byte)'t' or (byte)'f'))
        {
            WrongType("bool");
            return value;
        }
        var result = Current == 't';
        _at += result ? "true".Length : "false".Length;
        return result;
    }

    public string String(string value)
    {
        if (IsPassed()) return value;
        if (Current == '"') return TakeString();
        WrongType("string");
        return value;
    }

    /// <summary>A text that is left out of the JSON when it is empty.</summary>
    public string? Text(string? value) => String(value ?? "") is { Length: > 0 } text ? text : null;

    /// <summary>A signed number of 64 bits; <paramref name="type"/> is upstream's name of it.</summary>
    public long Long(long value, string type = "int64") => Number(type, out var token) && long.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        ? number
        : OutOfRange(value, token, type);

    /// <summary>A time span in nanoseconds.</summary>
    public long Nanoseconds(long value) => Long(value, "time.Duration");

    /// <summary>A number that upstream keeps in 32 bits.</summary>
    public int Int32(int value) => Number("int32", out var token) && int.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        ? number
        : OutOfRange(value, token, "int32");

    public ulong ULong(ulong value) => Number("uint64", out var token) && ulong.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : OutOfRange(value, token, "uint64");

    /// <summary>A name of a few; others fail at once.</summary>
    /// <param name="value">What the field holds.</param>
    /// <param name="known">What a token of JSON means, quotes and all; false: nothing.</param>
    /// <param name="refusal">Upstream's error for a token that means nothing; null: what it says of most.</param>
    public T Name<T>(T value, TryName<T> known, Func<string, string>? refusal = null)
    {
        if (_fatal is not null) return value;
        var start = _at;
        SkipValue();
        var token = Encoding.UTF8.GetString(_json[start.._at]);
        if (known(token, out var result)) return result;
        Fail(refusal?.Invoke(token) ?? $"can not unmarshal {QuotedText.Quote(token)}");
        return value;
    }

    /// <summary>A text that decides; type errors end the reading, null is an empty one.</summary>
    public string Word()
    {
        if (_fatal is not null || TakeNull()) return "";
        if (Current == '"') return TakeString();
        var before = _firstError;
        _firstError = null;
        WrongType("string");
        Fail(_firstError!);
        _firstError = before;
        return "";
    }

    /// <summary>A time; null: none.</summary>
    public ApiTime? Time()
    {
        if (IsPassed()) return null;
        if (Current != '"')
        {
            SkipValue();
            Fail("Time.UnmarshalJSON: input is not a JSON string");
            return null;
        }
        if (ApiTime.Parse(TakeString(), out var time) is not { } error) return time;
        Fail(error);
        return null;
    }

    /// <summary>Texts; empty for null as well.</summary>
    public ValueList<string> Strings(ValueList<string> value) =>
        List(value, "[]string", "", static (ref ApiReader reader, string element) => reader.String(element));

    /// <summary>A list; null is an empty one.</summary>
    /// <param name="value">What the field holds, kept when the value is no list.</param>
    /// <param name="type">Upstream's name of the list's type.</param>
    /// <param name="empty">What an element is before it is read.</param>
    /// <param name="read">Reads an element.</param>
    public ValueList<T> List<T>(ValueList<T> value, string type, T empty, ApiRead<T> read)
    {
        if (_fatal is not null) return value;
        if (TakeNull()) return [];
        if (Current != '[')
        {
            WrongType(type);
            return value;
        }
        _at++;
        var elements = ImmutableArray.CreateBuilder<T>();
        while (_fatal is null)
        {
            SkipBlanks();
            if (Current == ',') _at++;
            SkipBlanks();
            if (Current == ']') break;
            elements.Add(read(ref this, empty));
        }
        _at++;
        return new ValueList<T>(elements.DrainToImmutable());
    }

    /// <summary>Texts by name; null: none.</summary>
    public AssetMetadata Metadata(AssetMetadata value)
    {
        if (_fatal is null && TakeNull()) return default;
        if (!EnterMap("map[string]string")) return value;
        var entries = new Dictionary<string, string>(value, StringComparer.Ordinal);
        while (NextKey(out var key)) entries[key] = String("");
        return AssetMetadata.Create(entries);
    }

    /// <summary>Sequences.</summary>
    public ValueList<ulong> Numbers(ValueList<ulong> value) =>
        List(value, "[]uint64", 0UL, static (ref ApiReader reader, ulong element) => reader.ULong(element));

    /// <summary>Numbers by name; null when there are none to be read.</summary>
    public IReadOnlyDictionary<string, ulong>? Counts()
    {
        if (!EnterMap("map[string]uint64")) return null;
        var counts = new Dictionary<string, ulong>(StringComparer.Ordinal);
        while (NextKey(out var key)) counts[key] = ULong(0);
        return counts;
    }

    /// <summary>An object that may be missing; null takes it away.</summary>
    public T? Object<T>(T? value, T empty, ApiRead<T> read) where T : class
    {
        if (_fatal is not null) return value;
        if (TakeNull()) return null;
        if (Current == '{') return read(ref this, value ?? empty);
        read(ref this, empty);
        return value;
    }

    private bool EnterMap(string type)
    {
        if (IsPassed()) return false;
        if (Current != '{')
        {
            WrongType(type);
            return false;
        }
        _at++;
        return true;
    }

    /// <summary>Goes to the next entry of a map; false behind its end.</summary>
    private bool NextKey(out string key)
    {
        key = "";
        SkipBlanks();
        if (Current == ',') _at++;
        SkipBlanks();
        if (Current == '}')
        {
            _at++;
            return false;
        }
        key = TakeString();
        SkipBlanks();
        _at++;
        SkipBlanks();
        return true;
    }

    private bool IsPassed() => _fatal is not null || TakeNull();

    /// <summary>Takes the digits of a number; false: there is none, which has been seen to.</summary>
    private bool Number(string type, out ReadOnlySpan<byte> token)
    {
        token = default;
        if (IsPassed()) return false;
        if (Current is not ((byte)'-' or (>= (byte)'0' and <= (byte)'9')))
        {
            WrongType(type);
            return false;
        }
        var start = _at;
        SkipValue();
        token = _json[start.._at];
        return true;
    }

    private T OutOfRange<T>(T value, ReadOnlySpan<byte> token, string type)
    {
        if (!token.IsEmpty) WrongType($"number {Encoding.ASCII.GetString(token)}", type);
        return value;
    }

    /// <summary>Takes a string at whose quote the reader stands. What is no text becomes U+FFFD.</summary>
    private string TakeString()
    {
        var start = ++_at;
        var end = start;
        var escaped = false;
        for (; _json[end] != '"'; end++)
        {
            if (_json[end] != '\\') continue;
            escaped = true;
            end++;
        }
        _at = end + 1;
        return escaped ? Unescape(_json[start..end]) : Encoding.UTF8.GetString(_json[start..end]);
    }

    private static string Unescape(ReadOnlySpan<byte> json)
    {
        var text = new StringBuilder(json.Length);
        while (json.IndexOf((byte)'\\') is var escape and >= 0)
        {
            text.Append(Encoding.UTF8.GetString(json[..escape]));
            var letter = (char)json[escape + 1];
            json = json[(escape + 2)..];
            if (letter != 'u')
            {
                text.Append(letter switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => letter });
                continue;
            }
            var unit = Unit(json);
            json = json[4..];
            if (char.IsHighSurrogate(unit) && json.StartsWith("\\u"u8) && Unit(json[2..]) is var low && char.IsLowSurrogate(low))
            {
                text.Append(unit).Append(low);
                json = json[6..];
            }
            else
            {
                text.Append(char.IsSurrogate(unit) ? Replacement : unit);
            }
        }
        return text.Append(Encoding.UTF8.GetString(json)).ToString();
    }

    private static char Unit(ReadOnlySpan<byte> digits) =>
        (char)ushort.Parse(digits[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}

/// <summary>Finds what a token of JSON means.</summary>
internal delegate bool TryName<T>(string token, out T value);
