using System.Text;

namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>Top level, and the braces around a whole configuration that JSON has.</summary>
internal sealed partial class ConfigLexer
{
    private State ReadTop()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '{':
                    Skip();
                    return Then(State.Block, State.Top);
                case '#' or '/' when TrySkipComment(rune):
                    continue;
                case '/' or '\0':
                    return FinishUnlessStarted();
            }
            if (!Rune.IsWhiteSpace(rune))
            {
                Unread();
                return Then(State.Key, State.TopValueEnd);
            }
            Skip();
        }
    }

    private State ReadTopValueEnd()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                    return State.Top;
                case '\t' or ' ' or '/':
                    continue;
                case '\n' or '\r' or '\0' or ';' or ',' or '}':
                    Skip();
                    return State.Top;
            }
            return Fail("Expected a top-level value to end with a new line, comment or EOF, but got '", rune, "' instead.");
        }
    }

    private State ReadBlock()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '{':
                    Skip();
                    _afterValue.Push(State.BlockEnd);
                    continue;
                case '}':
                    Skip();
                    return AfterValue();
                case '#' or '/' when TrySkipComment(rune):
                    continue;
                case '/' or '\0':
                    return FinishUnlessStarted();
            }
            if (!Rune.IsWhiteSpace(rune))
            {
                Unread();
                return Then(State.Key, State.BlockValueEnd);
            }
            Skip();
        }
    }

    private State ReadBlockValueEnd()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                case '\t' or ' ' or '/':
                    continue;
                case '\n' or '\r' or ';' or ',':
                    Skip();
                    return State.Block;
                case '}':
                    Unread();
                    return State.BlockEnd;
            }
            return Fail("Expected a block-level value to end with a new line, comment or EOF, but got '", rune, "' instead.");
        }
    }

    private State ReadBlockEnd()
    {
        while (true)
        {
            var rune = Read();
            switch (rune.Value)
            {
                case '#' or '/' when TrySkipComment(rune):
                    return State.Block;
                case '\t' or ' ' or '/' or '\n' or '\r':
                    continue;
                case ';' or ',':
                    Skip();
                    return State.Block;
                case '}':
                    Skip();
                    return AfterValue();
            }
            return Fail("Expected a block-level to end with a '}', but got '", rune, "' instead.");
        }
    }
}
