namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>Where advisories go; those of a stream have its name as one token more, those of a consumer both names.</summary>
public static class AdvisorySubjects
{
    public const string Api = Prefix + ".API";
    public const string ApiLimitReached = Prefix + ".API.LIMIT_REACHED";
    public const string StreamCreated = Prefix + ".STREAM.CREATED";
    public const string StreamUpdated = Prefix + ".STREAM.UPDATED";
    public const string StreamDeleted = Prefix + ".STREAM.DELETED";
    public const string StreamSnapshotCreate = Prefix + ".STREAM.SNAPSHOT_CREATE";
    public const string StreamSnapshotComplete = Prefix + ".STREAM.SNAPSHOT_COMPLETE";
    public const string StreamRestoreCreate = Prefix + ".STREAM.RESTORE_CREATE";
    public const string StreamRestoreComplete = Prefix + ".STREAM.RESTORE_COMPLETE";
    public const string StreamLeaderElected = Prefix + ".STREAM.LEADER_ELECTED";
    public const string StreamQuorumLost = Prefix + ".STREAM.QUORUM_LOST";
    public const string StreamBatchAbandoned = Prefix + ".STREAM.BATCH_ABANDONED";
    public const string ConsumerCreated = Prefix + ".CONSUMER.CREATED";
    public const string ConsumerDeleted = Prefix + ".CONSUMER.DELETED";
    public const string ConsumerPause = Prefix + ".CONSUMER.PAUSE";
    public const string ConsumerPinned = Prefix + ".CONSUMER.PINNED";
    public const string ConsumerUnpinned = Prefix + ".CONSUMER.UNPINNED";
    public const string ConsumerMaxDeliveries = Prefix + ".CONSUMER.MAX_DELIVERIES";
    public const string ConsumerMessageNaked = Prefix + ".CONSUMER.MSG_NAKED";
    public const string ConsumerMessageTerminated = Prefix + ".CONSUMER.MSG_TERMINATED";
    public const string ConsumerLeaderElected = Prefix + ".CONSUMER.LEADER_ELECTED";
    public const string ConsumerQuorumLost = Prefix + ".CONSUMER.QUORUM_LOST";
    public const string DomainLeaderElected = Prefix + ".DOMAIN.LEADER_ELECTED";
    public const string ServerOutOfStorage = Prefix + ".SERVER.OUT_OF_STORAGE";
    public const string ServerRemoved = Prefix + ".SERVER.REMOVED";

    /// <summary>How long consumers take to acknowledge; a metric, no advisory.</summary>
    public const string ConsumerAckMetric = "$JS.EVENT.METRIC.CONSUMER.ACK";

    private const string Prefix = "$JS.EVENT.ADVISORY";
}
