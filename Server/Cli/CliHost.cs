using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Cli;

/// <summary>Carries out what a command line asks for.</summary>
/// <param name="output">Gets help and version.</param>
/// <param name="errors">Gets everything else.</param>
/// <param name="signals">Sends signals.</param>
/// <param name="run">Runs a server until it ends; gives the exit code.</param>
public sealed class CliHost(
    TextWriter output, TextWriter errors, SignalSender signals, Func<ServerOptions, OptionsSource, Task<int>> run)
{
    private const string ProgramName = "nats-server";

    /// <summary>Carries it out.</summary>
    /// <returns>The exit code: 0, or 1 after an error.</returns>
    public async Task<int> ExecuteAsync(CliRequest request)
    {
        try
        {
            switch (request)
            {
                case CliRequest.ShowHelp help:
                    if (help.Error is not null) await errors.WriteAsync($"{help.Error}\n");
                    await output.WriteAsync($"{UsageText.Options}\n");
                    return 0;
                case CliRequest.ShowTlsHelp:
                    await output.WriteAsync(UsageText.Tls);
                    return 0;
                case CliRequest.ShowVersion:
                    await output.WriteAsync($"{ProgramName}: v{Defaults.Version}\n");
                    return 0;
                case CliRequest.TestConfig test:
                    return await TestAsync(test.ConfigFile);
                case CliRequest.SendSignal signal:
                    signals.Send(signal.Command, signal.Process);
                    return 0;
                case CliRequest.Run start:
                    return await RunAsync(start.Source);
                default:
                    return await FailAsync(((CliRequest.Fail)request).Message);
            }
        }
        catch (Exception failure) when (failure is CliException or ConfigException or ConfigurationValueException)
        {
            return await FailAsync(failure.Message);
        }
    }

    private async Task<int> TestAsync(string configFile)
    {
        var result = ConfigLoader.Load(configFile, CommandLine.Checks);
        if (result.HasWarnings) return await FailAsync(result.Warnings);
        await errors.WriteAsync($"{ProgramName}: configuration file {configFile} is valid ({result.Options.ConfigDigest})\n");
        return 0;
    }

    private async Task<int> RunAsync(OptionsSource source)
    {
        var (options, warnings) = source.Load();
        await errors.WriteAsync(warnings);
        OptionsValidator.Validate(options);
        return await run(options, source);
    }

    private async Task<int> FailAsync(string message)
    {
        await errors.WriteAsync($"{ProgramName}: {message}\n");
        return 1;
    }
}
