using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Priority groups (ADR-42): who may have messages, and who is pinned.</summary>
public sealed partial class ConsumerLeader
{
    private Pin? _pin;

    /// <summary>Pins nobody any more, so that the next one asked is.</summary>
    /// <param name="group">One of the consumer's.</param>
    /// <param name="effects">What comes of it.</param>
    /// <returns>False: it has no such group.</returns>
    public bool Unpin(string group, IConsumerEffects effects)
    {
        if (!Configuration.PriorityGroups.Contains(group)) return false;
        Unpin(group, "admin", effects);
        return true;
    }

    private void Unpin(string group, string reason, IConsumerEffects effects)
    {
        _pin = null;
        effects.Report(new ConsumerEvent(ConsumerEventKind.Unpinned) { Group = group, Reason = reason });
    }

    /// <summary>What is wrong with what a request says of groups; null: nothing.</summary>
    private string? WrongGroup(in PullRequest request, long now)
    {
        if (!request.IsFormal) return null;
        var policy = Configuration.PriorityPolicy;
        if ((request.MinPending != 0 || request.MinAckPending != 0) && policy != PriorityPolicy.Overflow) return "400 Bad Request - Not a Overflow Priority consumer";
        if (!string.IsNullOrEmpty(request.PinId) && policy != PriorityPolicy.PinnedClient) return "400 Bad Request - Not a Pinned Client Priority consumer";
        if (request.Priority is < 0 or > 9) return "400 Bad Request - Priority must be between 0 and 9";
        if (policy == PriorityPolicy.None) return null;
        if (string.IsNullOrEmpty(request.Group)) return "400 Bad Request - Priority Group missing";
        if (!Configuration.PriorityGroups.Contains(request.Group)) return "400 Bad Request - Invalid Priority Group";
        if (_pin is null) return null;
        if (request.PinId == _pin.Id) _pin.Until = now + Configuration.PinnedTtl;
        else if (!string.IsNullOrEmpty(request.PinId)) return "423 Nats-Pin-Id mismatch";
        return null;
    }

    /// <summary>Whether a request may have the next message; null: it never may, and has been told.</summary>
    private bool? Suits(WaitingRequest request, bool needsPin, ulong left, long now, IConsumerEffects effects, out bool isNewPin)
    {
        isNewPin = false;
        switch (Configuration.PriorityPolicy)
        {
            case PriorityPolicy.PinnedClient when request.PinId is { Length: > 0 } id:
                if (!needsPin && id == _pin?.Id) return true;
                SendStatus(DeliveryStatus.WrongPin, request, effects);
                return null;
            case PriorityPolicy.PinnedClient when needsPin:
                isNewPin = true;
                if (request.Group is { Length: > 0 } group) PinTo(request, group, now, effects);
                return true;
            case PriorityPolicy.PinnedClient:
                return false;
            case PriorityPolicy.Overflow when request.MinPending > 0 || request.MinAckPending > 0:
                return (request.MinPending > 0 && (ulong)request.MinPending <= left) || (request.MinAckPending > 0 && request.MinAckPending <= _state.AckPending);
            default:
                return true;
        }
    }

    private void PinTo(WaitingRequest request, string group, long now, IConsumerEffects effects)
    {
        _pin = new Pin(_options.NewId(), group, now) { Until = now + Configuration.PinnedTtl };
        request.PinId = _pin.Id;
        effects.Report(new ConsumerEvent(ConsumerEventKind.Pinned) { Group = group, PinId = _pin.Id });
    }

    private ReadOnlySpan<byte> AddPin(ReadOnlySpan<byte> headers)
    {
        var room = _options.Workspace.Headers;
        // Headers that stand in the room already are open at their end.
        if (room.WrittenCount > 0 && Configuration.HeadersOnly) headers = headers.ToArray();
        DeliveryStatus.Open(room, headers);
        DeliveryStatus.Add(room, "Nats-Pin-Id"u8, _pin!.Id);
        return Close(room);
    }

    private sealed class Pin(string id, string group, long since)
    {
        public string Id { get; } = id;

        public string Group { get; } = group;

        public long Since { get; } = since;

        /// <summary>Nobody is pinned any more then.</summary>
        public long Until { get; set; }
    }
}
