namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>
/// The headers of a published message that mean something to a stream, found in one pass. Values are slices of the
/// block without blanks around them; the first of equal names counts. Nothing is allocated.
/// </summary>
public readonly ref partial struct PublishHeaders
{
    private readonly Presence _present;

    /// <summary>Reads a block.</summary>
    /// <param name="block">A whole header block; empty: none.</param>
    public PublishHeaders(ReadOnlySpan<byte> block)
    {
        var at = block.IndexOf("\r\n"u8);
        while (at >= 0)
        {
            var rest = block[(at + 2)..];
            var length = rest.IndexOf("\r\n"u8);
            if (length <= 0) return;
            at += length + 2;
            var line = rest[..length];
            if (!line.StartsWith("Nats-"u8)) continue;
            var colon = line.IndexOf((byte)':');
            if (colon < 0) continue;
            var name = line[5..colon];
            var value = line[(colon + 1)..].Trim(" \t"u8);
            // The length tells most names apart before their letters are looked at.
            switch (name.Length)
            {
                case 3 when name.SequenceEqual("TTL"u8) && Takes(ref _present, Presence.Ttl): Ttl = value; break;
                case 4 when name.SequenceEqual("Incr"u8) && Takes(ref _present, Presence.Increment): Increment = value; break;
                case 6 when name.SequenceEqual("Msg-Id"u8) && Takes(ref _present, Presence.MessageId): MessageId = value; break;
                case 6 when name.SequenceEqual("Rollup"u8) && Takes(ref _present, Presence.Rollup): Rollup = value; break;
                case 8 when name.SequenceEqual("Batch-Id"u8) && Takes(ref _present, Presence.BatchId): BatchId = value; break;
                case 8 when name.SequenceEqual("Schedule"u8) && Takes(ref _present, Presence.Schedule): Schedule = value; break;
                case 9 when name.SequenceEqual("Scheduler"u8) && Takes(ref _present, Presence.Scheduler): Scheduler = value; break;
                case 12 when name.SequenceEqual("Request-Info"u8): _present |= Presence.RequestInfo; break;
                case 12 when name.SequenceEqual("Batch-Commit"u8) && Takes(ref _present, Presence.BatchCommit): BatchCommit = value; break;
                case 12 when name.SequenceEqual("Schedule-TTL"u8) && Takes(ref _present, Presence.ScheduleTtl): ScheduleTtl = value; break;
                case 13 when name.SequenceEqual("Schedule-Next"u8) && Takes(ref _present, Presence.ScheduleNext): ScheduleNext = value; break;
                case 13 when name.SequenceEqual("Stream-Source"u8) && Takes(ref _present, Presence.StreamSource): StreamSource = value; break;
                case 14 when name.SequenceEqual("Batch-Sequence"u8) && Takes(ref _present, Presence.BatchSequence): BatchSequence = value; break;
                case 15 when name.SequenceEqual("Counter-Sources"u8) && Takes(ref _present, Presence.CounterSources): CounterSources = value; break;
                case 15 when name.SequenceEqual("Expected-Stream"u8) && Takes(ref _present, Presence.ExpectedStream): ExpectedStream = value; break;
                case 15 when name.SequenceEqual("Schedule-Target"u8) && Takes(ref _present, Presence.ScheduleTarget): ScheduleTarget = value; break;
                case 15 when name.SequenceEqual("Schedule-Source"u8) && Takes(ref _present, Presence.ScheduleSource): ScheduleSource = value; break;
                case 15 when name.SequenceEqual("Schedule-Rollup"u8) && Takes(ref _present, Presence.ScheduleRollup): ScheduleRollup = value; break;
                case 18 when name.SequenceEqual("Schedule-Time-Zone"u8) && Takes(ref _present, Presence.ScheduleTimeZone): ScheduleTimeZone = value; break;
                case 18 when name.SequenceEqual("Required-Api-Level"u8) && Takes(ref _present, Presence.RequiredLevel): RequiredLevel = value; break;
                case 20 when name.SequenceEqual("Expected-Last-Msg-Id"u8) && Takes(ref _present, Presence.ExpectedLastMessageId): ExpectedLastMessageId = value; break;
                case 22 when name.SequenceEqual("Expected-Last-Sequence"u8) && Takes(ref _present, Presence.ExpectedLastSequence): ExpectedLastSequenceText = value; break;
                case 30 when name.SequenceEqual("Expected-Last-Subject-Sequence"u8) && Takes(ref _present, Presence.ExpectedSubjectSequence): ExpectedLastSubjectSequenceText = value; break;
                case 38 when name.SequenceEqual("Expected-Last-Subject-Sequence-Subject"u8) && Takes(ref _present, Presence.ExpectedSubject): ExpectedLastSubject = value; break;
            }
        }
    }

    /// <summary>Names the message, so that it is stored once within the duplicate window.</summary>
    public ReadOnlySpan<byte> MessageId { get; }

    /// <summary>The stream that is to store it.</summary>
    public ReadOnlySpan<byte> ExpectedStream { get; }

    /// <summary>The <see cref="MessageId"/> of the stream's last message.</summary>
    public ReadOnlySpan<byte> ExpectedLastMessageId { get; }

    /// <summary>The subject that an expected sequence of a subject is of; empty: the message's.</summary>
    public ReadOnlySpan<byte> ExpectedLastSubject { get; }

    /// <summary>The message takes the place of those before it: <c>sub</c> of its subject, <c>all</c> of the stream; any case.</summary>
    public ReadOnlySpan<byte> Rollup { get; }

    /// <summary>How long the message stays.</summary>
    public ReadOnlySpan<byte> Ttl { get; }

    /// <summary>What a counter grows by.</summary>
    public ReadOnlySpan<byte> Increment { get; }

    /// <summary>What the sources of a counter stand at; only for the server to set.</summary>
    public ReadOnlySpan<byte> CounterSources { get; }

    /// <summary>The atomic batch it is part of.</summary>
    public ReadOnlySpan<byte> BatchId { get; }

    /// <summary>Its number in the batch, from 1.</summary>
    public ReadOnlySpan<byte> BatchSequence { get; }

    /// <summary>It ends the batch: <c>1</c> with itself, <c>eob</c> before itself.</summary>
    public ReadOnlySpan<byte> BatchCommit { get; }

    /// <summary>When it is to be published on <see cref="ScheduleTarget"/>.</summary>
    public ReadOnlySpan<byte> Schedule { get; }

    /// <summary>Where a cron schedule's hours are meant.</summary>
    public ReadOnlySpan<byte> ScheduleTimeZone { get; }

    /// <summary>The <see cref="Ttl"/> of what is published.</summary>
    public ReadOnlySpan<byte> ScheduleTtl { get; }

    /// <summary>The <see cref="Rollup"/> of what is published.</summary>
    public ReadOnlySpan<byte> ScheduleRollup { get; }

    public ReadOnlySpan<byte> ScheduleTarget { get; }

    /// <summary>The subject whose last message is published instead of this one.</summary>
    public ReadOnlySpan<byte> ScheduleSource { get; }

    /// <summary>The subject of the schedule that a message comes from.</summary>
    public ReadOnlySpan<byte> Scheduler { get; }

    /// <summary>When it comes next; <c>purge</c>: never.</summary>
    public ReadOnlySpan<byte> ScheduleNext { get; }

    /// <summary>Where a copied message comes from; only for the server to set.</summary>
    public ReadOnlySpan<byte> StreamSource { get; }

    /// <summary>The API level that the server must have.</summary>
    public ReadOnlySpan<byte> RequiredLevel { get; }

    /// <summary>Whether a time zone is given, be it an empty one.</summary>
    public bool HasScheduleTimeZone => (_present & Presence.ScheduleTimeZone) != 0;

    /// <summary>Whether the batch is to be ended, be it in a wrong way.</summary>
    public bool HasBatchCommit => (_present & Presence.BatchCommit) != 0;

    /// <summary>Whether servers have noted who published it, which is not stored.</summary>
    public bool HasRequestInfo => (_present & Presence.RequestInfo) != 0;

    /// <summary>Whether any header means something to a stream.</summary>
    public bool IsEmpty => _present == 0;

    private ReadOnlySpan<byte> ExpectedLastSequenceText { get; }

    private ReadOnlySpan<byte> ExpectedLastSubjectSequenceText { get; }

    private static bool Takes(ref Presence present, Presence header)
    {
        if ((present & header) != 0) return false;
        present |= header;
        return true;
    }

    [Flags]
    private enum Presence
    {
        Ttl = 1 << 0,
        Increment = 1 << 1,
        MessageId = 1 << 2,
        Rollup = 1 << 3,
        BatchId = 1 << 4,
        Schedule = 1 << 5,
        Scheduler = 1 << 6,
        BatchCommit = 1 << 7,
        ScheduleTtl = 1 << 8,
        ScheduleNext = 1 << 9,
        StreamSource = 1 << 10,
        BatchSequence = 1 << 11,
        ExpectedStream = 1 << 12,
        ScheduleTarget = 1 << 13,
        ScheduleSource = 1 << 14,
        ScheduleRollup = 1 << 15,
        ScheduleTimeZone = 1 << 16,
        RequiredLevel = 1 << 17,
        ExpectedLastMessageId = 1 << 18,
        ExpectedLastSequence = 1 << 19,
        ExpectedSubjectSequence = 1 << 20,
        ExpectedSubject = 1 << 21,
        RequestInfo = 1 << 22,
        CounterSources = 1 << 23,
    }
}
