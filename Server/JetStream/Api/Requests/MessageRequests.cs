using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Api.Requests;

/// <summary><c>STREAM.MSG.DELETE</c>.</summary>
public sealed record MessageDeleteRequest : IApiRequest<MessageDeleteRequest>
{
    public ulong Sequence { get; init; }

    /// <summary>Leave the bytes where they are.</summary>
    public bool NoErase { get; init; }

    static MessageDeleteRequest IApiRequest<MessageDeleteRequest>.Read(ref ApiReader reader, MessageDeleteRequest request)
    {
        if (!reader.Enter("JSApiMsgDeleteRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "seq": request = request with { Sequence = reader.ULong(request.Sequence) }; break;
                case "no_erase": request = request with { NoErase = reader.Bool(request.NoErase) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary><c>STREAM.MSG.GET</c> and <c>DIRECT.GET</c>.</summary>
public sealed record MessageGetRequest : IApiRequest<MessageGetRequest>
{
    /// <summary>0: not said.</summary>
    public ulong Sequence { get; init; }

    /// <summary>The last message of these subjects.</summary>
    public string? LastFor { get; init; }

    /// <summary>The next message of these subjects, from a sequence or time on.</summary>
    public string? NextFor { get; init; }

    /// <summary>Messages to send; 0: one. Direct gets only.</summary>
    public long Batch { get; init; }

    /// <summary>Bytes to send at most; 0: what the server lets a slow client wait for. Direct gets only.</summary>
    public long MaxBytes { get; init; }

    public ApiTime? StartTime { get; init; }

    /// <summary>The last message of each of these subjects. Direct gets only.</summary>
    public ValueList<string> MultiLastFor { get; init; }

    /// <summary>Nothing behind this sequence; 0: no end.</summary>
    public ulong UpToSequence { get; init; }

    /// <summary>Nothing behind this time.</summary>
    public ApiTime? UpToTime { get; init; }

    /// <summary>Leave out the headers.</summary>
    public bool NoHeaders { get; init; }

    /// <summary>What is wrong with it as <c>STREAM.MSG.GET</c>, or null.</summary>
    public ApiError? Check()
    {
        var isBad = Batch > 0 || MaxBytes > 0
            || (Sequence == 0 && LastFor is null && NextFor is null && StartTime is null)
            || HasConflict;
        return isBad ? JetStreamErrors.JSBadRequestErr : null;
    }

    /// <summary>What is wrong with it as a direct get, or <see cref="DirectGetProblem.None"/>.</summary>
    public DirectGetProblem CheckDirect()
    {
        if (Sequence == 0 && LastFor is null && NextFor is null && MultiLastFor.IsEmpty && StartTime is null) return DirectGetProblem.Empty;
        var isBad = HasConflict
            || (LastFor is not null && (Batch > 0 || !MultiLastFor.IsEmpty))
            || (NextFor is not null && !MultiLastFor.IsEmpty)
            || (UpToSequence > 0 && UpToTime is not null);
        return isBad ? DirectGetProblem.Bad : DirectGetProblem.None;
    }

    /// <summary>Reads a direct get; unknown fields are let pass.</summary>
    /// <param name="payload">JSON.</param>
    /// <param name="request">What was read; only to be used when there is no problem.</param>
    public static DirectGetProblem ReadDirect(ReadOnlySpan<byte> payload, out MessageGetRequest request)
    {
        request = new MessageGetRequest();
        if (payload.IsEmpty) return DirectGetProblem.Empty;
        return ApiReader.ReadSingle(payload, request, Read, out request) is null ? request.CheckDirect() : DirectGetProblem.Malformed;
    }

    /// <summary>Reads a direct get whose subject says what it is for; the payload may only ask to leave things out.</summary>
    /// <param name="subject">The subject whose last message is wanted.</param>
    /// <param name="payload">JSON; empty: none.</param>
    /// <param name="request">What was read; only to be used when there is no problem.</param>
    public static DirectGetProblem ReadDirectLast(string subject, ReadOnlySpan<byte> payload, out MessageGetRequest request)
    {
        request = new MessageGetRequest();
        if (!payload.IsEmpty && ApiReader.ReadSingle(payload, request, Read, out request) is not null) return DirectGetProblem.Malformed;
        var asked = request with { LastFor = subject };
        var isBad = subject.Length == 0
            || request != new MessageGetRequest { NoHeaders = request.NoHeaders, MaxBytes = request.MaxBytes };
        request = asked;
        return isBad ? DirectGetProblem.Bad : DirectGetProblem.None;
    }

    static MessageGetRequest IApiRequest<MessageGetRequest>.Read(ref ApiReader reader, MessageGetRequest request) => Read(ref reader, request);

    private bool HasConflict =>
        (Sequence > 0 && (LastFor is not null || StartTime is not null)) || (LastFor is not null && (StartTime is not null || NextFor is not null));

    private static MessageGetRequest Read(ref ApiReader reader, MessageGetRequest request)
    {
        if (!reader.Enter("JSApiMsgGetRequest")) return request;
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case "seq": request = request with { Sequence = reader.ULong(request.Sequence) }; break;
                case "last_by_subj": request = request with { LastFor = reader.Text(request.LastFor) }; break;
                case "next_by_subj": request = request with { NextFor = reader.Text(request.NextFor) }; break;
                case "batch": request = request with { Batch = reader.Long(request.Batch, "int") }; break;
                case "max_bytes": request = request with { MaxBytes = reader.Long(request.MaxBytes, "int") }; break;
                case "start_time": request = request with { StartTime = reader.Time() }; break;
                case "multi_last": request = request with { MultiLastFor = reader.Strings(request.MultiLastFor) }; break;
                case "up_to_seq": request = request with { UpToSequence = reader.ULong(request.UpToSequence) }; break;
                case "up_to_time": request = request with { UpToTime = reader.Time() }; break;
                case "no_hdr": request = request with { NoHeaders = reader.Bool(request.NoHeaders) }; break;
                default: reader.Unknown(); break;
            }
        }
        return request;
    }
}

/// <summary>What is wrong with a direct get, which is answered with a status instead of JSON.</summary>
public enum DirectGetProblem
{
    None,
    Empty,
    Malformed,
    Bad,
}
