namespace NatsAspire.Server.Cli;

/// <summary>Entry point of the <c>nats-server</c> executable.</summary>
public static class Program
{
    public static Task<int> Main(string[] args)
    {
        var request = CommandLine.Parse(args);
        SecretArguments.Hide(args);
        var signals = new SignalSender(UnixProcesses.FindServers, UnixProcesses.Kill);
        return new CliHost(Console.Out, Console.Error, signals, ServerRunner.RunAsync).ExecuteAsync(request);
    }
}
