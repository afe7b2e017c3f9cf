using System.Collections.Concurrent;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Snapshots, and what transfers of both directions have in common.</summary>
internal sealed partial class JetStreamService
{
    /// <summary>Transfers at a time: each holds some megabytes.</summary>
    private const int MostTransfers = 64;

    private readonly ConcurrentDictionary<ITransfer, ITransfer> _transfers = new();
    private readonly ConcurrentQueue<Action> _commands = new();
    private volatile bool _isStopping;

    /// <summary>How.</summary>
    public ServiceSettings Settings => _settings;

    /// <summary>Ends the transfers under way; none begins any more.</summary>
    public async Task StopTransfersAsync()
    {
        _isStopping = true;
        await Task.WhenAll(_transfers.Keys.Select(transfer => transfer.StopAsync())).ConfigureAwait(false);
    }

    /// <summary>A transfer has ended.</summary>
    public void Forget(ITransfer transfer) => _transfers.TryRemove(transfer, out _);

    /// <summary>Has something done between requests. From any thread.</summary>
    public void Run(Action command)
    {
        _commands.Enqueue(command);
        Wake();
    }

    /// <summary>The same for what comes from outside: not when as much waits as of requests.</summary>
    /// <returns>False: it will not be done.</returns>
    public bool TryRun(Action command)
    {
        if (_commands.Count >= _limit) return false;
        Run(command);
        return true;
    }

    /// <summary>Sends an advisory, if anybody wants it.</summary>
    public void Advise(Account account, string subject, Func<JetStreamAdvisory> create)
    {
        var outbox = new Outbox();
        _engine.ContextOf(account).Advise(outbox, subject, create);
        Send(account, outbox);
    }

    private void Snapshot(AccountStreams account, ApiCall call)
    {
        if (ApiRequest.IsEmpty(call.Payload))
        {
            call.Fail(JetStreamErrors.JSBadRequestErr);
            return;
        }
        if (!TryFind(account, call, out var stream)) return;
        if ((ApiRequest.Read<StreamSnapshotRequest>(call.Payload, _settings.Strict, out var request) ?? request.Check()) is { } bad) call.Fail(bad);
        else if (stream.Configuration.Storage == StorageType.Memory) call.Fail(JetStreamErrors.JSStreamSnapshotErrF.With("no impl"));
        else if (TryBegin(new SnapshotTransfer(this, stream, call, request), call) is { } transfer) stream.Post(transfer.Begin);
    }

    /// <summary>Counts a transfer that is to begin.</summary>
    private T? TryBegin<T>(T transfer, ApiCall call) where T : class, ITransfer
    {
        if (!_isStopping && _transfers.Count < MostTransfers && _transfers.TryAdd(transfer, transfer)) return transfer;
        call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
        return null;
    }
}
