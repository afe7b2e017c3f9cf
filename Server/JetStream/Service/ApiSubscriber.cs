using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>Takes the API's requests of an account off its clients' loops.</summary>
/// <param name="service">Handles them.</param>
/// <param name="account">Whose.</param>
internal sealed class ApiSubscriber(JetStreamService service, Account account) : ServiceSubscriber
{
    public override bool TakesRoutedMessages => true;

    public override bool Take(Subscription subscription, Account published, in Message message, Subscriber source, FlushBatch batch)
    {
        // Behind a domain's prefix stands the same subject.
        var subject = WithoutDomain(message.Subject);
        if (!ApiSubject.TryParse(subject, out var parsed))
        {
            service.Post(new ApiCall(service, account, message, null, source.Describe(detailed: true)));
            return true;
        }
        if (parsed.Operation.Kind == ApiRequestKind.ConsumerNext) return service.TryPull(account, parsed, message, batch);
        // Streams that serve them listen for themselves.
        if (parsed.Operation.Scope == ApiScope.Direct) return false;
        var (requestor, client, answers) = service.WhoAsks(account, message, source);
        if (requestor is null) return true;
        service.Post(new ApiCall(service, requestor, message, parsed.Operation, client, answers)
        {
            LocalSubject = subject.ToArray(),
            First = Encoding.UTF8.GetString(parsed.First),
            Second = Encoding.UTF8.GetString(parsed.Second),
            Tail = Encoding.UTF8.GetString(parsed.Tail),
        });
        return true;
    }

    /// <summary><c>$JS.domain.API.…</c> as <c>$JS.API.…</c>.</summary>
    public static ReadOnlySpan<byte> WithoutDomain(ReadOnlySpan<byte> subject)
    {
        if (subject.StartsWith(ApiSubject.Prefix)) return subject;
        var end = subject["$JS.".Length..].IndexOf(".API."u8);
        return end < 0 ? subject : (byte[])[.. "$JS"u8, .. subject[("$JS.".Length + end)..]];
    }
}
