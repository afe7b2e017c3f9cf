namespace NatsAspire.Server.Configuration;

/// <summary>
/// The grammar of nats.conf:
/// <code>
/// file    = { entry }                          braces around the whole file are allowed, as in JSON
/// entry   = key ( "=" | ":" | blank ) value  |  "include" path
/// key     = bare | "quoted" | 'quoted'
/// value   = "[" { value [ "," ] } "]"  |  "{" { entry } "}"  |  "(" LF raw text LF ")"
///         | "text with escapes" | 'text' | number [ size suffix ] | date | boolean | $variable | bare text
/// </code>
/// Entries end with a new line, a comma, a semicolon or the closing brace. Comments begin with # or //.
/// Variables are looked up in the enclosing blocks, then in the environment. Error texts are upstream's.
/// </summary>
public sealed partial class ConfigParser
{
    /// <summary>Blocks and arrays inside each other; beyond, a file is refused.</summary>
    public const int MaxDepth = 256;

    /// <summary>Files including each other.</summary>
    public const int MaxIncludeDepth = 32;

    /// <summary>Bytes of one file.</summary>
    public const long MaxFileSize = 16 * 1024 * 1024;

    private const char End = '\0';
    private readonly string _text;
    private readonly string _file;
    private readonly string _directory;
    private readonly int _includeDepth;
    private readonly Func<string, string?> _environment;
    private readonly HashSet<string> _openReferences;
    private readonly List<ConfigMap> _scopes = [];
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private int _depth;

