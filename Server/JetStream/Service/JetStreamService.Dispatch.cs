using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Which request goes where.</summary>
internal sealed partial class JetStreamService
{
    private void Handle(ApiCall call)
    {
        if (call.Operation is not { } operation)
        {
            // No such request: as if nobody had heard it.
            return;
        }
        if (operation.Scope == ApiScope.System)
        {
            HandleSystem(call);
            return;
        }
        if (!call.IsServed)
        {
            call.Fail(JetStreamErrors.JSRequiredApiLevelErr);
            return;
        }
        if (_engine.Find(call.Account) is { } account)
        {
            if (Meta is null) Handle(account, call, operation.Kind);
            else HandleInCluster(account, call, operation.Kind);
        }
        else call.Fail(JetStreamErrors.JSNotEnabledForAccountErr);
    }

    private void Handle(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        switch (kind)
        {
            case ApiRequestKind.AccountInfo: AnswerAccountInfo(account, call); break;
            case ApiRequestKind.StreamCreate: CreateStream(account, call); break;
            case ApiRequestKind.StreamUpdate: UpdateStream(account, call); break;
            case ApiRequestKind.StreamDelete: DeleteStream(account, call); break;
            case ApiRequestKind.StreamNames: AnswerNames(account, call); break;
            case ApiRequestKind.StreamList: AnswerList(account, call); break;
            case ApiRequestKind.StreamInfo: AnswerStreamInfo(account, call); break;
            case ApiRequestKind.StreamPurge: PurgeStream(account, call); break;
            case ApiRequestKind.MessageDelete: DeleteMessage(account, call); break;
            case ApiRequestKind.MessageGet: GetMessage(account, call); break;
            default: HandleOther(account, call, kind); break;
        }
    }

    private void HandleOther(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        switch (kind)
        {
            case ApiRequestKind.StreamPeerRemove or ApiRequestKind.StreamLeaderStepDown or ApiRequestKind.ConsumerLeaderStepDown:
                call.Fail(JetStreamErrors.JSClusterRequiredErr);
                break;
            case ApiRequestKind.StreamSnapshot: Snapshot(account, call); break;
            case ApiRequestKind.StreamRestore: Restore(account, call); break;
            default:
                HandleConsumers(account, call, kind);
                break;
        }
    }

    /// <summary>Has a request served in its stream's mailbox, unless too much waits there.</summary>
    private static void Continue(StreamHost stream, ApiCall call, Action serve)
    {
        if (!stream.TryPost(() => Serve(stream, call, serve))) call.Fail(JetStreamErrors.JSStreamTooManyRequests);
    }

    /// <summary>What the disk does to the stream is said to whoever asked, and fences the stream.</summary>
    private static void Serve(StreamHost stream, ApiCall call, Action serve)
    {
        try
        {
            if (stream.IsStopping) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
            else serve();
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            throw;
        }
    }

    /// <summary>The system account's requests are for clusters, and a server alone does not answer them, but for one.</summary>
    private void HandleSystem(ApiCall call)
    {
        if (Meta is { } meta && ReferenceEquals(call.Account, _system)) meta.ServeSystem(call);
        else if (ReferenceEquals(call.Account, _system) && call.Operation!.Kind == ApiRequestKind.AccountPurge) PurgeAccount(call);
    }
}
