using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Streams.Archives;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Disk;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>
/// A stream's archive on its way to a client: chunks as long as the window is open, which acknowledgements open again.
/// Everything but <see cref="TakeAck"/> happens in the stream's mailbox, a little each turn; messages are taken meanwhile.
/// </summary>
internal sealed class SnapshotTransfer : ITransfer
{
    /// <summary>How long somebody may take to listen, as upstream.</summary>
    private static readonly TimeSpan InterestWait = TimeSpan.FromSeconds(2);

    /// <summary>How long acknowledgements may take, as upstream.</summary>
    private static readonly TimeSpan AckWait = TimeSpan.FromSeconds(5);

    /// <summary>How often it is looked for listeners and acknowledgements that have gone.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Bytes read in one turn of the stream.</summary>
    private const int TurnBytes = 1 << 20;

    /// <summary>Messages checked in one turn of the stream.</summary>
    private const int TurnChecks = 1000;

    private readonly JetStreamService _service;
    private readonly StreamHost _stream;
    private readonly ApiCall _call;
    private readonly StreamSnapshotRequest _request;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _deliver;
    private readonly string _ackSubject;
    private readonly int _window;
    private readonly byte[] _chunk;
    private SnapshotWriter? _writer;
    private Subscription? _acks;
    private ITimer? _looks;
    private StoreState _state;
    private ulong _checked;
    private long _began;
    private long _lastSent;
    private DateTimeOffset _start;
    private long _bytes;
    private int _index;
    private int _inFlight;
    private int _acked;
    private int _isDue;
    private bool _wasHeard;
    private bool _isOver;

    /// <param name="service">The API.</param>
    /// <param name="stream">What it is of.</param>
    /// <param name="call">Who asks.</param>
    /// <param name="request">Checked.</param>
    public SnapshotTransfer(JetStreamService service, StreamHost stream, ApiCall call, StreamSnapshotRequest request)
    {
        (_service, _stream, _call, _request) = (service, stream, call, request);
        _time = service.Settings.Time;
        _deliver = Encoding.UTF8.GetBytes(request.DeliverSubject);
        _ackSubject = $"$JS.SNAPSHOT.ACK.{stream.Configuration.Name}.{UniqueId.Next()}";
        _chunk = new byte[request.EffectiveChunkSize];
        _window = request.EffectiveWindowSize / _chunk.Length;
    }

    /// <inheritdoc/>
    public Task StopAsync()
    {
        _stream.Post(() => End("500 Server Shutdown", "the server stops"));
        return _ended.Task;
    }

    /// <summary>Checks the stream, if it was asked to, and begins. In the stream's mailbox.</summary>
    public void Begin()
    {
        if (_isOver) return;
        _start = _time.GetUtcNow();
        _began = _time.GetTimestamp();
        ServiceLog.SnapshotStarted(_service.Settings.Log, _stream.Account.Name, _stream.Configuration.Name);
        if (_stream.IsStopping || _stream.Fault is not null) Refuse(_stream.Fault?.Message ?? "stream is closed");
        else if (_request.CheckMessages) Check();
        else Announce();
    }

    /// <summary>Reads some messages and goes on in another turn.</summary>
    private void Check()
    {
        if (_isOver) return;
        if (_stream.IsStopping)
        {
            Refuse("stream is closed");
            return;
        }
        var message = new MessageBuffer();
        try
        {
            for (var i = 0; i < TurnChecks; i++)
            {
                if (!_stream.Store.TryLoadNext(SubjectFilter.All, _checked + 1, message))
                {
                    Announce();
                    return;
                }
                _checked = message.Sequence;
            }
        }
        catch (Exception fault) when (fault is DiskException or CorruptStoreException)
        {
            Refuse($"snapshot check detected bad messages: {fault.Message}");
            return;
        }
        _stream.Post(Check);
    }

    private void Refuse(string reason)
    {
        _call.Fail(JetStreamErrors.JSStreamSnapshotErrF.With(reason));
        ServiceLog.SnapshotFailed(_service.Settings.Log, _stream.Account.Name, _stream.Configuration.Name, Elapsed, reason);
        Close();
    }

