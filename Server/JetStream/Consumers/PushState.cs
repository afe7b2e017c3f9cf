using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// What only consumers that push have: who listens, and how many bytes are under way. The window begins small and doubles with each answer
/// to a request of flow control.
/// </summary>
internal sealed class PushState
{
    /// <summary>Bytes under way at most.</summary>
    private const long MaxWindow = 32 * 1024 * 1024;

    private string? _subjectText;
    private byte[] _subject = [];
    private byte[]? _flowReply;

    /// <summary>Bytes that may be under way; 0: there is no flow control.</summary>
    private long _window;
    private long _underWay;

    /// <summary>Bytes that the answer to the request covers.</summary>
    private long _covered;

    public bool IsActive { get; set; }

    /// <summary>When a sign of life is due; <see cref="long.MaxValue"/>: never.</summary>
    public long HeartbeatDue { get; private set; } = long.MaxValue;

    public ReadOnlySpan<byte> Subject => _subject;

    /// <summary>Where the request that is open is answered; empty: none is.</summary>
    public ReadOnlySpan<byte> FlowReply => _flowReply;

    public bool TakesMore => IsActive && (_window == 0 || _underWay <= _window);

    public void Reconfigure(ConsumerConfiguration configuration, long now)
    {
        if (_subjectText != configuration.DeliverSubject)
        {
            _subjectText = configuration.DeliverSubject;
            _subject = Encoding.UTF8.GetBytes(_subjectText ?? "");
        }
        if (!configuration.FlowControl) (_window, _underWay, _covered, _flowReply) = (0, 0, 0, null);
        else if (_window == 0) _window = MaxWindow / 16;
        if (HeartbeatDue == long.MaxValue || configuration.Heartbeat == 0) SetHeartbeat(configuration, now);
    }

    /// <summary>Somebody listens anew.</summary>
    public void Restart(ConsumerConfiguration configuration, long now) => SetHeartbeat(configuration, now);

    public void SetHeartbeat(ConsumerConfiguration configuration, long now) =>
        HeartbeatDue = configuration.Heartbeat > 0 ? now + configuration.Heartbeat : long.MaxValue;

    public void Sent(int bytes)
    {
        if (_window == 0) return;
        _underWay += bytes;
        if (_flowReply is not null && _underWay - _covered >= _window) _covered += bytes;
    }

    /// <summary>Whether the client is to be asked how far it is.</summary>
    /// <param name="mustAck">Nothing more goes out before it answers.</param>
    public bool WantsFlowControl(bool mustAck) => _window > 0 && _flowReply is null && (_underWay > _window / 2 || mustAck);

    public void Ask(byte[] reply)
    {
        _flowReply = reply;
        _covered = _underWay;
    }

    /// <summary>The client has answered; false: to another request.</summary>
    public bool TryAnswer(ReadOnlySpan<byte> reply)
    {
        if (_flowReply is null || !reply.SequenceEqual(_flowReply)) return false;
        _window = Math.Min(_window * 2, MaxWindow);
        _underWay = Math.Max(0, _underWay - _covered);
        _flowReply = null;
        _covered = 0;
        return true;
    }
}
