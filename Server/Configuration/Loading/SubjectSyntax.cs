namespace NatsAspire.Server.Configuration.Loading;

/// <summary>What subjects of a configuration must look like, and how permissions and exports compare them.</summary>
internal static class SubjectSyntax
{
    private const string Blanks = " \t\n\r\f";

    /// <summary>Tokens apart by dots, none empty or with a blank, a full wildcard only at the end.</summary>
    public static bool IsValid(string subject)
    {
        if (subject.AsSpan().IndexOfAny(Blanks) >= 0) return false;
        var tokens = subject.Split('.');
        return tokens.All(token => token.Length > 0) && !tokens.SkipLast(1).Contains(">");
    }

    /// <summary>Valid and without wildcards.</summary>
    public static bool IsValidLiteral(string subject) => IsValid(subject) && !HasWildcard(subject);

    public static bool HasWildcard(string subject) => subject.Split('.').Any(token => token is "*" or ">");

    /// <summary>Whether every subject of <paramref name="subject"/> is one of <paramref name="filter"/>.</summary>
    public static bool IsSubset(string subject, string filter)
    {
        var tokens = subject.Split('.');
        var wanted = filter.Split('.');
        for (var index = 0; index < wanted.Length; index++)
        {
            if (index >= tokens.Length || wanted[index].Length == 0) return false;
            if (wanted[index] == ">") return true;
            if (tokens[index].Length == 0 || tokens[index] == ">") return false;
            if (wanted[index] == "*" || tokens[index] == wanted[index]) continue;
            return false;
        }
        return tokens.Length == wanted.Length;
    }

    /// <summary>Whether some subject is one of both.</summary>
    public static bool Collide(string left, string right)
    {
        var leftTokens = left.Split('.');
        var rightTokens = right.Split('.');
        for (var index = 0; ; index++)
        {
            if (index == leftTokens.Length || index == rightTokens.Length) return leftTokens.Length == rightTokens.Length;
            if (leftTokens[index] == ">" || rightTokens[index] == ">") return true;
            var matches = leftTokens[index] == rightTokens[index] || leftTokens[index] == "*" || rightTokens[index] == "*";
            if (!matches) return false;
        }
    }

    /// <summary>What is wrong with one of a list of permission subjects; null: nothing.</summary>
    /// <param name="subjects">Subjects, or with queues <c>subject queue</c>.</param>
    /// <param name="allowsQueue">A queue may follow a subject.</param>
    public static string? FindError(IEnumerable<string> subjects, bool allowsQueue) =>
        subjects.Select(subject => FindError(subject, allowsQueue)).FirstOrDefault(error => error is not null);

    private static string? FindError(string subject, bool allowsQueue)
    {
        if (IsValid(subject)) return null;
        var parts = subject.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!allowsQueue || parts.Length != 2) return $"subject {QuotedText.Quote(subject)} is not a valid subject";
        if (!IsValid(parts[0])) return $"subject {QuotedText.Quote(parts[0])} is not a valid subject";
        return IsValid(parts[1]) ? null : $"queue {QuotedText.Quote(parts[1])} is not a valid queue";
    }
}
