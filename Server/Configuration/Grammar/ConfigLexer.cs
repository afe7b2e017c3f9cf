using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>
/// Cuts a configuration into tokens. Newlines, quotes and brackets mean different things at the top, in a map,
/// in an array and after a value, so the lexer keeps what follows a value on a stack of states.
/// </summary>
internal sealed partial class ConfigLexer(byte[] input)
{
    private static readonly Rune EndOfInput = new('\0');
    private readonly Queue<ConfigToken> _ready = new();
    private readonly Stack<State> _afterValue = new();
    private readonly List<byte> _unescaped = [];
    private State _state = State.Top;
    private bool _hasEscapes;
    private int _start;
    private int _position;
    private int _width;
    private int _line = 1;
    private int _lineStart;
    private int _tokenLineStart;

    private enum State
    {
        Top,
        TopValueEnd,
        Block,
        BlockValueEnd,
        BlockEnd,
        Key,
        KeyEnd,
        Value,
        ArrayValue,
        ArrayValueEnd,
        MapKey,
        MapKeyEnd,
        MapValue,
        MapValueEnd,
        Finished,
    }

    /// <summary>The next token. After <see cref="ConfigTokenKind.End"/> and <see cref="ConfigTokenKind.Error"/> there is none.</summary>
    public ConfigToken Next()
    {
        while (_ready.Count == 0)
        {
            _state = _state switch
            {
                State.Top => ReadTop(),
                State.TopValueEnd => ReadTopValueEnd(),
                State.Block => ReadBlock(),
                State.BlockValueEnd => ReadBlockValueEnd(),
                State.BlockEnd => ReadBlockEnd(),
                State.Key => ReadKeyStart(),
                State.KeyEnd => ReadKeyEnd(),
                State.Value => ReadValue(),
                State.ArrayValue => ReadArrayValue(),
                State.ArrayValueEnd => ReadArrayValueEnd(),
                State.MapKey => ReadMapKeyStart(),
                State.MapKeyEnd => ReadMapKeyEnd(),
                State.MapValue => ReadMapValue(),
                State.MapValueEnd => ReadMapValueEnd(),
                _ => Finish(),
            };
        }
        return _ready.Dequeue();
    }

    private static bool IsBlank(Rune rune) => rune.Value is '\t' or ' ';

    private static bool IsNewLine(Rune rune) => rune.Value is '\n' or '\r';

    private static bool IsKeySeparator(Rune rune) => rune.Value is '=' or ':';

    private Rune Read()
    {
        if (_position >= input.Length)
        {
            _width = 0;
            return EndOfInput;
        }
        if (input[_position] == '\n')
        {
            _line++;
            _lineStart = _position;
        }
        _width = ConfigText.DecodeRune(input.AsSpan(_position), out var rune);
        _position += _width;
        return rune;
    }

    private void Unread()
    {
        _position -= _width;
        if (_position < input.Length && input[_position] == '\n') _line--;
    }

    private Rune Peek()
    {
        var rune = Read();
        Unread();
        return rune;
    }

    /// <summary>Drops what was read since the last token.</summary>
    private void Skip()
    {
        _start = _position;
        _tokenLineStart = _lineStart;
    }

    private void Emit(ConfigTokenKind kind)
    {
        _unescaped.AddRange(input.AsSpan(_start, _position - _start));
        var column = _position - _tokenLineStart - _unescaped.Count;
        var text = ConfigText.Decode(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_unescaped));
        _ready.Enqueue(new ConfigToken(kind, text, _line, column));
        _unescaped.Clear();
        _hasEscapes = false;
        Skip();
    }

    private State Fail(string message)
    {
        _ready.Enqueue(new ConfigToken(ConfigTokenKind.Error, message, _line, _position - _lineStart));
        return State.Finished;
    }

    private State Fail(string before, Rune rune, string after) => Fail(before + Show(rune) + after);

    private static string Show(Rune rune) => rune.Value == '\n' ? "\\n" : rune.ToString();

    private State Finish()
    {
        Skip();
        Emit(ConfigTokenKind.End);
        return State.Finished;
    }

    /// <summary>The input ended where a new item could start, or within one.</summary>
    private State FinishUnlessStarted() => _position > _start ? Fail("Unexpected EOF.") : Finish();

    private State AfterValue() =>
        _afterValue.TryPop(out var state) ? state : Fail("BUG in lexer: no states to pop.");

    private State Then(State next, State afterValue)
    {
        _afterValue.Push(afterValue);
        return next;
    }

    /// <summary>After a hash or the first slash: skips the comment if it is one.</summary>
    private bool TrySkipComment(Rune first)
    {
        if (first.Value == '/' && Read().Value != '/')
        {
            Unread();
            return false;
        }
        if (first.Value is not ('#' or '/')) return false;
        for (var rune = Peek(); !IsNewLine(rune) && rune != EndOfInput; rune = Peek()) Read();
        Skip();
        return true;
    }
}
