namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>What consumers do in short turns: little, and nothing that a disk may hold up.</summary>
internal sealed partial class StreamConsumers
{
    /// <summary>Requests and acknowledgements.</summary>
    private const int LittleTraffic = 256;

    /// <summary>Consumers that deliver.</summary>
    private const int FewConsumers = 8;

    /// <summary>Messages of each.</summary>
    private const int FewMessages = 64;

    /// <summary>Consumers with filters, which may have to read much of the stream to find or count what is theirs.</summary>
    private int _filtered;

    /// <summary>Whether what clients have told is so little that it can be done on their thread. From any thread.</summary>
    public bool HasLittleTraffic => _traffic.Count <= LittleTraffic;

    /// <summary>Whether nothing that clients tell them leads to a look for messages, or to their removal.</summary>
    public bool AreSimple => _isRunning && _filtered == 0 && !LetsGo && _grouped.Count == 0 && _heldUp.Count == 0 && _gone.Count == 0 && !_wasCleared;

    /// <summary>Delivers what is at hand; who may have more stays due.</summary>
    public void PumpShortly(long now)
    {
        var share = Math.Min(FewMessages, ShareOf(_store.State));
        for (var left = FewConsumers; _due.TryPeek(out var consumer); left--)
        {
            var isIdle = consumer.IsOver || consumer.Leader is null;
            var messages = isIdle ? 0 : consumer.Leader!.AtHand(share);
            if (!isIdle && (left == 0 || messages == 0 || consumer.Behind is not null)) return;
            _due.Dequeue();
            consumer.IsDue = false;
            if (isIdle) continue;
            var hasMore = consumer.Leader!.Pump(now, messages, consumer.Effects);
            Note(consumer);
            Arm(consumer);
            if (hasMore) SetDue(consumer);
        }
    }

    private void CountFilter(ConsumerHost consumer, int change)
    {
        if (!consumer.Replica.Filter.IsAll) _filtered += change;
    }
}
