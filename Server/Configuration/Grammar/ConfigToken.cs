namespace NatsAspire.Server.Configuration.Grammar;

internal enum ConfigTokenKind
{
    End,
    Key,
    String,
    Boolean,
    Integer,
    Float,
    Date,
    ArrayStart,
    ArrayEnd,
    MapStart,
    MapEnd,
    Variable,
    Include,
    Error,
}

/// <summary>One word of a configuration.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text without quotes, escapes resolved; of an error the message.</param>
/// <param name="Line">Line it ends on, from 1.</param>
/// <param name="Column">Bytes from the line feed before it; on the first line from its first byte.</param>
internal readonly record struct ConfigToken(ConfigTokenKind Kind, string Text, int Line, int Column);
