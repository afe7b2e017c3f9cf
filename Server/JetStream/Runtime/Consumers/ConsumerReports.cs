using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers;

namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>Advisories and metrics of consumers, made only when somebody listens.</summary>
internal static class ConsumerReports
{
    /// <summary>Adds what an event is told as.</summary>
    public static void Add(StreamHost stream, string consumer, ConsumerEvent what) =>
        Advise(stream, consumer, RootOf(what.Kind), () => Of(stream, what));

    /// <summary>Says that a consumer was made or deleted.</summary>
    public static void Announce(StreamHost stream, string consumer, string root, string action) =>
        Advise(stream, consumer, root, () => new ConsumerActionAdvisory { Action = action });

    private static void Advise(StreamHost stream, string consumer, string root, Func<ConsumerAdvisory> create)
    {
        var name = stream.Configuration.Name;
        stream.Advise($"{root}.{name}.{consumer}", () => create().About(name, consumer));
    }

    private static string RootOf(ConsumerEventKind kind) => kind switch
    {
        ConsumerEventKind.Acknowledged => AdvisorySubjects.ConsumerAckMetric,
        ConsumerEventKind.Naked => AdvisorySubjects.ConsumerMessageNaked,
        ConsumerEventKind.Terminated => AdvisorySubjects.ConsumerMessageTerminated,
        ConsumerEventKind.MaxDeliveries => AdvisorySubjects.ConsumerMaxDeliveries,
        ConsumerEventKind.Pinned => AdvisorySubjects.ConsumerPinned,
        ConsumerEventKind.Unpinned => AdvisorySubjects.ConsumerUnpinned,
        _ => AdvisorySubjects.ConsumerPause,
    };

    private static ConsumerAdvisory Of(StreamHost host, ConsumerEvent what) => what.Kind switch
    {
        ConsumerEventKind.Acknowledged => new ConsumerAckMetric
        {
            ConsumerSequence = what.ConsumerSequence,
            StreamSequence = what.StreamSequence,
            Delay = what.Delay,
            Deliveries = what.Deliveries,
        },
        ConsumerEventKind.Naked => new MessageNakedAdvisory
        {
            ConsumerSequence = what.ConsumerSequence,
            StreamSequence = what.StreamSequence,
            Deliveries = what.Deliveries,
        },
        ConsumerEventKind.Terminated => new MessageTerminatedAdvisory
        {
            ConsumerSequence = what.ConsumerSequence,
            StreamSequence = what.StreamSequence,
            Deliveries = what.Deliveries,
            Reason = what.Reason,
        },
        ConsumerEventKind.MaxDeliveries => new MaxDeliverAdvisory { StreamSequence = what.StreamSequence, Deliveries = what.Deliveries },
        ConsumerEventKind.Pinned => new ConsumerGroupPinnedAdvisory { Account = host.Account.Name, Group = what.Group ?? "", PinnedId = what.PinId ?? "" },
        ConsumerEventKind.Unpinned => new ConsumerGroupUnpinnedAdvisory { Account = host.Account.Name, Group = what.Group ?? "", Reason = what.Reason ?? "" },
        _ => new ConsumerPauseAdvisory { Paused = what.IsPaused, PauseUntil = ApiTime.FromUnixOrZero(what.PauseUntil ?? 0) },
    };
}
