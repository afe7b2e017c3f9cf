namespace NatsAspire.Server.Configuration;

/// <summary>Authorization blocks, users and permissions.</summary>
internal sealed partial class OptionsReader
{
    private static readonly string[] ConnectionTypes =
        ["STANDARD", "WEBSOCKET", "LEAFNODE", "LEAFNODE_WS", "MQTT", "MQTT_WS", "IN_PROCESS"];

    private ConfigValue? _authorizationPlace;

    private void ReadAuthorization(ConfigValue value)
    {
        _authorizationPlace = value;
        var block = ReadAuthorizationBlock(value);
        if ((block.User is not null || block.Password is not null) && block.Token is not null)
        {
            throw new ConfigValueError(value, "Cannot have a user/pass and token");
        }
        if (block.HasUsers && block.User is not null) throw new ConfigValueError(value, "Can not have a single user/pass and a users array");
        if (block.HasUsers && block.Token is not null) throw new ConfigValueError(value, "Can not have a token and a users array");
        _options = _options with
        {
            Authorization = _options.Authorization with
            {
                Username = block.User,
                Password = block.Password,
                Token = block.Token,
                Users = block.Users,
                DefaultPermissions = block.DefaultPermissions,
                Timeout = block.Timeout ?? _options.Authorization.Timeout,
            },
        };
    }

    private AuthorizationBlock ReadAuthorizationBlock(ConfigValue value)
    {
        var block = new AuthorizationBlock();
        Each(value.AsMap("Expected authorization to be a map"), (key, entry) =>
        {
            switch (key)
            {
                case "user" or "username":
                    block.User = entry.AsString();
                    return true;
                case "pass" or "password":
                    block.Password = entry.AsString();
                    return true;
                case "token":
                    block.Token = entry.AsString();
                    return true;
                case "timeout":
                    block.Timeout = ReadTimeout(entry);
                    return true;
                case "users":
                    block.HasUsers = true;
                    block.Users = ReadUsers(entry);
                    return true;
                case "default_permission" or "default_permissions" or "permissions":
                    block.DefaultPermissions = ReadPermissions(entry);
                    return true;
                case "auth_callout" or "auth_hook" or "proxy_required":
                    if (!IsOff(entry)) _unserved.Add($"{entry.Place}: \"{key}\" is not supported by this build");
                    return true;
                default:
                    return false;
            }
        }, UnknownField);
        return block;
    }

    private TimeSpan ReadTimeout(ConfigValue value)
    {
        var timeout = value.Value switch
        {
            long seconds => TimeSpan.FromSeconds(seconds),
            double seconds => TimeSpan.FromSeconds(seconds),
            string text => GoDuration.TryParse(text, out var duration, out var error)
                ? duration
                : throw new ConfigValueError(value, $"error parsing authorization config, 'timeout' {error}"),
            _ => throw new ConfigValueError(value, "error parsing authorization config, 'timeout' wrong type"),
        };
        if (timeout > TimeSpan.FromSeconds(60))
        {
            report.Misuse(value, "timeout", $"timeout of {value.Value} ({timeout.TotalSeconds:0.000000} seconds) is high, consider keeping it under 60 seconds. possibly caused by unquoted duration; use '1m' instead of 1m, for example");
        }
        return timeout;
    }

    private List<UserOptions> ReadUsers(ConfigValue value)
    {
        if (value.Value is not List<ConfigValue> items) throw new ConfigValueError(value, $"Expected users field to be an array, got {value.Value}");
        var users = new List<UserOptions>();
        foreach (var item in items)
        {
            if (item.Value is ConfigMap map) users.Add(ReadUser(item, map));
            else report.Error(item, $"Expected user entry to be a map/struct, got {item.Value}");
        }
        return users;
    }

    private UserOptions ReadUser(ConfigValue item, ConfigMap map)
    {
        var user = new UserOptions();
        var place = item;
        Each(map, (key, value) =>
        {
            place = value;
            switch (key)
            {
                case "nkey":
                    user = user with { NKey = value.AsString() };
                    return true;
                case "user" or "username":
                    user = user with { Username = value.AsString() };
                    return true;
                case "pass" or "password":
                    user = user with { Password = value.AsString() };
                    return true;
                case "permission" or "permissions" or "authorization":
                    user = user with { Permissions = ReadPermissions(value) };
                    return true;
                case "allowed_connection_types" or "connection_types" or "clients":
                    user = user with { AllowedConnectionTypes = ReadConnectionTypes(value) };
                    return true;
                case "proxy_required":
                    user = user with { ProxyRequired = value.AsBoolean() };
                    return true;
                default:
                    return false;
            }
        }, UnknownField);
        CheckUser(user, place);
        return user;
    }

    private void CheckUser(UserOptions user, ConfigValue place)
    {
        if (user.NKey is null && string.IsNullOrEmpty(user.Username)) report.Error(place, "User entry requires a user");
        else if (user.NKey is not null && !Primitives.NKeys.IsPublicKey(user.NKey, Primitives.NKeys.Kind.User))
        {
            report.Error(place, "Not a valid public nkey for a user");
        }
        else if (user.NKey is not null && (user.Username is not null || user.Password is not null))
        {
            report.Error(place, "Nkey users do not take usernames or passwords");
        }
        else if (user.NKey is not null)
        {
            _unserved.Add($"{place.Place}: nkey users are not supported by this build");
        }
    }

