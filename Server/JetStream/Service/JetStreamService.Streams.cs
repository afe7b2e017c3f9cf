using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Streams made, changed and deleted.</summary>
internal sealed partial class JetStreamService
{
    private void CreateStream(AccountStreams account, ApiCall call)
    {
        if (ApiRequest.Read<StreamConfigurationRequest>(call.Payload, _settings.Strict, out var request) is { } unreadable)
        {
            call.Fail(unreadable);
            return;
        }
        var decision = StreamAdmission.Create(call.First, request, account.Environment);
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
        var isNew = decision.Existing is null;
        var stream = isNew ? account.Create(decision.Stream!) : account.Find(call.First)!;
        if (isNew) Announce(stream, AdvisorySubjects.StreamCreated, AdvisoryAction.Create);
        call.Answer(CreatedAnswer(stream) with { DidCreate = true });
        // Nothing has been copied when the answer says so.
        if (isNew) stream.NudgeCopies();
    }

    private void UpdateStream(AccountStreams account, ApiCall call)
    {
        if (ApiRequest.Read<StreamConfigurationRequest>(call.Payload, _settings.Strict, out var request) is { } unreadable)
        {
            call.Fail(unreadable);
            return;
        }
        var decision = StreamAdmission.Update(call.First, request, account.Environment);
        if (decision.Error is { } refused)
        {
            call.Fail(refused);
            return;
        }
        var stream = account.Find(call.First)!;
        var state = new StreamState();
        ApiError? refusal = null;
        if (!TryWhenQuiet(stream, Update)) refusal = JetStreamErrors.JSInsufficientResourcesErr;
        if (refusal is not null)
        {
            call.Fail(refusal);
            return;
        }
        call.Answer(UpdatedAnswer(stream) with { State = state });
        Announce(stream, AdvisorySubjects.StreamUpdated, AdvisoryAction.Modify);

        void Update()
        {
            refusal = ConsumerUpdate.CheckStreamUpdate(stream.Configuration, decision.Stream!, stream.Consumers);
            if (refusal is null) stream.Update(stream.Record with { Configuration = decision.Stream! });
            state = StreamState.Of(stream.Store.State, stream.Consumers.Listed);
        }
    }

    private StreamUpdateResponse UpdatedAnswer(StreamHost stream) => new()
    {
        Configuration = stream.Configuration.AsAnswered(_settings.Version),
        Created = ApiTime.FromUnix(stream.Record.Created),
        State = StateInCluster(stream),
        Domain = _engine.Domain,
        Mirror = MirrorOf(stream),
        Sources = SourcesOf(stream),
        Time = Now,
    };

    private void DeleteStream(AccountStreams account, ApiCall call)
    {
        if (!ApiRequest.IsEmpty(call.Payload))
        {
            call.Fail(JetStreamErrors.JSNotEmptyRequestErr);
            return;
        }
        if (account.Find(call.First) is not { } stream)
        {
            call.Fail(JetStreamErrors.JSStreamNotFoundErr);
            return;
        }
        if (TryDelete(account, stream)) call.Answer(new SuccessResponse(ResponseTypes.StreamDelete));
        else call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
    }

    /// <summary>Deletes every stream of an account, be there such an account or not.</summary>
    private void PurgeAccount(ApiCall call)
    {
        if (_engine.Accounts.GetValueOrDefault(call.First) is { } account)
        {
            var all = true;
            foreach (var stream in account.Hosts.Values) all &= TryDelete(account, stream);
            if (!all)
            {
                call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
                return;
            }
        }
        call.Answer(new AccountPurgeResponse());
    }

    private bool TryDelete(AccountStreams account, StreamHost stream)
    {
        // Nobody finds it from here on, unless it turns out that it stays.
        account.Remove(stream.Configuration.Name);
        if (!TryWhenQuiet(stream, () => stream.Delete(), alsoWhenFenced: true))
        {
            account.Add(stream);
            return false;
        }
        Announce(stream, AdvisorySubjects.StreamDeleted, AdvisoryAction.Delete);
        return true;
    }

    /// <summary>Has something done in a stream's mailbox when nothing is under way there, and waits: the next request sees the change.</summary>
    /// <returns>False: it could not be done; the stream is fenced.</returns>
    private bool TryWhenQuiet(StreamHost stream, Action action, bool alsoWhenFenced = false)
    {
        var isDone = false;
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.PostQuiet(() =>
        {
            try
            {
                if (stream.Fault is not null && !alsoWhenFenced) return;
                action();
                isDone = true;
            }
            finally
            {
                over.SetResult();
            }
        });
        _engine.Threads.Wait(over.Task);
        return isDone;
    }

    private void Announce(StreamHost stream, string subject, string action)
    {
        var outbox = new Outbox();
        _engine.ContextOf(stream.Account).Advise(outbox, $"{subject}.{stream.Configuration.Name}", () => new StreamActionAdvisory
        {
            Stream = stream.Configuration.Name,
            Action = action,
        });
        Send(stream.Account, outbox);
    }
}
