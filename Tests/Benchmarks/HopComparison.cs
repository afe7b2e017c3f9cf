using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>What one hop costs, over a route, a gateway, a leaf node connection: both servers together, in turn with another's; and many leaf nodes at one hub.</summary>
internal sealed class HopComparison(string ours, string baseline, int rounds, double seconds, string filter, string directory)
{
    private const double WarmUpSeconds = 1.5;

    /// <summary>Messages after which code that is compiled while it runs is what it stays, however busy the machine is.</summary>
    private const double WarmUpMessages = 3e6;
    private const int Leafs = 1000;

    private static readonly (string Name, HopKind Kind, string Compression)[] Hops =
    [
        ("route", HopKind.Route, ""),
        ("gateway", HopKind.Gateway, ""),
        ("leaf to hub", HopKind.LeafToHub, "compression: off"),
        ("hub to leaf", HopKind.HubToLeaf, "compression: off"),
        ("leaf to hub, ours as it is without configuration", HopKind.LeafToHub, ""),
    ];

    public int Run()
    {
        Print($"Ours at both ends: {ours}; compared with, at both ends: {baseline}; {Environment.ProcessorCount} cores, medians of {rounds} rounds of {seconds} s, CPU of both servers, load average {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.\n");
        Print($"| one hop | ours msg/s | other msg/s | ratio | ours ns CPU each | other ns CPU each | ratio |");
        Print($"|---|---:|---:|---:|---:|---:|---:|");
        foreach (var (name, kind, compression) in Hops)
        {
            foreach (var payload in new[] { 16, 128, 1024 })
            {
                if ($"{name}, {payload} B" is var row && row.Contains(filter, StringComparison.OrdinalIgnoreCase)) PrintHop(row, kind, compression, payload);
            }
        }
        if ("1,000 leaf nodes at a hub".Contains(filter, StringComparison.OrdinalIgnoreCase)) PrintLeafs();
        return 0;
    }

    private void PrintHop(string row, HopKind kind, string compression, int payload)
    {
        var (mine, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(RunOn(ours, kind, compression, payload));
            // Debian's 2.9 knows no compression.
            theirs.Add(RunOn(baseline, kind, "", payload));
        }
        var (a, b) = (Comparison.Median(mine, m => m.PerSecond), Comparison.Median(theirs, m => m.PerSecond));
        var (c, d) = (Comparison.Median(mine, Each), Comparison.Median(theirs, Each));
        Print($"| {row} | {Comparison.Rate(a)} | {Comparison.Rate(b)} | {Comparison.Ratio(a / b)} | {c:0} | {d:0} | **{Comparison.Ratio(c / d)}** |");
    }

    private static double Each(Measurement measured) => 1e9 * measured.CpuSeconds / measured.Messages;

    private Measurement RunOn(string path, HopKind kind, string compression, int payload)
    {
        using var hop = new HopUnderLoad(path, directory, kind, compression);
        for (var passed = 0.0; passed < WarmUpMessages;) passed += Scenario.Flow(hop.Publishing, WarmUpSeconds, payload, 1, 1).Messages;
        return Scenario.Flow(hop.Publishing, seconds, payload, 1, 1);
    }

    private void PrintLeafs()
    {
        var (mine, theirs) = (new List<(double Milliseconds, double Memory)>(), new List<(double Milliseconds, double Memory)>());
        for (var round = 0; round < rounds; round++)
        {
            mine.Add(Join(ours, "compression: off"));
            theirs.Add(Join(baseline, ""));
        }
        Print($"\n| {Leafs} leaf nodes at a hub | ours | other | ratio |");
        Print($"|---|---:|---:|---:|");
        Row("KiB each", one => one.Memory);
        Row("ms until all have joined, one after the other", one => one.Milliseconds);

        void Row(string name, Func<(double Milliseconds, double Memory), double> figure)
        {
            var (a, b) = (Comparison.Middle([.. mine.Select(figure)]), Comparison.Middle([.. theirs.Select(figure)]));
            Print($"| {name} | {a:0.0} | {b:0.0} | {Comparison.Ratio(a / b)} |");
        }
    }

    /// <summary>Has leaf nodes join one after the other, each with something that it wants.</summary>
    private (double Milliseconds, double Memory) Join(string path, string compression)
    {
        var port = ServerUnderLoad.FreePort();
        var file = Path.Combine(directory, $"hub-{Guid.NewGuid():N}.conf");
        File.WriteAllText(file, $"server_name: hub\n{HopUnderLoad.Hub(port, compression)}\n");
        var sockets = new List<Socket>();
        try
        {
            using var hub = ServerUnderLoad.Start(path, "-c", file);
            // The first ones make the code ready.
            for (var number = 0; number < 50; number++) sockets.Add(Join(port, -1 - number));
            hub.Rest(TimeSpan.FromSeconds(1));
            var before = hub.Memory;
            var clock = Stopwatch.StartNew();
            for (var number = 0; number < Leafs; number++) sockets.Add(Join(port, number));
            var took = clock.Elapsed.TotalMilliseconds;
            hub.Rest(TimeSpan.FromSeconds(2));
            return (took, (hub.Memory - before) / 1024.0 / Leafs);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
            File.Delete(file);
        }
    }

    private static Socket Join(int port, int number)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        var name = string.Create(CultureInfo.InvariantCulture, $"leaf{number}");
        ReadThrough(socket, "\r\n");
        socket.Send(Encoding.ASCII.GetBytes($"CONNECT {{\"version\":\"2.9.0\",\"server_id\":\"{name}\",\"name\":\"{name}\",\"cluster\":\"{name}\",\"headers\":true,\"remote_account\":\"$G\"}}\r\nLS+ of.{name}.>\r\nPING\r\n"));
        ReadThrough(socket, "PONG\r\n");
        return socket;
    }

    private static void ReadThrough(Socket socket, string end)
    {
        var (buffer, text) = (new byte[64 * 1024], "");
        while (!text.Contains(end, StringComparison.Ordinal))
        {
            var read = socket.Receive(buffer);
            if (read == 0) throw new InvalidOperationException($"The hub closed the connection; it said: {text}");
            text += Encoding.ASCII.GetString(buffer, 0, read);
        }
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
