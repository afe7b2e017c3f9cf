using System.Diagnostics;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>An object store as the clients use one. Counts chunks.</summary>
internal static class Objects
{
    public const string Stream = "OBJ_B";

    public const string Configuration = "\"subjects\":[\"$O.B.C.>\",\"$O.B.M.>\"],\"storage\":\"file\",\"discard\":\"new\",\"allow_rollup_hdrs\":true,\"allow_direct\":true";

    private const int ChunkBytes = 128 << 10;
    private const int Chunks = 128;

    /// <summary>Chunks that are published and not acknowledged.</summary>
    private const int Window = 8;

    private static readonly byte[] Body = Encoding.ASCII.GetBytes($" _INBOX.c {ChunkBytes}\r\n{new string('o', ChunkBytes)}\r\n");

    /// <summary>Objects of 16 MiB, one after the other; the one before is deleted, as when one is put again.</summary>
    public static Measurement Put(ServerUnderLoad server, double seconds)
    {
        using var client = new JetStreamClient(server.Address);
        client.Add("SUB _INBOX.c 1\r\n");
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        long done = 0;
        for (var number = 0; clock.Elapsed.TotalSeconds < seconds; number++)
        {
            PutObject(client, number);
            if (number > 0) Purge(client, number - 1);
            done += Chunks;
        }
        return new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
    }

    /// <summary>Reads an object over and over.</summary>
    public static Measurement Get(ServerUnderLoad server, double seconds)
    {
        using (var client = new JetStreamClient(server.Address))
        {
            client.Add("SUB _INBOX.c 1\r\n");
            if (Consume.MessagesOf(client, Stream) == 0) PutObject(client, 0);
        }
        return Consume.Repeat(server, seconds, Stream, Consume.OrderedFrom("$O.B.C.0", "all"), (client, over) => Consume.Watch(client, over, Chunks));
    }

    private static void PutObject(JetStreamClient client, int number)
    {
        var head = Encoding.ASCII.GetBytes($"PUB $O.B.C.{number}");
        for (var sent = 0; sent < Chunks; sent++)
        {
            if (sent >= Window) Consume.Message(client);
            client.Add(head);
            client.Add(Body);
            client.Send();
        }
        for (var i = 0; i < Window; i++) Consume.Message(client);
        var meta = $"{{\"name\":\"o\",\"bucket\":\"B\",\"nuid\":\"{number}\",\"size\":{Chunks * ChunkBytes},\"chunks\":{Chunks}}}";
        const string Headers = "NATS/1.0\r\nNats-Rollup: sub\r\n\r\n";
        client.Add($"HPUB $O.B.M.bw== _INBOX.c {Headers.Length} {Headers.Length + meta.Length}\r\n{Headers}{meta}\r\n");
        Consume.Message(client);
    }

    private static void Purge(JetStreamClient client, int number) => client.Request($"$JS.API.STREAM.PURGE.{Stream}", $"{{\"filter\":\"$O.B.C.{number}\"}}");
}
