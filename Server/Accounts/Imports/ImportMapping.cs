using System.Text;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// Where the subjects of an import stand in the importing account: an exporter's pattern and a local one with as
/// many wildcards, in whatever order (<c>svc.*.*</c> as <c>mine.$2.$1</c>). Immutable.
/// </summary>
public sealed class ImportMapping
{
    private readonly string[] _exporterTokens;

    /// <summary>For each wildcard of the exporter's pattern, the local token that stands for it.</summary>
    private readonly int[] _localTokenOf;

    /// <param name="exporterPattern">The exporter's subject, maybe with wildcards.</param>
    /// <param name="local">The same here: the same wildcards, or $1 … in their place; empty: the same subject.</param>
    /// <exception cref="SubjectTransformException">The two do not fit.</exception>
    public ImportMapping(string exporterPattern, string local)
    {
        if (local.Length == 0) local = exporterPattern;
        ExporterText = exporterPattern;
        IsIdentity = local == exporterPattern;
        _exporterTokens = exporterPattern.Split('.');
        var destination = Tokenize(local);
        var tokens = destination.Split('.');
        var numbers = tokens.Select(WildcardNumber).ToArray();
        LocalText = string.Join('.', tokens.Zip(numbers, (token, number) => number > 0 ? "*" : token));
        LocalPattern = Encoding.UTF8.GetBytes(LocalText);
        ExporterPattern = Encoding.UTF8.GetBytes(exporterPattern);
        var wildcards = _exporterTokens.Count(token => token == "*");
        _localTokenOf = [.. Enumerable.Range(1, wildcards).Select(number => Array.IndexOf(numbers, number))];
        if (IsIdentity || !IsWild) return;
        ToLocal = SubjectTransform.Create(exporterPattern, destination, strict: true);
        ToExporter = SubjectTransform.Create(LocalText, ReverseDestination(numbers));
    }

    /// <summary>The exporter's pattern.</summary>
    public string ExporterText { get; }

    public byte[] ExporterPattern { get; }

    /// <summary>The pattern here, with plain wildcards.</summary>
    public string LocalText { get; }

    public byte[] LocalPattern { get; }

    /// <summary>Subjects are the same on both sides.</summary>
    public bool IsIdentity { get; }

    /// <summary>Null: identity, or a single literal subject.</summary>
    public SubjectTransform? ToLocal { get; }

    /// <summary>Null: identity, or a single literal subject.</summary>
    public SubjectTransform? ToExporter { get; }

    private bool IsWild => _exporterTokens.Any(token => token is "*" or ">");

    /// <summary>
    /// What a local subscription asks of the exporter: the part of its pattern that lies within the import.
    /// </summary>
    /// <returns>Null: the two have nothing in common.</returns>
    public string? OverlapAtExporter(string subscription)
    {
        if (Intersect(subscription, LocalText) is not { } common) return null;
        if (IsIdentity) return common;
        var tokens = common.Split('.');
        var localTokens = LocalText.Split('.');
        var wildcard = 0;
        var result = new List<string>();
        foreach (var token in _exporterTokens)
        {
            if (token == "*") result.Add(tokens[_localTokenOf[wildcard++]]);
            else if (token == ">") result.AddRange(tokens[(localTokens.Length - 1)..]);
            else result.Add(token);
        }
        return string.Join('.', result);
    }

    /// <summary>The subjects that match both patterns, as a pattern; null: none.</summary>
    internal static string? Intersect(string first, string second)
    {
        var (a, b) = (first.Split('.'), second.Split('.'));
        var result = new List<string>();
        for (var i = 0; ; i++)
        {
            if (i == a.Length || i == b.Length) return a.Length == b.Length ? string.Join('.', result) : null;
            if (a[i] == ">") return string.Join('.', result.Concat(b[i..]));
            if (b[i] == ">") return string.Join('.', result.Concat(a[i..]));
            if (a[i] != b[i] && a[i] != "*" && b[i] != "*") return null;
            result.Add(a[i] == "*" ? b[i] : a[i]);
        }
    }

    private string ReverseDestination(int[] numbers)
    {
        var ordinals = numbers.Select((number, at) => number > 0 ? numbers[..at].Count(earlier => earlier > 0) + 1 : 0).ToArray();
        var wildcard = 0;
        return string.Join('.', _exporterTokens.Select(token => token == "*" ? $"${ordinals[_localTokenOf[wildcard++]]}" : token));
    }

    /// <summary>Plain wildcards become $1, $2 … in their order.</summary>
    private static string Tokenize(string subject)
    {
        var wildcard = 0;
        return string.Join('.', subject.Split('.').Select(token => token == "*" ? $"${++wildcard}" : token));
    }

    private static int WildcardNumber(string token)
    {
        var function = TransformFunction.Parse(token);
        return function.Kind == TransformKind.Wildcard && function.Wildcards.Length == 1 ? function.Wildcards[0] : 0;
    }
}
