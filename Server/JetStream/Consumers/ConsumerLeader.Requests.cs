using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Consumers.Delivery;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Pull requests: which are taken, which one gets a message, and what becomes of those that get none.</summary>
public sealed partial class ConsumerLeader
{
    /// <summary>Nanoseconds between looks whether those who wait are still there, when there is no room.</summary>
    private const long SweepInterval = GoDuration.Second;

    private readonly WaitingRequests? _requests;

    /// <summary>Requests that wait and that other servers do not know of.</summary>
    private int _untold;

    /// <summary>A client wants messages.</summary>
    /// <param name="payload">The request, without headers.</param>
    /// <param name="reply">Where they go; empty: nowhere, so nothing is done.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    /// <param name="effects">What comes of it.</param>
    public void Request(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> reply, long now, IConsumerEffects effects)
    {
        if (reply.IsEmpty) return;
        if (_requests is null)
        {
            Refuse("409 Consumer is push based", reply, effects);
            return;
        }
        var error = PullRequest.Parse(payload, out var request);
        if (error is not null) error = "400 Bad Request - " + error;
        else error = ExceededLimit(request) ?? WrongGroup(request, now);
        if (error is not null)
        {
            Refuse(error, reply, effects);
            return;
        }
        if (_requests.Count >= Configuration.MaxWaiting && now - _requests.LastSweep > SweepInterval) SweepRequests(now, isEnd: false, effects);
        if (request.NoWait && IsNothingLeftFor(request, reply, now, effects)) return;
        if (_requests.Count >= Configuration.MaxWaiting)
        {
            // Who listens for signs of life tries again when they are missing, instead of at once.
            if (request.Heartbeat == 0) Refuse("409 Exceeded MaxWaiting", reply, effects);
            return;
        }
        _requests.Add(request, reply, Configuration.PriorityPolicy == PriorityPolicy.Prioritized, now);
        if (_options.IsReplicated) _untold++;
        Use(now);
    }

    /// <summary>Tells all who wait that they wait in vain.</summary>
    /// <param name="status">Such as <c>409 Consumer Deleted</c>.</param>
    /// <param name="withPending">With what they have not got, as when a server shuts down.</param>
    /// <param name="effects">What comes of it.</param>
    public void Stop(string status, bool withPending, IConsumerEffects effects)
    {
        if (_requests is null) return;
        var block = DeliveryStatus.Of(status);
        while (_requests.First is { } request)
        {
            if (withPending) effects.Status(request.Reply, default, DeliveryStatus.WithPending(_options.Workspace.Status, block.AsSpan("NATS/1.0 ".Length..^4), request.Remaining, request.Bytes));
            else effects.Status(request.Reply, default, block);
            _requests.Remove(request);
        }
    }

    /// <summary>Another is to lead: who waits is told by him when the others know of it, else now.</summary>
    public void StandDown(IConsumerEffects effects)
    {
        for (var request = _requests?.First; request is not null;)
        {
            var next = request.Next;
            if (_replica.Awaits(request.Reply)) _requests!.Remove(request);
            request = next;
        }
        Stop("409 Leadership Change", withPending: true, effects);
    }

    private static void Refuse(string status, ReadOnlySpan<byte> reply, IConsumerEffects effects) => effects.Status(reply, default, DeliveryStatus.Of(status));

    private string? ExceededLimit(in PullRequest request)
    {
        var configuration = Configuration;
        if (configuration.MaxRequestBatch > 0 && request.Batch > configuration.MaxRequestBatch) return $"409 Exceeded MaxRequestBatch of {configuration.MaxRequestBatch}";
        if (configuration.MaxRequestExpires > 0 && request.Expires > configuration.MaxRequestExpires)
        {
            return $"409 Exceeded MaxRequestExpires of {DurationText.Of(configuration.MaxRequestExpires)}";
        }
        return configuration.MaxRequestBytes > 0 && request.MaxBytes > configuration.MaxRequestBytes ? $"409 Exceeded MaxRequestMaxBytes of {configuration.MaxRequestBytes}" : null;
    }

    /// <summary>For a request that takes only what is there: whether that is nothing, or too little.</summary>
    private bool IsNothingLeftFor(in PullRequest request, ReadOnlySpan<byte> reply, long now, IConsumerEffects effects)
    {
        Wake();
        var left = CountPending() + (ulong)(_state.Pending?.QueuedCount ?? 0);
        if (left == 0)
        {
            if (request.Expires != 0) return false;
            effects.Status(reply, default, DeliveryStatus.NoMessages);
        }
        else
        {
            if (_requests!.Count == 0 || left >= SweepRequests(now, isEnd: false, effects)) return false;
            Refuse("408 Requests Pending", reply, effects);
        }
        Use(now);
        return true;
    }

