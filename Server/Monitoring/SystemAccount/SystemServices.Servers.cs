namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>Which other servers there are, in this cluster and others: all that share the system account and tell of themselves.</summary>
internal sealed partial class SystemServices
{
    /// <summary>Who has been silent for so long is counted no more; upstream's five beats of 30 s.</summary>
    private static readonly TimeSpan SilenceOfTheGone = TimeSpan.FromSeconds(150);

    /// <summary>When a server was last heard of, in milliseconds of the system's clock, by its id.</summary>
    private readonly Dictionary<string, long> _heardAt = [];

    /// <summary>Peers of the cluster are known before they speak.</summary>
    private int OtherServers
    {
        get
        {
            var since = Environment.TickCount64 - (long)SilenceOfTheGone.TotalMilliseconds;
            foreach (var (id, _) in _heardAt.Where(one => one.Value < since).ToList()) _heardAt.Remove(id);
            return Math.Max(_heardAt.Count, _source.Routes?.CompletePeerCount ?? 0);
        }
    }

    private void ListenForServers()
    {
        Listen("$SYS.SERVER.*.STATSZ", message =>
        {
            var id = Token(message, 2);
            if (id != _source.ServerId) _heardAt[id] = Environment.TickCount64;
        });
        Listen("$SYS.SERVER.*.SHUTDOWN", message => _heardAt.Remove(Token(message, 2)));
    }
}
