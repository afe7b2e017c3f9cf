using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Permissions of users and routes.</summary>
internal sealed partial class OptionsReader
{
    private PermissionOptions ReadPermissions(ConfigValue block, bool isPlaceKnown)
    {
        if (!block.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
        {
            var error = $"Expected permissions to be a map/struct, got {block}";
            throw isPlaceKnown ? new ConfigRefusedException(block, error) : new ConfigRefusedException(error);
        }
        var read = Fold(block, new PermissionOptions(), (permissions, key, value) => key switch
        {
            "pub" or "publish" or "import" => permissions with { Publish = ReadSubjectPermissions(value, allowsQueue: false) },
            "sub" or "subscribe" or "export" => permissions with { Subscribe = ReadSubjectPermissions(value, allowsQueue: true) },
            "publish_allow_responses" or "allow_responses" => WithResponses(permissions, value),
            _ => UnknownPermission(permissions, key, value),
        });
        if (read.Responses is null || read.Publish?.Allow is not null) return read;
        // Who answers requests publishes to nothing else unless it is listed, whatever the order of the entries.
        return read with { Publish = (read.Publish ?? new SubjectPermissionOptions()) with { Allow = [] } };
    }

    private PermissionOptions UnknownPermission(PermissionOptions permissions, string key, ConfigValue value)
    {
        if (!value.IsUsedVariable) diagnostics.Error(value, $"Unknown field {QuotedText.Quote(key)} parsing permissions");
        return permissions;
    }

    private PermissionOptions WithResponses(PermissionOptions permissions, ConfigValue value)
    {
        var responses = value.Is<bool>(out var isOn)
            ? isOn ? new ResponsePermissionOptions() : null
            : ReadResponses(value);
        return permissions with { Responses = responses };
    }

    private ResponsePermissionOptions? ReadResponses(ConfigValue block)
    {
        if (!block.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            diagnostics.Error(block, "error parsing response permissions, expected a boolean or a map");
            return null;
        }
        var responses = new ResponsePermissionOptions();
        foreach (var (key, value) in entries)
        {
            switch (key.ToLowerInvariant())
            {
                case "max" or "max_msgs" or "max_messages" or "max_responses":
                    var maximum = ToInt(value);
                    if (maximum != 0) responses = responses with { MaxMessages = maximum };
                    break;
                case "expires" or "expiration" or "ttl":
                    if (ReadExpiry(value) is not { } expires) return null;
                    if (expires != TimeSpan.Zero) responses = responses with { Expires = expires };
                    break;
                default:
                    if (!value.IsUsedVariable) diagnostics.Error(value, $"Unknown field {QuotedText.Quote(key)} parsing permissions");
                    break;
            }
        }
        return responses;
    }

    private TimeSpan? ReadExpiry(ConfigValue value)
    {
        if (!value.Is<string>(out var text))
        {
            diagnostics.Error(value, "error parsing expires, not a duration string");
            return null;
        }
        if (DurationText.Parse(text, out var expires) is not { } error) return expires;
        diagnostics.Error(value, $"error parsing expires: {error}");
        return null;
    }

    private SubjectPermissionOptions? ReadSubjectPermissions(ConfigValue value, bool allowsQueue)
    {
        if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries))
        {
            return new SubjectPermissionOptions { Allow = ReadSubjects(value, allowsQueue, isPlaceKnown: false) };
        }
        if (entries.Count == 0) return null;
        return Fold(value, new SubjectPermissionOptions(), (permission, key, subjects) =>
        {
            switch (key)
            {
                case "allow":
                    return permission with { Allow = ReadSubjects(subjects, allowsQueue, isPlaceKnown: true) };
                case "deny":
                    return permission with { Deny = ReadSubjects(subjects, allowsQueue, isPlaceKnown: true) };
            }
            if (!subjects.IsUsedVariable)
            {
                diagnostics.Error(subjects, $"Unknown field name {QuotedText.Quote(key)} parsing subject permissions, only 'allow' or 'deny' are permitted");
            }
            return permission;
        });
    }

    private static List<string> ReadSubjects(ConfigValue value, bool allowsQueue, bool isPlaceKnown)
    {
        ConfigRefusedException Refuse(string error) =>
            isPlaceKnown ? new ConfigRefusedException(value, error) : new ConfigRefusedException(error);

        var subjects = new List<string>();
        if (value.Is<string>(out var single))
        {
            subjects.Add(single);
        }
        else if (value.Is<IReadOnlyList<ConfigValue>>(out var items))
        {
            foreach (var item in items)
            {
                if (!item.Is<string>(out var subject))
                {
                    throw new ConfigRefusedException(item, "Subject in permissions array cannot be cast to string");
                }
                subjects.Add(subject);
            }
        }
        else
        {
            throw Refuse($"Expected subject permissions to be a subject, or array of subjects, got {value.TypeName}");
        }
        return SubjectSyntax.FindError(subjects, allowsQueue) is { } invalid ? throw Refuse(invalid) : subjects;
    }
}