    private ConfigParser(string text, string file, int includeDepth, Func<string, string?> environment, HashSet<string> openReferences)
    {
        _text = text;
        _file = file;
        _directory = Path.GetDirectoryName(file) ?? "";
        _includeDepth = includeDepth;
        _environment = environment;
        _openReferences = openReferences;
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="environment">Looks variables up that no block defines; null: the process environment.</param>
    /// <exception cref="ConfigException">It cannot be read or does not follow the grammar.</exception>
    public static ConfigMap ParseFile(string path, Func<string, string?>? environment = null) =>
        ParseFile(path, 0, environment ?? Environment.GetEnvironmentVariable);

    /// <summary>Reads a text.</summary>
    public static ConfigMap Parse(string text, string file = "", Func<string, string?>? environment = null) =>
        new ConfigParser(text, file, 0, environment ?? Environment.GetEnvironmentVariable, []).ParseTop();

    private static ConfigMap ParseFile(string path, int includeDepth, Func<string, string?> environment)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true } info && info.Length > MaxFileSize)
            {
                throw new ConfigException($"{path}: larger than {MaxFileSize} bytes");
            }
            // Read as bytes: a mark at the start belongs to the first key, as upstream has it.
            var text = System.Text.Encoding.UTF8.GetString(File.ReadAllBytes(path));
            return new ConfigParser(text, path, includeDepth, environment, []).ParseTop();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigException($"open {path}: no such file or directory");
        }
        catch (UnauthorizedAccessException)
        {
            throw new ConfigException(Directory.Exists(path) ? $"read {path}: is a directory" : $"open {path}: permission denied");
        }
        catch (IOException error)
        {
            throw new ConfigException($"open {path}: {error.Message}");
        }
    }

    private ConfigMap ParseTop()
    {
        var map = new ConfigMap();
        _scopes.Add(map);
        var openBraces = 0;
        while (true)
        {
            SkipBlank();
            var c = Peek();
            if (c == End && AtEnd) return openBraces == 0 ? map : throw Error("Unexpected EOF processing map.");
            if (c == '{')
            {
                Enter();
                openBraces++;
                Next();
                continue;
            }
            if (c == '}')
            {
                if (openBraces-- == 0 && LooksLikeStrayBrace()) return map;
                openBraces = Math.Max(0, openBraces);
                Next();
                continue;
            }
            if (c is ',' or ';')
            {
                Next();
                continue;
            }
            ParseEntry(map, insideBlock: openBraces > 0);
            EndTopValue(openBraces > 0);
        }
    }

    /// <summary>A brace too many at the very end is let pass, since JSON-like files often have it.</summary>
    private bool LooksLikeStrayBrace()
    {
        Next();
        SkipBlank();
        return AtEnd ? true : throw new ConfigException($"config is invalid ({_file}:{_line}:{Column})");
    }

    private void EndTopValue(bool insideBlock)
    {
        while (Peek() is ' ' or '\t') Next();
        if (AtEnd || Peek() is '\n' or '\r' or ';' or ',' or '}' or '#' || IsSlashComment()) return;
        throw insideBlock
            ? Error($"Expected a block-level value to end with a new line, comment or EOF, but got '{Peek()}' instead.")
            : Error($"Expected a top-level value to end with a new line, comment or EOF, but got '{Peek()}' instead.");
    }

    private void ParseEntry(ConfigMap map, bool insideBlock)
    {
        var (key, line, column, quoted) = ParseKey(insideBlock);
        if (!quoted && key.Equals("include", StringComparison.OrdinalIgnoreCase) && Peek() is not ('=' or ':'))
        {
            Include(map);
            return;
        }
        while (IsSpace(Peek())) Next();
        if (Peek() is '=' or ':') Next();
        while (insideBlock ? IsSpace(Peek()) : Peek() is ' ' or '\t') Next();
        if (AtEnd && !insideBlock) throw new ConfigException($"config is invalid ({_file}:{_line}:{Column})");
        if (insideBlock && Peek() == ',') throw Error("Unexpected map value terminator ','.");
        var value = ParseValue();
        map.Set(key, value with { Line = line, Column = column, File = _file });
    }

    private (string Key, int Line, int Column, bool Quoted) ParseKey(bool insideBlock)
    {
        var c = Peek();
        if (c is '=' or ':') throw Error($"Unexpected key separator '{c}'{(insideBlock ? "." : "")}");
        if (insideBlock && c == ']') throw Error("Unexpected array end ']' processing map.");
        if (c is '"' or '\'') return ParseQuotedKey(c, insideBlock);
        var start = _at;
        var column = Column;
        while (!AtEnd && !IsSpace(Peek()) && Peek() is not ('=' or ':')) Next();
        if (AtEnd && insideBlock) throw Error("Unexpected EOF processing map key.");
        return (_text[start.._at], _line, column, false);
    }

    private (string Key, int Line, int Column, bool Quoted) ParseQuotedKey(char quote, bool insideBlock)
    {
        Next();
        var start = _at;
        var column = Column;
        while (Peek() != quote)
        {
            if (AtEnd) throw Error(!insideBlock ? "Unexpected EOF." : quote == '"' ? "Unexpected EOF processing double quoted map key." : "Unexpected EOF processing quoted map key.");
            Next();
        }
        var key = _text[start.._at];
        Next();
        return (key, _line, column, true);
    }

    private ConfigMap ParseMap()
    {
        var map = new ConfigMap();
        _scopes.Add(map);
        while (true)
        {
            SkipBlank();
            if (AtEnd) throw Error("Unexpected EOF processing map.");
            var c = Peek();
            if (c == '}')
            {
                Next();
                _scopes.RemoveAt(_scopes.Count - 1);
                return map;
            }
            ParseEntry(map, insideBlock: true);
            EndMapValue();
        }
    }

    private void EndMapValue()
    {
        while (Peek() is ' ' or '\t') Next();
        if (Peek() is ',' or ';')
        {
            Next();
            return;
        }
        if (AtEnd || Peek() is '\n' or '\r' or '}' or '#' || IsSlashComment()) return;
        throw Error($"Expected a map value terminator \",\" or a map terminator \"}}\", but got '{Peek()}' instead.");
    }

    private List<ConfigValue> ParseArray()
    {
        var items = new List<ConfigValue>();
        while (true)
        {
            SkipBlank();
            if (Peek() == ',') throw Error("Unexpected array value terminator ','.");
            if (Peek() == ']')
            {
                Next();
                return items;
            }
            items.Add(ParseValue());
            while (Peek() is ' ' or '\t') Next();
            if (Peek() == '#' || IsSlashComment()) SkipComment();
            if (Peek() == ']') continue;
            if (Peek() is not (',' or '\n' or '\r'))
            {
                throw Error($"Expected an array value terminator \",\" or an array terminator \"]\", but got '{Peek()}' instead.");
            }
            Next();
        }
    }
}
