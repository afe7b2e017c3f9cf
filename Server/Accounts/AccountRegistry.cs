using System.Collections.Immutable;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>The accounts of a server, by name: an immutable table, swapped when one is added.</summary>
public sealed class AccountRegistry
{
    private readonly AccountContext _context;
    private readonly bool _hasJetStreamCluster;
    private readonly bool _asksElsewhere;
    private readonly bool _isGlobalAlone;
    private ImmutableDictionary<string, Account> _accounts = ImmutableDictionary<string, Account>.Empty;
    private string _clusterName;

    /// <exception cref="ConfigurationValueException">A mapping or import that cannot be compiled.</exception>
    public AccountRegistry(ServerOptions options, string serverName, string clusterName, bool tracksInterest, bool hasGateways = false, bool tracksLinks = false)
    {
        _clusterName = clusterName;
        _hasJetStreamCluster = options.JetStream.Enabled && HubExtension.IsClustered(options);
        // Who has no JetStream lets those ask who have it on other servers.
        _asksElsewhere = !options.JetStream.Enabled;
        _isGlobalAlone = HubExtension.IsClustered(options) && options.Accounts.Count(account => account.Name != (options.SystemAccount ?? Account.DefaultSystemName)) == 0;
        _context = new AccountContext(serverName, () => Volatile.Read(ref _clusterName), tracksInterest, tracksLinks, !options.Limits.DisableSublistCache, hasGateways);
        Configure(options);
        Global = GetOrAdd(Account.GlobalName);
        if (options.NoSystemAccount) return;
        System = GetOrAdd(options.SystemAccount ?? Account.DefaultSystemName);
        System.IsSystem = true;
        RemoteLatencies = new RemoteLatencies(System);
        foreach (var account in All) InstallSystemImports(account);
    }

    public Account Global { get; }

    public Account? System { get; }

    /// <summary>Requests of other servers to services measured here; null: without a system account.</summary>
    public RemoteLatencies? RemoteLatencies { get; }

    public IEnumerable<Account> All => Volatile.Read(ref _accounts).Values;

    /// <summary>Raised with every account made after the start, before anybody else can use it.</summary>
    public event Action<Account>? Added;

    public Account? Find(string name) => Volatile.Read(ref _accounts).GetValueOrDefault(name);

    /// <summary>
    /// The account of that name; made when another server of the cluster names one that is not configured here,
    /// so that its interest is not lost.
    /// </summary>
    public Account GetOrAdd(string name) => Find(name) ?? Add(name, new AccountRules(new AccountOptions { Name = name }, [], null));

    /// <summary>Lets events of accounts say which server they come from; before connections are taken.</summary>
    internal void UseIdentity(Func<ServerIdentityInfo> identify) => _context.Identify = identify;

    /// <summary>The other clusters; null: this one stands alone.</summary>
    public IOuterClusters? Outer => _context.Outer;

    /// <summary>Tells the accounts of the other clusters; before connections are taken.</summary>
    internal void UseOuter(IOuterClusters outer) => _context.Outer = outer;

    /// <summary>The cluster has agreed on a name.</summary>
    public void UpdateClusterName(string name) => Volatile.Write(ref _clusterName, name);

    /// <summary>
    /// Has the accounts go by these options: new ones are made, known ones changed with their subscriptions kept.
    /// </summary>
    /// <exception cref="ConfigurationValueException">A mapping or import that cannot be compiled; nothing has changed then.</exception>
    public void Configure(ServerOptions options)
    {
        var configured = options.Accounts.Select(account => (account.Name, Rules: Compile(account, account.Mappings))).ToList();
        if (!options.Accounts.Any(account => account.Name == Account.GlobalName))
        {
            configured.Add((Account.GlobalName, Compile(new AccountOptions { Name = Account.GlobalName }, options.Mappings)));
        }
        // Who is configured no longer keeps what other servers know it for, and nothing else.
        foreach (var account in All)
        {
            if (!configured.Exists(kept => kept.Name == account.Name)) configured.Add((account.Name, new AccountRules(new AccountOptions { Name = account.Name }, [], null)));
        }
        foreach (var (name, rules) in configured)
        {
            if (Find(name) is { } known) known.UpdateRules(rules);
            else Add(name, rules);
        }
        foreach (var (name, rules) in configured) Find(name)!.Imports.Replace(rules.Options.Imports, Find);
    }

    private AccountRules Compile(AccountOptions account, IReadOnlyList<SubjectMappingOptions> mappings) =>
        new(account, mappings, mappings.Count == 0 ? null : SubjectMappings.Create(mappings, _clusterName));

    private Account Add(string name, AccountRules rules)
    {
        var fresh = new Account(name, rules, _context);
        var stored = ImmutableInterlocked.GetOrAdd(ref _accounts, name, fresh);
        if (!ReferenceEquals(stored, fresh)) return stored;
        InstallSystemImports(fresh);
        Added?.Invoke(fresh);
        return fresh;
    }

    private bool HasJetStream(Account account) => account.Options.JetStream is not null || (_isGlobalAlone && account.Name == Account.GlobalName);

    private void InstallSystemImports(Account account)
    {
        if (System is null || ReferenceEquals(account, System)) return;
        foreach (var import in SystemImports.For(account, System)) account.InsertImport(import);
        if (!_hasJetStreamCluster && !(_asksElsewhere && HasJetStream(account))) return;
        foreach (var import in SystemImports.ForJetStream(account, System)) account.InsertImport(import);
    }
}
