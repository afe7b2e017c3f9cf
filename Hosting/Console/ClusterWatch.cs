using System.Diagnostics;
using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>Looks at all servers of a run once a second, keeps what they say, and says who leads what whenever that changes.</summary>
public sealed partial class ClusterWatch : IAsyncDisposable
{
    private const int MaxElections = 200;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly NatsTopology _topology;
    private readonly Func<IReadOnlyList<ServerStatus>> _status;
    private readonly IRunnerLog _log;
    private readonly TimeProvider _time;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, string> _leaders = new(StringComparer.Ordinal);
    private readonly LinkedList<ElectionView> _elections = new();
    private readonly Dictionary<string, (long At, JsonElement Varz)> _before = new(StringComparer.Ordinal);
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _watching = Task.CompletedTask;
    private volatile ConsoleSnapshot _current = new();

    /// <param name="topology">Whose servers.</param>
    /// <param name="status">Their processes.</param>
    /// <param name="log">Told who leads.</param>
    /// <param name="time">For the times of elections.</param>
    public ClusterWatch(NatsTopology topology, Func<IReadOnlyList<ServerStatus>> status, IRunnerLog log, TimeProvider? time = null)
    {
        _topology = topology;
        _status = status;
        _log = log;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>What was seen last.</summary>
    public ConsoleSnapshot Current => _current;

    public void Start() => _watching = Task.Run(RunAsync);

    /// <summary>Returns with the next look, or after the time.</summary>
    public Task NextAsync(TimeSpan limit, CancellationToken cancellation) => Task.WhenAny(Volatile.Read(ref _next).Task, Task.Delay(limit, cancellation));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
        _http.Dispose();
    }

    private async Task RunAsync()
    {
        using var ticks = new PeriodicTimer(Interval);
        try
        {
            do
            {
                var status = _status();
                var pages = await Task.WhenAll(status.Select(one => one.Phase == ServerPhase.Running ? ServerPages.ReadAsync(_http, one.Spec, _stopping.Token) : Task.FromResult(ServerPages.None)));
                _current = Look([.. status.Zip(pages)]);
                Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            }
            while (await ticks.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // That is how it ends.
        }
    }

    private ConsoleSnapshot Look(IReadOnlyList<(ServerStatus Status, ServerPages Pages)> seen)
    {
        var metaGroups = MetaGroups(seen);
        var streams = Streams(seen);
        var names = seen.Where(one => one.Pages.Varz is not null).ToLookup(one => ServerPages.Text(one.Pages.Varz, "server_id") ?? "", one => one.Status.Spec.Name, StringComparer.Ordinal);
        var servers = seen.ToDictionary(
            one => one.Status.Spec.Name,
            one => View(one.Status, one.Pages, metaGroups, streams) with { Routes = Routes(one.Pages.Routez, names) }, StringComparer.Ordinal);
        return new ConsoleSnapshot
        {
            Clusters =
            [
                .. _topology.Clusters.Select(cluster => new ClusterView(
                    cluster.Name, cluster.IsLeaf, cluster.Hub?.Name, cluster.Spec.JetStream?.Domain,
                    [.. cluster.Gateways.Select(other => other.Name)], [.. cluster.Servers.Select(server => servers[server.Name])])),
            ],
            MetaGroups = metaGroups,
            Streams = [.. streams.Take(MaxStreams)],
            StreamsLeftOut = Math.Max(0, streams.Count - MaxStreams),
            Accounts = [.. _topology.Spec.Accounts.Select(account => account.Name)],
            Elections = [.. _elections],
        };
    }

    private ServerView View(ServerStatus status, ServerPages pages, IReadOnlyList<MetaView> metaGroups, List<StreamView> streams)
    {
        var (spec, varz) = (status.Spec, pages.Varz);
        var rates = Rates(spec.Name, varz);
        var (state, text) = State(status, pages);
        return new ServerView(spec.Name, spec.ClientUrl, spec.MonitorUrl)
        {
            State = state,
            Text = text,
            Pid = status.Id,
            Crashes = status.Crashes,
            Version = ServerPages.Text(varz, "version") ?? "",
            Uptime = ServerPages.Text(varz, "uptime") ?? "",
            Connections = (int)ServerPages.Number(varz, "connections"),
            Subscriptions = (int)ServerPages.Number(varz, "subscriptions"),
            SlowConsumers = ServerPages.Number(varz, "slow_consumers"),
            Memory = ServerPages.Number(varz, "mem"),
            Cpu = ServerPages.Child(varz, "cpu") is { ValueKind: JsonValueKind.Number } cpu ? cpu.GetDouble() : 0,
            MessagesIn = rates[0],
            MessagesOut = rates[1],
            BytesIn = rates[2],
            BytesOut = rates[3],
            Stored = ServerPages.Number(pages.Jsz, "storage") + ServerPages.Number(pages.Jsz, "memory"),
            LeadsMeta = metaGroups.Any(group => group.Leader == spec.Name),
            StreamsLed = streams.Count(stream => stream.Leader == spec.Name),
            Gateways = ServerPages.Child(pages.Gatewayz, "outbound_gateways") is { ValueKind: JsonValueKind.Object } outbound ? [.. outbound.EnumerateObject().Select(one => one.Name)] : [],
            Leafs = (int)ServerPages.Number(pages.Leafz, "leafnodes"),
        };
    }

    /// <summary>Servers at the other end; those before 2.10 tell their ids only.</summary>
    private static IReadOnlyList<string> Routes(JsonElement? routez, ILookup<string, string> names) =>
    [
        .. ServerPages.List(routez, "routes")
            .Select(route => ServerPages.Text(route, "remote_name") ?? names[ServerPages.Text(route, "remote_id") ?? ""].FirstOrDefault() ?? "unknown")
            .Distinct(StringComparer.Ordinal),
    ];

    private static (string State, string Text) State(ServerStatus status, ServerPages pages) => status.Phase switch
    {
        ServerPhase.Stopped => ("stopped", "stopped"),
        ServerPhase.Waiting => ("failed", status.Error ?? "ended"),
        _ when pages.Varz is null => ("starting", status.Error is null ? "does not answer yet" : $"starts again; before: {status.Error}"),
        _ when pages.Ailment is { } ailment => ("unhealthy", ailment),
        _ => ("ready", "ready"),
    };

    /// <summary>Messages and bytes, in and out, a second.</summary>
    private double[] Rates(string server, JsonElement? varz)
    {
        string[] keys = ["in_msgs", "out_msgs", "in_bytes", "out_bytes"];
        if (varz is not { } now)
        {
            _before.Remove(server);
            return new double[keys.Length];
        }
        var at = _time.GetTimestamp();
        var rates = new double[keys.Length];
        if (_before.TryGetValue(server, out var before) && _time.GetElapsedTime(before.At, at).TotalSeconds is > 0.1 and var seconds)
        {
            for (var i = 0; i < keys.Length; i++) rates[i] = Math.Max(0, ServerPages.Number(now, keys[i]) - ServerPages.Number(before.Varz, keys[i])) / seconds;
        }
        _before[server] = (at, now);
        return rates;
    }

    private void Note(string key, string what, string leader)
    {
        if (_leaders.TryGetValue(key, out var before) && before == leader) return;
        _leaders[key] = leader;
        _elections.AddFirst(new ElectionView(_time.GetUtcNow(), what, leader, before));
        if (_elections.Count > MaxElections) _elections.RemoveLast();
        _log.Notice(before is null ? $"{leader} leads {what}." : $"{leader} leads {what}, after {before}.");
    }
}
