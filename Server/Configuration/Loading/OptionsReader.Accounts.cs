using NatsAspire.Server.Configuration.Grammar;
using NatsAspire.Server.Primitives;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>The accounts block.</summary>
internal sealed partial class OptionsReader
{
    private ServerOptions ReadAccounts(ServerOptions options, ConfigValue block)
    {
        var accounts = options.Accounts.ToList();
        diagnostics.Guard(() =>
        {
            if (block.Is<IReadOnlyList<ConfigValue>>(out var names)) ReadAccountNames(names, accounts);
            else if (block.Is<IReadOnlyDictionary<string, ConfigValue>>(out var entries)) ReadAccountMap(options, entries, accounts);
        });
        if (diagnostics.Errors.Count == 0)
        {
            new ImportExportCheck(diagnostics, block, hasSystemAccount: !options.NoSystemAccount).Run(accounts);
        }
        return options with { Accounts = accounts };
    }

    private void ReadAccountNames(IReadOnlyList<ConfigValue> names, List<AccountOptions> accounts)
    {
        var seen = new HashSet<string>();
        foreach (var value in names)
        {
            var name = value.AsString();
            if (name == GlobalAccount) diagnostics.Error(value, $"{QuotedText.Quote(name)} is a Reserved Account");
            else if (!seen.Add(name)) diagnostics.Error(value, $"Duplicate Account Entry: {name}");
            else accounts.Add(new AccountOptions { Name = name });
        }
    }

    private void ReadAccountMap(ServerOptions options, IReadOnlyDictionary<string, ConfigValue> entries, List<AccountOptions> accounts)
    {
        foreach (var (name, value) in entries)
        {
            // A variable may be defined among the accounts.
            if (value.IsUsedVariable) continue;
            if (!value.Is<IReadOnlyDictionary<string, ConfigValue>>(out _)) diagnostics.Error(value, "Expected map entries for accounts");
            else if (name == GlobalAccount) diagnostics.Error(value, $"{QuotedText.Quote(name)} is a Reserved Account");
            else accounts.Add(ReadAccount(options, name, value));
        }
    }

    private AccountOptions ReadAccount(ServerOptions options, string name, ConfigValue block)
    {
        var usersAt = block;
        var account = new AccountOptions { Name = name };
        foreach (var (key, value) in block.AsMap())
        {
            if (key.Equals("users", StringComparison.OrdinalIgnoreCase)) usersAt = value;
            diagnostics.GuardRefused(() => account = ReadAccountEntry(account, block, key.ToLowerInvariant(), value));
        }
        if (account.Users.Count == 0) return account;
        if (!string.IsNullOrEmpty(options.Authorization.Username))
        {
            diagnostics.Error(usersAt, "Can not have a single user/pass and accounts");
            return account;
        }
        if (!string.IsNullOrEmpty(options.Authorization.Token))
        {
            diagnostics.Error(usersAt, "Can not have a token and accounts");
            return account;
        }
        foreach (var user in account.Users.OrderBy(user => user.NKey is null)) diagnostics.GuardRefused(() => ClaimName(user, usersAt));
        return account;
    }

    private AccountOptions ReadAccountEntry(AccountOptions account, ConfigValue block, string key, ConfigValue value) => key switch
    {
        "nkey" => account with { NKey = ReadAccountKey(value) },
        "imports" => account with { Imports = ReadImports(value) },
        "exports" => account with { Exports = ReadExports(value) },
        "jetstream" => account with { JetStream = ReadAccountJetStream(value) },
        "users" => account with { Users = ReadUsers(value, isPlaceKnown: false) },
        "default_permissions" => account with { DefaultPermissions = ReadPermissions(value, isPlaceKnown: true) },
        "mappings" or "maps" => account with { Mappings = ReadMappings(value) },
        "limits" => ReadAccountLimits(account, value),
        "msg_trace" or "trace_dest" => ReadMessageTrace(account, block.AsMap().First(entry => entry.Value == value).Key, value),
        _ => Unknown(account, block, value),
    };

