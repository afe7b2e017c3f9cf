namespace NatsAspire.Server.Cli;

/// <summary>What a flag takes.</summary>
internal enum FlagKind
{
    Text,
    Number,
    Switch,
}
