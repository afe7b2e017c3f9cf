using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Streams restored from snapshots.</summary>
internal sealed partial class JetStreamService
{
    private void Restore(AccountStreams account, ApiCall call)
    {
        if (ApiRequest.IsEmpty(call.Payload))
        {
            call.Fail(JetStreamErrors.JSBadRequestErr);
            return;
        }
        if (ApiRequest.Read<StreamRestoreRequest>(call.Payload, _settings.Strict, out var request) is { } unreadable)
        {
            call.Fail(unreadable);
            return;
        }
        var decision = StreamAdmission.Restore(call.First, request.Stream, account.Environment);
        if (decision.Error is { } refused)
        {
            call.Fail(refused);
            return;
        }
        if (account.Offline.TryGetValue(call.First, out var reason))
        {
            call.Fail(JetStreamErrors.JSStreamOfflineReasonErrF.With(reason));
            return;
        }
        if (decision.Stream!.Storage == StorageType.Memory)
        {
            call.Fail(JetStreamErrors.JSStreamRestoreErrF.With("a snapshot is restored into file storage only"));
            return;
        }
        if (_isStopping || _transfers.Count >= MostTransfers)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            return;
        }
        var draft = new StreamDraft(_engine, call.Account.Name, decision.Stream);
        draft.BeginRestore(RoomFor(account, decision.Stream));
        var transfer = new RestoreTransfer(this, _engine.Threads, call, draft);
        if (TryBegin(transfer, call) is null) draft.Dispose();
        else transfer.Begin();
    }

    /// <summary>Makes a restored draft a stream, if it may still be one. In this mailbox.</summary>
    public void CompleteRestore(RestoreTransfer transfer, byte[] reply)
    {
        var draft = transfer.Draft;
        try
        {
            if (_isStopping || _engine.Find(transfer.Call.Account) is not { } account)
            {
                transfer.Refuse(JetStreamErrors.JSStreamRestoreErrF.With("JetStream is not enabled any more"), reply);
            }
            else if (StreamAdmission.CompleteRestore(draft.Record.Configuration, account.Environment) is { } refused)
            {
                transfer.Refuse(refused, reply);
            }
            else
            {
                var stream = account.Adopt(draft);
                transfer.Succeed(CreatedAnswer(stream), reply);
            }
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            JetStreamLog.RequestFailed(_settings.Log, transfer.DeliverSubject, fault);
            transfer.Refuse(JetStreamErrors.JSStreamRestoreErrF.With(fault.Message), reply);
        }
    }

    private StreamCreateResponse CreatedAnswer(StreamHost stream) => new()
    {
        Configuration = stream.Configuration.AsAnswered(_settings.Version),
        Created = ApiTime.FromUnix(stream.Record.Created),
        State = StateOf(stream),
        Mirror = MirrorOf(stream),
        Sources = SourcesOf(stream),
        Time = Now,
    };

    /// <summary>Bytes that account and server have left for a stream.</summary>
    private long RoomFor(AccountStreams account, StreamConfiguration stream)
    {
        var limits = account.Environment.Tiers.Select(stream.Replicas)?.Limits ?? account.Limits;
        var ofAccount = Left(limits.MaxStorage, account.Used(stream.Storage));
        var used = _engine.Accounts.Values.Aggregate(0UL, (sum, other) => sum + other.Used(stream.Storage));
        return Math.Min(ofAccount, Left(_engine.MaxStore, used));
    }

    private static long Left(long limit, ulong used) => limit < 0 ? long.MaxValue : Math.Max(0, limit - (long)Math.Min(used, long.MaxValue));
}
