using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>What replicated assets are made of. Simulations put others in place: watched ones, and ones with mistakes.</summary>
internal sealed record AssetParts
{
    /// <summary>Settings of a group that is opened.</summary>
    public Func<RaftOptions, RaftOptions> Options { get; init; } = static options => options;

    /// <summary>What a group of the name serves.</summary>
    public Func<string, IGroupMachine, IGroupMachine> Machine { get; init; } = static (_, machine) => machine;

    public Func<StreamConfiguration, IMessageStore, StorageRoom?, StreamReplica> Replica { get; init; } = static (configuration, store, room) => new StreamReplica(configuration, store, room);

    public Func<StreamReplica, StreamLeaderOptions, StreamLeader> Leader { get; init; } = static (replica, options) => new StreamLeader(replica, options);

    public Func<IConsumerEffects, AckPolicy, ConsumerAgreement> Agreement { get; init; } = static (effects, policy) => new ConsumerAgreement(effects, policy);
}
