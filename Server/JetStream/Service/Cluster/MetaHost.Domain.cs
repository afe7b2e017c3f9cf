using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// A server whose system account is that of a hub too may belong to the hub's JetStream. Until the first contact shows it, it
/// only observes; what it learned then is noted, so that a later start need not wait for the hub.
/// </summary>
internal sealed partial class MetaHost
{
    private const byte Extended = 1;
    private const byte NotExtended = 2;

    private byte _domain;
    private bool _hadLog;
    private bool _observesHub;

    /// <summary>What earlier contacts showed.</summary>
    /// <returns>It is to observe.</returns>
    private bool RecallDomain()
    {
        var note = _engine.Files.ReadDomainNote();
        // What another configuration learned says nothing of this one.
        if (_settings.SharesSystem) _domain = note is [var noted] ? noted : (byte)0;
        else if (note is [not 0]) _engine.Files.WriteDomainNote([0]);
        var isObserver = _settings.AwaitsHub && _domain != NotExtended;
        if (_settings.AwaitsHub) TellDomain(isObserver);
        return _observesHub = isObserver;
    }

    private void TellDomain(bool isObserver)
    {
        var turned = _domain switch
        {
            Extended => "Keeping JetStream metadata controller Observer Mode on - due to previous contact",
            NotExtended => "Turning JetStream metadata controller Observer Mode off - due to previous contact",
            _ => "Turning JetStream metadata controller Observer Mode on",
        };
        ServiceLog.MetaStarting(_service.Settings.Log, turned);
        if (!isObserver || _domain == Extended) return;
        ServiceLog.MetaStarting(_service.Settings.Log, "In cases where the JetStream domain is not intended to be extended through a SYS account leaf node connection");
        ServiceLog.MetaStarting(_service.Settings.Log, "and waiting for leader election until first contact is not acceptable,");
        ServiceLog.MetaStarting(_service.Settings.Log, "manually disable Observer Mode by setting the JetStream Option \"extension_hint: no_extend\"");
    }

    /// <summary>The system account has been joined to a hub's. In the mailbox.</summary>
    /// <param name="isExtension">The hub's JetStream is this server's too.</param>
    /// <returns>False: this server has decided without the hub, and has to begin anew.</returns>
    public bool ShareSystem(bool isExtension)
    {
        if (!isExtension)
        {
            BeOnItsOwn();
            return true;
        }
        // A log that was begun before the first contact is not the hub's.
        var mayBeForeign = _hadLog || (!_group.Core.IsObserver && _group.Core.LastIndex > 0);
        if (_domain != Extended && mayBeForeign) return false;
        Note(Extended);
        _observesHub = true;
        _group.Core.SetObserver(true, _group.Now);
        _group.Core.StepDown(PeerId.None, _group.Now);
        return true;
    }

    /// <summary>Streams that were assigned to this server stop, and lie where nobody finds them but people.</summary>
    public void SetStreamsAside()
    {
        var count = 0;
        foreach (var account in _engine.Accounts.Values)
        {
            foreach (var stream in account.Hosts.Values.ToArray())
            {
                Quarantine(account, stream);
                count++;
            }
        }
        foreach (var (name, stream) in _engine.Held)
        {
            if (AccountOf(name) is not { } account || _engine.TakeHeld(name, stream) is not { } held) continue;
            Quarantine(account, held);
            count++;
        }
        ServiceLog.DomainReplaced(_service.Settings.Log, count);
    }

    /// <summary>Nobody of another domain decides here; who has waited for that may campaign now.</summary>
    private void BeOnItsOwn()
    {
        if (_settings.SharesSystem) Note(NotExtended);
        if (!_observesHub) return;
        _observesHub = false;
        _group.Core.SetObserver(false, _group.Now);
        _group.Core.Campaign(_group.Now);
    }

    /// <summary>
    /// The lead belongs to the hub: whoever of this server's own cluster claims it has not had its first contact, and speaks of
    /// another log.
    /// </summary>
    private bool IsOutOfPlace(PeerId peer) => _observesHub && _domain == Extended && _registry.Find(peer.ToString())?.Cluster == ClusterName;

    private void Note(byte domain)
    {
        if (_domain == domain) return;
        _domain = domain;
        _engine.Files.WriteDomainNote([domain]);
    }
}
