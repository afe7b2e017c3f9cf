namespace NatsAspire.Server.JetStream.Api;

/// <summary>What a request asks for.</summary>
public enum ApiRequestKind
{
    None,
    AccountInfo,
    StreamCreate,
    StreamUpdate,
    StreamNames,
    StreamList,
    StreamInfo,
    StreamDelete,
    StreamPurge,
    StreamSnapshot,
    StreamRestore,
    StreamPeerRemove,
    StreamLeaderStepDown,
    MessageDelete,
    MessageGet,
    DirectGet,
    DirectGetLast,
    ConsumerCreate,
    ConsumerCreateNamed,
    ConsumerCreateDurable,
    ConsumerNames,
    ConsumerList,
    ConsumerInfo,
    ConsumerDelete,
    ConsumerPause,
    ConsumerUnpin,
    ConsumerReset,
    ConsumerNext,
    ConsumerLeaderStepDown,
    MetaLeaderStepDown,
    ServerRemove,
    AccountPurge,
    AccountStreamMove,
    AccountStreamCancelMove,
}

/// <summary>What a request is about, which decides who answers it in a cluster.</summary>
public enum ApiScope
{
    /// <summary>The account: the leader of the meta group.</summary>
    Account,

    /// <summary>Makes or changes a stream or consumer: the leader of the meta group.</summary>
    Assets,

    /// <summary>A stream: its leader.</summary>
    Stream,

    /// <summary>A stream's messages, without JSON: any replica.</summary>
    Direct,

    /// <summary>A consumer: its leader.</summary>
    Consumer,

    /// <summary>The system account's alone.</summary>
    System,
}
