using System.Security.Cryptography;
using System.Text;

namespace NatsAspire.Hosting;

/// <summary>
/// Who needs a password in a topology, and under which key it is kept: the users it names, the system account's user for
/// commands, one user of every account for streams that are made beforehand, and the leaf nodes at their hubs.
/// </summary>
public static class TopologySecrets
{
    /// <summary>Names of the users that the topology makes for itself begin so.</summary>
    public const string ReservedPrefix = "natsaspire-";

    /// <summary>User of $SYS that commands come from.</summary>
    public const string SystemUser = ReservedPrefix + "system";

    /// <summary>User of an account who makes its streams and moves their leaders.</summary>
    public static string ManagerOf(AccountSpec account) => $"{ReservedPrefix}manager-{account.Name}";

    /// <summary>How a leaf node calls itself at its hub.</summary>
    public static string LeafUser(NatsCluster leaf) => $"{ReservedPrefix}leaf-{leaf.Name}";

    /// <summary>All of them: user names, each once, with the password that the topology gives; null: to be made up.</summary>
    public static IReadOnlyDictionary<string, string?> Wanted(NatsTopology topology)
    {
        var wanted = new SortedDictionary<string, string?>(StringComparer.Ordinal) { [SystemUser] = null };
        foreach (var account in topology.Spec.Accounts)
        {
            wanted[ManagerOf(account)] = null;
            foreach (var user in account.Users) wanted[user.Name] = user.Password;
        }
        foreach (var leaf in topology.Clusters.Where(cluster => cluster.IsLeaf)) wanted[LeafUser(leaf)] = null;
        return wanted;
    }

    /// <summary>Passwords for all of them: those that are given, those known from earlier, new ones for the rest.</summary>
    public static IReadOnlyDictionary<string, string> Resolve(NatsTopology topology, IReadOnlyDictionary<string, string>? known = null) =>
        Wanted(topology).ToDictionary(one => one.Key, one => one.Value ?? (known is not null && known.TryGetValue(one.Key, out var kept) ? kept : Generate()), StringComparer.Ordinal);

    /// <summary>nats://user:password@host:port of servers, apart by commas: what clients are given.</summary>
    /// <param name="topology">Of which they are.</param>
    /// <param name="servers">Which.</param>
    /// <param name="passwords">By user.</param>
    /// <param name="user">Null: nobody, or the first user there is.</param>
    public static string ConnectionString(NatsTopology topology, IEnumerable<NatsServerSpec> servers, IReadOnlyDictionary<string, string> passwords, string? user = null)
    {
        user ??= topology.Spec.Accounts.SelectMany(account => account.Users).FirstOrDefault()?.Name;
        var credentials = user is null ? "" : $"{Uri.EscapeDataString(user)}:{Uri.EscapeDataString(passwords[user])}@";
        return string.Join(',', servers.Select(server => server.ClientUrl.Insert(server.ClientUrl.IndexOf("//", StringComparison.Ordinal) + 2, credentials)));
    }

    /// <summary>192 random bits; begins with a letter, so that a configuration never takes it for a number.</summary>
    public static string Generate() => "p" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    /// <summary>The variable that holds a user's password where configurations refer to it instead of holding it.</summary>
    public static string VariableOf(string user)
    {
        var text = new StringBuilder("NATS_PASSWORD_");
        foreach (var letter in user) text.Append(char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_');
        return text.ToString();
    }
}
