using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Server.Cli;

/// <summary>Runs a server until it is told to stop.</summary>
public static class ServerRunner
{
    /// <param name="options">What the server is to do.</param>
    /// <param name="source">Where the options came from, to read them again at a reload.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(ServerOptions options, OptionsSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        await using var server = await NatsServer.StartAsync(options);
        await server.Stopped;
        return 0;
    }
}
