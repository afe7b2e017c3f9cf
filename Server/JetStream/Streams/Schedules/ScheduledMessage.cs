using System.Text;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Streams.Schedules;

/// <summary>Makes what a schedule publishes from the message that holds it. Its buffers are used again.</summary>
internal sealed class ScheduledMessage
{
    private readonly HeaderEditor _editor = new();
    private readonly MessageBuffer _schedule = new();
    private readonly MessageBuffer _source = new();
    private MessageBuffer _content;

    public ScheduledMessage() => _content = _schedule;

    public ReadOnlySpan<byte> Target => new PublishHeaders(_schedule.Headers).ScheduleTarget;

    public ReadOnlySpan<byte> Headers => _editor.Block;

    public ReadOnlySpan<byte> Payload => _content.Payload;

    /// <summary>When it comes next, nanoseconds since 1970; null: never again.</summary>
    public long? Next { get; private set; }

    /// <summary>Makes the message.</summary>
    /// <param name="due">The schedule that is due.</param>
    /// <param name="store">The stream's messages.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <returns>False: its message is gone, or holds no schedule that can be followed.</returns>
    public bool TryMake(in DueSchedule due, IMessageStore store, long now)
    {
        if (!store.TryLoad(due.Sequence, _schedule)) return false;
        var headers = new PublishHeaders(_schedule.Headers);
        if (headers.ScheduleTarget.IsEmpty || !PublishHeaders.TryParseTtl(headers.ScheduleTtl, out _)) return false;
        if (MessageSchedule.Next(headers, due.Due, now, out var next) is not null || next is not { } time) return false;
        // Without a last message of the source it is the schedule's own.
        _content = !headers.ScheduleSource.IsEmpty && store.TryLoadLast(headers.ScheduleSource, store.State.LastSequence, _source) ? _source : _schedule;
        Next = time.Repeats ? time.Time : null;
        Strip(_content.Headers);
        _editor.Append("Nats-Scheduler"u8, due.Subject);
        _editor.Append("Nats-Schedule-Next"u8, time.Repeats ? Encoding.ASCII.GetBytes(MessageSchedule.Describe(headers, time.Time)) : "purge"u8);
        if (!headers.ScheduleTtl.IsEmpty) _editor.Append("Nats-TTL"u8, headers.ScheduleTtl);
        if (!headers.ScheduleRollup.IsEmpty) _editor.Append("Nats-Rollup"u8, headers.ScheduleRollup);
        return true;
    }

    /// <summary>Takes away what belongs to the schedule, and what would keep its message from being stored.</summary>
    private void Strip(ReadOnlySpan<byte> block)
    {
        _editor.Load(block);
        _editor.RemovePrefix("Nats-Schedule"u8);
        _editor.RemovePrefix("Nats-Expected-"u8);
        _editor.Remove("Nats-Msg-Id"u8);
        _editor.Remove("Nats-TTL"u8);
        _editor.Remove("Nats-Rollup"u8);
    }
}
