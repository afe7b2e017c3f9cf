using System.Text.Json.Serialization;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Api.Responses;

/// <summary>A successful <c>STREAM.CREATE</c>, and the last answer of a restore.</summary>
public sealed record StreamCreateResponse : StreamInfo
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamCreate;

    [JsonPropertyName("did_create"), JsonPropertyOrder(20), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool DidCreate { get; init; }
}

/// <summary>A successful <c>STREAM.UPDATE</c>.</summary>
public sealed record StreamUpdateResponse : StreamInfo
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamUpdate;
}

/// <summary>A successful <c>STREAM.INFO</c>. The page is of subjects, when they were asked for.</summary>
public sealed record StreamInfoResponse : StreamInfo
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type { get; init; } = ResponseTypes.StreamInfo;

    [JsonPropertyName("total"), JsonPropertyOrder(2)] public long Total { get; init; }

    [JsonPropertyName("offset"), JsonPropertyOrder(3)] public long Offset { get; init; }

    [JsonPropertyName("limit"), JsonPropertyOrder(4)] public long Limit { get; init; }
}

/// <summary>What all pages say.</summary>
public abstract record PagedResponse
{
    /// <summary>Entries there are.</summary>
    [JsonPropertyName("total"), JsonPropertyOrder(2)] public long Total { get; init; }

    /// <summary>Entries before this page.</summary>
    [JsonPropertyName("offset"), JsonPropertyOrder(3)] public long Offset { get; init; }

    /// <summary>Entries of a page at most.</summary>
    [JsonPropertyName("limit"), JsonPropertyOrder(4)] public long Limit { get; init; }
}

/// <summary>A successful <c>STREAM.NAMES</c>, by name.</summary>
public sealed record StreamNamesResponse : PagedResponse
{
    /// <summary>Names of a page.</summary>
    public const int PageSize = 1024;

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamNames;

    /// <summary>Null, not an empty list, when there is none.</summary>
    [JsonPropertyName("streams"), JsonPropertyOrder(5), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public IReadOnlyList<string>? Streams { get; init; }

    /// <summary>The page of names that begins at an offset.</summary>
    /// <param name="names">All names in their order.</param>
    /// <param name="offset">Names to leave out.</param>
    public static StreamNamesResponse Page(IReadOnlyList<string> names, long offset)
    {
        var page = PageOf(names, ref offset, PageSize);
        return new StreamNamesResponse { Total = names.Count, Offset = offset, Limit = PageSize, Streams = page.Count == 0 ? null : page };
    }

    internal static IReadOnlyList<T> PageOf<T>(IReadOnlyList<T> all, ref long offset, int size)
    {
        offset = Math.Min(offset, all.Count);
        return [.. all.Skip((int)offset).Take(size)];
    }
}

/// <summary>A successful <c>STREAM.LIST</c>, by name.</summary>
public sealed record StreamListResponse : PagedResponse
{
    /// <summary>Streams of a page.</summary>
    public const int PageSize = 256;

    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamList;

    [JsonPropertyName("streams"), JsonPropertyOrder(5)] public IReadOnlyList<StreamInfo> Streams { get; init; } = [];

    /// <summary>Streams of the page that could not be asked.</summary>
    [JsonPropertyName("missing"), JsonPropertyOrder(6)] public IReadOnlyList<string>? Missing { get; init; }

    /// <summary>Streams of the page that do not run, and why.</summary>
    [JsonPropertyName("offline"), JsonPropertyOrder(7)] public IReadOnlyDictionary<string, string>? Offline { get; init; }
}

/// <summary>A successful <c>STREAM.PURGE</c>.</summary>
public sealed record StreamPurgeResponse([property: JsonPropertyName("purged"), JsonPropertyOrder(3)] ulong Purged)
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamPurge;

    [JsonPropertyName("success"), JsonPropertyOrder(2)] public bool Success => true;
}

/// <summary>Success of a request that has nothing more to tell.</summary>
/// <param name="Type">One of <see cref="ResponseTypes"/>.</param>
public sealed record SuccessResponse([property: JsonPropertyName("type"), JsonPropertyOrder(0)] string Type)
{
    [JsonPropertyName("success"), JsonPropertyOrder(2)] public bool Success => true;
}

/// <summary>The first answer of <c>STREAM.SNAPSHOT</c>; the chunks follow.</summary>
public sealed record StreamSnapshotResponse
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamSnapshot;

    [JsonPropertyName("config"), JsonPropertyOrder(2)] public required StreamConfiguration Configuration { get; init; }

    [JsonPropertyName("state"), JsonPropertyOrder(3)] public required StreamState State { get; init; }
}

/// <summary>The first answer of <c>STREAM.RESTORE</c>.</summary>
/// <param name="DeliverSubject">Where to send the chunks.</param>
public sealed record StreamRestoreResponse([property: JsonPropertyName("deliver_subject"), JsonPropertyOrder(2)] string DeliverSubject)
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.StreamRestore;
}

/// <summary>A successful <c>STREAM.MSG.GET</c>.</summary>
public sealed record MessageGetResponse([property: JsonPropertyName("message"), JsonPropertyOrder(2)] ApiMessage Message)
{
    [JsonPropertyName("type"), JsonPropertyOrder(0)] public string Type => ResponseTypes.MessageGet;
}

/// <summary>A stored message in JSON.</summary>
public sealed record ApiMessage
{
    [JsonPropertyName("subject"), JsonPropertyOrder(1)] public required string Subject { get; init; }

    [JsonPropertyName("seq"), JsonPropertyOrder(2)] public required ulong Sequence { get; init; }

    /// <summary>The header block; null: none.</summary>
    [JsonPropertyName("hdrs"), JsonPropertyOrder(3)] public byte[]? Headers { get; init; }

    /// <summary>Null: empty.</summary>
    [JsonPropertyName("data"), JsonPropertyOrder(4)] public byte[]? Data { get; init; }

    [JsonPropertyName("time"), JsonPropertyOrder(5)] public required ApiTime Time { get; init; }
}
