using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Keys outside of maps, and include statements.</summary>
internal sealed partial class ConfigLexer
{
    private State ReadKeyStart()
    {
        for (var rune = Peek(); ; rune = Peek())
        {
            if (IsKeySeparator(rune)) return Fail("Unexpected key separator '", rune, "'");
            if (!Rune.IsWhiteSpace(rune))
            {
                return rune.Value is '"' or '\'' ? ReadQuotedKey(State.KeyEnd) : ReadPlainKey(State.KeyEnd);
            }
            Read();
            Skip();
        }
    }

    private State ReadQuotedKey(State next)
    {
        var quote = Read();
        Skip();
        for (var rune = Peek(); rune != quote; rune = Peek())
        {
            if (rune == EndOfInput)
            {
                if (next == State.KeyEnd) return FinishUnlessStarted();
                return Fail($"Unexpected EOF processing {(quote.Value == '"' ? "double quoted" : "quoted")} map key.");
            }
            Read();
        }
        Emit(ConfigTokenKind.Key);
        Read();
        Skip();
        return next;
    }

    private State ReadPlainKey(State next)
    {
        var isInMap = next == State.MapKeyEnd;
        Skip();
        Read();
        for (var rune = Peek(); !IsKeySeparator(rune); rune = Peek())
        {
            if (rune == EndOfInput)
            {
                if (isInMap) return Fail("Unexpected EOF processing map key.");
                break;
            }
            if (Rune.IsWhiteSpace(rune))
            {
                if (!IsIncludeKeyword()) break;
                if (isInMap) _afterValue.Push(State.MapValueEnd);
                return ReadInclude();
            }
            Read();
        }
        Emit(ConfigTokenKind.Key);
        return next;
    }

    private bool IsIncludeKeyword() =>
        Ascii.EqualsIgnoreCase(input.AsSpan(_start, _position - _start), "include"u8);

    private State ReadKeyEnd()
    {
        while (true)
        {
            var rune = Read();
            if (rune == EndOfInput)
            {
                Emit(ConfigTokenKind.End);
                return State.Finished;
            }
            if (IsKeySeparator(rune))
            {
                Skip();
                return State.Value;
            }
            if (!Rune.IsWhiteSpace(rune))
            {
                Unread();
                return State.Value;
            }
            Skip();
        }
    }

    private State ReadInclude()
    {
        Skip();
        var rune = Read();
        while (IsBlank(rune))
        {
            Skip();
            rune = Read();
        }
        switch (rune.Value)
        {
            case '"' or '\'':
                return ReadQuotedInclude(rune);
            case '[':
                return Fail("Expected include value but found start of an array");
            case '{':
                return Fail("Expected include value but found start of a map");
            case '(':
                return Fail("Expected include value but found start of a block");
            case '\\':
                return Fail("Expected include value but found escape sequence");
            case '\n' or '\r':
                return Fail("Expected include value but found new line");
        }
        if (rune.Value == '-' || Rune.IsDigit(rune)) return Fail("Expected include value but found start of a number");
        Unread();
        return ReadPlainInclude();
    }

    private State ReadQuotedInclude(Rune quote)
    {
        Skip();
        for (var rune = Read(); rune != quote; rune = Read())
        {
            if (rune == EndOfInput) return Fail($"Unexpected EOF in {(quote.Value == '"' ? "double quoted" : "quoted")} include");
        }
        return EmitBeforeQuote(ConfigTokenKind.Include);
    }

    private State ReadPlainInclude()
    {
        while (true)
        {
            var rune = Read();
            if (rune.Value == '\'') return EmitBeforeQuote(ConfigTokenKind.Include);
            if (rune.Value is ';' or '}' || IsNewLine(rune) || IsBlank(rune) || rune == EndOfInput)
            {
                Unread();
                Emit(ConfigTokenKind.Include);
                return AfterValue();
            }
        }
    }

    /// <summary>Emits what stands in front of the quote just read, and drops the quote.</summary>
    private State EmitBeforeQuote(ConfigTokenKind kind)
    {
        Unread();
        Emit(kind);
        Read();
        Skip();
        return AfterValue();
    }
}
