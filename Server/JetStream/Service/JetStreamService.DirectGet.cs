using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Messages read without JSON (ADR-31). In the stream's mailbox.</summary>
internal sealed partial class JetStreamService : IDirectGets
{
    void IDirectGets.Serve(StreamHost stream, in Message request)
    {
        if (!ApiSubject.TryParse(ApiSubscriber.WithoutDomain(request.Subject), out var subject)) return;
        var call = new ApiCall(this, stream.Account, request, subject.Operation, null) { Tail = Encoding.UTF8.GetString(subject.Tail) };
        // Above the limit requests are dropped, as those of the API are.
        _ = stream.TryPost(() => GetDirect(stream, call));
    }

    private void GetDirect(StreamHost stream, ApiCall call)
    {
        if (stream.IsStopping) return;
        var outbox = stream.Prompt;
        if (!call.IsServed)
        {
            outbox.Add(call.Reply, default, DirectGetStatus.RequiredLevel, default);
        }
        else
        {
            var problem = call.Operation!.Kind == ApiRequestKind.DirectGetLast
                ? MessageGetRequest.ReadDirectLast(call.Tail, call.Payload, out var request)
                : MessageGetRequest.ReadDirect(call.Payload, out request);
            if (problem != DirectGetProblem.None) outbox.Add(call.Reply, default, DirectGetStatus.Of(problem), default);
            else new DirectGet(stream, request, call.Reply, _settings.MaxPending, outbox).Run();
        }
    }
}
