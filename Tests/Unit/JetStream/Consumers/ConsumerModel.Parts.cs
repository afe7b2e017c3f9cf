namespace NatsAspire.Tests.Unit.JetStream.Consumers;

/// <summary>What operations are made of.</summary>
internal sealed partial class ConsumerModel
{
    private bool CanSend()
    {
        if (Configuration.PauseUntil is { } until && until.UnixNanoseconds > Now) return false;
        return IsPush ? _listening : _requests.Count > 0;
    }

    private bool Send(ulong sequence, ulong deliveries, Action taken)
    {
        while (_requests.Count > 0 && Deaf.Contains(_requests[0].Reply)) _requests.RemoveAt(0);
        var request = _requests.FirstOrDefault();
        if (!IsPush && request is null) return false;
        var left = Left - (deliveries == 1 ? 1UL : 0);
        taken();
        Delivered = (Delivered.Consumer + 1, Math.Max(Delivered.Stream, sequence));
        var time = Messages.Find(one => one.Sequence == sequence)!.Time;
        Trace.Add($"{request?.Reply ?? Configuration.DeliverSubject} $JS.ACK.S.C.{deliveries}.{sequence}.{Delivered.Consumer}.{time}.{left}");
        if (request is null)
        {
            if (Configuration.Heartbeat > 0) _heartbeatDue = Now + Configuration.Heartbeat;
            return true;
        }
        request.Got++;
        request.Left--;
        if (request.Heartbeat > 0) request.HeartbeatDue = Now + request.Heartbeat;
        _requests.Remove(request);
        if (request.Left > 0) _requests.Add(request);
        return true;
    }

    /// <summary>What stands first in the queue, if it is not to be sent.</summary>
    private bool TryPutAway(ulong sequence)
    {
        if (Configuration.MaxDeliver > 0 && Times(sequence) + 2 > (ulong)Configuration.MaxDeliver) GiveUp(sequence);
        else if (!Exists(sequence)) Gone(sequence);
        else return false;
        return true;
    }

    /// <summary>Deals with requests that are over.</summary>
    public void Sweep(bool isEnd)
    {
        foreach (var one in _requests.ToList())
        {
            if (one.Expires <= Now) Status(one.Reply, $"408 Request Timeout\r\nNats-Pending-Messages: {one.Left}\r\nNats-Pending-Bytes: 0");
            else if (isEnd && one.NoWait && (one.Expires == long.MaxValue || one.Got > 0)) Status(one.Reply, "404 No Messages");
            else if (!Deaf.Contains(one.Reply))
            {
                if (one.HeartbeatDue > Now) continue;
                SendHeartbeat(one.Reply);
                one.HeartbeatDue = Now + one.Heartbeat;
                continue;
            }
            _requests.Remove(one);
        }
    }

    private void Beat()
    {
        _heartbeatDue = Now + Configuration.Heartbeat;
        SendHeartbeat(Configuration.DeliverSubject!);
    }

    private void SendHeartbeat(string to) => Trace.Add($"{to} heartbeat {Delivered.Consumer}");

    private long Due()
    {
        var due = Pending.Where(one => !_queue.Contains(one.Sequence)).Select(Deadline).Append(long.MaxValue).Min();
        foreach (var one in _requests) due = Math.Min(due, Math.Min(one.Expires, one.HeartbeatDue));
        if (_listening) due = Math.Min(due, _heartbeatDue);
        return _unpauseAt > 0 ? Math.Min(due, _unpauseAt) : due;
    }

    private void Expire(PendingOne one)
    {
        if (Configuration.MaxDeliver > 0 && Times(one.Sequence) + 1 >= (ulong)Configuration.MaxDeliver) GiveUp(one.Sequence);
        else if (!_queue.Contains(one.Sequence)) _queue.Add(one.Sequence);
    }

    private void GiveUp(ulong sequence)
    {
        var deliveries = Times(sequence) + 1;
        Redelivered[sequence] = deliveries;
        Drop(sequence);
        Event("MaxDeliveries", sequence, deliveries, "");
    }

    private void Gone(ulong sequence)
    {
        var deliveries = Times(sequence) + 1;
        if (Forget(sequence)) Event("Terminated", sequence, deliveries, "Unacknowledged message was deleted");
    }

    private bool Forget(ulong sequence)
    {
        var one = Pending.Find(waiting => waiting.Sequence == sequence)!;
        if (CoversEarlier && Pending.Min(waiting => waiting.Sequence) != sequence)
        {
            _queue.Remove(sequence);
            one.Since = Now;
            return false;
        }
        Done(sequence, one.Consumer);
        return true;
    }

    private void Done(ulong sequence, ulong consumer)
    {
        if (!CoversEarlier)
        {
            Redelivered.Remove(sequence);
            Drop(sequence);
            return;
        }
        foreach (var covered in Redelivered.Keys.Where(one => one <= sequence).ToList()) Redelivered.Remove(covered);
        _queue.RemoveAll(one => one <= sequence);
        Pending.RemoveAll(one => one.Sequence <= sequence);
        Floor = (Pending.Count == 0 ? consumer : Math.Min(consumer, Pending.MinBy(one => one.Sequence)!.Consumer - 1), sequence);
    }

    private void Drop(ulong sequence)
    {
        var wasFirst = Pending.Min(one => one.Sequence) == sequence;
        Pending.RemoveAll(one => one.Sequence == sequence);
        _queue.Remove(sequence);
        if (Pending.Count == 0) Floor = Delivered;
        else if (wasFirst && Pending.MinBy(one => one.Sequence) is { } first) Floor = (first.Consumer - 1, first.Sequence - 1);
    }

    private bool IsAhead(StoredOne one)
    {
        if (!Matches(one.Subject)) return false;
        return _lasts is null ? one.Sequence > Delivered.Stream : one.Sequence > _through || _lasts.Contains(one.Sequence);
    }

    private long Deadline(PendingOne one) => one.Since + Wait(one.Sequence);

    private long Wait(ulong sequence) =>
        Configuration.Backoff.IsEmpty ? Configuration.AckWait : Configuration.Backoff[(int)Math.Min(Times(sequence), (ulong)Configuration.Backoff.Count - 1)];

    private ulong Times(ulong sequence) => Redelivered.GetValueOrDefault(sequence);

    private bool Exists(ulong sequence) => Messages.Exists(one => one.Sequence == sequence);

    private bool Matches(string subject)
    {
        if (Configuration.FilterSubject is { } filter) return subject == filter;
        return Configuration.FilterSubjects.IsEmpty || Configuration.FilterSubjects.Contains(subject);
    }

    private void Status(string to, string status) => Trace.Add($"{to} NATS/1.0 {status}");

    private void Event(string kind, ulong sequence, ulong deliveries, string reason) => Trace.Add($"event {kind} {sequence} {deliveries} {reason}");
}
