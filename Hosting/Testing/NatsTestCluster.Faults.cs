namespace NatsAspire.Hosting;

/// <summary>What is done to servers and to the links between them.</summary>
public sealed partial class NatsTestCluster
{
    /// <summary>SIGSTOP and SIGCONT, whose numbers systems do not agree on.</summary>
    private static readonly int StopSignal = OperatingSystem.IsMacOS() ? 17 : 19, ContinueSignal = OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>Starts servers that are down again, with the same ports and stores. Returns at once: wait for what is needed of them.</summary>
    public async Task StartAsync(string name, CancellationToken cancellation = default)
    {
        foreach (var server in ServersOf(name)) _links?.Heal(server.Name, server.Name);
        await Task.WhenAll(ServersOf(name).Select(server => _servers[server.Name].StartAsync(cancellation)));
    }

    /// <summary>Stops servers in order, as SIGTERM does.</summary>
    public Task StopAsync(string name) => Task.WhenAll(ServersOf(name).Select(server =>
    {
        _paused.Remove(server.Name);
        return _servers[server.Name].StopAsync();
    }));

    /// <summary>
    /// Ends servers without a warning, all at the same moment: processes by SIGKILL; in this process the links to all others are
    /// cut first, so that these see no more than of a crash, but what is in memory still reaches the disk.
    /// </summary>
    public Task KillAsync(string name)
    {
        var servers = ServersOf(name);
        foreach (var server in servers)
        {
            _paused.Remove(server.Name);
            if (_how.ServerPath is null) _links?.Cut(server.Name, server.Name, silently: false);
        }
        return Task.WhenAll(servers.Select(server => _servers[server.Name].KillAsync()));
    }

    /// <summary>Freezes servers, which must be processes: they hold their connections and do nothing.</summary>
    /// <exception cref="NotSupportedException">They run in this process, or on Windows.</exception>
    public void Pause(string name) => Signal(name, StopSignal, server => _paused.Add(server));

    /// <summary>Lets frozen servers go on.</summary>
    public void Continue(string name) => Signal(name, ContinueSignal, server => _paused.Remove(server));

    /// <summary>Cuts each server the first name stands for from each of the second: routes, gateways and leaf node connections alike.</summary>
    /// <param name="one">For example "west".</param>
    /// <param name="other">For example "east", or "west-2".</param>
    /// <param name="silently">
    /// No connection ends and nothing passes, as when a cable is pulled; what was sent passes after <see cref="HealAsync"/>. Otherwise
    /// connections end, and new ones are refused.
    /// </param>
    /// <exception cref="InvalidOperationException">There are no links: <see cref="NatsTestClusterBuilder.WithoutLinks"/>.</exception>
    public Task CutAsync(string one, string other, bool silently = false) => OnPairs(ServersOf(one), ServersOf(other), (near, far) => Links.Cut(near, far, silently));

    /// <summary>Cuts servers from all that do not belong to the same name.</summary>
    /// <param name="name">For example a leaf node's.</param>
    /// <param name="silently">As <see cref="CutAsync"/> has it.</param>
    public Task IsolateAsync(string name, bool silently = false)
    {
        var inside = ServersOf(name);
        return OnPairs(inside, [.. Topology.Servers.Except(inside)], (near, far) => Links.Cut(near, far, silently));
    }

    /// <summary>Joins what <see cref="CutAsync"/> and <see cref="IsolateAsync"/> cut apart, all of it.</summary>
    public Task HealAsync() => OnPairs(Topology.Servers, Topology.Servers, (near, far) => Links.Heal(near, far));

    private ServerLinks Links => _links!;

    private Task OnPairs(IReadOnlyList<NatsServerSpec> one, IReadOnlyList<NatsServerSpec> other, Action<string, string> act)
    {
        if (_links is null) throw new InvalidOperationException("Links can only be cut where there are proxies: leave out WithoutLinks().");
        foreach (var near in one)
        {
            foreach (var far in other.Where(far => far != near)) act(near.Name, far.Name);
        }
        return Task.CompletedTask;
    }

    private void Signal(string name, int signal, Action<string> note)
    {
        if (OperatingSystem.IsWindows()) throw new NotSupportedException("Windows cannot pause processes.");
        foreach (var server in ServersOf(name))
        {
            _servers[server.Name].Signal(signal);
            note(server.Name);
        }
    }
}
