using System.Text;
using NatsAspire.Server.Accounts.Tracing;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>A traced message in a stream's mailbox: what the stream says of it goes into the trace.</summary>
/// <param name="trace">The message's; the stream is awaited in it.</param>
/// <param name="step">What the stream says.</param>
internal sealed class StreamTrace(MessageTrace trace, TraceJetStream step)
{
    /// <summary>Not to be stored.</summary>
    public bool IsOnly => trace.IsOnly;

    /// <summary>The stream takes it, or would.</summary>
    public void Finish(string subject, bool isUnwanted, FlushBatch batch)
    {
        (step.Subject, step.IsUnwanted) = (subject, isUnwanted);
        trace.Finish(batch);
    }

    /// <summary>The stream does not.</summary>
    public void Fail(string error, FlushBatch batch)
    {
        step.Error = error;
        trace.Finish(batch);
    }

    /// <summary>Why a stream does not take a message, in the words of upstream's events, which are not those of its acknowledgements; null: it does.</summary>
    public static string? ErrorOf(in Admission admission, ReadOnlySpan<byte> headers) => admission switch
    {
        { Duplicate: > 0 } => "msgid is duplicate",
        { Error: null } => null,
        { Error: { } error } when error.ErrorCode == JetStreamErrors.JSStreamMessageExceedsMaximumErr.ErrorCode => "maximum payload exceeded",
        { Error: { } error } when error.ErrorCode == JetStreamErrors.JSStreamWrongLastMsgIDErrF.ErrorCode => $"last msgid mismatch: {Detail(error)}",
        { Error: { } error } when error.ErrorCode == JetStreamErrors.JSStreamWrongLastSequenceErrF.ErrorCode =>
            $"last sequence{(headers.IndexOf("Nats-Expected-Last-Subject-Sequence"u8) >= 0 ? " by subject" : "")} mismatch: {Detail(error)}",
        { Error: { } error } => error.Description,
    };

    private static string Detail(ApiError error) => error.Description[(error.Description.IndexOf(": ", StringComparison.Ordinal) + 2)..];
}
