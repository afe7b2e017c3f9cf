namespace NatsAspire.Server.Cli;

/// <summary>Entry point of the <c>nats-server</c> executable.</summary>
public static class Program
{
    public static int Main(string[] args)
    {
        Console.WriteLine($"nats-server: v2.14.5 {args.Length}");
        return 0;
    }
}
