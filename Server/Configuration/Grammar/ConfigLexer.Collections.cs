using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Arrays and maps.</summary>
internal sealed partial class ConfigLexer
{
    private State ReadArrayValue()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                    continue;
                case '/' or ',':
                    return Fail("Unexpected array value terminator ','.");
                case ']':
                    return EndCollection(ConfigTokenKind.ArrayEnd);
            }
            if (!Rune.IsWhiteSpace(rune))
            {
                Unread();
                return Then(State.Value, State.ArrayValueEnd);
            }
            Skip();
        }
    }

    private State ReadArrayValueEnd()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                    continue;
                case '\t' or ' ':
                    Skip();
                    continue;
                case ',' or '/' or '\n' or '\r':
                    Skip();
                    return State.ArrayValue;
                case ']':
                    return EndCollection(ConfigTokenKind.ArrayEnd);
            }
            return Fail("Expected an array value terminator \",\" or an array terminator \"]\", but got '", rune, "' instead.");
        }
    }

    private State ReadMapKeyStart()
    {
        while (true)
        {
            var rune = Peek();
            switch (rune.Value)
            {
                case '=' or ':':
                    return Fail("Unexpected key separator '", rune, "'.");
                case ']':
                    return Fail("Unexpected array end '", rune, "' processing map.");
                case '}':
                    Read();
                    return EndCollection(ConfigTokenKind.MapEnd);
                case '#' or '/':
                    Read();
                    if (TrySkipComment(rune)) continue;
                    return ReadPlainKey(State.MapKeyEnd);
                case '"' or '\'':
                    return ReadQuotedKey(State.MapKeyEnd);
                case '\0':
                    return Fail("Unexpected EOF processing map.");
            }
            if (!Rune.IsWhiteSpace(rune)) return ReadPlainKey(State.MapKeyEnd);
            Read();
            Skip();
        }
    }

    private State ReadMapKeyEnd()
    {
        while (true)
        {
            var rune = Read();
            if (!Rune.IsWhiteSpace(rune))
            {
                if (IsKeySeparator(rune)) Skip();
                else Unread();
                return State.MapValue;
            }
            Skip();
        }
    }

    private State ReadMapValue()
    {
        while (true)
        {
            var rune = Read();
            if (rune.Value == ',') return Fail("Unexpected map value terminator \",\".");
            if (rune.Value == '}') return EndCollection(ConfigTokenKind.MapEnd);
            if (!Rune.IsWhiteSpace(rune))
            {
                Unread();
                return Then(State.Value, State.MapValueEnd);
            }
            Skip();
        }
    }

    private State ReadMapValueEnd()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                    continue;
                case '\t' or ' ':
                    Skip();
                    continue;
                case ',' or ';' or '/' or '\n' or '\r':
                    Skip();
                    return State.MapKey;
                case '}':
                    return EndCollection(ConfigTokenKind.MapEnd);
            }
            return Fail("Expected a map value terminator \",\" or a map terminator \"}\", but got '", rune, "' instead.");
        }
    }

    private State EndCollection(ConfigTokenKind kind)
    {
        Skip();
        Emit(kind);
        return AfterValue();
    }
}
