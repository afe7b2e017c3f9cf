using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Requests about consumers. They are served in the stream's mailbox.</summary>
internal sealed partial class JetStreamService
{
    private const int NameLength = 8;
    private const string NameDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Hands a pull request on; on the requestor's loop.</summary>
    /// <returns>False: there is no such consumer, as if nobody listened.</returns>
    public bool TryPull(Account account, in ApiSubject subject, in Message message, FlushBatch batch)
    {
        if (_engine.Find(account)?.Find(Encoding.UTF8.GetString(subject.First)) is not { } stream || !stream.Consumers.Serves(subject.Second)) return false;
        stream.Consumers.Take(message.WithSubject(subject.Second), batch);
        return true;
    }

    private void HandleConsumers(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        if (kind is ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed or ApiRequestKind.ConsumerCreateDurable)
        {
            CreateConsumer(account, call);
            return;
        }
        if (Check(call, kind) is { } error) call.Fail(error);
        else if (account.Offline.TryGetValue(call.First, out var reason)) call.Fail(JetStreamErrors.JSStreamOfflineReasonErrF.With(reason));
        else if (TryFind(account, call, out var stream)) Continue(stream, call, () => ServeConsumers(stream, call, kind));
    }

    /// <summary>What can be said of a request before anything is looked for.</summary>
    private ApiError? Check(ApiCall call, ApiRequestKind kind) => kind switch
    {
        ApiRequestKind.ConsumerInfo or ApiRequestKind.ConsumerDelete => ApiRequest.IsEmpty(call.Payload) ? null : JetStreamErrors.JSNotEmptyRequestErr,
        ApiRequestKind.ConsumerNames or ApiRequestKind.ConsumerList => ReadOptional<ConsumerListRequest>(call, out _),
        ApiRequestKind.ConsumerPause => ReadOptional<ConsumerPauseRequest>(call, out _),
        ApiRequestKind.ConsumerUnpin => ConsumerUnpinRequest.Read(call.Payload, out _),
        ApiRequestKind.ConsumerReset => ConsumerResetRequest.Read(call.Payload, out _),
        _ => null,
    };

    private ApiError? ReadOptional<T>(ApiCall call, out T request) where T : IApiRequest<T>, new()
    {
        request = new T();
        return ApiRequest.HasPayload(call.Payload) ? ApiRequest.Read(call.Payload, _settings.Strict, out request) : null;
    }

    private void ServeConsumers(StreamHost stream, ApiCall call, ApiRequestKind kind)
    {
        switch (kind)
        {
            case ApiRequestKind.ConsumerNames: AnswerConsumerNames(stream, call); break;
            case ApiRequestKind.ConsumerList: AnswerConsumerList(stream, call); break;
            default:
                if (stream.Consumers.Find(Encoding.UTF8.GetBytes(call.Second)) is not { } consumer)
                {
                    // A consumer itself answers this one.
                    if (kind != ApiRequestKind.ConsumerReset) call.Fail(JetStreamErrors.JSConsumerNotFoundErr);
                }
                else if (consumer.Leader is null) call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
                else if (kind == ApiRequestKind.ConsumerInfo) call.Answer(new ConsumerInfoResponse(Describe(stream, consumer)));
                else if (stream.Fault is not null) call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
                else ChangeConsumer(stream, consumer, call, kind);
                break;
        }
    }

    private void ChangeConsumer(StreamHost stream, ConsumerHost consumer, ApiCall call, ApiRequestKind kind)
    {
        switch (kind)
        {
            case ApiRequestKind.ConsumerDelete:
                stream.Consumers.Delete(consumer);
                call.AnswerBehind(stream, new SuccessResponse(ResponseTypes.ConsumerDelete));
                break;
            case ApiRequestKind.ConsumerPause: Pause(stream, consumer, call); break;
            case ApiRequestKind.ConsumerUnpin: Unpin(stream, consumer, call); break;
            case ApiRequestKind.ConsumerReset: Reset(stream, consumer, call); break;
        }
    }

    private void CreateConsumer(AccountStreams account, ApiCall call)
    {
        var error = ApiRequest.Read<ConsumerCreateRequest>(call.Payload, _settings.Strict, out var request);
        if (error is null && ApiSubject.TryParse(call.LocalSubject, out var subject)) error = request.TakeNames(subject, out request);
        if (error is not null) call.Fail(error);
        else if (account.Find(call.First) is null && request.Consumer.Replicas > 1) call.Fail(JetStreamErrors.JSStreamReplicasNotSupportedErr);
        else if (TryFind(account, call, out var stream)) Continue(stream, call, () => CreateConsumer(account, stream, request, call));
    }

