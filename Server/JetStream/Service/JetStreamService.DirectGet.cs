using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Messages read without JSON (ADR-31). In the stream's mailbox.</summary>
internal sealed partial class JetStreamService : IDirectGets
{
    void IDirectGets.Serve(StreamHost stream, in Message request, FlushBatch batch)
    {
        if (!ApiSubject.TryParse(ApiSubscriber.WithoutDomain(request.Subject), out var subject)) return;
        var call = new ApiCall(this, stream.Account, request, subject.Operation, null) { Tail = Encoding.UTF8.GetString(subject.Tail) };
        // Above the limit requests are dropped, as those of the API are.
        _ = stream.TryPostGet(mayWait => GetDirect(stream, call, mayWait), batch);
    }

    /// <returns>False: it has to wait for a disk, or to do more than a little.</returns>
    private bool GetDirect(StreamHost stream, ApiCall call, bool mayWait)
    {
        if (stream.IsStopping) return true;
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
            else return new DirectGet(stream, request, call.Reply, _settings.MaxPending, outbox).TryRun(mayWait);
        }
        return true;
    }
}
