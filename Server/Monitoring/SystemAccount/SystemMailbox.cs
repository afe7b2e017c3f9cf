using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Monitoring.SystemAccount;

/// <summary>
/// The work of the system account, one piece after the other, off the I/O loops. Bounded: what does not fit any
/// more is refused, and said so.
/// </summary>
internal sealed class SystemMailbox : IAsyncDisposable
{
    private const int Capacity = 8192;
    private readonly Channel<Action> _work = Channel.CreateBounded<Action>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly ILogger _log;
    private readonly Task _running;

    public SystemMailbox(ILogger log)
    {
        _log = log;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Adds a piece of work. From any thread.</summary>
    public void Post(Action work)
    {
        if (!_work.Writer.TryWrite(work)) MonitoringLog.SystemWorkRefused(_log, Capacity);
    }

    /// <summary>Does what is waiting, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await foreach (var work in _work.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                work();
            }
            catch (Exception fault)
            {
                // One request's fault is not the next one's.
                MonitoringLog.SystemWorkFailed(_log, fault);
            }
        }
    }
}
