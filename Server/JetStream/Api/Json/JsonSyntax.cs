using System.Globalization;

namespace NatsAspire.Server.JetStream.Api.Json;

/// <summary>
/// Checks the syntax of a request (RFC 8259) before anything is read from it, so that readers need not care. Errors
/// are worded as upstream's, whose clients show them. Depth is bounded; there is no recursion.
/// </summary>
internal ref struct JsonSyntax
{
    /// <summary>Arrays and objects within each other.</summary>
    public const int MaxDepth = 10_000;

    private readonly ReadOnlySpan<byte> _json;
    private BitStack _isObject;
    private int _at;
    private string? _error;

    private JsonSyntax(ReadOnlySpan<byte> json, int start)
    {
        _json = json;
        _at = start;
    }

    /// <summary>Checks the value that begins at or after a place.</summary>
    /// <param name="json">The whole request.</param>
    /// <param name="start">Where to begin; blanks are skipped. Then: behind the value.</param>
    /// <returns>Null, or what is wrong; empty when the request ends before the value does.</returns>
    public static string? CheckValue(ReadOnlySpan<byte> json, ref int start)
    {
        var syntax = new JsonSyntax(json, start);
        syntax.Value();
        start = syntax._at;
        return syntax._error;
    }

    /// <summary>The first byte from a place on that is no blank; the length when there is none.</summary>
    public static int SkipBlanks(ReadOnlySpan<byte> json, int at)
    {
        var skipped = json[at..].IndexOfAnyExcept(" \t\r\n"u8);
        return skipped < 0 ? json.Length : at + skipped;
    }

    /// <summary>The error of a byte that cannot stand where it does.</summary>
    /// <param name="json">The whole request.</param>
    /// <param name="at">The byte.</param>
    /// <param name="context">What was being read.</param>
    public static string Unexpected(ReadOnlySpan<byte> json, int at, string context) =>
        string.Create(CultureInfo.InvariantCulture, $"invalid character {Quote(json[at])} {context}");

    private void Value()
    {
        var expectsValue = true;
        do
        {
            if (expectsValue)
            {
                if (!Next(out var first)) return;
                switch (first)
                {
                    case (byte)'{' or (byte)'[':
                        if (!Enter(first == '{', out expectsValue)) return;
                        break;
                    default:
                        if (!Scalar(first)) return;
                        expectsValue = false;
                        break;
                }
            }
            else if (!AfterValue(out expectsValue))
            {
                return;
            }
        }
        while (expectsValue || _isObject.Depth > 0);
    }

    /// <summary>Goes into an array or object; an empty one is left again at once.</summary>
    private bool Enter(bool isObject, out bool expectsValue)
    {
        expectsValue = false;
        if (_isObject.Depth == MaxDepth) return Fail(_at, "exceeded max depth");
        _isObject.Push(isObject);
        _at++;
        var closing = isObject ? (byte)'}' : (byte)']';
        if (!Next(out var next)) return false;
        if (next == closing)
        {
            _isObject.Pop();
            _at++;
            return true;
        }
        expectsValue = true;
        return !isObject || Key();
    }

    /// <summary>What follows a value within an array or object: another one, or the end.</summary>
    private bool AfterValue(out bool expectsValue)
    {
        expectsValue = false;
        var isObject = _isObject.Top;
        if (!Next(out var next)) return false;
        if (next == (isObject ? '}' : ']'))
        {
            _isObject.Pop();
            _at++;
            return true;
        }
        if (next != ',') return Fail(_at, isObject ? "after object key:value pair" : "after array element");
        _at++;
        expectsValue = true;
        return !isObject || Key();
    }

    private bool Key()
    {
        if (!Next(out var quote)) return false;
        if (quote != '"') return Fail(_at, "looking for beginning of object key string");
        if (!Text()) return false;
        if (!Next(out var colon)) return false;
        if (colon != ':') return Fail(_at, "after object key");
        _at++;
        return true;
    }

    private bool Scalar(byte first) => first switch
    {
        (byte)'"' => Text(),
        (byte)'t' => Word("true"),
        (byte)'f' => Word("false"),
        (byte)'n' => Word("null"),
        (byte)'-' or (>= (byte)'0' and <= (byte)'9') => Number(),
        _ => Fail(_at, "looking for beginning of value"),
    };

    private bool Text()
    {
        _at++;
        while (_at < _json.Length)
        {
            var value = _json[_at];
            if (value < ' ') return Fail(_at, "in string literal");
            _at++;
            if (value == '"') return true;
            if (value == '\\' && !Escape()) return false;
        }
        return End();
    }

    private bool Escape()
    {
        if (_at == _json.Length) return End();
        if (_json[_at] == 'u')
        {
            for (var digit = 1; digit <= 4; digit++)
            {
                if (_at + digit >= _json.Length) return End();
                if (!char.IsAsciiHexDigit((char)_json[_at + digit])) return Fail(_at + digit, "in \\u hexadecimal character escape");
            }
            _at += 5;
            return true;
        }
        if (!"bfnrt\\/\""u8.Contains(_json[_at])) return Fail(_at, "in string escape code");
        _at++;
        return true;
    }

    private bool Word(string word)
    {
        for (var i = 0; i < word.Length; i++, _at++)
        {
            if (_at == _json.Length) return End();
            if (_json[_at] != word[i]) return Fail(_at, $"in literal {word} (expecting '{word[i]}')");
        }
        return true;
    }

    private bool Number()
    {
        if (_json[_at] == '-')
        {
            _at++;
            if (!Digit("in numeric literal")) return false;
        }
        if (_json[_at] == '0') _at++;
        else Digits();
        if (Takes('.'))
        {
            if (!Digit("after decimal point in numeric literal")) return false;
            Digits();
        }
        if (!Takes('e') && !Takes('E')) return true;
        if (!Takes('+')) Takes('-');
        if (!Digit("in exponent of numeric literal")) return false;
        Digits();
        return true;
    }

    private bool Takes(char wanted)
    {
        if (_at == _json.Length || _json[_at] != wanted) return false;
        _at++;
        return true;
    }

    private readonly bool IsDigit => _at < _json.Length && char.IsAsciiDigit((char)_json[_at]);

    private bool Digit(string context) => _at == _json.Length ? End() : IsDigit || Fail(_at, context);

    private void Digits()
    {
        while (IsDigit) _at++;
    }

    /// <summary>Skips blanks; false at the end of the request, where a value would be missing.</summary>
    private bool Next(out byte next)
    {
        _at = SkipBlanks(_json, _at);
        next = _at < _json.Length ? _json[_at] : (byte)0;
        return _at < _json.Length || End();
    }

    private bool End()
    {
        _at = _json.Length;
        _error = "";
        return false;
    }

    private bool Fail(int at, string context)
    {
        _at = at;
        _error = Unexpected(_json, at, context);
        return false;
    }

    /// <summary>As upstream quotes a byte: like a letter of Latin-1.</summary>
    private static string Quote(byte value) => value switch
    {
        (byte)'\'' => "'\\''",
        (byte)'"' => "'\"'",
        (byte)'\\' => "'\\\\'",
        (byte)'\a' => "'\\a'",
        (byte)'\b' => "'\\b'",
        (byte)'\f' => "'\\f'",
        (byte)'\n' => "'\\n'",
        (byte)'\r' => "'\\r'",
        (byte)'\t' => "'\\t'",
        (byte)'\v' => "'\\v'",
        < 0x20 or 0x7f => $"'\\x{value:x2}'",
        (>= 0x80 and <= 0xa0) or 0xad => $"'\\u{value:x4}'",
        _ => $"'{(char)value}'",
    };

    /// <summary>Which of the open values are objects; on the heap only when they nest deep.</summary>
    private struct BitStack
    {
        private ulong _bits;
        private Stack<ulong>? _more;

        public int Depth { get; private set; }

        public readonly bool Top => (_bits & 1) != 0;

        public void Push(bool isObject)
        {
            if (Depth > 0 && Depth % 64 == 0) (_more ??= new Stack<ulong>()).Push(_bits);
            _bits = (_bits << 1) | (isObject ? 1u : 0u);
            Depth++;
        }

        public void Pop()
        {
            Depth--;
            if (Depth > 0 && Depth % 64 == 0) _bits = _more!.Pop();
            else _bits >>= 1;
        }
    }
}
