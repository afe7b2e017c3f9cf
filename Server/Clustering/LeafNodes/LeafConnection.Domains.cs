using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>
/// JetStream at both ends: each domain keeps its API to itself, and is reached from elsewhere by its name. Where both ends are
/// one domain, the API lies in the system account, if that crosses too.
/// </summary>
public sealed partial class LeafConnection
{
    private static readonly string[] ClientSubjects = ["$JS.API.>", "$KV.>", "$OBJ.>"];
    private static readonly string[] AllSubjects = ["$JSC.>", "$NRG.>", .. ClientSubjects];

    /// <summary>This connection joins both ends to one JetStream.</summary>
    public bool ExtendsJetStream { get; private set; }

    private void ApplyDomains()
    {
        var options = _host.Options;
        var domain = options.JetStream.Domain ?? "";
        var isSystem = Account!.IsSystem;
        var hasEmptyDefault = isSystem
            ? options.DefaultJetStreamDomains.Values.Any(string.IsNullOrEmpty)
            : options.DefaultJetStreamDomains.TryGetValue(Account.Name, out var named) && named.Length == 0;
        // Setups from before there were domains.
        if (hasEmptyDefault && !isSystem) return;
        var isDisabled = !options.JetStream.Enabled && domain.Length == 0 && options.JetStream.ExtensionHint != JetStreamOptions.WillExtend;
        var differs = domain != RemoteDomain || isDisabled || _host.Accounts.System is null || hasEmptyDefault;
        if (differs && isSystem)
        {
            LeafLog.Notice(Log, Label, $"System account connected from {Peer}");
            LeafLog.Notice(Log, Label, "JetStream not extended, domains differ");
            Deny(AllSubjects);
        }
        else if (differs)
        {
            LeafLog.Notice(Log, Label, $"JetStream using domains: local \"{domain}\", remote \"{RemoteDomain}\"");
            Deny(ClientSubjects);
        }
        else if (isSystem)
        {
            ExtendsJetStream = true;
            LeafLog.Notice(Log, Label, $"Extending JetStream domain \"{RemoteDomain}\" as System Account connected from server {Peer}");
        }
        else
        {
            LinkLog.Debug(Log, Label, $"Adding deny {string.Join(' ', ClientSubjects)} for account \"{Account.Name}\"");
            Deny(ClientSubjects);
        }
        if (domain.Length == 0 || !options.JetStream.Enabled || isSystem) return;
        Account.AddMappings(DomainMappings.Of(domain));
        // Two ends that were given one name by mistake do not ask each other.
        if (differs) _permissions = _permissions.Denying([$"$JS.{domain}.API.>"], []);
    }

    private string Peer => RemoteCluster.Length == 0 ? RemoteName ?? "" : $"{RemoteName}/{RemoteCluster}";

    private void Deny(string[] subjects) => _permissions = _permissions.Denying(subjects, subjects);
}
