using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NatsAspire.Benchmarks;

/// <summary>A server process, its CPU time and its memory.</summary>
internal sealed class ServerUnderLoad : IDisposable
{
    private readonly Process _process;

    private ServerUnderLoad(Process process, IPEndPoint address, TimeSpan startToReady)
    {
        _process = process;
        Address = address;
        StartToReady = startToReady;
    }

    public IPEndPoint Address { get; }

    /// <summary>Where subscribers connect: to another server that it is joined with, or to itself.</summary>
    public IPEndPoint SinkAddress
    {
        get => field ?? Address;
        set;
    }

    /// <summary>From the start of the process to its INFO.</summary>
    public TimeSpan StartToReady { get; }

    /// <summary>CPU time of all threads so far; nanoseconds where the kernel counts them, else ticks of 10 ms.</summary>
    public TimeSpan CpuTime => Companions.Aggregate(OwnCpuTime, (sum, companion) => sum + companion.OwnCpuTime);

    /// <summary>CPU time of all threads, those that have ended too; ticks of 10 ms.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Other servers of its cluster: what they need counts as well.</summary>
    public IReadOnlyList<ServerUnderLoad> Companions { get; set; } = [];

    private TimeSpan OwnCpuTime
    {
        get
        {
            long nanoseconds = 0;
            foreach (var task in Directory.EnumerateDirectories($"/proc/{_process.Id}/task"))
            {
                try
                {
                    nanoseconds += long.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
                }
                catch (IOException)
                {
                    // A thread that ended meanwhile; what it used is lost to this sum and small.
                    continue;
                }
            }
            _process.Refresh();
            return nanoseconds > 0 ? TimeSpan.FromMicroseconds(nanoseconds / 1000.0) : _process.TotalProcessorTime;
        }
    }

    /// <summary>Resident bytes.</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Resident bytes that no file stands behind.</summary>
    public long PrivateMemory
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
    }

    /// <param name="path">The executable.</param>
    /// <param name="arguments">Further flags.</param>
    public static ServerUnderLoad Start(string path, params string[] arguments)
    {
        var address = new IPEndPoint(IPAddress.Loopback, FreePort());
        var clock = Stopwatch.StartNew();
        var process = Process.Start(new ProcessStartInfo(path, ["-a", "127.0.0.1", "-p", address.Port.ToString(CultureInfo.InvariantCulture), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var spin = new SpinWait();
        while (clock.Elapsed < TimeSpan.FromSeconds(10) && !process.HasExited)
        {
            if (TryReadInfo(address)) return new ServerUnderLoad(process, address, clock.Elapsed);
            spin.SpinOnce();
        }
        throw new InvalidOperationException($"{path} did not answer on {address} within 10 s.");
    }

    /// <summary>Leaves it alone for a while.</summary>
    /// <exception cref="InvalidOperationException">It has ended meanwhile.</exception>
    public void Rest(TimeSpan time)
    {
        if (_process.WaitForExit(time)) throw new InvalidOperationException("The server has ended.");
    }

    /// <summary>Has it end by itself, with all that it has to write.</summary>
    public void Stop()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        _process.WaitForExit();
    }

    /// <summary>Ends it at once, as <c>kill -9</c> does.</summary>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static bool TryReadInfo(IPEndPoint address)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(address);
            return socket.Receive(new byte[1]) == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
