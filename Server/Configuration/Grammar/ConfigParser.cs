namespace NatsAspire.Server.Configuration.Grammar;

/// <summary>
/// Builds the tree of values out of the tokens of a file and the files it includes. Keys wait on a stack of
/// their own until their value is complete, and a value that turns out to be none leaves its key there.
/// </summary>
internal sealed partial class ConfigParser
{
    private const int MaxDepth = 1000;
    private const int MaxIncludeDepth = 64;
    private const long MaxBytes = 64 * 1024 * 1024;
    private const long MaxExpandedSize = 5_000_000;
    private readonly ConfigLexer _lexer;
    private readonly string _file;
    private readonly string _directory;
    private readonly ParseBudget _budget;
    private readonly List<Scope> _scopes = [new Scope([], null)];
    private readonly Stack<ConfigToken> _keys = new();

    private ConfigParser(byte[] input, string file, ParseBudget budget)
    {
        _lexer = new ConfigLexer(input);
        _file = file;
        _directory = ConfigPath.DirectoryOf(file);
        _budget = budget;
    }

    private Scope Current => _scopes[^1];

    /// <summary>Reads a file with all it includes.</summary>
    /// <exception cref="ConfigException">It cannot be read or is not a configuration.</exception>
    public static IReadOnlyDictionary<string, ConfigValue> ParseFile(string path) => ParseFile(path, new ParseBudget(MaxBytes));

    /// <summary>Parses a text; its includes are looked for in the working folder.</summary>
    /// <exception cref="ConfigException">It is not a configuration.</exception>
    public static IReadOnlyDictionary<string, ConfigValue> ParseText(byte[] text) =>
        new ConfigParser(text, "", new ParseBudget(MaxBytes)).Parse();

    private static IReadOnlyDictionary<string, ConfigValue> ParseFile(string path, ParseBudget budget)
    {
        var input = ConfigPath.ReadFile(path, budget.RemainingBytes);
        budget.RemainingBytes -= input.Length;
        budget.OpenFiles.Add(path);
        var entries = new ConfigParser(input, path, budget).Parse();
        budget.OpenFiles.Remove(path);
        return entries;
    }

    private OrderedDictionary<string, ConfigValue> Parse()
    {
        var previous = default(ConfigToken);
        var token = _lexer.Next();
        for (; token.Kind != ConfigTokenKind.End; token = _lexer.Next())
        {
            Take(token);
            previous = token;
        }
        // A closing brace at the very end stands for itself: configurations may be wrapped the way JSON is.
        if (previous.Kind == ConfigTokenKind.Key && previous.Text != "}")
        {
            throw new ConfigException($"config is invalid ({_file}:{token.Line}:{token.Column})");
        }
        return _scopes[0].Entries!;
    }

    private void Take(ConfigToken token)
    {
        switch (token.Kind)
        {
            case ConfigTokenKind.Error:
                throw new ConfigException($"Parse error on line {token.Line}: '{token.Text}'");
            case ConfigTokenKind.Key:
                _keys.Push(token);
                break;
            case ConfigTokenKind.MapStart:
                Open(new Scope([], null), token);
                break;
            case ConfigTokenKind.ArrayStart:
                Open(new Scope(null, []), token);
                break;
            case ConfigTokenKind.MapEnd or ConfigTokenKind.ArrayEnd:
                Close(token);
                break;
            case ConfigTokenKind.Variable:
                Add(Resolve(token), token);
                break;
            case ConfigTokenKind.Include:
                Include(token);
                break;
            default:
                if (ReadScalar(token) is { } content) Add(ConfigValue.Scalar(content, PlaceOf(token), _file), token);
                break;
        }
    }

    private void Open(Scope scope, ConfigToken token)
    {
        if (_scopes.Count > MaxDepth) throw new ConfigException($"Parse error on line {token.Line}: 'nested deeper than {MaxDepth} levels'");
        _scopes.Add(scope);
    }

    private void Close(ConfigToken token)
    {
        var closed = Current;
        if (_scopes.Count == 1) throw new ConfigException($"Parse error on line {token.Line}: 'unexpected end of a map'");
        _scopes.RemoveAt(_scopes.Count - 1);
        var place = PlaceOf(token);
        Add(closed.Entries is { } entries ? ConfigValue.Map(entries, place, _file) : ConfigValue.Array(closed.Items!, place, _file), token);
    }

    /// <summary>Values of a map are reported at their key, items of an array where they end.</summary>
    private ConfigToken PlaceOf(ConfigToken token) => Current.Entries is not null && _keys.TryPeek(out var key) ? key : token;

    private void Add(ConfigValue value, ConfigToken token)
    {
        if (value.ExpandedSize > MaxExpandedSize) throw new ConfigException($"Parse error on line {token.Line}: 'too many values'");
        if (Current.Items is { } items)
        {
            items.Add(value);
            return;
        }
        if (!_keys.TryPop(out var key)) throw new ConfigException($"Parse error on line {token.Line}: 'value without a key'");
        Current.Entries![key.Text] = value;
    }

    private void Include(ConfigToken token)
    {
        var path = ConfigPath.Join(_directory, token.Text);
        try
        {
            if (_budget.OpenFiles.Contains(path)) throw new ConfigException($"include cycle through '{path}'");
            if (_budget.OpenFiles.Count >= MaxIncludeDepth) throw new ConfigException($"includes nested deeper than {MaxIncludeDepth} files");
            foreach (var (key, value) in ParseFile(path, _budget)) Current.Entries![key] = value;
        }
        catch (ConfigException failure)
        {
            throw new ConfigException($"error parsing include file '{token.Text}', {failure.Message}");
        }
    }

    /// <summary>A map or an array that is not closed yet.</summary>
    private sealed record Scope(OrderedDictionary<string, ConfigValue>? Entries, List<ConfigValue>? Items);

    /// <summary>What a file shares with the files it includes.</summary>
    private sealed class ParseBudget(long bytes)
    {
        public long RemainingBytes { get; set; } = bytes;

        public HashSet<string> OpenFiles { get; } = [];

        public HashSet<string> OpenVariables { get; } = [];
    }
}
