using System.Text;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary>What a request to make a consumer lets happen.</summary>
public enum ConsumerAction
{
    /// <summary>Make it, or change it if it exists.</summary>
    CreateOrUpdate,

    /// <summary>Change it; it has to exist.</summary>
    Update,

    /// <summary>Make it; if it exists, it has to be as it is asked for.</summary>
    Create,
}

/// <summary><c>CONSUMER.CREATE</c> and <c>CONSUMER.DURABLE.CREATE</c>.</summary>
public sealed record ConsumerCreateRequest : IApiRequest<ConsumerCreateRequest>
{
    public string Stream { get; init; } = "";

    public ConsumerConfiguration Consumer { get; init; } = new();

    public ConsumerAction Action { get; init; }

    /// <summary>Refuse what would be corrected.</summary>
    public bool Pedantic { get; init; }

    /// <summary>Brings the names that the subject says into the request.</summary>
    /// <param name="subject">One of the three subjects.</param>
    /// <param name="named">The request as it is to be decided.</param>
    /// <returns>What is wrong, or null.</returns>
    public ApiError? TakeNames(in ApiSubject subject, out ConsumerCreateRequest named)
    {
        named = this;
        if (Encoding.UTF8.GetString(subject.First) != Stream) return JetStreamErrors.JSStreamMismatchErr;
        var isNamed = subject.Operation.Kind == ApiRequestKind.ConsumerCreateNamed;
        var dot = isNamed ? subject.Tail.IndexOf((byte)'.') : -1;
        var name = Encoding.UTF8.GetString(subject.Operation.Kind switch
        {
            ApiRequestKind.ConsumerCreateDurable => subject.Second,
            ApiRequestKind.ConsumerCreateNamed => dot < 0 ? subject.Tail : subject.Tail[..dot],
            _ => Encoding.UTF8.GetBytes(Consumer.Name ?? ""),
        });
        if (name.AsSpan().IndexOfAny('\\', '/') >= 0) return JetStreamErrors.JSConsumerNameContainsPathSeparatorsErr;
        if (CheckDurable(subject.Operation.Kind, name) is { } error) return error;
        if (name.Length > 0) named = this with { Consumer = Consumer with { Name = name } };
        return CheckFilter(dot < 0 ? "" : Encoding.UTF8.GetString(subject.Tail[(dot + 1)..]));
    }

    private ApiError? CheckDurable(ApiRequestKind kind, string name)
    {
        if (kind == ApiRequestKind.ConsumerCreate) return Consumer.IsDurable ? JetStreamErrors.JSConsumerEphemeralWithDurableNameErr : null;
        if (!Consumer.IsDurable) return kind == ApiRequestKind.ConsumerCreateDurable ? JetStreamErrors.JSConsumerDurableNameNotSetErr : null;
        return name == Consumer.Durable ? null : JetStreamErrors.JSConsumerDurableNameNotMatchSubjectErr;
    }

    private ApiError? CheckFilter(string filter)
    {
        if (filter.Length == 0) return null;
        if (!Consumer.FilterSubjects.IsEmpty) return JetStreamErrors.JSConsumerMultipleFiltersNotAllowed;
        return filter == Consumer.FilterSubject ? null : JetStreamErrors.JSConsumerCreateFilterSubjectMismatchErr;
    }

    static ConsumerCreateRequest IApiRequest<ConsumerCreateRequest>.Read(ref ApiReader reader, ConsumerCreateRequest request)
    {
        if (!reader.Enter("CreateConsumerRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "stream_name": request = request with { Stream = reader.String(request.Stream) }; break;
                case "config": request = request with { Consumer = ConsumerConfiguration.Read(ref reader, request.Consumer) }; break;
                case "action": request = request with { Action = reader.Name<ConsumerAction>(request.Action, TryAction, static token => $"unknown consumer action: {token}") }; break;
                case "pedantic": request = request with { Pedantic = reader.Bool(request.Pedantic) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }

    private static bool TryAction(string token, out ConsumerAction action)
    {
        action = token switch
        {
            "\"create\"" => ConsumerAction.Create,
            "\"update\"" => ConsumerAction.Update,
            _ => ConsumerAction.CreateOrUpdate,
        };
        return action != ConsumerAction.CreateOrUpdate || token == "\"\"";
    }
}
