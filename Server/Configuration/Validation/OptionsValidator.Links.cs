using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Cluster, gateway and leaf nodes.</summary>
public static partial class OptionsValidator
{
    private static string? FindClusterError(ServerOptions options)
    {
        var cluster = options.Cluster;
        if (cluster.Name?.Contains(' ') == true) return "cluster name cannot contain spaces";
        if (cluster.Permissions is { } permissions && RoutePermissionCheck.FindError(permissions) is { } error) return error;
        var compression = new CompressionOptions(cluster.Compression ?? "", cluster.CompressionRttThresholds);
        if (CompressionCheck.FindError(compression, "s2_fast") is { } invalid) return invalid;
        if (options.Gateway.Name is { Length: > 0 } gateway && !string.IsNullOrEmpty(cluster.Name) && gateway != cluster.Name)
        {
            return "cluster name conflicts between cluster and gateway definitions";
        }
        return FindPinnedAccountError(options);
    }

    private static string? FindPinnedAccountError(ServerOptions options)
    {
        var pinned = options.Cluster.PinnedAccounts.ToList();
        if (pinned.Count == 0) return null;
        if (options.Cluster.PoolSize < 0) return "pool_size cannot be negative if pinned accounts are specified";
        // The system account has a connection of its own in any case.
        var system = !string.IsNullOrEmpty(options.SystemAccount) ? options.SystemAccount : options.NoSystemAccount ? null : DefaultSystemAccount;
        if (system is not null && options.Cluster.Port != 0 && !pinned.Contains(system)) pinned.Add(system);
        var seen = new HashSet<string>();
        return pinned.Find(account => !seen.Add(account)) is { } twice
            ? $"found duplicate account name {QuotedText.Quote(twice)} in pinned accounts list {QuotedText.Quote(pinned)}"
            : null;
    }

    private static string? FindGatewayError(GatewayOptions gateway)
    {
        if (string.IsNullOrEmpty(gateway.Name)) return gateway.Port == 0 ? null : "gateway has no name";
        if (gateway.Name.Contains(' ')) return "gateway name cannot contain spaces";
        if (gateway.Port == 0) return $"gateway {QuotedText.Quote(gateway.Name)} has no port specified (select -1 for random port)";
        foreach (var (index, remote) in gateway.Gateways.Index())
        {
            if (string.IsNullOrEmpty(remote.Name)) return $"gateway in the list {index} has no name";
            if (remote.Urls.Count == 0) return $"gateway {QuotedText.Quote(remote.Name)} has no URL";
        }
        return null;
    }

    private static string? FindLeafNodeError(ServerOptions options)
    {
        var leaf = options.LeafNode;
        return LeafNodeCheck.FindUserError(leaf)
            ?? leaf.Remotes.Select(FindRemoteSubjectError).FirstOrDefault(error => error is not null)
            ?? FindDuplicateRemote(leaf)
            ?? (options.Operator.Operators.Count == 0 ? FindLeafAccountError(options) : FindOperatorLeafError(leaf))
            ?? CompressionCheck.FindError(leaf.Compression, "s2_auto")
            ?? leaf.Remotes.Select(FindRemoteError).FirstOrDefault(error => error is not null)
            ?? FindLeafListenerError(options);
    }

    private static string? FindRemoteSubjectError(RemoteLeafOptions remote)
    {
        var name = LeafNodeCheck.NameOf(remote, isRedacted: true);
        if (SubjectSyntax.FindError(remote.DenyImports, false) is { } imports) return $"invalid deny_imports for remote {name}: {imports}";
        return SubjectSyntax.FindError(remote.DenyExports, false) is { } exports ? $"invalid deny_exports for remote {name}: {exports}" : null;
    }

    private static string? FindDuplicateRemote(LeafNodeOptions leaf)
    {
        var seen = new HashSet<string>();
        var twice = leaf.Remotes.FirstOrDefault(remote => !seen.Add(LeafNodeCheck.NameOf(remote, isRedacted: false)));
        return twice is null ? null : $"duplicate remote {LeafNodeCheck.NameOf(twice, isRedacted: true)}";
    }

    private static string? FindLeafAccountError(ServerOptions options)
    {
        var known = options.Accounts.Select(account => account.Name).Append(GlobalAccount).Append("").ToHashSet();
        if (string.IsNullOrEmpty(options.SystemAccount) && !options.NoSystemAccount) known.Add(DefaultSystemAccount);
        string? Find(string? account, string where) => known.Contains(account ?? "")
            ? null
            : $"cannot find local account {QuotedText.Quote(account!)} specified in leafnode {where}";

        return Find(options.LeafNode.Account, "authorization")
            ?? options.LeafNode.Users.Select(user => Find(user.Account, "authorization")).FirstOrDefault(error => error is not null)
            ?? options.LeafNode.Remotes.Select(remote => Find(remote.LocalAccount, "remote")).FirstOrDefault(error => error is not null);
    }

    private static string? FindOperatorLeafError(LeafNodeOptions leaf)
    {
        if (leaf.Users.Count > 0) return "operator mode does not allow specifying users in leafnode config";
        if (leaf.Remotes.Any(remote => !Primitives.NKeys.IsPublicKey(remote.LocalAccount ?? "", Primitives.NKeys.Kind.Account)))
        {
            return "operator mode requires account nkeys in remotes. " +
                "Please add an `account` key to each remote in your `leafnodes` section, to assign it to an account. " +
                "Each account value should be a 56 character public key, starting with the letter 'A'";
        }
        var isForeign = leaf.Port != 0 && !string.IsNullOrEmpty(leaf.Account)
            && !Primitives.NKeys.IsPublicKey(leaf.Account, Primitives.NKeys.Kind.Account);
        return isForeign ? "operator mode and non account nkeys are incompatible" : null;
    }

    private static string? FindRemoteError(RemoteLeafOptions remote)
    {
        if (LeafNodeCheck.CheckProxy(remote).Error is { } error) return error;
        if (remote.Urls.Select(LeafNodeCheck.IsWebSocket).Distinct().Count() > 1)
        {
            return "remote leaf node configuration cannot have a mix of websocket and non-websocket urls: " +
                QuotedText.Quote(remote.Urls.Select(LeafNodeCheck.Redact));
        }
        return CompressionCheck.FindError(remote.Compression, "s2_auto");
    }

    private static string? FindLeafListenerError(ServerOptions options)
    {
        if (options.LeafNode.Port == 0) return null;
        if (options.LeafNode.MinimumVersion is { Length: > 0 } version && LeafNodeCheck.FindVersionError(version) is { } error) return error;
        var hasGateway = !string.IsNullOrEmpty(options.Gateway.Name) || options.Gateway.Port != 0;
        return hasGateway && string.IsNullOrEmpty(options.SystemAccount)
            ? "leaf nodes and gateways (both being defined) require a system account to also be configured"
            : null;
    }
}
