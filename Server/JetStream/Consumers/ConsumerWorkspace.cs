using System.Buffers;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Room to put deliveries together in, for all consumers of one mailbox: nothing in it outlives a call.</summary>
public sealed class ConsumerWorkspace
{
    private byte[] _reply = new byte[256];

    internal MessageBuffer Message { get; } = new();

    /// <summary>Headers of a delivery.</summary>
    internal ArrayBufferWriter<byte> Headers { get; } = new();

    /// <summary>Headers of a status.</summary>
    internal ArrayBufferWriter<byte> Status { get; } = new();

    /// <summary>Sequences that are dealt with in order.</summary>
    internal List<ulong> Sequences { get; } = [];

    internal Span<byte> Reply(int length)
    {
        if (_reply.Length < length) _reply = new byte[length * 2];
        return _reply;
    }
}