    private void CreateConsumer(AccountStreams account, StreamHost stream, ConsumerCreateRequest request, ApiCall call)
    {
        if (stream.Fault is not null)
        {
            call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
            return;
        }
        var decision = ConsumerAdmission.Decide(request, new ConsumerEnvironment
        {
            Stream = stream.Configuration,
            Catalog = stream.Consumers,
            Tiers = account.Environment.Tiers,
            Server = _settings.ConsumerLimits,
            NewName = NewConsumerName,
            HasInterest = subject => stream.Account.Subscriptions.HasInterest(Encoding.UTF8.GetBytes(subject)),
        });
        if (decision.Error is { } refused)
        {
            call.Fail(refused);
            return;
        }
        var consumer = stream.Consumers.Find(Encoding.UTF8.GetBytes(decision.Name));
        if (consumer is null) consumer = stream.Consumers.Create(decision.Name, decision.Consumer!, stream.Now);
        else
        {
            if (decision.Consumer != consumer.Configuration) stream.Consumers.Update(consumer, decision.Consumer!, stream.Now);
            if (decision.Consumer!.Sourcing) stream.Consumers.Reset(consumer, 0, out _);
        }
        call.AnswerBehind(stream, new ConsumerCreateResponse(Describe(stream, consumer)));
    }

    private static string NewConsumerName() => string.Create(NameLength, 0, static (name, _) =>
    {
        foreach (ref var digit in name) digit = NameDigits[FastRandom.Next(NameDigits.Length)];
    });

    private void Pause(StreamHost stream, ConsumerHost consumer, ApiCall call)
    {
        _ = ReadOptional<ConsumerPauseRequest>(call, out var request);
        stream.Consumers.Update(consumer, ConsumerAdmission.Pause(consumer.Configuration, request), stream.Now);
        call.AnswerBehind(stream, new ConsumerPauseResponse(request.PauseUntil, Now));
    }

    private static void Unpin(StreamHost stream, ConsumerHost consumer, ApiCall call)
    {
        _ = ConsumerUnpinRequest.Read(call.Payload, out var request);
        if (!stream.Consumers.Unpin(consumer, request.Group)) call.Fail(JetStreamErrors.JSConsumerInvalidPriorityGroupErr);
        else call.Answer(new ConsumerUnpinResponse());
    }

    private void Reset(StreamHost stream, ConsumerHost consumer, ApiCall call)
    {
        _ = ConsumerResetRequest.Read(call.Payload, out var request);
        if (stream.Consumers.Reset(consumer, request.Sequence, out var begins) is { } refusal) call.Fail(JetStreamErrors.JSConsumerInvalidResetErr.With(refusal));
        else call.AnswerBehind(stream, new ConsumerResetResponse(Describe(stream, consumer), begins));
    }

    private void AnswerConsumerNames(StreamHost stream, ApiCall call)
    {
        _ = ReadOptional<ConsumerListRequest>(call, out var request);
        call.Answer(ConsumerNamesResponse.Page([.. Listed(stream).Select(consumer => consumer.Name)], request.Offset));
    }

    private void AnswerConsumerList(StreamHost stream, ApiCall call)
    {
        _ = ReadOptional<ConsumerListRequest>(call, out var request);
        var consumers = Listed(stream).ToList();
        var offset = request.Offset;
        var page = StreamNamesResponse.PageOf(consumers, ref offset, ConsumerListResponse.PageSize);
        call.Answer(new ConsumerListResponse { Total = consumers.Count, Offset = offset, Limit = ConsumerListResponse.PageSize, Consumers = [.. page.Select(consumer => Describe(stream, consumer) with { Configuration = consumer.Configuration })] });
    }

    /// <summary>Without those that servers made for mirrors and sources.</summary>
    private static IEnumerable<ConsumerHost> Listed(StreamHost stream) => stream.Consumers.All.Where(consumer => !consumer.Configuration.Direct);

    /// <summary>How a consumer stands. In its stream's mailbox.</summary>
    public ConsumerInfo Describe(StreamHost stream, ConsumerHost consumer)
    {
        var figures = stream.Consumers.Describe(consumer);
        return new ConsumerInfo
        {
            Stream = stream.Configuration.Name,
            Name = consumer.Name,
            Created = ApiTime.FromUnix(consumer.Record.Created),
            Configuration = consumer.Configuration.AsAnswered(_settings.Version),
            Delivered = new SequenceInfo { Consumer = figures.Delivered.Consumer, Stream = figures.Delivered.Stream, LastActive = TimeOf(figures.LastDelivered) },
            AckFloor = new SequenceInfo { Consumer = figures.AckFloor.Consumer, Stream = figures.AckFloor.Stream, LastActive = TimeOf(figures.LastAcknowledged) },
            AckPending = figures.AckPending,
            Redelivered = figures.Redelivered,
            Waiting = figures.Waiting,
            Pending = figures.Pending,
            PushBound = figures.IsPushBound,
            Paused = figures.IsPaused,
            PauseRemaining = figures.PauseRemaining,
            Time = Now,
            Cluster = consumer.Cluster,
            PriorityGroups = [.. consumer.Configuration.PriorityGroups.Select(group => new PriorityGroupState
            {
                Group = group,
                PinnedClientId = figures.PinnedId,
                PinnedTime = ApiTime.FromUnixOrZero(figures.PinnedSince),
            })],
        };

        static ApiTime? TimeOf(long time) => time == 0 ? null : ApiTime.FromUnix(time);
    }
}
