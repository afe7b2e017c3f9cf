namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>The <c>type</c> of answers, by which clients and schemas know them.</summary>
public static class ResponseTypes
{
    public const string System = Prefix + "system_response";
    public const string Overloaded = Prefix + "system_overloaded";
    public const string AccountInfo = Prefix + "account_info_response";
    public const string AccountPurge = Prefix + "account_purge_response";
    public const string StreamCreate = Prefix + "stream_create_response";
    public const string StreamUpdate = Prefix + "stream_update_response";
    public const string StreamNames = Prefix + "stream_names_response";
    public const string StreamList = Prefix + "stream_list_response";
    public const string StreamInfo = Prefix + "stream_info_response";
    public const string StreamDelete = Prefix + "stream_delete_response";
    public const string StreamPurge = Prefix + "stream_purge_response";
    public const string StreamSnapshot = Prefix + "stream_snapshot_response";
    public const string StreamRestore = Prefix + "stream_restore_response";
    public const string StreamRemovePeer = Prefix + "stream_remove_peer_response";
    public const string StreamLeaderStepDown = Prefix + "stream_leader_stepdown_response";
    public const string MessageGet = Prefix + "stream_msg_get_response";
    public const string MessageDelete = Prefix + "stream_msg_delete_response";
    public const string ConsumerCreate = Prefix + "consumer_create_response";
    public const string ConsumerDelete = Prefix + "consumer_delete_response";
    public const string ConsumerPause = Prefix + "consumer_pause_response";
    public const string ConsumerReset = Prefix + "consumer_reset_response";
    public const string ConsumerUnpin = Prefix + "consumer_unpin_response";
    public const string ConsumerInfo = Prefix + "consumer_info_response";
    public const string ConsumerNames = Prefix + "consumer_names_response";
    public const string ConsumerList = Prefix + "consumer_list_response";
    public const string ConsumerLeaderStepDown = Prefix + "consumer_leader_stepdown_response";
    public const string MetaLeaderStepDown = Prefix + "meta_leader_stepdown_response";
    public const string MetaServerRemove = Prefix + "meta_server_remove_response";

    private const string Prefix = "io.nats.jetstream.api.v1.";
}
