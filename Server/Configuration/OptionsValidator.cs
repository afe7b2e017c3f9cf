namespace NatsAspire.Server.Configuration;

/// <summary>What options must satisfy together before a server starts; texts are upstream's.</summary>
public static class OptionsValidator
{
    private const int LargestPayload = 64 * 1024 * 1024;

    /// <exception cref="ConfigurationValueException">The first thing that does not fit.</exception>
    public static void Validate(ServerOptions options)
    {
        var limits = options.Limits;
        if (options.UnservedFeatures.Count > 0) throw new ConfigurationValueException(string.Join('\n', options.UnservedFeatures));
        if (limits.MaxPayload > limits.MaxPending)
        {
            throw new ConfigurationValueException($"max_payload ({limits.MaxPayload}) cannot be higher than max_pending ({limits.MaxPending})");
        }
        if (limits.MaxPayload > LargestPayload)
        {
            throw new ConfigurationValueException($"max_payload ({limits.MaxPayload}) cannot be higher than {LargestPayload}");
        }
        if (options.LameDuckGracePeriod >= options.LameDuckDuration)
        {
            throw new ConfigurationValueException(
                $"lame duck grace period ({GoDuration.Format(options.LameDuckGracePeriod)}) should be strictly lower than lame duck duration ({GoDuration.Format(options.LameDuckDuration)})");
        }
        if (options.ServerName is { } name && name.Contains(' ')) throw new ConfigurationValueException("server name cannot contain spaces");
        ValidateAccounts(options);
        ValidateCluster(options.Cluster);
    }

    private static void ValidateAccounts(ServerOptions options)
    {
        if (options.SystemAccount is { } system && system != "$SYS" && !options.Accounts.Any(account => account.Name == system))
        {
            throw new ConfigurationValueException("error resolving system account: account missing");
        }
        if (options.Authorization.NoAuthUser is not { } user) return;
        var users = options.Authorization.Users.Concat(options.Accounts.SelectMany(account => account.Users)).ToList();
        if (users.Count == 0)
        {
            throw new ConfigurationValueException($"no_auth_user: \"{user}\" present, but users/nkeys not defined");
        }
        if (!users.Any(known => known.Username == user || known.NKey == user))
        {
            throw new ConfigurationValueException($"no_auth_user: \"{user}\" not present as user or nkey in authorization block or account configuration");
        }
    }

    private static void ValidateCluster(ClusterOptions cluster)
    {
        if (cluster.PinnedAccounts.Count == 0) return;
        if (cluster.PoolSize < 0) throw new ConfigurationValueException("pool_size cannot be negative if pinned accounts are specified");
        var duplicate = cluster.PinnedAccounts.GroupBy(account => account).FirstOrDefault(group => group.Count() > 1);
        if (duplicate is not null) throw new ConfigurationValueException($"found duplicate account name \"{duplicate.Key}\" in pinned accounts list [\"{string.Join("\" \"", cluster.PinnedAccounts)}\"]");
    }
}
