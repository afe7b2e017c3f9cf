using NatsAspire.Server.JetStream.Consumers;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>Applies what is proposed and keeps nothing but where the last delivery is acknowledged.</summary>
internal sealed class Silent(ConsumerReplica replica) : IConsumerEffects, IConsumerObserver
{
    private readonly byte[] _reply = new byte[200];
    private int _length;

    public AckSubject Ack
    {
        get
        {
            AckSubject.TryParse(_reply.AsSpan(0, _length), out var ack);
            return ack;
        }
    }

    public void Propose(ReadOnlySpan<byte> entry) => replica.Apply(entry, this);

    public void Deliver(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        reply.CopyTo(_reply);
        _length = reply.Length;
    }

    public void Status(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers)
    {
        // Nobody looks.
    }

    public void Confirm(ReadOnlySpan<byte> subject)
    {
        // Nobody looks.
    }

    public void Report(in ConsumerEvent consumerEvent)
    {
        // Nobody looks.
    }

    public bool HasInterest(ReadOnlySpan<byte> subject) => true;

    public void Released(ulong sequence)
    {
        // Nobody looks.
    }

    public void ReleasedThrough(ulong sequence)
    {
        // Nobody looks.
    }
}
