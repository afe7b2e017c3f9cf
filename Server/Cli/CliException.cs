namespace NatsAspire.Server.Cli;

/// <summary>A command line that cannot be carried out; printed after the name of the program, exit code 1.</summary>
public sealed class CliException(string message) : Exception(message);
