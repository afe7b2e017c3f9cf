using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>A stream that a cluster has assigned to this server, to be restored here.</summary>
/// <param name="MayBegin">Whether it is still wanted. In the API's mailbox.</param>
/// <param name="Restored">It is a stream. In the API's mailbox.</param>
/// <param name="Failed">It came to nothing. In the API's mailbox.</param>
internal sealed record AssignedRestore(Func<bool> MayBegin, Action<StreamHost> Restored, Action Failed);

/// <summary>
/// An archive on its way from a client into a draft of a stream, each chunk acknowledged when it has been read. An empty
/// chunk ends it; the API's mailbox makes the draft a stream then. Whatever else ends it leaves nothing behind.
/// </summary>
internal sealed class RestoreTransfer : Mailbox, ITransfer
{
    /// <summary>How long the next chunk may take, as upstream.</summary>
    private static readonly TimeSpan StallWait = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that may wait unacknowledged; upstream lets the client's connection wait instead.</summary>
    private const long MostPending = 64 << 20;

    /// <summary>Bytes waiting that slow their publisher down.</summary>
    private const long Crowded = 4 << 20;

    /// <summary>Chunks of one turn.</summary>
    private const int TurnChunks = 4;

    private readonly JetStreamService _service;
    private readonly ApiCall _call;
    private readonly StreamDraft _draft;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<Chunk> _chunks = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Subscription _subscription;
    private readonly ITimer _stall;
    private readonly DateTimeOffset _start;
    private readonly long _began;
    private long _pending;
    private long _bytes;
    private volatile bool _isStalled;
    private volatile bool _isStopping;
    private bool _isHandedOver;
    private bool _isOver;

