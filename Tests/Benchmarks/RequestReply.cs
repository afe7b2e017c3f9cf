using System.Diagnostics;
using System.Globalization;

namespace NatsAspire.Benchmarks;

/// <summary>A requestor and a responder on two connections.</summary>
internal static class RequestReply
{
    private const string Request = "PUB svc inbox 16\r\n0123456789abcdef\r\n";
    private const string Delivered = "MSG svc 1 inbox 16\r\n0123456789abcdef\r\n";
    private const string Reply = "PUB inbox 16\r\n0123456789abcdef\r\n";
    private const string Answered = "MSG inbox 1 16\r\n0123456789abcdef\r\n";

    public static Measurement Throughput(ServerUnderLoad server, double seconds) => Run(server, seconds, 64, out _);

    public static Measurement Latency(ServerUnderLoad server, double seconds)
    {
        var result = Run(server, seconds, 1, out var times);
        times.Sort();
        var p50 = Micros(times[times.Count / 2]);
        var p99 = Micros(times[(int)(times.Count * 0.99)]);
        return result with { Note = string.Create(CultureInfo.InvariantCulture, $"p50 {p50:0} µs, p99 {p99:0} µs") };
    }

    private static double Micros(long ticks) => ticks * 1e6 / Stopwatch.Frequency;

    private static Measurement Run(ServerUnderLoad server, double seconds, int inFlight, out List<long> times)
    {
        using var responder = new LoadClient(server.Address);
        responder.Send("SUB svc 1\r\n");
        responder.Flush();
        using var requestor = new LoadClient(server.Address);
        requestor.Send("SUB inbox 1\r\n");
        requestor.Flush();
        var batch = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Request, inFlight)));
        var replies = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Reply, inFlight)));
        var over = false;
        var answering = Scenario.StartThread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                responder.Read(Delivered.Length * inFlight);
                responder.Send(replies);
            }
        });
        times = [];
        long done = 0;
        var cpu = server.CpuTime;
        var clock = Stopwatch.StartNew();
        while (!over)
        {
            if (clock.Elapsed.TotalSeconds >= seconds) Volatile.Write(ref over, true);
            var started = Stopwatch.GetTimestamp();
            requestor.Send(batch);
            requestor.Read(Answered.Length * inFlight);
            times.Add(Stopwatch.GetTimestamp() - started);
            done += inFlight;
        }
        var result = new Measurement(done, clock.Elapsed.TotalSeconds, (server.CpuTime - cpu).TotalSeconds);
        answering.Join();
        return result;
    }
}
