using System.Text;
using NatsAspire.Server.JetStream.Api.Responses;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>An operation of the API: its subjects, whom it concerns and what its answer is called.</summary>
public sealed class ApiOperation
{
    private readonly byte[] _verb;

    private ApiOperation(ApiRequestKind kind, ApiScope scope, string verb, int names, string responseType, bool hasTail = false)
    {
        Kind = kind;
        Scope = scope;
        _verb = Encoding.ASCII.GetBytes(verb);
        Names = names;
        ResponseType = responseType;
        HasTail = hasTail;
        Pattern = $"{Encoding.ASCII.GetString(ApiSubject.Prefix)}{verb}{string.Concat(Enumerable.Repeat(".*", names))}{(hasTail ? ".>" : "")}";
    }

    private static readonly ApiOperation[] Operations =
    [
        new(ApiRequestKind.AccountInfo, ApiScope.Account, "INFO", 0, ResponseTypes.AccountInfo),
        new(ApiRequestKind.StreamInfo, ApiScope.Stream, "STREAM.INFO", 1, ResponseTypes.StreamInfo),
        new(ApiRequestKind.StreamNames, ApiScope.Account, "STREAM.NAMES", 0, ResponseTypes.StreamNames),
        new(ApiRequestKind.StreamList, ApiScope.Account, "STREAM.LIST", 0, ResponseTypes.StreamList),
        new(ApiRequestKind.StreamCreate, ApiScope.Assets, "STREAM.CREATE", 1, ResponseTypes.StreamCreate),
        new(ApiRequestKind.StreamUpdate, ApiScope.Assets, "STREAM.UPDATE", 1, ResponseTypes.StreamUpdate),
        new(ApiRequestKind.StreamDelete, ApiScope.Assets, "STREAM.DELETE", 1, ResponseTypes.StreamDelete),
        new(ApiRequestKind.StreamPurge, ApiScope.Stream, "STREAM.PURGE", 1, ResponseTypes.StreamPurge),
        new(ApiRequestKind.StreamSnapshot, ApiScope.Stream, "STREAM.SNAPSHOT", 1, ResponseTypes.StreamSnapshot),
        new(ApiRequestKind.StreamRestore, ApiScope.Assets, "STREAM.RESTORE", 1, ResponseTypes.StreamRestore),
        new(ApiRequestKind.StreamPeerRemove, ApiScope.Assets, "STREAM.PEER.REMOVE", 1, ResponseTypes.StreamRemovePeer),
        new(ApiRequestKind.StreamLeaderStepDown, ApiScope.Stream, "STREAM.LEADER.STEPDOWN", 1, ResponseTypes.StreamLeaderStepDown),
        new(ApiRequestKind.MessageDelete, ApiScope.Stream, "STREAM.MSG.DELETE", 1, ResponseTypes.MessageDelete),
        new(ApiRequestKind.MessageGet, ApiScope.Stream, "STREAM.MSG.GET", 1, ResponseTypes.MessageGet),
        new(ApiRequestKind.DirectGet, ApiScope.Direct, "DIRECT.GET", 1, ""),
        new(ApiRequestKind.DirectGetLast, ApiScope.Direct, "DIRECT.GET", 1, "", hasTail: true),
        new(ApiRequestKind.ConsumerNext, ApiScope.Consumer, "CONSUMER.MSG.NEXT", 2, ""),
        new(ApiRequestKind.ConsumerInfo, ApiScope.Consumer, "CONSUMER.INFO", 2, ResponseTypes.ConsumerInfo),
        new(ApiRequestKind.ConsumerCreate, ApiScope.Assets, "CONSUMER.CREATE", 1, ResponseTypes.ConsumerCreate),
        new(ApiRequestKind.ConsumerCreateNamed, ApiScope.Assets, "CONSUMER.CREATE", 1, ResponseTypes.ConsumerCreate, hasTail: true),
        new(ApiRequestKind.ConsumerCreateDurable, ApiScope.Assets, "CONSUMER.DURABLE.CREATE", 2, ResponseTypes.ConsumerCreate),
        new(ApiRequestKind.ConsumerNames, ApiScope.Stream, "CONSUMER.NAMES", 1, ResponseTypes.ConsumerNames),
        new(ApiRequestKind.ConsumerList, ApiScope.Stream, "CONSUMER.LIST", 1, ResponseTypes.ConsumerList),
        new(ApiRequestKind.ConsumerDelete, ApiScope.Assets, "CONSUMER.DELETE", 2, ResponseTypes.ConsumerDelete),
        new(ApiRequestKind.ConsumerPause, ApiScope.Assets, "CONSUMER.PAUSE", 2, ResponseTypes.ConsumerPause),
        new(ApiRequestKind.ConsumerUnpin, ApiScope.Consumer, "CONSUMER.UNPIN", 2, ResponseTypes.ConsumerUnpin),
        new(ApiRequestKind.ConsumerReset, ApiScope.Consumer, "CONSUMER.RESET", 2, ResponseTypes.ConsumerReset),
        new(ApiRequestKind.ConsumerLeaderStepDown, ApiScope.Consumer, "CONSUMER.LEADER.STEPDOWN", 2, ResponseTypes.ConsumerLeaderStepDown),
        new(ApiRequestKind.MetaLeaderStepDown, ApiScope.System, "META.LEADER.STEPDOWN", 0, ResponseTypes.MetaLeaderStepDown),
        new(ApiRequestKind.ServerRemove, ApiScope.System, "SERVER.REMOVE", 0, ResponseTypes.MetaServerRemove),
        new(ApiRequestKind.AccountPurge, ApiScope.System, "ACCOUNT.PURGE", 1, ResponseTypes.AccountPurge),
        new(ApiRequestKind.AccountStreamMove, ApiScope.System, "ACCOUNT.STREAM.MOVE", 2, ResponseTypes.StreamUpdate),
        new(ApiRequestKind.AccountStreamCancelMove, ApiScope.System, "ACCOUNT.STREAM.CANCEL_MOVE", 2, ResponseTypes.StreamUpdate),
    ];

    /// <summary>Every operation of API level 4.</summary>
    public static ReadOnlySpan<ApiOperation> All => Operations;

    public ApiRequestKind Kind { get; }

    public ApiScope Scope { get; }

    /// <summary>What to subscribe to.</summary>
    public string Pattern { get; }

    /// <summary>The type of the JSON answered; empty: the answer is no JSON.</summary>
    public string ResponseType { get; }

    /// <summary>Tokens behind the verb that are names.</summary>
    internal int Names { get; }

    /// <summary>Whether more tokens follow the names.</summary>
    internal bool HasTail { get; }

    internal ReadOnlySpan<byte> Verb => _verb;

    /// <summary>The operation of a kind.</summary>
    public static ApiOperation Of(ApiRequestKind kind) => Array.Find(Operations, operation => operation.Kind == kind) ?? throw new ArgumentOutOfRangeException(nameof(kind));

    public override string ToString() => Pattern;
}
