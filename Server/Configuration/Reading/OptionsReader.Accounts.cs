using System.Globalization;

namespace NatsAspire.Server.Configuration;

/// <summary>The accounts block and subject mappings.</summary>
internal sealed partial class OptionsReader
{
    private const string GlobalAccount = "$G";
    private readonly List<(UserOptions User, ConfigValue Place)> _accountUsers = [];

    private void ReadAccounts(ConfigValue value)
    {
        if (value.Value is List<ConfigValue> names)
        {
            _options = _options with { Accounts = [.. names.Select(name => ReadAccountName(name, names))] };
            return;
        }
        var accounts = new List<AccountOptions>();
        foreach (var (name, entry) in value.AsMap($"Expected accounts to be a map or an array, got {ConfigValueExtensions.GoType(value.Value)}").Entries)
        {
            if (entry.IsUsedVariable) continue;
            if (entry.Value is not ConfigMap map) report.Error(entry, "Expected map entries for accounts");
            else if (name == GlobalAccount) report.Error(entry, $"\"{name}\" is a Reserved Account");
            else accounts.Add(ReadAccount(name, map));
        }
        _options = _options with { Accounts = accounts };
    }

    private AccountOptions ReadAccountName(ConfigValue value, List<ConfigValue> all)
    {
        var name = value.AsString();
        if (name == GlobalAccount) report.Error(value, $"\"{name}\" is a Reserved Account");
        if (all.Count(other => other.Value is string text && text == name) > 1) report.Error(value, $"Duplicate Account Entry: {name}");
        return new AccountOptions { Name = name };
    }

    private AccountOptions ReadAccount(string name, ConfigMap map)
    {
        var account = new AccountOptions { Name = name };
        Each(map, (key, value) =>
        {
            switch (key)
            {
                case "users":
                    account = account with { Users = ReadUsers(value) };
                    _accountUsers.AddRange(account.Users.Select(user => (user, value)));
                    return true;
                case "default_permissions":
                    account = account with { DefaultPermissions = ReadPermissions(value) };
                    return true;
                case "mappings" or "maps":
                    account = account with { Mappings = ReadMappings(value) };
                    return true;
                case "limits":
                    account = ReadAccountLimits(account, value);
                    return true;
                case "imports" or "exports" or "jetstream" or "nkey" or "msg_trace" or "trace_dest":
                    if (!IsOff(value)) _unserved.Add($"{value.Place}: \"{key}\" of account \"{name}\" is not supported by this build");
                    return true;
                default:
                    return false;
            }
        }, UnknownField);
        return account;
    }

    private AccountOptions ReadAccountLimits(AccountOptions account, ConfigValue value)
    {
        Each(value.AsMap($"Expected account limits to be a map/struct, got {value.Value}"), (key, entry) =>
        {
            switch (key)
            {
                case "max_connections" or "max_conn":
                    account = account with { MaxConnections = entry.AsInt(key) };
                    return true;
                case "max_subscriptions" or "max_subs":
                    account = account with { MaxSubscriptions = entry.AsInt(key) };
                    return true;
                case "max_payload" or "max_pay":
                    account = account with { MaxPayload = entry.AsInt(key) };
                    return true;
                case "max_leafnodes" or "max_leafs":
                    account = account with { MaxLeafNodes = entry.AsInt(key) };
                    return true;
                default:
                    return false;
            }
        }, (entry, key) => report.Error(entry, $"Unknown field \"{key}\" parsing account limits"));
        return account;
    }

    private List<SubjectMappingOptions> ReadMappings(ConfigValue value)
    {
        var mappings = new List<SubjectMappingOptions>();
        foreach (var (source, entry) in value.AsMap("Expected mappings to be a map").Entries)
        {
            if (!checks.Subject(source))
            {
                report.Error(value, $"Subject \"{source}\" is not a valid subject");
                continue;
            }
            var destinations = ReadDestinations(entry);
            if (destinations is null) continue;
            var mapping = new SubjectMappingOptions { Source = source, Destinations = destinations };
            if (checks.Mapping(mapping) is not { } error) mappings.Add(mapping);
            else if (entry.Value is string text) report.Error(entry, $"Error adding mapping for \"{source}\" to \"{text}\" : {error}");
            else report.Error(entry, $"Error adding mapping for \"{source}\" : {error}");
        }
        return mappings;
    }

    private List<MappingDestinationOptions>? ReadDestinations(ConfigValue value)
    {
        switch (value.Value)
        {
            case string subject:
                return [new MappingDestinationOptions(subject, 100)];
            case ConfigMap map:
                return ReadDestination(value, map) is { } single ? [single] : null;
            case List<ConfigValue> items:
                var read = items.Select(item => item.Value is ConfigMap map ? ReadDestination(item, map) : NotADestination(item)).ToList();
                return read.Contains(null) ? null : [.. read.OfType<MappingDestinationOptions>()];
            default:
                report.Error(value, $"Unknown type {ConfigValueExtensions.GoType(value.Value)} for mapping destination");
                return null;
        }
    }

    private MappingDestinationOptions? NotADestination(ConfigValue item)
    {
        report.Error(item, "Expected an entry for the mapping destination");
        return null;
    }

    private MappingDestinationOptions? ReadDestination(ConfigValue item, ConfigMap map)
    {
        var destination = new MappingDestinationOptions("", -1);
        var errorsBefore = report.Errors.Count;
        Each(map, (key, value) =>
        {
            switch (key)
            {
                case "dest" or "destination":
                    destination = destination with { Subject = value.AsString() };
                    return true;
                case "weight":
                    destination = destination with { Weight = ReadWeight(value) };
                    return true;
                case "cluster":
                    destination = destination with { Cluster = value.AsString() };
                    return true;
                default:
                    return false;
            }
        }, (entry, key) => report.Error(entry, $"Unknown field \"{key}\" for mapping destination"));
        if (report.Errors.Count > errorsBefore) return null;
        if (destination.Weight >= 0) return destination;
        report.Error(item, $"Missing weight for mapping destination \"{destination.Subject}\"");
        return null;
    }

    private static int ReadWeight(ConfigValue value)
    {
        long weight;
        switch (value.Value)
        {
            case long number:
                weight = number;
                break;
            case string text:
                var digits = text.EndsWith('%') ? text[..^1] : text;
                if (!long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out weight))
                {
                    throw new ConfigValueError(value, $"Invalid weight \"{digits}\" for mapping destination");
                }
                break;
            default:
                throw new ConfigValueError(value, $"Unknown entry type for weight of {value.Value}\n");
        }
        return weight is >= 0 and <= 100 ? (int)weight : throw new ConfigValueError(value, $"Invalid weight {weight} for mapping destination");
    }

    /// <summary>What the two places users come from say must fit together.</summary>
    private void CheckAuthorization()
    {
        var authorization = _options.Authorization;
        if (_accountUsers.Count > 0)
        {
            var place = _accountUsers[0].Place;
            if (authorization.Username is not null) report.Error(place, "Can not have a single user/pass and accounts");
            if (authorization.Token is not null) report.Error(place, "Can not have a token and accounts");
        }
        var seen = new HashSet<string>();
        var all = authorization.Users.Select(user => (user, Place: _authorizationPlace!)).Concat(_accountUsers);
        foreach (var (user, place) in all)
        {
            if ((user.Username ?? user.NKey) is not { Length: > 0 } name || seen.Add(name)) continue;
            report.Error(place, $"Duplicate {(user.NKey is null ? "user" : "nkey")} \"{name}\" detected");
        }
    }
}
