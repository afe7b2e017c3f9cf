using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>The leafnodes block, its listener's side.</summary>
internal sealed partial class OptionsReader
{
    private LeafNodeOptions ReadLeafNode(LeafNodeOptions start, ConfigValue block)
    {
        ExpectMap(block, type => $"Expected map to define a leafnode, got {type}");
        return Fold(block, start, (leaf, key, value) => key switch
        {
            "listen" => ReadListen(value) is var (host, port) ? leaf with { Host = host, Port = port } : leaf,
            "port" => leaf with { Port = ToInt(value) },
            "host" or "net" => leaf with { Host = value.AsString() },
            "authorization" => ReadLeafAuthorization(leaf, value),
            "remotes" => leaf with { Remotes = ReadLeafRemotes(value) },
            "reconnect" or "reconnect_delay" or "reconnect_interval" => leaf with { ReconnectInterval = ReadDuration("reconnect", value) },
            "dial_timeout" => leaf with { DialTimeout = ReadDuration("dial_timeout", value) },
            "tls" => leaf with { Tls = ReadTls(value, isClientContext: true) },
            "leafnode_advertise" or "advertise" => leaf with { Advertise = value.AsString() },
            "no_advertise" => leaf with { NoAdvertise = value.AsBoolean() },
            "min_version" or "minimum_version" => leaf with { MinimumVersion = ReadMinimumVersion(value) },
            "compression" => leaf with { Compression = ReadCompression(key, value, "s2_auto") },
            "isolate_leafnode_interest" or "isolate" => leaf with { IsolateInterest = value.AsBoolean() },
            "write_deadline" => leaf with { WriteDeadline = ReadDuration("write_deadline", value) },
            "write_timeout" => leaf with { WriteTimeout = ReadWriteTimeout(value) },
            _ => Unknown(leaf, block, value),
        });
    }

    private static string ReadMinimumVersion(ConfigValue value) =>
        LeafNodeCheck.FindVersionError(value.AsString()) is { } error ? throw new ConfigRefusedException(value, error) : value.AsString();

    private LeafNodeOptions ReadLeafAuthorization(LeafNodeOptions leaf, ConfigValue block)
    {
        var read = Fold(block, new LeafNodeOptions(), (options, key, value) => key switch
        {
            "user" or "username" => options with { Username = value.AsString() },
            "pass" or "password" => options with { Password = value.AsString() },
            "nkey" => options with { NKey = ReadLeafKey(value) },
            "timeout" => options with { AuthTimeout = ReadLeafTimeout(key, value) },
            "users" => options with { Users = ReadLeafUsers(value) },
            "account" => options with { Account = value.AsString() },
            "proxy_required" => options with { ProxyRequired = value.AsBoolean() },
            _ => Unknown(options, block, value),
        });
        leaf = leaf with
        {
            Username = read.Username,
            Password = read.Password,
            NKey = read.NKey,
            AuthTimeout = read.AuthTimeout,
            Users = read.Users,
            Account = read.Account,
            ProxyRequired = read.ProxyRequired,
        };
        if (LeafNodeCheck.FindUserError(leaf) is { } error) diagnostics.Error(block, error);
        return leaf;
    }

    private string ReadLeafKey(ConfigValue value)
    {
        if (!NKeys.IsPublicKey(value.AsString(), NKeys.Kind.User))
        {
            diagnostics.Error(value, "Not a valid public nkey for leafnode authorization");
        }
        return value.AsString();
    }

    private TimeSpan ReadLeafTimeout(string key, ConfigValue value)
    {
        var timeout = ReadTimeout(value, "leafnode authorization config");
        WarnOfLongTimeout(key, value, timeout);
        return timeout;
    }

    private List<LeafUserOptions> ReadLeafUsers(ConfigValue value)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            throw new ConfigRefusedException(value, $"Expected users field to be an array, got {value}");
        }
        var users = new List<LeafUserOptions>();
        foreach (var item in items)
        {
            if (!item.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
            {
                diagnostics.Error(item, $"Expected user entry to be a map/struct, got {item}");
                continue;
            }
            users.Add(FoldUnguarded(item, new LeafUserOptions(), (user, key, setting) => key switch
            {
                "user" or "username" => user with { Username = setting.AsString() },
                "pass" or "password" => user with { Password = setting.AsString() },
                "account" => user with { Account = setting.AsString() },
                "proxy_required" => user with { ProxyRequired = setting.AsBoolean() },
                _ => Unknown(user, item, setting),
            }));
        }
        return users;
    }
}
