namespace NatsAspire.Server.Configuration;

/// <summary>Moving over the text: position, blanks, comments, errors.</summary>
public sealed partial class ConfigParser
{
    private bool AtEnd => _at >= _text.Length;

    private int Column => _at - _lineStart;

    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : End;

    private void Next()
    {
        if (AtEnd) return;
        if (_text[_at++] != '\n') return;
        _line++;
        // Upstream counts columns of later lines from the line end before them.
        _lineStart = _at - 1;
    }

    private void Enter()
    {
        if (++_depth > MaxDepth) throw Error($"Blocks and arrays are nested more than {MaxDepth} deep.");
    }

    private void Leave() => _depth--;

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r' or '\v' or '\f';

    private bool IsSlashComment() => Peek() == '/' && Peek(1) == '/';

    private void SkipBlank()
    {
        while (true)
        {
            if (IsSpace(Peek())) Next();
            else if (Peek() == '#' || IsSlashComment()) SkipComment();
            else return;
        }
    }

    private void SkipComment()
    {
        while (!AtEnd && Peek() is not ('\n' or '\r')) Next();
    }

    private ConfigException Error(string text) => new($"Parse error on line {_line}: '{text}'");

    private ConfigValue At(object value, int line, int column) => new(value, _file, line, column);
}
