using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Where a consumer begins.</summary>
internal static class ConsumerStart
{
    /// <summary>The first message a new consumer may deliver.</summary>
    /// <param name="configuration">Of the consumer.</param>
    /// <param name="filter">Of it.</param>
    /// <param name="store">The stream's messages.</param>
    /// <param name="keepsOnePerSubject">Every message of the stream is its subject's last one.</param>
    /// <param name="lasts">What is to be delivered before anything else; null: nothing.</param>
    public static ulong Choose(ConsumerConfiguration configuration, SubjectFilter filter, IMessageStore store, bool keepsOnePerSubject, out LastMessages? lasts)
    {
        lasts = null;
        var state = store.State;
        if (configuration.StartSequence != 0)
        {
            // A copy of a stream that was made anew, or has lost its end, goes on with what comes; everybody else gets what was asked for.
            var asked = configuration.Direct ? Math.Min(configuration.StartSequence, state.LastSequence + 1) : configuration.StartSequence;
            return Math.Max(asked, state.FirstSequence);
        }
        var start = configuration.DeliverPolicy switch
        {
            DeliverPolicy.All => state.FirstSequence,
            DeliverPolicy.Last => filter.IsAll ? state.LastSequence : store.Filtered(filter, 1).LastSequence,
            DeliverPolicy.LastPerSubject => keepsOnePerSubject ? state.FirstSequence : ChooseLasts(filter, store, out lasts),
            DeliverPolicy.ByStartTime when configuration.StartTime is { } time => AtTime(time.UnixNanoseconds, filter, store),
            _ => state.LastSequence + 1,
        };
        return Math.Max(Math.Min(start, state.LastSequence + 1), state.FirstSequence);
    }

    /// <summary>Why a consumer may not begin anew at a message; null: it may.</summary>
    public static string? WhyNot(ConsumerConfiguration configuration, ulong sequence, IMessageStore store) => configuration.DeliverPolicy switch
    {
        DeliverPolicy.All => null,
        DeliverPolicy.ByStartSequence => sequence < configuration.StartSequence ? "below start seq" : null,
        DeliverPolicy.ByStartTime when configuration.StartTime is { } time => sequence < store.SequenceAt(time.UnixNanoseconds) ? "below start time" : null,
        _ => "not allowed",
    };

    private static ulong ChooseLasts(SubjectFilter filter, IMessageStore store, out LastMessages? lasts)
    {
        var last = store.State.LastSequence;
        var sequences = store.LastSequences(filter, 0, int.MaxValue) ?? [];
        lasts = sequences.Count == 0 ? null : new LastMessages([.. sequences], last);
        return sequences.Count == 0 ? last : sequences[0];
    }

    /// <summary>The first message at or after a time, or the first that the filter lets through if that comes later.</summary>
    private static ulong AtTime(long time, SubjectFilter filter, IMessageStore store)
    {
        var start = store.SequenceAt(time);
        if (filter.IsAll) return start;
        var first = store.Filtered(filter, start).FirstSequence;
        return first > start && first < store.State.LastSequence ? first : start;
    }
}
