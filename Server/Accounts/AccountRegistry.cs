using System.Collections.Immutable;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>The accounts of a server, by name: an immutable table, swapped when one is added.</summary>
public sealed class AccountRegistry
{
    private readonly bool _tracksInterest;
    private readonly bool _cached;
    private ImmutableDictionary<string, Account> _accounts = ImmutableDictionary<string, Account>.Empty;

    /// <exception cref="ConfigurationValueException">A mapping that cannot be compiled.</exception>
    public AccountRegistry(ServerOptions options, string clusterName, bool tracksInterest)
    {
        _tracksInterest = tracksInterest;
        _cached = !options.Limits.DisableSublistCache;
        foreach (var account in options.Accounts) Add(account.Name, account, account.Mappings, clusterName);
        Global = _accounts.GetValueOrDefault(Account.GlobalName) ?? Add(Account.GlobalName, null, options.Mappings, clusterName);
        if (!options.NoSystemAccount) System = GetOrAdd(options.SystemAccount ?? Account.DefaultSystemName);
    }

    public Account Global { get; }

    public Account? System { get; }

    public IEnumerable<Account> All => Volatile.Read(ref _accounts).Values;

    /// <summary>Raised with every account made after the start, before anybody else can use it.</summary>
    public event Action<Account>? Added;

    public Account? Find(string name) => Volatile.Read(ref _accounts).GetValueOrDefault(name);

    /// <summary>
    /// The account of that name; made when another server of the cluster names one that is not configured here,
    /// so that its interest is not lost.
    /// </summary>
    public Account GetOrAdd(string name) => Find(name) ?? Add(name, null, [], "");

    private Account Add(string name, AccountOptions? options, IReadOnlyList<SubjectMappingOptions> mappings, string clusterName)
    {
        var compiled = mappings.Count == 0 ? null : SubjectMappings.Create(mappings, clusterName);
        var fresh = new Account(name, options, compiled, _tracksInterest, _cached);
        var stored = ImmutableInterlocked.GetOrAdd(ref _accounts, name, fresh);
        if (ReferenceEquals(stored, fresh)) Added?.Invoke(fresh);
        return stored;
    }
}
