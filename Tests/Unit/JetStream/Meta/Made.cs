using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>Assignments for tests.</summary>
internal static class Made
{
    public static StreamAssignment Stream(string name, string group = "S-R3F-aaaaaaaa", int created = 1, params string[] peers) => new StreamAssignment
    {
        Client = new AssignmentClient { Account = "A", Cluster = "C1" },
        Created = ApiTime.FromUnix(created * 1_000_000_000L),
        Group = new RaftGroupAssignment { Name = group, Peers = [.. peers.Length == 0 ? ["n1", "n2", "n3"] : peers], Cluster = "C1" },
        Sync = "$JSC.SYNC.xxxxxxxx",
    }.WithConfiguration(new StreamConfiguration { Name = name, Subjects = [name.ToLowerInvariant()], Replicas = peers.Length == 0 ? 3 : peers.Length, MaxConsumers = -1, MaxMessages = -1, MaxBytes = -1, MaxMessagesPerSubject = -1, MaxMessageSize = -1, Storage = StorageType.File });

    public static ConsumerAssignment Consumer(string stream, string name, string group = "C-R3F-aaaaaaaa", int created = 1, params string[] peers) => new ConsumerAssignment
    {
        Client = new AssignmentClient { Account = "A", Cluster = "C1" },
        Created = ApiTime.FromUnix(created * 1_000_000_000L),
        Name = name,
        Stream = stream,
        Group = new RaftGroupAssignment { Name = group, Peers = [.. peers.Length == 0 ? ["n1", "n2", "n3"] : peers] },
    }.WithConfiguration(new ConsumerConfiguration { Durable = name, Name = name });

    /// <summary>What this server is not to understand.</summary>
    public static StreamAssignment Unsupported(StreamAssignment stream) => Again(MetaEntry.AssignStream(
        stream.WithConfiguration(stream.Configuration with { Metadata = stream.Configuration.Metadata.With("_nats.req.level", "99") }))).Stream!;

    /// <summary>What this server is not to understand.</summary>
    public static ConsumerAssignment Unsupported(ConsumerAssignment consumer) => Again(MetaEntry.AssignConsumer(
        consumer.WithConfiguration(consumer.Configuration with { Metadata = consumer.Configuration.Metadata.With("_nats.req.level", "99") }))).Consumer!;

    private static MetaEntry Again(MetaEntry entry)
    {
        MetaEntry.Decode(entry.Encode(), out var again).ShouldBeNull();
        return again!;
    }
}
