using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>When the stream answers direct gets.</summary>
internal sealed partial class StreamHost
{
    /// <summary>Messages a mirror may still miss when it begins to answer for its origin, as upstream.</summary>
    private const ulong MirrorIsNear = 10;

    private DirectCapture? _direct;
    private DirectCapture? _mirrorDirect;
    private List<Func<bool, bool>> _gets = [];
    private List<Func<bool, bool>> _takenGets = [];

    /// <summary>Who serves direct gets; null: nobody yet. From any thread.</summary>
    public IDirectGets? DirectGets => _context.DirectGets();

    /// <summary>It answers for itself. From any thread.</summary>
    public bool AnswersDirectGets => _direct is { IsServing: true };

    /// <summary>Has a request answered in the mailbox, by a short turn if that is all there is: not when too much waits already.</summary>
    /// <param name="get">Told whether it may wait for a disk; false: it has not been done, for it would have to.</param>
    /// <param name="batch">The requestor's.</param>
    /// <returns>False: it will not be done.</returns>
    public bool TryPostGet(Func<bool, bool> get, FlushBatch batch)
    {
        bool isFirst;
        lock (_commandLock)
        {
            if (_gets.Count >= MaxCommands) return false;
            isFirst = _gets.Count == 0;
            _gets.Add(get);
        }
        if (isFirst) batch.Touch(_atEndOfBatch);
        else Wake();
        return true;
    }

    private void RunGets(bool mayWait)
    {
        lock (_commandLock)
        {
            if (_gets.Count == 0) return;
            (_gets, _takenGets) = (_takenGets, _gets);
        }
        foreach (var get in _takenGets) Do(get, mayWait);
        _takenGets.Clear();
        if (!Prompt.IsEmpty) Prompt.Deliver(Account, _matches, _flush);
    }

    private void Do(Func<bool, bool> get, bool mayWait)
    {
        try
        {
            if (!get(mayWait)) Post(() => _ = get(true));
        }
        catch (Exception fault)
        {
            Fence(fault);
        }
    }

    /// <summary>At the end of a turn.</summary>
    private void FollowDirectGets()
    {
        Follow(ref _direct, Configuration.AllowDirect && AnswersDirectly(_direct) ? Configuration.Name : "");
        Follow(ref _mirrorDirect, Configuration is { MirrorDirect: true, Mirror: { } mirror } && AnswersDirectly(_mirrorDirect) && MirrorAnswers() ? mirror.Name : "");
    }

    private void Follow(ref DirectCapture? capture, string name)
    {
        if (capture is null && name.Length == 0) return;
        (capture ??= new DirectCapture(this)).Follow(name, _context.Domain);
    }

    /// <summary>
    /// A follower begins when it has all that was agreed on, and ends when it has lost its leader or fetches what it
    /// missed; that it is a few messages behind now and then is what direct gets allow.
    /// </summary>
    private bool AnswersDirectly(DirectCapture? capture)
    {
        if (Fault is not null || _isStopping) return false;
        if (_group is not { } group || _leads) return true;
        if (_catchup is not null || group.Core.Leader.IsNone || group.Core.IsCatchingUp) return false;
        return capture is { IsServing: true } || group.Core.IsCurrent(group.Now);
    }

    private bool MirrorAnswers() => _mirrorDirect is { IsServing: true } || (!_leads && _group is not null) || Sources is [{ Active: >= 0, Lag: < MirrorIsNear }];
}
