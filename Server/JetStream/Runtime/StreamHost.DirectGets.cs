namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>When the stream answers direct gets.</summary>
internal sealed partial class StreamHost
{
    /// <summary>Messages a mirror may still miss when it begins to answer for its origin, as upstream.</summary>
    private const ulong MirrorIsNear = 10;

    private DirectCapture? _direct;
    private DirectCapture? _mirrorDirect;

    /// <summary>Who serves direct gets; null: nobody yet. From any thread.</summary>
    public IDirectGets? DirectGets => _context.DirectGets();

    /// <summary>It answers for itself. From any thread.</summary>
    public bool AnswersDirectGets => _direct is { IsServing: true };

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