    private static List<string> ReadConnectionTypes(ConfigValue value)
    {
        var types = value.AsStrings("allowed connection types").Select(type => type.ToUpperInvariant()).ToList();
        var unknown = types.Where(type => !ConnectionTypes.Contains(type)).ToArray();
        return unknown.Length == 0
            ? types
            : throw new ConfigValueError(value, $"invalid connection types [{string.Join(' ', unknown.Select(type => $"\"{type}\""))}]");
    }

    private PermissionOptions ReadPermissions(ConfigValue value)
    {
        var permissions = new PermissionOptions();
        Each(value.AsMap($"Expected permissions to be a map/struct, got {value.Value}"), (key, entry) =>
        {
            switch (key)
            {
                case "pub" or "publish" or "import":
                    permissions = permissions with { Publish = ReadSubjects(entry, withQueues: false) };
                    return true;
                case "sub" or "subscribe" or "export":
                    permissions = permissions with { Subscribe = ReadSubjects(entry, withQueues: true) };
                    return true;
                case "publish_allow_responses" or "allow_responses":
                    permissions = permissions with { Responses = ReadResponses(entry) };
                    return true;
                default:
                    return false;
            }
        }, (entry, key) => report.Error(entry, $"Unknown field \"{key}\" parsing permissions"));
        if (permissions.Responses is null || permissions.Publish?.Allow is not null) return permissions;
        // Who may answer may publish nothing else, unless it is told so.
        return permissions with { Publish = (permissions.Publish ?? new SubjectPermissionOptions()) with { Allow = [] } };
    }

    private SubjectPermissionOptions? ReadSubjects(ConfigValue value, bool withQueues)
    {
        if (value.Value is not ConfigMap map) return new SubjectPermissionOptions { Allow = ReadSubjectList(value, withQueues, named: false) };
        if (map.Count == 0) return null;
        var lists = new SubjectPermissionOptions();
        Each(map, (key, entry) =>
        {
            switch (key)
            {
                case "allow":
                    lists = lists with { Allow = ReadSubjectList(entry, withQueues) };
                    return true;
                case "deny":
                    lists = lists with { Deny = ReadSubjectList(entry, withQueues) };
                    return true;
                default:
                    return false;
            }
        }, (entry, key) => report.Error(entry, $"Unknown field name \"{key}\" parsing subject permissions, only 'allow' or 'deny' are permitted"));
        return lists;
    }

    private List<string> ReadSubjectList(ConfigValue value, bool withQueues, bool named = true)
    {
        List<string> subjects = value.Value switch
        {
            string one => [one],
            List<ConfigValue> many => [.. many.Select(item => item.Value as string
                ?? throw new ConfigValueError(item, "Subject in permissions array cannot be cast to string"))],
            _ => throw new ConfigValueError(value, $"Expected subject permissions to be a subject, or array of subjects, got {ConfigValueExtensions.GoType(value.Value)}"),
        };
        foreach (var subject in subjects)
        {
            if (!checks.Subject(subject) && CheckQueueSubject(subject, withQueues) is { } error) throw new ConfigValueError(named ? value : null, error);
        }
        return subjects;
    }

    private string? CheckQueueSubject(string subject, bool withQueues)
    {
        var parts = subject.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!withQueues || parts.Length != 2) return $"subject \"{subject}\" is not a valid subject";
        if (!checks.Subject(parts[0])) return $"subject \"{parts[0]}\" is not a valid subject";
        return checks.Subject(parts[1]) ? null : $"queue \"{parts[1]}\" is not a valid queue";
    }

    private ResponsePermissionOptions? ReadResponses(ConfigValue value)
    {
        if (value.Value is bool on) return on ? new ResponsePermissionOptions() : null;
        var rule = new ResponsePermissionOptions();
        Each(value.AsMap("error parsing response permissions, expected a boolean or a map"), (key, entry) =>
        {
            switch (key)
            {
                case "max" or "max_msgs" or "max_messages" or "max_responses":
                    if (entry.AsInt(key) is var max && max != 0) rule = rule with { MaxMessages = max };
                    return true;
                case "expires" or "expiration" or "ttl":
                    if (entry.Value is not string text) throw new ConfigValueError(entry, "error parsing expires, not a duration string");
                    if (!GoDuration.TryParse(text, out var expires, out var error)) throw new ConfigValueError(entry, $"error parsing expires: {error}");
                    if (expires != TimeSpan.Zero) rule = rule with { Expires = expires };
                    return true;
                default:
                    return false;
            }
        }, (entry, key) => report.Error(entry, $"Unknown field \"{key}\" parsing permissions"));
        return rule;
    }

    private sealed class AuthorizationBlock
    {
        public string? User { get; set; }

        public string? Password { get; set; }

        public string? Token { get; set; }

        public TimeSpan? Timeout { get; set; }

        public bool HasUsers { get; set; }

        public List<UserOptions> Users { get; set; } = [];

        public PermissionOptions? DefaultPermissions { get; set; }
    }
}
