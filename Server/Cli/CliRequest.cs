using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>What a command line asks for.</summary>
public abstract record CliRequest
{
    private CliRequest()
    {
    }

    /// <summary>Print and exit.</summary>
    /// <param name="Output">For standard output.</param>
    /// <param name="Error">For standard error.</param>
    /// <param name="ExitCode">0 or 1.</param>
    public sealed record Print(string Output, string Error = "", int ExitCode = 0) : CliRequest;

    /// <summary>Send a signal to another server.</summary>
    /// <param name="Command">stop, quit, term, reopen, reload or ldm.</param>
    /// <param name="Target">Process id (with * behind: the beginning of one), or path of a pid file; empty: the one running.</param>
    public sealed record Signal(string Command, string Target) : CliRequest;

    /// <summary>Run a server.</summary>
    /// <param name="Options">How.</param>
    /// <param name="Warnings">To be shown first.</param>
    public sealed record Run(ServerOptions Options, IReadOnlyList<string> Warnings) : CliRequest;
}
