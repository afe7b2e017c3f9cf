using System.Globalization;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>What streams and consumers cost at rest: memory beyond the page cache, CPU, and time to be ready after a restart.</summary>
internal sealed class Footprint(string ours, string baseline, string directory, string filter)
{
    private const int Million = 1_000_000;
    private const int Stored = 5 * Million;
    private const int Idle = 10_000;
    private const int Disjoint = 1_000;
    private const double IdleSeconds = 5;

    /// <summary>Consumers that were just made are at rest after so long.</summary>
    private static readonly TimeSpan ToRest = TimeSpan.FromSeconds(8);

    public int Run()
    {
        Console.WriteLine("| footprint | ours | other |");
        Console.WriteLine("|---|---:|---:|");
        Row("1,000,000 messages of 16 B: MB beyond the page cache", path => OnServer(path, server => Grown(server, client => Consume.Fill(client, "B", "b.x", 16, Million))));
        Row("1,000,000 subjects: MB beyond the page cache", path => OnServer(path, server => Grown(server, FillSubjects)));
        Row("10,000 idle consumers: MB, CPU ms per second", path => OnServer(path, IdleConsumers));
        Row("1,000 consumers with disjoint filters, at rest: publish messages/s of CPU without and with them", path => Slowdown(path, areAwake: false));
        Row("the same, each with a request that waits", path => Slowdown(path, areAwake: true));
        Row("restart with 5,000,000 messages: ms to ready after a stop, after kill -9", Recovery);
        return 0;
    }

    private void Row(string name, Func<string, string> measure)
    {
        if (name.Contains(filter, StringComparison.OrdinalIgnoreCase)) Console.WriteLine($"| {name} | {measure(ours)} | {measure(baseline)} |");
    }

    private T OnServer<T>(string path, Func<ServerUnderLoad, T> measure)
    {
        var store = Directory.CreateDirectory(Path.Combine(directory, $"footprint-{Guid.NewGuid():N}"));
        try
        {
            using var server = Start(path, store);
            using (var client = new JetStreamClient(server.Address)) client.Request("$JS.API.STREAM.CREATE.B", "{\"name\":\"B\",\"subjects\":[\"b.>\"],\"storage\":\"file\"}");
            return measure(server);
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    private static ServerUnderLoad Start(string path, DirectoryInfo store) => ServerUnderLoad.Start(path, "-js", "-sd", store.FullName);

    /// <summary>Growth, and all of it.</summary>
    private static string Grown(ServerUnderLoad server, Action<JetStreamClient> fill)
    {
        var before = server.PrivateMemory;
        using var client = new JetStreamClient(server.Address);
        fill(client);
        // What the load has left behind is collected while nothing happens.
        server.Rest(ToRest);
        var after = server.PrivateMemory;
        return Text($"{(after - before) / 1e6:0} (of {after / 1e6:0})");
    }

    private static void FillSubjects(JetStreamClient client)
    {
        for (var number = 0; number < Million; number++)
        {
            client.Add(Encoding.ASCII.GetBytes($"PUB b.{number % 1000}.{number / 1000} 16\r\n0123456789abcdef\r\n"));
            if (number % 4000 == 3999) client.Request("$JS.API.STREAM.INFO.B");
        }
        while (Consume.MessagesOf(client, "B") < Million) Thread.Yield();
    }

    private static string IdleConsumers(ServerUnderLoad server)
    {
        var before = server.PrivateMemory;
        using var client = new JetStreamClient(server.Address);
        for (var number = 0; number < Idle; number++) Consume.Create(client, "B", $"C{number}", $"\"durable_name\":\"C{number}\",\"ack_policy\":\"explicit\"");
        server.Rest(ToRest);
        var cpu = server.CpuTime;
        server.Rest(TimeSpan.FromSeconds(IdleSeconds));
        var used = server.CpuTime - cpu;
        return Text($"{(server.PrivateMemory - before) / 1e6:0}, {used.TotalMilliseconds / IdleSeconds:0.0}");
    }

    /// <summary>
    /// Medians of servers of which every other one has the consumers. Each has had the same load before: a server that has stored
    /// for ten seconds is slower by itself (a third, on a machine whose page cache takes memory that it had not touched).
    /// </summary>
    private string Slowdown(string path, bool areAwake)
    {
        const int Rounds = 3;
        var (without, with) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            without.Add(PublishRate(path, consumers: 0, areAwake));
            with.Add(PublishRate(path, Disjoint, areAwake));
        }
        without.Sort();
        with.Sort();
        var (before, after) = (without[Rounds / 2], with[Rounds / 2]);
        return Text($"{before / 1e3:0} k, {after / 1e3:0} k ({100 * (1 - (after / before)):0} % slower)");
    }

    private double PublishRate(string path, int consumers, bool areAwake)
    {
        const double Seconds = 3;
        const double WarmUp = 5;
        return OnServer(path, server =>
        {
            AcknowledgedPublish.Run(server, WarmUp, 128, 4000, 1);
            using var client = new JetStreamClient(server.Address);
            client.Add("SUB _INBOX.c 1\r\n");
            for (var number = 0; number < consumers; number++)
            {
                Consume.Create(client, "B", $"C{number}", $"\"durable_name\":\"C{number}\",\"ack_policy\":\"explicit\",\"filter_subject\":\"b.f{number}.>\"");
                if (areAwake) client.Add($"PUB $JS.API.CONSUMER.MSG.NEXT.B.C{number} _INBOX.c 1\r\n1\r\n");
            }
            client.Flush();
            // What only runs with consumers is compiled first, as what runs without them was.
            AcknowledgedPublish.Run(server, WarmUp, 128, 4000, 1);
            return AcknowledgedPublish.Run(server, Seconds, 128, 4000, 1).PerCpuSecond;
        });
    }

    private string Recovery(string path)
    {
        var store = Directory.CreateDirectory(Path.Combine(directory, $"footprint-{Guid.NewGuid():N}"));
        try
        {
            using (var server = Start(path, store))
            {
                using (var client = new JetStreamClient(server.Address))
                {
                    client.Request("$JS.API.STREAM.CREATE.B", "{\"name\":\"B\",\"subjects\":[\"b.>\"],\"storage\":\"file\"}");
                    Consume.Fill(client, "B", "b.x", 128, Stored);
                }
                server.Stop();
            }
            var stopped = TimeToReady(path, store);
            return Text($"{stopped:0}, {TimeToReady(path, store):0}");
        }
        finally
        {
            store.Delete(recursive: true);
        }
    }

    /// <summary>Starts the server, waits for its stream, and kills it.</summary>
    private static double TimeToReady(string path, DirectoryInfo store)
    {
        using var server = Start(path, store);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using var client = new JetStreamClient(server.Address);
        while (!HasAll(client)) Thread.Yield();
        var took = (server.StartToReady + clock.Elapsed).TotalMilliseconds;
        // So that the next start finds something that no clean stop has written.
        client.Add("PUB b.x 1\r\nx\r\n");
        client.Request("$JS.API.STREAM.INFO.B");
        return took;
    }

    private static bool HasAll(JetStreamClient client)
    {
        try
        {
            return Consume.MessagesOf(client, "B") >= Stored;
        }
        catch (InvalidOperationException)
        {
            // The API is not there yet.
            return false;
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
