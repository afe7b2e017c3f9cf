using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Remotes of the leafnodes block.</summary>
internal sealed partial class OptionsReader
{
    private List<RemoteLeafOptions> ReadLeafRemotes(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"Expected remotes field to be an array, got {value.TypeName}");
        }
        var remotes = new List<RemoteLeafOptions>();
        var names = new HashSet<string>();
        foreach (var item in items)
        {
            if (!item.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
            {
                diagnostics.Error(item, $"Expected remote leafnode entry to be a map/struct, got {item}");
                continue;
            }
            var remote = Fold(item, new RemoteLeafOptions(), ReadRemoteEntry(item));
            diagnostics.GuardRefused(() =>
            {
                CheckProxy(remote, entries.FirstOrDefault(entry => entry.Key.Equals("proxy", StringComparison.OrdinalIgnoreCase)).Value ?? item);
                if (names.Add(LeafNodeCheck.NameOf(remote, isRedacted: false))) remotes.Add(remote);
                else diagnostics.Error(entries.Values.Last(), $"duplicate remote {LeafNodeCheck.NameOf(remote, isRedacted: true)}");
            });
        }
        return remotes;
    }

    private void CheckProxy(RemoteLeafOptions remote, ConfigValue at)
    {
        var (warnings, error) = LeafNodeCheck.CheckProxy(remote);
        if (error is not null) throw new ConfigRefusedException(at, error);
        foreach (var warning in warnings) diagnostics.Warn(at, warning);
    }

    private Func<RemoteLeafOptions, string, ConfigValue, RemoteLeafOptions> ReadRemoteEntry(ConfigValue block) => (remote, key, value) => key switch
    {
        "no_randomize" or "dont_randomize" => remote with { NoRandomize = value.AsBoolean() },
        "url" or "urls" => remote with { Urls = ReadRemoteUrls(remote, value) },
        "account" or "local" => remote with { LocalAccount = value.AsString() },
        "creds" or "credentials" => WithCredentials(remote, value),
        "nkey" or "seed" => WithSeed(remote, value),
        "tls" => remote with { Tls = ReadTls(value, isClientContext: true) },
        "hub" => remote with { Hub = value.AsBoolean() },
        "deny_imports" or "deny_import" => remote with { DenyImports = ReadSubjects(value, allowsQueue: false, isPlaceKnown: true) },
        "deny_exports" or "deny_export" => remote with { DenyExports = ReadSubjects(value, allowsQueue: false, isPlaceKnown: true) },
        "ws_compress" or "ws_compression" or "websocket_compress" or "websocket_compression" =>
            remote with { WebSocketCompression = value.AsBoolean() },
        "ws_no_masking" or "websocket_no_masking" => remote with { WebSocketNoMasking = value.AsBoolean() },
        "jetstream_cluster_migrate" or "js_cluster_migrate" => WithMigration(remote, value),
        "isolate_leafnode_interest" or "isolate" => remote with { LocalIsolation = value.AsBoolean() },
        "request_isolation" => remote with { RequestIsolation = value.AsBoolean() },
        "compression" => remote with { Compression = ReadCompression(key, value, "s2_auto") },
        "first_info_timeout" => remote with { FirstInfoTimeout = ReadDuration(key, value) },
        "dial_timeout" => remote with { DialTimeout = ReadDuration(key, value) },
        "disabled" => remote with { Disabled = value.AsBoolean() },
        "proxy" => remote with { Proxy = ReadHttpProxy(value) },
        "ignore_discovered_servers" => remote with { IgnoreDiscoveredServers = value.AsBoolean() },
        _ => Unknown(remote, block, value),
    };

    private List<Uri> ReadRemoteUrls(RemoteLeafOptions remote, ConfigValue value)
    {
        if (value.Is<IReadOnlyList<ConfigValue>>(out _)) return ReadUrls("leafnode", value);
        return value.Is<string>(out _)
            ? [.. remote.Urls, ReadUrl("leafnode", value)]
            : throw new ConfigRefusedException(value, $"Expected remote leafnode url to be an array or string, got {value}");
    }

    private static RemoteLeafOptions WithCredentials(RemoteLeafOptions remote, ConfigValue value)
    {
        if (!HomePath.TryExpand(value.AsString(), out var path)) throw new ConfigRefusedException(value, "failed to get home dir, require $HOME");
        return remote.NKeySeed is null
            ? remote with { CredentialsFile = path }
            : throw new ConfigRefusedException(value, "Remote leafnode can not have both creds and nkey defined");
    }

    private static RemoteLeafOptions WithSeed(RemoteLeafOptions remote, ConfigValue value)
    {
        var seed = value.AsString();
        if (!NKeys.TryDecodeSeed(seed, NKeys.Kind.User, out _))
        {
            throw new ConfigRefusedException(value, $"Remote leafnode nkey is not a valid seed: {QuotedText.Quote(seed)}");
        }
        return remote.CredentialsFile is null
            ? remote with { NKeySeed = seed }
            : throw new ConfigRefusedException(value, "Remote leafnode can not have both creds and nkey defined");
    }

    private RemoteLeafOptions WithMigration(RemoteLeafOptions remote, ConfigValue value)
    {
        if (value.Is<bool>(out var isOn)) return remote with { JetStreamClusterMigrate = isOn };
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            throw new ConfigRefusedException(value, $"Expected boolean or map for jetstream_cluster_migrate, got {value.TypeName}");
        }
        var delay = entries.TryGetValue("leader_migrate_delay", out var setting) ? ReadDuration("leader_migrate_delay", setting) : TimeSpan.Zero;
        return remote with { JetStreamClusterMigrate = true, JetStreamClusterMigrateDelay = delay };
    }

    private HttpProxyOptions ReadHttpProxy(ConfigValue block)
    {
        ExpectMap(block, type => $"Expected proxy to be a map, got {type}");
        return FoldUnguarded(block, new HttpProxyOptions(), (proxy, key, value) => key switch
        {
            "url" => proxy with { Url = value.AsString() },
            "username" => proxy with { Username = value.AsString() },
            "password" => proxy with { Password = value.AsString() },
            "timeout" => proxy with { Timeout = ReadDuration("proxy timeout", value) },
            _ => Unknown(proxy, block, value),
        });
    }
}
