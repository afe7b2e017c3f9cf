namespace NatsAspire.Server.Cli;

/// <summary>What a command line asks for.</summary>
public abstract record CliRequest
{
    private CliRequest()
    {
    }

    /// <summary>Print the usage and exit with 0, even when a flag was wrong.</summary>
    /// <param name="Error">What was wrong with a flag; null: help was asked for.</param>
    public sealed record ShowHelp(string? Error = null) : CliRequest;

    public sealed record ShowTlsHelp : CliRequest;

    public sealed record ShowVersion : CliRequest;

    /// <summary>Check a configuration and exit.</summary>
    public sealed record TestConfig(string ConfigFile) : CliRequest;

    /// <summary>Send a signal to another server and exit.</summary>
    /// <param name="Command">stop, quit, term, reopen, reload or ldm.</param>
    /// <param name="Process">A process id, the start of some with a star, or empty for the only one.</param>
    public sealed record SendSignal(string Command, string Process) : CliRequest;

    /// <summary>Run a server.</summary>
    public sealed record Run(OptionsSource Source) : CliRequest;

    /// <summary>The command line makes no sense.</summary>
    public sealed record Fail(string Message) : CliRequest;
}
