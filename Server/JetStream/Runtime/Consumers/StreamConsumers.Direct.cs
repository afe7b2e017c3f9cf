namespace NatsAspire.Server.JetStream.Runtime.Consumers;

/// <summary>
/// Direct consumers, over which other streams copy. In a cluster nobody assigns them: the stream's leader makes them by
/// itself, keeps them in memory, and lets them go with its lead; who copies asks the next leader.
/// </summary>
internal sealed partial class StreamConsumers
{
    /// <summary>Whether a consumer is this server's own, and of no group.</summary>
    private bool IsLeadersOwn(ConsumerHost consumer) => Host.IsClustered && consumer is { Configuration.Direct: true, Group: null };

    /// <summary>Of a consumer that several servers hold its leader speaks, of one that serves a leader only nobody.</summary>
    private bool Speaks(ConsumerHost consumer) => consumer.Group is null ? !IsLeadersOwn(consumer) : consumer.Leads;

    /// <summary>This server does not lead the stream any more.</summary>
    public void EndLeadersOwn()
    {
        var ended = false;
        foreach (var consumer in _byId.Values.Where(IsLeadersOwn).ToList())
        {
            consumer.End("409 Leadership Change", withPending: true);
            Drop(consumer);
            ended = true;
        }
        if (ended) Follow();
    }
}