    private void Announce()
    {
        _state = _stream.Store.State;
        var record = _stream.Record;
        var consumers = _request.NoConsumers ? [] : _stream.Consumers.ForSnapshot();
        _writer = new SnapshotWriter(record.Configuration, ApiTime.FromUnix(record.Created), _stream.Store, consumers, _start);
        _acks = new Subscription(new TransferSubscriber(TakeAck), Encoding.UTF8.GetBytes(_ackSubject + ".>"));
        _stream.Account.Subscribe(_acks);
        var state = StreamState.Of(_state, _stream.Consumers.Listed);
        _call.Answer(new StreamSnapshotResponse { Configuration = record.Configuration, State = state });
        _service.Advise(_stream.Account, $"{AdvisorySubjects.StreamSnapshotCreate}.{record.Configuration.Name}", () => new SnapshotCreateAdvisory
        {
            Stream = record.Configuration.Name,
            State = state,
            Client = Client,
        });
        _lastSent = _time.GetTimestamp();
        _looks = _time.CreateTimer(_ => Wake(), null, LookInterval, LookInterval);
        Step();
    }

    /// <summary>On the client's loop.</summary>
    private bool TakeAck(in Message message, FlushBatch batch)
    {
        Interlocked.Increment(ref _acked);
        Wake();
        return true;
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _isDue, 1) == 0) _stream.Post(Step);
    }

    private void Step()
    {
        Volatile.Write(ref _isDue, 0);
        if (_isOver) return;
        if (_stream.IsStopping)
        {
            End("500 Stream Closed", "stream is closed");
            return;
        }
        if (!_stream.Account.Subscriptions.HasInterest(_deliver))
        {
            if (_wasHeard || _time.GetElapsedTime(_lastSent) >= InterestWait) End("408 No Interest", "no interest");
            return;
        }
        // Before anybody listens, no acknowledgement is due.
        if (!_wasHeard) _lastSent = _time.GetTimestamp();
        _wasHeard = true;
        _inFlight = Math.Max(0, _inFlight - Interlocked.Exchange(ref _acked, 0));
        if (_inFlight >= _window)
        {
            if (_time.GetElapsedTime(_lastSent) >= AckWait) End("408 No Flow Response", "no flow response");
            return;
        }
        Send();
    }

    private void Send()
    {
        for (var sent = 0; sent < TurnBytes && _inFlight < _window; sent += _chunk.Length)
        {
            int count;
            try
            {
                count = _writer!.Read(_chunk);
            }
            catch (Exception fault) when (fault is DiskException or CorruptStoreException)
            {
                End($"500 {new string([.. fault.Message.Select(letter => char.IsControl(letter) ? ' ' : letter)])}", fault.Message);
                return;
            }
            _bytes += count;
            if (count < _chunk.Length)
            {
                if (count > 0) _stream.Prompt.Add(_deliver, default, default, _chunk.AsSpan(0, count));
                End("204", null);
                return;
            }
            _index++;
            _inFlight++;
            _stream.Prompt.Add(_deliver, Encoding.UTF8.GetBytes($"{_ackSubject}.{count}.{_index}"), default, _chunk);
            _lastSent = _time.GetTimestamp();
        }
        // Messages that were published meanwhile come first.
        if (_inFlight < _window) Wake();
    }

    /// <summary>The last message, and all is told.</summary>
    private void End(string status, string? error)
    {
        if (_isOver) return;
        if (_writer is null)
        {
            Refuse(error ?? "stream is closed");
            return;
        }
        var (log, account, name) = (_service.Settings.Log, _stream.Account, _stream.Configuration.Name);
        _stream.Prompt.Add(_deliver, default, Encoding.UTF8.GetBytes($"NATS/1.0 {status}\r\n\r\n"), default);
        var end = ApiTime.From(_time.GetUtcNow());
        _service.Advise(account, $"{AdvisorySubjects.StreamSnapshotComplete}.{name}", () => new SnapshotCompleteAdvisory
        {
            Stream = name,
            Start = ApiTime.From(_start),
            End = end,
            Client = Client,
        });
        if (error is null) ServiceLog.SnapshotCompleted(log, _bytes, account.Name, name, Elapsed);
        else ServiceLog.SnapshotFailed(log, account.Name, name, Elapsed, error);
        Close();
    }

    private void Close()
    {
        _isOver = true;
        _looks?.Dispose();
        if (_acks is not null) _stream.Account.Unsubscribe(_acks);
        _service.Forget(this);
        _ended.TrySetResult();
    }

    private ClientInfo Client => _call.Client ?? new ClientInfo { Account = _call.Account.Name };

    private string Elapsed => $"{_time.GetElapsedTime(_began).TotalMilliseconds:0.###}ms";
}
