namespace NatsAspire.Hosting;

/// <summary>Rules of subjects, as far as a topology needs them.</summary>
internal static class SubjectText
{
    public static bool IsValid(string subject)
    {
        if (subject.Length is 0 or > 256 || subject.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter))) return false;
        var tokens = subject.Split('.');
        return tokens.All(token => token.Length > 0) && Array.IndexOf(tokens, ">") is var end && (end < 0 || end == tokens.Length - 1);
    }

    /// <summary>Whether one message could match both.</summary>
    public static bool Overlap(string left, string right)
    {
        var (mine, theirs) = (left.Split('.'), right.Split('.'));
        for (var i = 0; ; i++)
        {
            if (i == mine.Length || i == theirs.Length) return mine.Length == theirs.Length;
            if (mine[i] == ">" || theirs[i] == ">") return true;
            if (mine[i] != theirs[i] && mine[i] != "*" && theirs[i] != "*") return false;
        }
    }
}
