using System.Text;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Advisories and metrics of consumers, made only when somebody listens.</summary>
internal static class ConsumerReports
{
    /// <summary>Adds what an event is told as.</summary>
    public static void Add(StreamHost stream, string consumer, ConsumerEvent what)
    {
        var (root, create) = Of(stream, consumer, what);
        stream.Advise($"{root}.{stream.Configuration.Name}.{consumer}", create);
    }

    /// <summary>Says that a consumer was made or deleted.</summary>
    public static void Announce(StreamHost stream, string consumer, string root, string action) => stream.Advise(
        $"{root}.{stream.Configuration.Name}.{consumer}",
        stamp => new ConsumerActionAdvisory { Id = stamp.Id, Time = stamp.Time, Domain = stamp.Domain, Stream = stream.Configuration.Name, Consumer = consumer, Action = action });

    private static (string Root, Func<AdvisoryStamp, JetStreamAdvisory> Create) Of(StreamHost host, string consumer, ConsumerEvent what)
    {
        var stream = host.Configuration.Name;
        return what.Kind switch
        {
            ConsumerEventKind.Acknowledged => (AdvisorySubjects.ConsumerAckMetric, stamp => new ConsumerAckMetric
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Stream = stream,
                Consumer = consumer,
                ConsumerSequence = what.ConsumerSequence,
                StreamSequence = what.StreamSequence,
                Delay = what.Delay,
                Deliveries = what.Deliveries,
            }),
            ConsumerEventKind.Naked => (AdvisorySubjects.ConsumerMessageNaked, stamp => new MessageNakedAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Stream = stream,
                Consumer = consumer,
                ConsumerSequence = what.ConsumerSequence,
                StreamSequence = what.StreamSequence,
                Deliveries = what.Deliveries,
            }),
            ConsumerEventKind.Terminated => (AdvisorySubjects.ConsumerMessageTerminated, stamp => new MessageTerminatedAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Stream = stream,
                Consumer = consumer,
                ConsumerSequence = what.ConsumerSequence,
                StreamSequence = what.StreamSequence,
                Deliveries = what.Deliveries,
                Reason = what.Reason,
            }),
            ConsumerEventKind.MaxDeliveries => (AdvisorySubjects.ConsumerMaxDeliveries, stamp => new MaxDeliverAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Stream = stream,
                Consumer = consumer,
                StreamSequence = what.StreamSequence,
                Deliveries = what.Deliveries,
            }),
            _ => OfGroup(host, consumer, what),
        };
    }

    private static (string Root, Func<AdvisoryStamp, JetStreamAdvisory> Create) OfGroup(StreamHost host, string consumer, ConsumerEvent what)
    {
        var (stream, account) = (host.Configuration.Name, host.Account.Name);
        return what.Kind switch
        {
            ConsumerEventKind.Pinned => (AdvisorySubjects.ConsumerPinned, stamp => new ConsumerGroupPinnedAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Account = account,
                Stream = stream,
                Consumer = consumer,
                Group = what.Group ?? "",
                PinnedId = what.PinId ?? "",
            }),
            ConsumerEventKind.Unpinned => (AdvisorySubjects.ConsumerUnpinned, stamp => new ConsumerGroupUnpinnedAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Account = account,
                Stream = stream,
                Consumer = consumer,
                Group = what.Group ?? "",
                Reason = what.Reason ?? "",
            }),
            _ => (AdvisorySubjects.ConsumerPause, stamp => new ConsumerPauseAdvisory
            {
                Id = stamp.Id,
                Time = stamp.Time,
                Domain = stamp.Domain,
                Stream = stream,
                Consumer = consumer,
                Paused = what.IsPaused,
                PauseUntil = ApiTime.FromUnixOrZero(what.PauseUntil ?? 0),
            }),
        };
    }
}