    private static string ReadAccountKey(ConfigValue value) =>
        value.Is<string>(out var key) && NKeys.IsPublicKey(key, NKeys.Kind.Account)
            ? key
            : throw new ConfigRefusedException(value, $"Not a valid public nkey for an account: {QuotedText.Quote(value.ToString())}");

    private AccountOptions ReadAccountLimits(AccountOptions account, ConfigValue block)
    {
        if (!block.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
        {
            throw new ConfigRefusedException(block, $"Expected account limits to be a map/struct, got {block}");
        }
        return Fold(block, account, (limits, key, value) =>
        {
            switch (key)
            {
                case "max_connections" or "max_conn":
                    return limits with { MaxConnections = ToInt(value) };
                case "max_subscriptions" or "max_subs":
                    return limits with { MaxSubscriptions = ToInt(value) };
                case "max_payload" or "max_pay":
                    return limits with { MaxPayload = ToInt(value) };
                case "max_leafnodes" or "max_leafs":
                    return limits with { MaxLeafNodes = ToInt(value) };
            }
            if (!value.IsUsedVariable) diagnostics.Error(value, $"Unknown field {QuotedText.Quote(key)} parsing account limits");
            return limits;
        });
    }

    private AccountOptions ReadMessageTrace(AccountOptions account, string name, ConfigValue value)
    {
        if (value.Is<string>(out _))
        {
            account = account with { TraceDestination = ReadTraceDestination(name, value) };
        }
        else if (value.Is<IReadOnlyDictionary<string, ConfigValue>>(out _))
        {
            account = FoldUnguarded(value, account, (traced, key, setting) => key switch
            {
                "dest" => traced with { TraceDestination = ReadTraceDestination(key, setting) },
                "sampling" => traced with { TraceSampling = ReadTraceSampling(key, setting) },
                _ when setting.IsUsedVariable => traced,
                _ => throw new ConfigRefusedException(setting, $"Unknown field {QuotedText.Quote(key)} parsing account message trace map/struct {QuotedText.Quote(name)}"),
            });
        }
        else
        {
            throw new ConfigRefusedException(value, $"Expected account message trace {QuotedText.Quote(name)} to be a string or a map/struct, got {value.TypeName}");
        }
        if (account.TraceDestination is not null) return account.TraceSampling == 0 ? account with { TraceSampling = 100 } : account;
        if (account.TraceSampling == 0) return account;
        diagnostics.Warn(value, "Trace destination sampling ignored since no destination was set");
        return account with { TraceSampling = 0 };
    }

    private static string ReadTraceDestination(string key, ConfigValue value)
    {
        if (!value.Is<string>(out var destination))
        {
            throw new ConfigRefusedException(value, $"Field {QuotedText.Quote(key)} should be a string, got {value.TypeName}");
        }
        return SubjectSyntax.IsValidLiteral(destination)
            ? destination
            : throw new ConfigRefusedException(value, $"Trace destination {QuotedText.Quote(destination)} is not valid");
    }

    private static int ReadTraceSampling(string key, ConfigValue value)
    {
        long sampling;
        if (value.Is<string>(out var text))
        {
            if (!long.TryParse(text.EndsWith('%') ? text[..^1] : text, out sampling))
            {
                throw new ConfigRefusedException(value, $"Invalid trace destination sampling value {QuotedText.Quote(text)}");
            }
        }
        else if (!value.Is(out sampling))
        {
            throw new ConfigRefusedException(value, $"Trace destination sampling field {QuotedText.Quote(key)} should be an integer or a percentage, got {value.TypeName}");
        }
        return sampling is > 0 and <= 100
            ? (int)sampling
            : throw new ConfigRefusedException(value, $"Ttrace destination sampling value {sampling} is invalid, needs to be [1..100]");
    }
}
