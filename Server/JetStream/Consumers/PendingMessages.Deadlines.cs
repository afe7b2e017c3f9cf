namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>Deadlines as a binary heap that knows where each message stands in it, and the queue of redeliveries.</summary>
internal sealed partial class PendingMessages
{
    private const int Queued = -1;

    private int[] _heap = [];
    private int _scheduled;
    private int _queueFirst = None;
    private int _queueLast = None;

    /// <summary>Messages that are to be delivered again.</summary>
    public int QueuedCount { get; private set; }

    /// <summary>The one to be delivered again next; <see cref="None"/>: there is none.</summary>
    public int FirstQueued => _queueFirst;

    /// <summary>When the next message is due; null: never.</summary>
    public long? NextDeadline => _scheduled > 0 && _nodes[_heap[0]].Deadline != long.MaxValue ? _nodes[_heap[0]].Deadline : null;

    public bool IsQueued(int id) => _nodes[id].Place == Queued;

    /// <summary>The message due longest, if one is.</summary>
    public bool TryGetDue(long now, out int id)
    {
        id = _scheduled > 0 ? _heap[0] : None;
        return id != None && _nodes[id].Deadline <= now && _nodes[id].Deadline != long.MaxValue;
    }

    /// <summary>Puts a message behind the others that are to be delivered again.</summary>
    public void Enqueue(int id)
    {
        if (IsQueued(id)) return;
        Unschedule(id);
        ref var node = ref _nodes[id];
        node.Place = Queued;
        node.QueuePrevious = _queueLast;
        node.QueueNext = None;
        if (_queueLast == None) _queueFirst = id;
        else _nodes[_queueLast].QueueNext = id;
        _queueLast = id;
        QueuedCount++;
    }

    /// <summary>Takes a message out of the queue; it waits for its deadline again.</summary>
    public void Dequeue(int id)
    {
        if (!IsQueued(id)) return;
        Unqueue(id);
        Schedule(id);
    }

    /// <summary>Empties the queue: all wait for their deadlines.</summary>
    public void DequeueAll()
    {
        while (_queueFirst != None) Dequeue(_queueFirst);
    }

    private void Unqueue(int id)
    {
        ref var node = ref _nodes[id];
        if (node.QueuePrevious == None) _queueFirst = node.QueueNext;
        else _nodes[node.QueuePrevious].QueueNext = node.QueueNext;
        if (node.QueueNext == None) _queueLast = node.QueuePrevious;
        else _nodes[node.QueueNext].QueuePrevious = node.QueuePrevious;
        QueuedCount--;
    }

    private void Schedule(int id)
    {
        Put(_scheduled++, id);
        Rise(_nodes[id].Place);
    }

    private void Reschedule(int id)
    {
        Rise(_nodes[id].Place);
        Sink(_nodes[id].Place);
    }

    private void Unschedule(int id)
    {
        var place = _nodes[id].Place;
        var moved = _heap[--_scheduled];
        if (place == _scheduled) return;
        Put(place, moved);
        Reschedule(moved);
    }

    private void Rise(int place)
    {
        var id = _heap[place];
        for (; place > 0; place = (place - 1) / 2)
        {
            var parent = _heap[(place - 1) / 2];
            if (!IsBefore(id, parent)) break;
            Put(place, parent);
        }
        Put(place, id);
    }

    private void Sink(int place)
    {
        var id = _heap[place];
        while (true)
        {
            var child = (place * 2) + 1;
            if (child >= _scheduled) break;
            if (child + 1 < _scheduled && IsBefore(_heap[child + 1], _heap[child])) child++;
            if (!IsBefore(_heap[child], id)) break;
            Put(place, _heap[child]);
            place = child;
        }
        Put(place, id);
    }

    /// <summary>By deadline, then by sequence, so that all replicas agree.</summary>
    private bool IsBefore(int one, int other)
    {
        ref var left = ref _nodes[one];
        ref var right = ref _nodes[other];
        return left.Deadline < right.Deadline || (left.Deadline == right.Deadline && left.Sequence < right.Sequence);
    }

    private void Put(int place, int id)
    {
        _heap[place] = id;
        _nodes[id].Place = place;
    }
}