    /// <summary>
    /// Deals with requests whose time has come, whose senders are gone, or who take only what is there when that is through.
    /// </summary>
    /// <returns>Messages that those who stay may still get.</returns>
    private ulong SweepRequests(long now, bool isEnd, IConsumerEffects effects)
    {
        var requests = _requests!;
        requests.LastSweep = now;
        requests.Due = long.MaxValue;
        var wanted = 0UL;
        for (var request = requests.First; request is not null;)
        {
            var next = request.Next;
            if (IsOver(request, isEnd, now, effects)) Forget(request, effects);
            else
            {
                wanted += (ulong)Math.Max(0, request.Remaining);
                if (now >= request.HeartbeatDue)
                {
                    effects.Status(request.Reply, default, DeliveryStatus.Heartbeat(_options.Workspace.Status, LastDelivery, default));
                    request.SetHeartbeat(now);
                }
                requests.Due = Math.Min(requests.Due, Math.Min(request.Expires, request.HeartbeatDue));
            }
            request = next;
        }
        return wanted;
    }

    private bool IsOver(WaitingRequest request, bool isEnd, long now, IConsumerEffects effects)
    {
        if (request.IsExpired(now))
        {
            SendStatus(DeliveryStatus.RequestTimeout, request, effects);
            return true;
        }
        if (isEnd && request.NoWait && (request.Expires == long.MaxValue || request.Delivered > 0))
        {
            effects.Status(request.Reply, default, DeliveryStatus.NoMessages);
            return true;
        }
        return !effects.HasInterest(request.Reply);
    }

    /// <summary>The request that gets the next message; null: nobody may have it.</summary>
    private WaitingRequest? ChooseRequest(int size, ulong left, long now, IConsumerEffects effects)
    {
        var requests = _requests!;
        var needsPin = Configuration.PriorityPolicy == PriorityPolicy.PinnedClient && _pin is null;
        var passed = 0;
        while (requests.First is { } request)
        {
            if (request.IsExpired(now))
            {
                SendStatus(DeliveryStatus.RequestTimeout, request, effects);
                Forget(request, effects);
                continue;
            }
            var suits = Suits(request, needsPin, left, now, effects, out var isNewPin);
            if (suits is null)
            {
                Forget(request, effects);
                continue;
            }
            if (suits == false)
            {
                requests.Requeue(request, byPriority: false);
                if (++passed >= requests.Count) return null;
                continue;
            }
            if (!FitsInto(request, size, effects))
            {
                if (isNewPin) _pin = null;
                Forget(request, effects);
                continue;
            }
            if (IsListening(request, effects)) return request;
            Forget(request, effects);
        }
        return null;
    }

    /// <summary>Somebody who has listened in this turn still does: nothing else runs meanwhile.</summary>
    private bool IsListening(WaitingRequest request, IConsumerEffects effects)
    {
        if (request.SeenInTurn == _turn) return true;
        if (!effects.HasInterest(request.Reply)) return false;
        request.SeenInTurn = _turn;
        return true;
    }

    private bool FitsInto(WaitingRequest request, int size, IConsumerEffects effects)
    {
        if (request.Bytes <= 0) return true;
        if (size > request.Bytes)
        {
            SendStatus(DeliveryStatus.TooLarge, request, effects);
            return false;
        }
        request.Bytes -= size;
        if (request.Bytes == 0) request.Remaining = 1;
        return true;
    }

    private void Answer(WaitingRequest request, ReadOnlySpan<byte> reply, in StoredMessage message, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, long now, IConsumerEffects effects)
    {
        effects.Deliver(request.Reply, reply, message, headers, payload);
        request.Delivered++;
        request.Remaining--;
        _lastUse = now;
        if (request.Remaining > 0)
        {
            if (request.Heartbeat > 0) request.SetHeartbeat(now);
            _requests!.Requeue(request, Configuration.PriorityPolicy == PriorityPolicy.Prioritized);
            return;
        }
        if (request.Bytes > 0) SendStatus(DeliveryStatus.BatchCompleted, request, effects);
        Forget(request, effects);
    }

    /// <summary>A request waits no more.</summary>
    private void Forget(WaitingRequest request, IConsumerEffects effects)
    {
        if (_options.IsReplicated)
        {
            if (request.IsTold) Propose(ConsumerEntry.RequestRemoved(request.Reply), effects);
            else _untold--;
        }
        _requests!.Remove(request);
    }

    /// <summary>Lets others know who waits: whoever leads next tells them that they wait in vain.</summary>
    private void TellRequests(IConsumerEffects effects)
    {
        for (var request = _requests!.First; request is not null && _untold > 0; request = request.Next)
        {
            if (request.IsTold) continue;
            request.IsTold = true;
            _untold--;
            Propose(ConsumerEntry.RequestAdded(request.Reply), effects);
        }
    }

    /// <summary>Who waited at the leader before waits in vain, and asks again.</summary>
    private void EndRequestsOfOthers(IConsumerEffects effects)
    {
        foreach (var reply in _replica.TakeRequests())
        {
            Refuse("409 Leadership Change", reply, effects);
            Propose(ConsumerEntry.RequestRemoved(reply), effects);
        }
    }

    private void SendStatus(ReadOnlySpan<byte> status, WaitingRequest request, IConsumerEffects effects) =>
        effects.Status(request.Reply, default, DeliveryStatus.WithPending(_options.Workspace.Status, status, request.Remaining, request.Bytes));
}
