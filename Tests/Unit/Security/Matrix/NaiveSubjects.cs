namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Subject rules the slow and obvious way, sharing no code with the server.</summary>
internal static class NaiveSubjects
{
    /// <summary>A subject that is published; wildcards in it are ordinary tokens.</summary>
    public static bool Matches(string subject, string pattern)
    {
        var (tokens, wanted) = (subject.Split('.'), pattern.Split('.'));
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == ">" && i == wanted.Length - 1) return tokens.Length > i;
            if (i >= tokens.Length || (wanted[i] != "*" && wanted[i] != tokens[i])) return false;
        }
        return tokens.Length == wanted.Length;
    }

    /// <summary>Whether everything a pattern stands for is allowed by one rule.</summary>
    public static bool IsWithin(string pattern, string rule)
    {
        var (tokens, wanted) = (pattern.Split('.'), rule.Split('.'));
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == ">") return tokens.Length > i;
            if (i >= tokens.Length || tokens[i] == ">") return false;
            if (wanted[i] != "*" && wanted[i] != tokens[i]) return false;
        }
        return tokens.Length == wanted.Length;
    }

    /// <summary>
    /// What a subject becomes when one pattern stands for another; wildcards of each are numbered: *, $1 ….
    /// </summary>
    /// <returns>Null: the subject is none of the pattern's.</returns>
    public static string? Translate(string subject, string from, string to)
    {
        var plain = string.Join('.', from.Split('.').Select(token => token[0] == '$' ? "*" : token));
        if (!Matches(subject, plain)) return null;
        var tokens = subject.Split('.');
        var wildcards = new Dictionary<string, string>();
        var (fromTokens, number) = (from.Split('.'), 0);
        for (var i = 0; i < fromTokens.Length; i++)
        {
            if (fromTokens[i] == "*") wildcards[$"${++number}"] = tokens[i];
            else if (fromTokens[i][0] == '$') wildcards[fromTokens[i]] = tokens[i];
            else if (fromTokens[i] == ">") wildcards[">"] = string.Join('.', tokens[i..]);
        }
        number = 0;
        return string.Join('.', to.Split('.').Select(token => wildcards.GetValueOrDefault(token == "*" ? $"${++number}" : token, token)));
    }
}
