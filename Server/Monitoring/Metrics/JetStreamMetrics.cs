using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring.Metrics;

/// <summary>/jsz as the exporter's -jsz tells it: the server, accounts, streams and consumers, each with the labels of what it is in.</summary>
internal sealed class JetStreamMetrics
{
    private const string Gauge = "gauge";
    private const double SecondsOfNanosecond = 1e-9;

    private readonly MetricsWriter _writer;
    private readonly string _prefix;
    private readonly string _serverName;

    private JetStreamMetrics(MetricsWriter writer, string prefix, string serverName)
    {
        _writer = writer;
        _prefix = prefix;
        _serverName = serverName;
    }

    /// <summary>Adds what is asked for; of a server without JetStream that it has none.</summary>
    public static void Add(MetricsWriter writer, MetricsOptions options, MonitoringSource source, string serverId)
    {
        var page = Jsz.Collect(source, new JszOptions
        {
            Accounts = options.JetStream >= JetStreamMetricsLevel.Accounts,
            Streams = options.JetStream >= JetStreamMetricsLevel.Streams,
            Consumer = options.JetStream >= JetStreamMetricsLevel.All,
            Config = true,
            Limit = -1,
        });
        // A server alone leads what it has.
        var metaLeader = page.Meta?.Leader ?? "";
        (string, string)[] labels =
        [
            ("server_id", serverId), ("server_name", source.ServerName), ("cluster", page.Meta?.Name ?? ""), ("domain", page.Config.Domain ?? ""), ("meta_leader", metaLeader),
            ("is_meta_leader", page.Meta is null || metaLeader == source.ServerName ? "true" : "false"),
        ];
        var metrics = new JetStreamMetrics(writer, options.JetStreamPrefix, source.ServerName);
        metrics.AddServer(page, labels);
        foreach (var account in page.AccountDetails ?? []) metrics.AddAccount(account, labels);
    }

    private void AddServer(Jsz page, (string, string)[] labels)
    {
        AddOne("server_jetstream_disabled", "whether JetStream is disabled", page.Disabled ? 1 : 0, labels);
        AddOne("server_max_memory", "bytes of streams in memory at most", page.Config.MaxMemory, labels);
        AddOne("server_max_storage", "bytes of streams on the disk at most", page.Config.MaxStorage, labels);
        AddOne("server_total_streams", "streams", page.Streams, labels);
        AddOne("server_total_consumers", "consumers", page.Consumers, labels);
        AddOne("server_total_messages", "messages stored", page.Messages, labels);
        AddOne("server_total_message_bytes", "bytes stored", page.Bytes, labels);
    }

    private void AddAccount(JszAccount account, (string, string)[] server)
    {
        (string, string)[] labels = [.. server, ("account", account.Name), ("account_name", account.Name), ("account_id", account.Id)];
        AddOne("account_max_memory", "bytes in memory that the account may use", account.ReservedMemory, labels);
        AddOne("account_max_storage", "bytes on the disk that the account may use", account.ReservedStorage, labels);
        AddOne("account_memory_used", "bytes in memory that the account uses", account.Memory, labels);
        AddOne("account_storage_used", "bytes on the disk that the account uses", account.Storage, labels);
        foreach (var stream in account.Streams ?? []) AddStream(stream, labels);
    }

    private void AddStream(JszStream stream, (string, string)[] account)
    {
        (string, string)[] labels = [.. account, ("stream_name", stream.Name), ("stream_leader", stream.Cluster?.Leader ?? ""), ("is_stream_leader", IsSelf(stream.Cluster)), ("stream_raft_group", stream.Cluster?.RaftGroup ?? "")];
        var state = stream.State;
        AddOne("stream_total_messages", "messages of the stream", state.Messages, labels);
        AddOne("stream_total_bytes", "bytes of the stream", state.Bytes, labels);
        AddOne("stream_first_seq", "sequence of the oldest message", state.FirstSequence, labels);
        AddOne("stream_last_seq", "sequence of the newest message", state.LastSequence, labels);
        AddOne("stream_consumer_count", "consumers of the stream", state.Consumers, labels);
        AddOne("stream_subject_count", "subjects in the stream", state.SubjectCount, labels);
        AddOne("stream_limit_messages", "messages of the stream at most; -1: any number", stream.Configuration!.MaxMessages, labels);
        AddOne("stream_limit_bytes", "bytes of the stream at most; -1: any number", stream.Configuration.MaxBytes, labels);
        foreach (var source in stream.Sources) AddCopy("source", source, labels);
        if (stream.Mirror is { } mirror) AddCopy("mirror", mirror, labels);
        foreach (var consumer in stream.Consumers ?? []) AddConsumer(consumer, labels);
    }

    private string IsSelf(ClusterInfo? cluster) => cluster is null || cluster.Leader == _serverName ? "true" : "false";

    private void AddCopy(string kind, StreamSourceInfo copy, (string, string)[] stream)
    {
        (string, string)[] labels =
            [.. stream, ($"{kind}_name", copy.Name), ($"{kind}_api", copy.External?.ApiPrefix ?? ""), ($"{kind}_deliver", copy.External?.DeliverPrefix ?? "")];
        AddOne($"stream_{kind}_lag", "messages still to be copied", copy.Lag, labels);
        AddOne($"stream_{kind}_active_duration_ns", "nanoseconds since anything came; -1: nothing ever did", copy.Active, labels);
    }

    private void AddConsumer(ConsumerInfo consumer, (string, string)[] stream)
    {
        (string, string)[] labels =
            [.. stream, ("consumer_name", consumer.Name), ("consumer_leader", consumer.Cluster?.Leader ?? ""), ("is_consumer_leader", IsSelf(consumer.Cluster)), ("consumer_desc", consumer.Configuration?.Description ?? "")];
        if (consumer.Delivered.LastActive is { } delivered) AddOne("consumer_last_delivery_seconds", "seconds since the last delivery", Seconds(consumer, delivered), labels);
        if (consumer.AckFloor.LastActive is { } acknowledged) AddOne("consumer_last_ack_seconds", "seconds since the last acknowledgement", Seconds(consumer, acknowledged), labels);
        AddOne("consumer_delivered_consumer_seq", "deliveries so far", consumer.Delivered.Consumer, labels);
        AddOne("consumer_delivered_stream_seq", "sequence of the message delivered last", consumer.Delivered.Stream, labels);
        AddOne("consumer_num_ack_pending", "messages that wait for an acknowledgement", consumer.AckPending, labels);
        AddOne("consumer_num_redelivered", "messages that were delivered more than once", consumer.Redelivered, labels);
        AddOne("consumer_num_waiting", "pull requests that wait", consumer.Waiting, labels);
        AddOne("consumer_num_pending", "messages still to be delivered", consumer.Pending, labels);
        AddOne("consumer_ack_floor_stream_seq", "sequence up to which all is acknowledged", consumer.AckFloor.Stream, labels);
        AddOne("consumer_ack_floor_consumer_seq", "delivery up to which all is acknowledged", consumer.AckFloor.Consumer, labels);
    }

    private static double Seconds(ConsumerInfo consumer, ApiTime since) => (consumer.Time.UnixNanoseconds - since.UnixNanoseconds) * SecondsOfNanosecond;

    private void AddOne(string name, string help, double value, (string, string)[] labels) => _writer.Add($"{_prefix}_{name}", Gauge, help, value, labels);
}
