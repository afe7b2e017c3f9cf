namespace NatsAspire.Server.Primitives.S2;

/// <summary>What compression may cost. Every reader reads all of them.</summary>
public enum S2Effort
{
    /// <summary>Bytes stay as they are.</summary>
    None,

    /// <summary>The first match that is found.</summary>
    Fast,

    /// <summary>The best of several matches; several times slower.</summary>
    Better,

    /// <summary>The best of many matches; slower again.</summary>
    Best,
}