    /// <param name="service">The API.</param>
    /// <param name="threads">Where its turns happen.</param>
    /// <param name="call">Who asks.</param>
    /// <param name="draft">What becomes the stream; its own.</param>
    public RestoreTransfer(JetStreamService service, ITurns threads, ApiCall call, StreamDraft draft)
        : base(threads)
    {
        (_service, _call, _draft) = (service, call, draft);
        _time = service.Settings.Time;
        _start = _time.GetUtcNow();
        _began = _time.GetTimestamp();
        DeliverSubject = $"$JS.SNAPSHOT.RESTORE.{Name}.{UniqueId.Next()}";
        _subscription = new Subscription(new TransferSubscriber(Take), Encoding.UTF8.GetBytes(DeliverSubject));
        _stall = _time.CreateTimer(_ => NoteStall(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where the chunks are to be sent.</summary>
    public string DeliverSubject { get; }

    /// <summary>What a cluster does with it; null: the server stands alone.</summary>
    public AssignedRestore? Assigned { get; init; }

    /// <summary>What is restored.</summary>
    public StreamDraft Draft => _draft;

    /// <summary>Who asks.</summary>
    public ApiCall Call => _call;

    private string Name => _draft.Record.Configuration.Name;

    /// <summary>Begins to take chunks, and says where.</summary>
    public void Begin()
    {
        ServiceLog.RestoreStarted(_service.Settings.Log, _call.Account.Name, Name);
        _service.Advise(_call.Account, $"{AdvisorySubjects.StreamRestoreCreate}.{Name}", () => new RestoreCreateAdvisory
        {
            Stream = Name,
            Client = Client,
        });
        _call.Account.Subscribe(_subscription);
        _stall.Change(StallWait, Timeout.InfiniteTimeSpan);
        _call.Answer(new StreamRestoreResponse(DeliverSubject));
    }

    /// <inheritdoc/>
    public Task StopAsync()
    {
        _isStopping = true;
        Wake();
        return _ended.Task;
    }

    /// <summary>The last chunk's answer: it is a stream now. In the API's mailbox.</summary>
    public void Succeed(StreamCreateResponse response, byte[] reply)
    {
        Announce();
        ServiceLog.RestoreCompleted(_service.Settings.Log, _bytes, _call.Account.Name, Name, Elapsed);
        Answer(reply, JetStreamJson.Write(response));
        _service.Forget(this);
        _ended.TrySetResult();
    }

    /// <summary>The last chunk's answer: it cannot be a stream. In the API's mailbox.</summary>
    public void Refuse(ApiError error, byte[] reply) => End(error, reply);

    protected override void Turn()
    {
        if (_isOver || _isHandedOver) return;
        try
        {
            if (_isStopping)
            {
                End(ErrorOf("the server stops"), reply: []);
                return;
            }
            for (var i = 0; i < TurnChunks && !_isOver && !_isHandedOver && _chunks.TryDequeue(out var chunk); i++) Take(chunk);
            if (_isOver || _isHandedOver) return;
            if (!_chunks.IsEmpty) Wake();
            else if (_isStalled) End(ErrorOf($"restore for stream '{_call.Account.Name} > {Name}' is stalled"), reply: []);
        }
        catch (Exception fault)
        {
            // One restore's fault is nobody else's.
            End(ErrorOf(fault.Message), reply: []);
        }
    }

    /// <summary>On the client's loop.</summary>
    private bool Take(in Message message, FlushBatch batch)
    {
        var length = message.Payload.Length;
        var pending = Interlocked.Add(ref _pending, length);
        if (pending > Crowded) batch.ProducerShouldStall = true;
        _chunks.Enqueue(new Chunk(pending > MostPending ? null : message.Payload.ToArray(), message.Reply.ToArray()));
        Wake();
        return true;
    }

    private void Take(Chunk chunk)
    {
        if (chunk.Payload is not { } payload)
        {
            End(ErrorOf("too many chunks wait for their acknowledgement"), chunk.Reply);
        }
        else if (chunk.Reply.Length == 0)
        {
            End(ErrorOf($"restore for stream '{_call.Account.Name} > {Name}' requires reply subject for each chunk"), reply: []);
        }
        else if (payload.Length == 0)
        {
            Finish(chunk.Reply);
        }
        else
        {
            Push(payload, chunk.Reply);
        }
    }

    private void Push(byte[] payload, byte[] reply)
    {
        Interlocked.Add(ref _pending, -payload.Length);
        try
        {
            if (_draft.Restore.Push(payload) is { } error)
            {
                End(ErrorOf(error), reply);
                return;
            }
        }
        catch (DiskException fault)
        {
            End(ErrorOf(fault), reply);
            return;
        }
        _bytes += payload.Length;
        _isStalled = false;
        _stall.Change(StallWait, Timeout.InfiniteTimeSpan);
        Answer(reply, default);
    }

    private void Finish(byte[] reply)
    {
        Close();
        try
        {
            if (_draft.Finish() is { } error)
            {
                End(ErrorOf(error), reply);
                return;
            }
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            End(ErrorOf(fault), reply);
            return;
        }
        _isHandedOver = true;
        _service.Run(() => _service.CompleteRestore(this, reply));
    }

    private ApiError ErrorOf(string reason) => _draft.Restore.IsTooLarge ? JetStreamErrors.JSStorageResourcesExceededErr : JetStreamErrors.JSStreamRestoreErrF.With(reason);

    private static ApiError ErrorOf(Exception fault) => fault is DiskException { Fault: DiskFault.Full }
        ? JetStreamErrors.JSStorageResourcesExceededErr
        : JetStreamErrors.JSStreamRestoreErrF.With(fault.Message);

    /// <summary>It came to nothing.</summary>
    private void End(ApiError error, byte[] reply)
    {
        if (_isOver) return;
        _isOver = true;
        Close();
        try
        {
            _draft.Dispose();
        }
        catch (DiskException fault)
        {
            ServiceLog.RestoreLeftBehind(_service.Settings.Log, _call.Account.Name, Name, fault.Message);
        }
        if (Assigned is { } assigned) _service.Run(assigned.Failed);
        Announce();
        ServiceLog.RestoreFailed(_service.Settings.Log, _bytes, _call.Account.Name, Name, Elapsed, error.Description);
        Answer(reply, JetStreamJson.Write(ApiFailure.Of(ResponseTypes.StreamCreate, error)));
        _service.Forget(this);
        _ended.TrySetResult();
    }

    /// <summary>Takes no more chunks.</summary>
    private void Close()
    {
        _call.Account.Unsubscribe(_subscription);
        _stall.Dispose();
    }

    private void NoteStall()
    {
        _isStalled = true;
        Wake();
    }

    private void Announce()
    {
        var end = ApiTime.From(_time.GetUtcNow());
        _service.Advise(_call.Account, $"{AdvisorySubjects.StreamRestoreComplete}.{Name}", () => new RestoreCompleteAdvisory
        {
            Stream = Name,
            Start = ApiTime.From(_start),
            End = end,
            Bytes = _bytes,
            Client = Client,
        });
    }

    private void Answer(byte[] reply, ReadOnlySpan<byte> payload)
    {
        if (reply.Length == 0) return;
        var outbox = new Outbox();
        outbox.Add(reply, default, default, payload);
        _service.Send(_call.Account, outbox);
    }

    private ClientInfo Client => _call.Client ?? new ClientInfo { Account = _call.Account.Name };

    private string Elapsed => $"{_time.GetElapsedTime(_began).TotalMilliseconds:0.###}ms";

    /// <param name="Payload">Null: it came when too many waited.</param>
    /// <param name="Reply">Where to acknowledge.</param>
    private readonly record struct Chunk(byte[]? Payload, byte[] Reply);
}
