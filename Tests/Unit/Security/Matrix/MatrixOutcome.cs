namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>A message as a client should see it, or saw it.</summary>
internal sealed record MatrixDelivery(int Connection, string Sid, string Subject, string? Reply);

/// <summary>One of these gets the message, if any can.</summary>
/// <param name="Candidates">Who may get it.</param>
/// <param name="IsCertain">False: it may go to a member that may not have it, and is lost.</param>
internal sealed record MatrixGroup(List<MatrixDelivery> Candidates, bool IsCertain);

/// <summary>What a publish should lead to.</summary>
internal sealed class MatrixOutcome
{
    public string? Error { get; set; }

    public List<MatrixDelivery> Plain { get; } = [];

    public List<MatrixGroup> Groups { get; } = [];

    /// <summary>Where word that nobody listens goes: any one of these; empty: nowhere.</summary>
    public List<MatrixDelivery> NoResponders { get; } = [];
}

/// <summary>
/// The reply subjects servers make up. The oracle names them by itself; what they are really called is learnt from
/// the first message that shows it.
/// </summary>
internal sealed class MatrixNames
{
    private readonly Dictionary<string, string> _real = [];
    private readonly Dictionary<string, string> _invented = [];

    public static string Invent(int number) => $"_R_.oracle.{number}";

    public string InventedFor(string real) => _invented.GetValueOrDefault(real, real);

    /// <summary>Whether the two may be the same; remembers an invented name's real one.</summary>
    public bool Agree(string? expected, string? actual)
    {
        if (expected is null || actual is null || !expected.StartsWith("_R_.oracle.", StringComparison.Ordinal)) return expected == actual;
        if (_real.TryGetValue(expected, out var known)) return known == actual;
        if (!actual.StartsWith("_R_.", StringComparison.Ordinal) || _invented.ContainsKey(actual)) return false;
        _real[expected] = actual;
        _invented[actual] = expected;
        return true;
    }
}
