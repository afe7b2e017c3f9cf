using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Protocol;
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
        Restore(account, call, decision.Stream, null, null);
    }

    /// <summary>Restores a stream that the cluster has assigned to this server. In this mailbox.</summary>
    /// <param name="account">Its account.</param>
    /// <param name="request">The request's subject, and where its answer goes.</param>
    /// <param name="stream">What it is to be.</param>
    /// <param name="created">When it was assigned, nanoseconds since 1970.</param>
    /// <param name="assigned">What comes of it.</param>
    /// <returns>False: it cannot be; whoever asked has been told.</returns>
    public bool Restore(AccountStreams account, (string Subject, string Reply) request, StreamConfiguration stream, long created, AssignedRestore assigned)
    {
        var message = new Message { Subject = Encoding.UTF8.GetBytes(request.Subject), Reply = Encoding.UTF8.GetBytes(request.Reply), BodyAndCrlf = "\r\n"u8 };
        return Restore(account, new ApiCall(this, account.Account, message, ApiOperation.Of(ApiRequestKind.StreamRestore), client: null, _system), stream, created, assigned);
    }

    private bool Restore(AccountStreams account, ApiCall call, StreamConfiguration stream, long? created, AssignedRestore? assigned)
    {
        if (_isStopping || _transfers.Count >= MostTransfers)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            return false;
        }
        var draft = new StreamDraft(_engine, call.Account.Name, stream, created);
        draft.BeginRestore(RoomFor(account, stream));
        var transfer = new RestoreTransfer(this, _engine.Threads, call, draft) { Assigned = assigned };
        if (TryBegin(transfer, call) is null)
        {
            draft.Dispose();
            return false;
        }
        transfer.Begin();
        return true;
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
            else if (transfer.Assigned is { } wanted && !wanted.MayBegin())
            {
                transfer.Refuse(JetStreamErrors.JSStreamRestoreErrF.With("the stream was deleted meanwhile"), reply);
            }
            else if (StreamAdmission.CompleteRestore(draft.Record.Configuration, account.Environment) is { } refused)
            {
                transfer.Refuse(refused, reply);
            }
            else
            {
                var stream = account.Adopt(draft);
                if (transfer.Assigned is not { } assigned)
                {
                    transfer.Succeed(CreatedAnswer(stream), reply);
                    return;
                }
                assigned.Restored(stream);
                stream.WhenLed(() =>
                {
                    var answer = CreatedAnswer(stream) with { Cluster = stream.Cluster };
                    Run(() => transfer.Succeed(answer, reply));
                });
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
