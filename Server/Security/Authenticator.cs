using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Security;

/// <summary>Outcome of an authentication.</summary>
/// <param name="Admitted">False: Authorization Violation.</param>
/// <param name="Account">Account the connection belongs to; null: the global one.</param>
/// <param name="User">The user it is; null: nobody in particular.</param>
/// <param name="Permissions">What it may do; null: everything.</param>
public sealed record Identity(bool Admitted, string? Account = null, UserOptions? User = null, Permissions? Permissions = null)
{
    public static readonly Identity Refused = new(false);

    public static readonly Identity Anonymous = new(true);
}

/// <summary>
/// Tells who a CONNECT is from. Immutable, built from one set of options. Asks in upstream's order: users,
/// then token, then the single user.
/// </summary>
public sealed class Authenticator
{
    private readonly Dictionary<string, KnownUser> _users = [];
    private readonly AuthorizationOptions _options;
    private readonly KnownUser? _noAuthUser;

    /// <exception cref="ConfigurationValueException">Permissions that cannot be compiled.</exception>
    public Authenticator(ServerOptions options)
    {
        _options = options.Authorization;
        foreach (var user in _options.Users) Add(user, null, _options.DefaultPermissions);
        foreach (var account in options.Accounts)
        {
            foreach (var user in account.Users) Add(user, account.Name, account.DefaultPermissions);
        }
        if (_options.NoAuthUser is { } name) _users.TryGetValue(name, out _noAuthUser);
    }

    /// <summary>INFO's auth_required: a connection must say who it is before anything else.</summary>
    public bool IsRequired => _users.Count > 0 || _options.Token is not null || _options.Username is not null;

    /// <summary>Who a connection without credentials becomes; null: nobody.</summary>
    public Identity? NoAuthIdentity => _noAuthUser is null ? null : Admit(_noAuthUser);

    /// <summary>True when checking these credentials hashes with bcrypt, which takes long on purpose.</summary>
    public bool IsSlow(ConnectOptions connect) => StoredSecretFor(connect) is { } secret && Bcrypt.IsBcryptHash(secret);

    /// <summary>Checks credentials. May take a tenth of a second: see <see cref="IsSlow"/>.</summary>
    public Identity Authenticate(ConnectOptions connect)
    {
        if (!IsRequired) return Identity.Anonymous;
        if (_users.Count > 0 && AuthenticateUser(connect) is { } byUser) return byUser;
        if (_options.Token is { } token)
        {
            return SecretsMatch(token, connect.Token) ? Identity.Anonymous : Identity.Refused;
        }
        if (_options.Username is { } single)
        {
            return connect.User == single && SecretsMatch(_options.Password ?? "", connect.Password)
                ? new Identity(true, User: new UserOptions { Username = single }, Permissions: Permissions.Compile(_options.DefaultPermissions))
                : Identity.Refused;
        }
        return Identity.Refused;
    }

    /// <summary>Compares a stored secret, plain or bcrypt, with a given one, in time that tells nothing.</summary>
    public static bool SecretsMatch(string stored, string? given)
    {
        var bytes = Encoding.UTF8.GetBytes(given ?? "");
        return Bcrypt.IsBcryptHash(stored)
            ? Bcrypt.Verify(bytes, stored)
            : CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(stored), bytes);
    }

    private Identity? AuthenticateUser(ConnectOptions connect)
    {
        if (string.IsNullOrEmpty(connect.User) && string.IsNullOrEmpty(connect.Token) && string.IsNullOrEmpty(connect.NKey))
        {
            return _noAuthUser is null ? Identity.Refused : Admit(_noAuthUser);
        }
        if (string.IsNullOrEmpty(connect.User)) return _options.Token is null ? Identity.Refused : null;
        if (!_users.TryGetValue(connect.User, out var known)) return _options.Username is null ? Identity.Refused : null;
        return SecretsMatch(known.Options.Password ?? "", connect.Password) ? Admit(known) : Identity.Refused;
    }

    private static Identity Admit(KnownUser known) =>
        known.MayConnectByTcp && !known.Options.ProxyRequired
            ? new Identity(true, known.Account, known.Options, known.Permissions)
            : Identity.Refused;

    private string? StoredSecretFor(ConnectOptions connect)
    {
        if (connect.User is { Length: > 0 } name)
        {
            return _users.TryGetValue(name, out var known) ? known.Options.Password
                : name == _options.Username ? _options.Password : null;
        }
        return _options.Token;
    }

    private void Add(UserOptions user, string? account, PermissionOptions? defaults)
    {
        if ((user.Username ?? user.NKey) is not { } name) return;
        var byTcp = user.AllowedConnectionTypes.Count == 0
            || user.AllowedConnectionTypes.Contains("STANDARD", StringComparer.OrdinalIgnoreCase);
        _users[name] = new KnownUser(user, account, Permissions.Compile(user.Permissions ?? defaults), byTcp);
    }

    private sealed record KnownUser(UserOptions Options, string? Account, Permissions? Permissions, bool MayConnectByTcp);
}
