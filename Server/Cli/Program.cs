using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>Entry point of the <c>nats-server</c> executable.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (CommandLine.Parse(args))
        {
            case CliRequest.Print print:
                await Console.Out.WriteAsync(print.Output);
                await Console.Error.WriteAsync(print.Error);
                return print.ExitCode;
            case CliRequest.Signal signal:
                if (SignalSender.Send(signal.Command, signal.Target) is not { } problem) return 0;
                await Console.Error.WriteLineAsync($"nats-server: {problem}");
                return 1;
            case CliRequest.Run run:
                foreach (var warning in run.Warnings) await Console.Error.WriteLineAsync(warning);
                return await ServerRunner.RunAsync(run.Options);
            default:
                throw new InvalidOperationException("A command line asks for something that nothing handles.");
        }
    }
}
