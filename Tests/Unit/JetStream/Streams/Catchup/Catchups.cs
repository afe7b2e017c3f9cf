using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Catchup;

/// <summary>A replica that is behind, and what it wants done, as the test sees it.</summary>
internal sealed class BehindReplica : ICatchupEffects
{
    public const long Second = 1_000_000_000;

    public BehindReplica(IMessageStore? store = null)
    {
        Store = store ?? new MemoryMessageStore();
        Replica = new StreamReplica(LedStream.Plain, Store) { IsReplicated = true };
    }

    public IMessageStore Store { get; }

    public StreamReplica Replica { get; }

    public List<StreamSyncRequest> Requests { get; } = [];

    /// <summary>Replies acknowledged, and <c>reply: reason</c> of those refused.</summary>
    public List<string> Said { get; } = [];

    void ICatchupEffects.Request(StreamSyncRequest request) => Requests.Add(request);

    void ICatchupEffects.Acknowledge(ReadOnlySpan<byte> reply) => Said.Add(Encoding.ASCII.GetString(reply));

    void ICatchupEffects.Refuse(ReadOnlySpan<byte> reply, string reason) => Said.Add($"{Encoding.ASCII.GetString(reply)}: {reason}");
}

/// <summary>What a sender sends.</summary>
internal sealed class SentMessages : ICatchupSink
{
    public List<(byte[] Message, int Tracked)> All { get; } = [];

    void ICatchupSink.Send(ReadOnlySpan<byte> message, int tracked) => All.Add((message.ToArray(), tracked));
}
