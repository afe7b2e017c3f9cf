using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>STREAM.NAMES</c> and <c>STREAM.LIST</c>. The payload is optional.</summary>
public sealed record StreamListRequest : IApiRequest<StreamListRequest>
{
    /// <summary>Streams to leave out, in order of their names; not negative.</summary>
    public long Offset { get; init; }

    /// <summary>Only streams that capture something of it; null: all.</summary>
    public string? Subject { get; init; }

    static StreamListRequest IApiRequest<StreamListRequest>.Read(ref ApiReader reader, StreamListRequest request)
    {
        if (!reader.Enter("JSApiStreamNamesRequest", "ApiPagedRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "offset": request = request with { Offset = Math.Max(0, reader.Long(request.Offset, "int")) }; break;
                case "subject":
                    reader.FieldIsOwn();
                    request = request with { Subject = reader.Text(request.Subject) };
                    break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary><c>STREAM.INFO</c>. The payload is optional.</summary>
public sealed record StreamInfoRequest : IApiRequest<StreamInfoRequest>
{
    /// <summary>Subjects to leave out, in their order; not negative.</summary>
    public long Offset { get; init; }

    /// <summary>List the sequences of deleted messages.</summary>
    public bool DeletedDetails { get; init; }

    /// <summary>Count the messages of these subjects; null: none.</summary>
    public string? SubjectsFilter { get; init; }

    static StreamInfoRequest IApiRequest<StreamInfoRequest>.Read(ref ApiReader reader, StreamInfoRequest request)
    {
        if (!reader.Enter("JSApiStreamInfoRequest", "ApiPagedRequest")) return request;
        while (reader.Next(out var field))
        {
            if (field != "offset") reader.FieldIsOwn();
            switch (field)
            {
                case "offset": request = request with { Offset = Math.Max(0, reader.Long(request.Offset, "int")) }; break;
                case "deleted_details": request = request with { DeletedDetails = reader.Bool(request.DeletedDetails) }; break;
                case "subjects_filter": request = request with { SubjectsFilter = reader.Text(request.SubjectsFilter) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary><c>STREAM.PURGE</c>. The payload is optional.</summary>
public sealed record StreamPurgeRequest : IApiRequest<StreamPurgeRequest>
{
    /// <summary>Up to, but without this sequence; 0: all.</summary>
    public ulong Sequence { get; init; }

    /// <summary>Only these subjects; null: all.</summary>
    public string? Filter { get; init; }

    /// <summary>Messages that stay; 0: none. Not together with a sequence.</summary>
    public ulong Keep { get; init; }

    /// <summary>What is wrong with the request, or null.</summary>
    public ApiError? Check() => Sequence > 0 && Keep > 0 ? JetStreamErrors.JSBadRequestErr : null;

    static StreamPurgeRequest IApiRequest<StreamPurgeRequest>.Read(ref ApiReader reader, StreamPurgeRequest request)
    {
        if (!reader.Enter("JSApiStreamPurgeRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "seq": request = request with { Sequence = reader.ULong(request.Sequence) }; break;
                case "filter": request = request with { Filter = reader.Text(request.Filter) }; break;
                case "keep": request = request with { Keep = reader.ULong(request.Keep) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary><c>STREAM.SNAPSHOT</c>.</summary>
public sealed record StreamSnapshotRequest : IApiRequest<StreamSnapshotRequest>
{
    /// <summary>Where the chunks go.</summary>
    public string DeliverSubject { get; init; } = "";

    /// <summary>Leave out the consumers.</summary>
    public bool NoConsumers { get; init; }

    /// <summary>Bytes of a chunk; 0: 128 KiB; otherwise taken to be within 1 KiB and 1 MiB.</summary>
    public long ChunkSize { get; init; }

    /// <summary>Bytes sent ahead of acknowledgements; 0: 8 MiB; otherwise taken to be within 1 KiB and 32 MiB.</summary>
    public long WindowSize { get; init; }

    /// <summary>Check the checksums of all messages first.</summary>
    public bool CheckMessages { get; init; }

    /// <summary>Bytes of a chunk as it is to be.</summary>
    public int EffectiveChunkSize => ChunkSize == 0 ? 128 * 1024 : (int)Math.Clamp(ChunkSize, 1024, 1024 * 1024);

    /// <summary>Bytes sent ahead as it is to be; one chunk at least.</summary>
    public int EffectiveWindowSize => Math.Max(EffectiveChunkSize, WindowSize == 0 ? 8 * 1024 * 1024 : (int)Math.Clamp(WindowSize, 1024, 32 * 1024 * 1024));

    /// <summary>What is wrong with the request, or null.</summary>
    public ApiError? Check() => StreamValidation.IsValidPublishSubject(DeliverSubject) ? null : JetStreamErrors.JSSnapshotDeliverSubjectInvalidErr;

    static StreamSnapshotRequest IApiRequest<StreamSnapshotRequest>.Read(ref ApiReader reader, StreamSnapshotRequest request)
    {
        if (!reader.Enter("JSApiStreamSnapshotRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "deliver_subject": request = request with { DeliverSubject = reader.String(request.DeliverSubject) }; break;
                case "no_consumers": request = request with { NoConsumers = reader.Bool(request.NoConsumers) }; break;
                case "chunk_size": request = request with { ChunkSize = reader.Long(request.ChunkSize, "int") }; break;
                case "window_size": request = request with { WindowSize = reader.Long(request.WindowSize, "int") }; break;
                case "jsck": request = request with { CheckMessages = reader.Bool(request.CheckMessages) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}
