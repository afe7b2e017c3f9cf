using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>What monitoring asks. From any thread; only consumers are asked in their streams' mailboxes.</summary>
internal sealed partial class JetStreamService
{
    /// <summary>The streams.</summary>
    public JetStreamEngine Engine => _engine;

    /// <summary>Requests of all accounts.</summary>
    public ApiUsage Requests => new()
    {
        Total = _counters.Values.Aggregate(0UL, (sum, counters) => sum + counters.Total),
        Errors = _counters.Values.Aggregate(0UL, (sum, counters) => sum + counters.Errors),
    };

    /// <summary>Requests of an account.</summary>
    public ApiUsage RequestsOf(Account account) =>
        _counters.TryGetValue(account, out var counters) ? new ApiUsage { Total = counters.Total, Errors = counters.Errors } : new ApiUsage();

    /// <summary>A stream, as it is listed.</summary>
    public StreamInfo InfoOf(StreamHost stream) => Describe(stream) with { State = StateOf(stream), Cluster = stream.ClusterShown };

    /// <summary>How consumers stand.</summary>
    /// <param name="streams">Whose.</param>
    /// <param name="limit">How long to wait for them at most.</param>
    public ConsumerSurvey Survey(IEnumerable<StreamHost> streams, TimeSpan limit) =>
        ConsumerSurvey.Make(streams, limit, (stream, consumer) => Describe(stream, consumer) with { Configuration = consumer.Configuration });
}
