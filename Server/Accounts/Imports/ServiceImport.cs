using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>Another account's service, under a local subject: requests cross over, answers come back.</summary>
public sealed class ServiceImport : ServiceSubscriber
{
    private readonly Account _importer;

    /// <param name="importer">Who asks.</param>
    /// <param name="export">Who answers, and how.</param>
    /// <param name="mapping">The service's subjects on both sides.</param>
    /// <param name="share">The service may learn who asks.</param>
    /// <param name="allowTrace">Traces go on into the exporting account.</param>
    public ServiceImport(Account importer, ServiceExport export, ImportMapping mapping, bool share, bool allowTrace)
    {
        _importer = importer;
        Export = export;
        Mapping = mapping;
        Share = share;
        AllowTrace = allowTrace;
        Subscription = new Subscription(this, mapping.LocalPattern);
    }

    public ServiceExport Export { get; }

    public ImportMapping Mapping { get; }

    public bool Share { get; }

    public bool AllowTrace { get; }

    /// <summary>Its place among the importer's subscriptions, known to this server only.</summary>
    public Subscription Subscription { get; }

    public override bool Take(Subscription subscription, Account account, in Message message, Subscriber source, FlushBatch batch)
    {
        using var crossing = Crossing.Enter(Export);
        if (crossing is null) return false;
        var exporter = Export.Account;
        ResponseRoute? answer = null;
        if (!message.Reply.IsEmpty && (answer = exporter.Responses.Open(this, _importer, message.Reply, message.Header, source)) is null) return false;
        if (answer is null) ServiceLatencyReporter.ReportBadRequest(this, message.Header, source, batch);
        var mapped = crossing.Map(Mapping, exporter, message.Subject);
        if (mapped.IsEmpty) return false;
        var body = crossing.Announce(message, DescribeRequestor(crossing, message, source, exporter), out var headerLength);
        var crossed = new Message
        {
            Subject = mapped,
            Reply = answer is null ? default : answer.Subject,
            HeaderLength = headerLength,
            BodyAndCrlf = body,
            IsImported = true,
            Origin = message.Origin,
            Trace = message.Trace,
        };
        var trace = MessageTrace.Of(message);
        var delivered = trace is null
            ? crossing.Send(exporter, crossed, source, batch)
            : TracedCrossing.SendRequest(this, _importer, message.Subject, crossed, crossing, source, batch);
        if (answer is null || (delivered && trace is not { IsOnly: true })) return delivered;
        exporter.Responses.Close(answer);
        if (!delivered && answer.Latency is { } latency) ServiceLatencyReporter.ReportNobody(Export, latency, batch);
        return delivered;
    }

    private ClientInfo? DescribeRequestor(Crossing crossing, in Message message, Subscriber source, Account exporter)
    {
        if (crossing.IsChained && crossing.ReadAnnounced(message) is { } earlier) return earlier with { Service = _importer.Name };
        return source.Describe(Share) is { } info
            ? exporter.IsSystem && !Share ? info with { Server = exporter.ServerName, Cluster = exporter.ClusterName } : info
            : null;
    }
}
