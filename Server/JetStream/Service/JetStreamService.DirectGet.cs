using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Messages read without JSON (ADR-31). In the stream's mailbox.</summary>
internal sealed partial class JetStreamService
{
    private void GetDirect(StreamHost stream, ApiCall call)
    {
        if (call.Reply.Length == 0 || !stream.Configuration.AllowDirect) return;
        var outbox = new Outbox();
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
        Send(call.Account, outbox);
    }
}
