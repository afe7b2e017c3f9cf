using System.Buffers;
using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>One direct get: a message, several, or the last of several subjects, each with headers that say what it is.</summary>
/// <param name="stream">Asked, in its mailbox.</param>
/// <param name="request">Checked.</param>
/// <param name="reply">Where the messages go.</param>
/// <param name="maxPending">Bytes at most, unless the request says.</param>
/// <param name="outbox">Takes them.</param>
internal sealed class DirectGet(StreamHost stream, MessageGetRequest request, byte[] reply, long maxPending, Outbox outbox)
{
    /// <summary>Subjects that a request for the last messages of several may match, as upstream.</summary>
    private const int MaxSubjects = 1024;

    [ThreadStatic]
    private static Scratch? _scratch;

    private readonly IMessageStore _store = stream.Store;
    private readonly ArrayBufferWriter<byte> _headers = (_scratch ??= new Scratch()).Headers;
    private readonly MessageBuffer _message = (_scratch ??= new Scratch()).Message;
    private ulong _lastSequence;
    private ulong _pending;

    /// <summary>Answers.</summary>
    /// <param name="mayWait">For a disk.</param>
    /// <returns>False: nothing was answered, it would have to wait, or to do more than a little.</returns>
    public bool TryRun(bool mayWait)
    {
        if (!mayWait && !IsShort) return false;
        if (!request.MultiLastFor.IsEmpty) RunMultiple();
        else if (request.Batch > 0) RunBatch();
        else RunSingle();
        return true;
    }

    /// <summary>One message that is in memory, and known without a search.</summary>
    private bool IsShort
    {
        get
        {
            if (!request.MultiLastFor.IsEmpty || request.Batch > 0 || request.StartTime is not null || request.NextFor is { Length: > 0 }) return false;
            if (request.Sequence > 0) return _store.AtHandThrough(request.Sequence) >= request.Sequence;
            return SubjectFilter.Of(request.LastFor ?? "").Literal is { } literal && _store.IsLastAtHand(literal);
        }
    }

    private SubjectFilter Filter => SubjectFilter.Of(request.NextFor ?? "");

    private long MaxBytes => request.MaxBytes > 0 ? request.MaxBytes : maxPending;

    private ulong FirstSequence => request.StartTime is { } start ? _store.SequenceAt(start.UnixNanoseconds) : request.Sequence;

    private void RunSingle()
    {
        var sequence = FirstSequence;
        var isThere = request.NextFor is { Length: > 0 } ? _store.TryLoadNext(Filter, sequence, _message)
            : sequence > 0 ? _store.TryLoad(sequence, _message)
            : _store.TryLoadPrevious(SubjectFilter.Of(request.LastFor ?? ""), _store.State.LastSequence, _message);
        if (isThere) Send(isPart: false);
        else outbox.Add(reply, default, DirectGetStatus.MessageNotFound, default);
    }

    private void RunBatch()
    {
        var sequence = FirstSequence;
        _pending = _store.CountPending(Filter, sequence, lastPerSubject: false);
        long bytes = 0;
        for (long sent = 0; sent < request.Batch && bytes < MaxBytes; sent++)
        {
            if (!_store.TryLoadNext(Filter, sequence, _message))
            {
                if (sent > 0) break;
                outbox.Add(reply, default, DirectGetStatus.MessageNotFound, default);
                return;
            }
            if (_pending > 0 && !request.NoHeaders) _pending--;
            bytes += Send(isPart: true);
            sequence = _message.Sequence + 1;
        }
        outbox.Add(reply, default, Encoding.ASCII.GetBytes($"NATS/1.0 204 EOB\r\nNats-Num-Pending: {_pending}\r\nNats-Last-Sequence: {_lastSequence}\r\n\r\n"), default);
    }

    private void RunMultiple()
    {
        if (!TryFindEnd(out var end))
        {
            outbox.Add(reply, default, DirectGetStatus.NoResults, default);
            return;
        }
        var found = _store.LastSequences(SubjectFilter.Of([.. request.MultiLastFor]), end, MaxSubjects);
        if (found is null)
        {
            outbox.Add(reply, default, DirectGetStatus.TooManyResults, default);
            return;
        }
        var wanted = found.Where(sequence => sequence >= request.Sequence).ToList();
        if (wanted.Count == 0)
        {
            outbox.Add(reply, default, DirectGetStatus.NoResults, default);
            return;
        }
        _pending = (ulong)wanted.Count;
        long bytes = 0;
        foreach (var sequence in request.Batch > 0 ? wanted.Take((int)Math.Min(int.MaxValue, request.Batch)) : wanted)
        {
            if (!_store.TryLoad(sequence, _message)) continue;
            _pending--;
            bytes += Send(isPart: true);
            if (bytes >= MaxBytes) break;
        }
        outbox.Add(
            reply,
            default,
            Encoding.ASCII.GetBytes($"NATS/1.0 204 EOB\r\nNats-Num-Pending: {_pending}\r\nNats-Last-Sequence: {_lastSequence}\r\nNats-UpTo-Sequence: {end}\r\n\r\n"),
            default);
    }

    /// <summary>The last sequence that counts; false: the time asked for lies before the first message.</summary>
    private bool TryFindEnd(out ulong end)
    {
        end = request.UpToSequence > 0 ? request.UpToSequence : _store.State.LastSequence;
        if (request.UpToTime is not { } time) return true;
        var next = _store.SequenceAt(time.UnixNanoseconds);
        end = next - 1;
        return next > _store.State.FirstSequence;
    }

    private long Send(bool isPart)
    {
        _headers.ResetWrittenCount();
        if (!request.NoHeaders) WriteHeaders(isPart);
        _lastSequence = _message.Sequence;
        outbox.Add(reply, default, _headers.WrittenSpan, _message.Payload);
        return _message.Subject.Length + _message.Headers.Length + _message.Payload.Length;
    }

    private void WriteHeaders(bool isPart)
    {
        var own = _message.Headers;
        // The blank line at its end gives way to more headers.
        _headers.Write(own.IsEmpty ? "NATS/1.0\r\n"u8 : own[..^2]);
        Write("Nats-Stream: "u8, stream.Configuration.Name);
        _headers.Write("Nats-Subject: "u8);
        _headers.Write(_message.Subject);
        _headers.Write("\r\n"u8);
        Write("Nats-Sequence: "u8, _message.Sequence.ToString(CultureInfo.InvariantCulture));
        Write("Nats-Time-Stamp: "u8, ApiTime.FromUnix(_message.Timestamp).ToString());
        if (isPart)
        {
            Write("Nats-Num-Pending: "u8, _pending.ToString(CultureInfo.InvariantCulture));
            Write("Nats-Last-Sequence: "u8, _lastSequence.ToString(CultureInfo.InvariantCulture));
        }
        _headers.Write("\r\n"u8);
    }

    private void Write(ReadOnlySpan<byte> name, string value)
    {
        _headers.Write(name);
        Encoding.UTF8.GetBytes(value, _headers);
        _headers.Write("\r\n"u8);
    }

    /// <summary>Buffers of a thread, which serves one get at a time.</summary>
    private sealed class Scratch
    {
        public ArrayBufferWriter<byte> Headers { get; } = new(256);

        public MessageBuffer Message { get; } = new();
    }
}
