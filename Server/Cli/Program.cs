using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Hosting;

namespace NatsAspire.Server.Cli;

/// <summary>Entry point of the <c>nats-server</c> executable.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var port = args.Length > 1 && args[0] == "-p" ? int.Parse(args[1]) : 4222;
        await using var server = await NatsServer.StartAsync(new ServerOptions { Port = port, Host = "127.0.0.1" });
        Console.WriteLine($"listening {server.ClientUrl}");
        await server.Stopped;
        return 0;
    }
}
