using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Messages read and removed by request.</summary>
internal sealed partial class JetStreamService
{
    private void PurgeStream(AccountStreams account, ApiCall call)
    {
        StreamPurgeRequest? request = null;
        if (ApiRequest.HasPayload(call.Payload))
        {
            if ((ApiRequest.Read<StreamPurgeRequest>(call.Payload, _settings.Strict, out var read) ?? read.Check()) is { } bad)
            {
                call.Fail(bad);
                return;
            }
            request = read;
        }
        if (!TryFind(account, call, out var stream)) return;
        if (stream.Configuration.Sealed) call.Fail(JetStreamErrors.JSStreamSealedErr);
        else if (stream.Configuration.DenyPurge) call.Fail(JetStreamErrors.JSStreamPurgeFailedF.With("stream purge not permitted"));
        else Continue(stream, call, () => Purge(stream, request, call));
    }

    private static void Purge(StreamHost stream, StreamPurgeRequest? request, ApiCall call)
    {
        if (stream.Fault is not null)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            return;
        }
        var entry = request is null ? null : new PurgeRequestEntry { Sequence = request.Sequence, Filter = request.Filter, Keep = request.Keep };
        if (stream.Group is not null)
        {
            stream.ProposePurge(entry, call.Client, call.Subject, Encoding.UTF8.GetString(call.Reply));
            return;
        }
        var purged = stream.Purge(entry, stream.Store.State.LastSequence);
        call.AnswerBehind(stream, new StreamPurgeResponse(purged));
    }

    private void DeleteMessage(AccountStreams account, ApiCall call)
    {
        if (!TryReadMessageRequest<MessageDeleteRequest>(call, out var request) || !TryFind(account, call, out var stream)) return;
        if (stream.Configuration.Sealed) call.Fail(JetStreamErrors.JSStreamSealedErr);
        else if (stream.Configuration.DenyDelete) call.Fail(JetStreamErrors.JSStreamMsgDeleteFailedF.With("message delete not permitted"));
        else Continue(stream, call, () => Delete(stream, request, call));
    }

    private static void Delete(StreamHost stream, MessageDeleteRequest request, ApiCall call)
    {
        if (stream.Fault is not null)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
        }
        else if (!stream.Store.TryLoad(request.Sequence, new MessageBuffer()))
        {
            // As upstream's store says it.
            var isBeyond = request.Sequence > stream.Store.State.LastSequence;
            call.Fail(JetStreamErrors.JSStreamMsgDeleteFailedF.With(isBeyond ? "stream store EOF" : "no message found"));
        }
        else
        {
            if (stream.Group is not null)
            {
                stream.ProposeRemoval(request.Sequence, request.NoErase, call.Client, call.Subject, Encoding.UTF8.GetString(call.Reply));
                return;
            }
            stream.Remove(request.Sequence, request.NoErase);
            call.AnswerBehind(stream, new SuccessResponse(ResponseTypes.MessageDelete));
        }
    }

    private void GetMessage(AccountStreams account, ApiCall call)
    {
        if (!TryReadMessageRequest<MessageGetRequest>(call, out var request)) return;
        if (request.Check() is { } bad) call.Fail(bad);
        else if (TryFind(account, call, out var stream)) Continue(stream, call, () => Get(stream, request, call));
    }

    private static void Get(StreamHost stream, MessageGetRequest request, ApiCall call)
    {
        var message = new MessageBuffer();
        if (!TryLoad(stream.Store, request, message))
        {
            call.Fail(JetStreamErrors.JSNoMessageFoundErr);
            return;
        }
        call.AnswerUncounted(new MessageGetResponse(new ApiMessage
        {
            Subject = Encoding.UTF8.GetString(message.Subject),
            Sequence = message.Sequence,
            Headers = request.NoHeaders || message.Headers.IsEmpty ? null : message.Headers.ToArray(),
            Data = message.Payload.IsEmpty ? null : message.Payload.ToArray(),
            Time = ApiTime.FromUnix(message.Timestamp),
        }));
    }

    private static bool TryLoad(IMessageStore store, MessageGetRequest request, MessageBuffer into)
    {
        var sequence = request.StartTime is { } start ? store.SequenceAt(start.UnixNanoseconds) : request.Sequence;
        if (request.NextFor is { Length: > 0 } filter) return store.TryLoadNext(SubjectFilter.Of(filter), sequence, into);
        return sequence > 0
            ? store.TryLoad(sequence, into)
            : store.TryLoadPrevious(SubjectFilter.Of(request.LastFor ?? ""), store.State.LastSequence, into);
    }

    private bool TryReadMessageRequest<T>(ApiCall call, out T request) where T : IApiRequest<T>, new()
    {
        request = new T();
        var error = ApiRequest.IsEmpty(call.Payload) ? JetStreamErrors.JSBadRequestErr : ApiRequest.Read(call.Payload, _settings.Strict, out request);
        if (error is not null) call.Fail(error);
        return error is null;
    }

    private static bool TryFind(AccountStreams account, ApiCall call, out StreamHost stream)
    {
        stream = account.Find(call.First)!;
        if (stream is null) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        return stream is not null;
    }
}
