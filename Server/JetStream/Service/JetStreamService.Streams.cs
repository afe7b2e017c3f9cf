using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
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
        call.Answer(new StreamCreateResponse
        {
            Configuration = stream.Configuration.AsAnswered(_settings.Version),
            Created = ApiTime.FromUnix(stream.Record.Created),
            State = StateOf(stream.State),
            Mirror = MirrorOf(stream),
            Sources = SourcesOf(stream),
            Time = Now,
            DidCreate = true,
        });
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
        // The next request sees the change: it waits here for the stream.
        using var done = new ManualResetEventSlim();
        stream.PostQuiet(() =>
        {
            try
            {
                if (stream.Fault is not null)
                {
                    call.Fail(JetStreamErrors.JSInsufficientResourcesErr);
                    return;
                }
                stream.Update(stream.Record with { Configuration = decision.Stream! });
                call.AnswerBehind(stream, new StreamUpdateResponse
                {
                    Configuration = stream.Configuration.AsAnswered(_settings.Version),
                    Created = ApiTime.FromUnix(stream.Record.Created),
                    State = StateOf(stream.Store.State),
                    Domain = _engine.Domain,
                    Mirror = MirrorOf(stream),
                    Sources = SourcesOf(stream),
                    Time = Now,
                });
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
        Announce(stream, AdvisorySubjects.StreamUpdated, AdvisoryAction.Modify);
    }

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
        Delete(account, stream);
        call.Answer(new SuccessResponse(ResponseTypes.StreamDelete));
    }

    /// <summary>Deletes every stream of an account, be there such an account or not.</summary>
    private void PurgeAccount(ApiCall call)
    {
        if (_engine.Accounts.GetValueOrDefault(call.First) is { } account)
        {
            foreach (var stream in account.Hosts.Values) Delete(account, stream);
        }
        call.Answer(new AccountPurgeResponse());
    }

    private void Delete(AccountStreams account, StreamHost stream)
    {
        account.Remove(stream.Configuration.Name);
        using var done = new ManualResetEventSlim();
        stream.PostQuiet(() =>
        {
            try
            {
                stream.Delete();
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
        Announce(stream, AdvisorySubjects.StreamDeleted, AdvisoryAction.Delete);
    }

    private void Announce(StreamHost stream, string subject, string action)
    {
        var outbox = new Outbox();
        _engine.ContextOf(stream.Account).Advise(outbox, $"{subject}.{stream.Configuration.Name}", stamp => new StreamActionAdvisory
        {
            Id = stamp.Id,
            Time = stamp.Time,
            Domain = stamp.Domain,
            Stream = stream.Configuration.Name,
            Action = action,
        });
        Send(stream.Account, outbox);
    }
}
