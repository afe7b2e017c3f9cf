using System.Text;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Pushing messages: who listens, flow control, signs of life.</summary>
public sealed partial class ConsumerLeader
{
    private const string FlowDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int FlowIdLength = 4;

    private readonly PushState? _push;

    /// <summary>Somebody, or nobody any more, listens where messages are pushed. Told once after <see cref="Begin"/> too.</summary>
    public void InterestChanged(bool isListening, long now)
    {
        if (_push is null || _push.IsActive == isListening) return;
        _push.IsActive = isListening;
        _lastUse = now;
        if (!isListening) return;
        _push.Restart(Configuration, now);
        Use(now);
    }

    /// <summary>A client has answered a request of flow control.</summary>
    /// <param name="subject">What it has answered to.</param>
    /// <param name="last">What it says it has received last (<c>Nats-Last-Consumer</c>, <c>Nats-Last-Stream</c>); the default: nothing.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void FlowControlled(ReadOnlySpan<byte> subject, SequencePair last, long now, IConsumerEffects effects)
    {
        if (_push is null || !_push.TryAnswer(subject)) return;
        _lastUse = now;
        if (Configuration.AckPolicy != AckPolicy.FlowControl || last.Stream == 0) return;
        if (last.Stream > _state.Delivered.Stream || last.Stream <= _state.AckFloor.Stream || last.Consumer <= _state.AckFloor.Consumer) return;
        ProposeAck(Math.Min(last.Consumer, _state.Delivered.Consumer), last.Stream, now, effects);
    }

    /// <summary>What counts as delivered last: nothing up to here comes for the first time.</summary>
    private SequencePair LastDelivery => new(_state.Delivered.Consumer, Math.Max(_state.Delivered.Stream, _next - 1));

    private void Push(ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, long now, IConsumerEffects effects)
    {
        var push = _push!;
        effects.Deliver(push.Subject, reply, message, headers, payload);
        push.Sent(push.Subject.Length + reply.Length + headers.Length + payload.Length);
        push.SetHeartbeat(Configuration, now);
        if (push.WantsFlowControl(Configuration.AckPolicy == AckPolicy.FlowControl && HasTooManyPending)) AskForFlowControl(effects);
    }

    private void AskForFlowControl(IConsumerEffects effects)
    {
        var id = new char[FlowIdLength];
        for (var i = 0; i < id.Length; i++) id[i] = FlowDigits[_options.Random.Next(FlowDigits.Length)];
        _push!.Ask(Encoding.UTF8.GetBytes($"$JS.FC.{_options.SubjectScope}{_options.Stream}.{Name}.{new string(id)}"));
        effects.Status(_push.Subject, _push.FlowReply, DeliveryStatus.FlowControl);
    }

    private void BeatHeart(long now, IConsumerEffects effects)
    {
        var push = _push!;
        push.SetHeartbeat(Configuration, now);
        effects.Status(push.Subject, default, DeliveryStatus.Heartbeat(_options.Workspace.Status, LastDelivery, push.FlowReply));
        if (Configuration.AckPolicy == AckPolicy.FlowControl && _state.AckPending > 0 && push.FlowReply.IsEmpty) AskForFlowControl(effects);
    }
}
