using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Lists of users.</summary>
internal sealed partial class OptionsReader
{
    private static readonly HashSet<string> ConnectionTypes =
        ["STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"];

    private List<UserOptions> ReadUsers(ConfigValue value, bool isPlaceKnown)
    {
        if (!value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            var error = $"Expected users field to be an array, got {value}";
            throw isPlaceKnown ? new ConfigRefusedException(value, error) : new ConfigRefusedException(error);
        }
        var users = new List<UserOptions>();
        foreach (var item in items)
        {
            if (!item.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
            {
                diagnostics.Error(item, $"Expected user entry to be a map/struct, got {item}");
                continue;
            }
            users.Add(ReadUser(item));
        }
        return users;
    }

    private UserOptions ReadUser(ConfigValue item)
    {
        var last = item;
        var user = new UserOptions();
        foreach (var (key, value) in item.AsMap())
        {
            last = value;
            diagnostics.GuardRefused(() => user = ReadUserEntry(user, item, key.ToLowerInvariant(), value));
        }
        var hasName = !string.IsNullOrEmpty(user.Username);
        if (string.IsNullOrEmpty(user.NKey))
        {
            return hasName ? user with { NKey = null } : throw new ConfigRefusedException(last, "User entry requires a user");
        }
        if (!NKeys.IsPublicKey(user.NKey, NKeys.Kind.User)) throw new ConfigRefusedException(last, "Not a valid public nkey for a user");
        return hasName || !string.IsNullOrEmpty(user.Password)
            ? throw new ConfigRefusedException(last, "Nkey users do not take usernames or passwords")
            : user with { Username = null, Password = null };
    }

    private UserOptions ReadUserEntry(UserOptions user, ConfigValue item, string key, ConfigValue value) => key switch
    {
        "nkey" => user with { NKey = value.AsString() },
        "user" or "username" => user with { Username = value.AsString() },
        "pass" or "password" => user with { Password = value.AsString() },
        "permission" or "permissions" or "authorization" => user with { Permissions = ReadPermissions(value, isPlaceKnown: true) },
        "allowed_connection_types" or "connection_types" or "clients" => user with { AllowedConnectionTypes = ReadConnectionTypes(value) },
        "proxy_required" => user with { ProxyRequired = value.AsBoolean() },
        _ => Unknown(user, item, value),
    };

    private List<string> ReadConnectionTypes(ConfigValue value)
    {
        var types = ReadStrings("allowed connection types", value).ConvertAll(type => type.ToUpperInvariant());
        var unknown = types.Where(type => !ConnectionTypes.Contains(type)).ToList();
        if (unknown.Count > 0) diagnostics.Error(value, $"invalid connection types {QuotedText.Quote(unknown)}");
        return [.. types.Except(unknown)];
    }
}
