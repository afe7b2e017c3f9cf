using System.Security.Cryptography;
using System.Text;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Security;

/// <summary>
/// Tells who a CONNECT is from. Immutable, built from one set of options. Asks in upstream's order: users (by
/// certificate, name or nkey), then token, then the single user.
/// </summary>
public sealed class Authenticator
{
    private const string DefaultSystemAccount = "$SYS";
    private readonly Dictionary<string, KnownUser> _users = [];
    private readonly Dictionary<string, KnownUser> _nkeys = [];
    private readonly AuthorizationOptions _options;
    private readonly KnownUser? _noAuthUser;
    private readonly TrustedProxies _proxies;
    private readonly IReadOnlyList<string> _mappingListeners;
    private readonly ConnectionFacts _nobody;

    /// <exception cref="ConfigurationValueException">Permissions that cannot be compiled, or nkeys where they cannot be checked.</exception>
    /// <param name="options">The server's.</param>
    /// <param name="connectionType">Of the listener it serves.</param>
    public Authenticator(ServerOptions options, string connectionType = ConnectionFacts.Standard)
    {
        _nobody = new ConnectionFacts("", ConnectionType: connectionType);
        _options = options.Authorization;
        _proxies = new TrustedProxies(options.TrustedProxies ?? []);
        _mappingListeners = [.. FindMappingListeners(options)];
        foreach (var user in _options.Users) Add(user, null, _options.DefaultPermissions);
        foreach (var account in options.Accounts)
        {
            foreach (var user in account.Users) Add(user, account.Name, account.DefaultPermissions);
        }
        if (_options.NoAuthUser is { } name) _noAuthUser = FindUser(name);
        else if (OnlySystemHasUsers(options)) _noAuthUser = new KnownUser(new UserOptions(), null, null);
        if (NeedsNonce && !Ed25519.IsSupported)
        {
            throw new ConfigurationValueException("nkeys and trusted proxies need OpenSSL 3 (libcrypto) on this machine; install it or use passwords");
        }
    }

    /// <summary>INFO's auth_required: a connection must say who it is before anything else.</summary>
    public bool IsRequired => _users.Count > 0 || _nkeys.Count > 0 || _options.Token is not null || _options.Username is not null;

    /// <summary>There are users by name or nkey.</summary>
    public bool HasUsers => _users.Count > 0 || _nkeys.Count > 0;

    /// <summary>INFO carries a nonce: somebody may have to sign it.</summary>
    public bool NeedsNonce => _nkeys.Count > 0 || _proxies.Any;

    /// <summary>Who a connection without credentials becomes; null: nobody.</summary>
    public Identity? NoAuthIdentity => _noAuthUser is null ? null : Admit(_noAuthUser, _nobody, null);

    /// <summary>True when checking these credentials hashes with bcrypt, which takes long on purpose.</summary>
    public bool IsSlow(ConnectOptions connect) => StoredSecretFor(connect) is { } secret && Bcrypt.IsBcryptHash(secret);

    /// <summary>
    /// For the WebSocket listener: its block may name a user, a token or a user for nobody, which then replace
    /// those of the server.
    /// </summary>
    /// <exception cref="ConfigurationValueException">As the constructor.</exception>
    public static Authenticator ForWebSocket(ServerOptions options)
    {
        var own = options.WebSocket.Authorization;
        var replaces = !string.IsNullOrEmpty(own.Username) || !string.IsNullOrEmpty(own.Token) || !string.IsNullOrEmpty(options.WebSocket.NoAuthUser);
        if (!replaces) return new Authenticator(options, ConnectionFacts.WebSocket);
        var authorization = options.Authorization with
        {
            Username = NullIfEmpty(own.Username),
            Password = own.Password,
            Token = NullIfEmpty(own.Token),
            NoAuthUser = NullIfEmpty(options.WebSocket.NoAuthUser),
        };
        return new Authenticator(options with { Authorization = authorization }, ConnectionFacts.WebSocket);
    }

    /// <summary>Checks credentials. May take a tenth of a second: see <see cref="IsSlow"/>.</summary>
    public Identity Authenticate(ConnectOptions connect, ConnectionFacts facts)
    {
        if (!IsRequired) return Identity.Anonymous;
        var proxy = _proxies.FindSigner(connect.ProxySignature, facts.Nonce, out var isForeign);
        if (isForeign) return Identity.ProxyNotTrusted;
        var identity = AuthenticateUser(connect, facts, proxy);
        if (identity is not null) return identity;
        if (_options.ProxyRequired && proxy is null) return Identity.ProxyRequired;
        if (_options.Token is { } token)
        {
            return SecretsMatch(token, connect.Token) ? Identity.Anonymous with { ProxyKey = proxy } : Identity.Refused;
        }
        return _options.Username is { } single && connect.User == single && SecretsMatch(_options.Password ?? "", connect.Password)
            ? new Identity(true, User: new UserOptions { Username = single }, Permissions: Permissions.Compile(_options.DefaultPermissions)) { ProxyKey = proxy }
            : Identity.Refused;
    }

    /// <summary>Compares a stored secret, plain or bcrypt, with a given one, in time that tells nothing.</summary>
    public static bool SecretsMatch(string stored, string? given)
    {
        var bytes = Encoding.UTF8.GetBytes(given ?? "");
        return Bcrypt.IsBcryptHash(stored)
            ? Bcrypt.Verify(bytes, stored)
            : CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(stored), bytes);
    }

    /// <summary>Null: not a matter of users; token and single user decide.</summary>
    private Identity? AuthenticateUser(ConnectOptions connect, ConnectionFacts facts, string? proxy)
    {
        if (_users.Count == 0 && _nkeys.Count == 0) return null;
        if (facts.MapsCertificate && _users.Count > 0 && (_nkeys.Count == 0 || string.IsNullOrEmpty(connect.NKey))) return AuthenticateCertificate(connect, facts, proxy);
        if (string.IsNullOrEmpty(connect.User) && string.IsNullOrEmpty(connect.Token) && string.IsNullOrEmpty(connect.NKey))
        {
            return _noAuthUser is null ? Identity.Refused : Admit(_noAuthUser, facts, proxy);
        }
        if (connect.NKey is { Length: > 0 } nkey) return AuthenticateNKey(nkey, connect.Signature, facts, proxy);
        if (string.IsNullOrEmpty(connect.User)) return _options.Token is null ? Identity.Refused : null;
        if (!_users.TryGetValue(connect.User, out var known)) return _options.Username is null ? Identity.Refused : null;
        // Without a password it exists for certificates only, if a listener maps those of its kind of connection.
        if (string.IsNullOrEmpty(known.Options.Password) && known != _noAuthUser && _mappingListeners.Any(known.MayConnectBy)) return Identity.Refused;
        return SecretsMatch(known.Options.Password ?? "", connect.Password) ? Admit(known, facts, proxy) : Identity.Refused;
    }

    private Identity AuthenticateNKey(string nkey, string? signature, ConnectionFacts facts, string? proxy)
    {
        if (!_nkeys.TryGetValue(nkey, out var known)) return Identity.Refused;
        var isHolder = known == _noAuthUser
            || (NKeys.TryDecode(nkey, NKeys.Kind.User, out var key) && SignatureText.IsBy(key, facts.Nonce, signature));
        return isHolder ? Admit(known, facts, proxy) : Identity.Refused;
    }

    /// <summary>The certificate says who it is; a user with a password must know that too.</summary>
    private Identity AuthenticateCertificate(ConnectOptions connect, ConnectionFacts facts, string? proxy)
    {
        if (facts.Certificate is null) return Identity.Refused;
        var name = CertificateUser.Find(facts.Certificate, _users.Keys, _users.ContainsKey);
        if (name is null) return Identity.Refused;
        return SecretsMatch(_users[name].Options.Password ?? "", connect.Password)
            ? Admit(_users[name], facts, proxy) with { OverruledName = NullIfEmpty(connect.User) }
            : Identity.Refused;
    }

    /// <summary>Kinds of connection whose users may come from certificates: those of listeners that are open.</summary>
    private static IEnumerable<string> FindMappingListeners(ServerOptions options)
    {
        if (options.Tls is { VerifyAndMap: true } && !options.DontListen) yield return ConnectionFacts.Standard;
        if (options.WebSocket is { Port: not 0, Tls.VerifyAndMap: true }) yield return ConnectionFacts.WebSocket;
        // A leafnodes block with credentials of its own never asks for these users.
        if (options.LeafNode is not { Port: not 0, Tls.VerifyAndMap: true, Users.Count: 0 } leaf || leaf.Username is { Length: > 0 } || leaf.NKey is { Length: > 0 }) yield break;
        yield return ConnectionFacts.LeafNode;
        // Whoever comes through a WebSocket shows that its certificate.
        if (options.WebSocket is { Port: not 0, Tls.Verify: true } or { Port: not 0, Tls.VerifyAndMap: true }) yield return ConnectionFacts.LeafNodeWebSocket;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static Identity Admit(KnownUser known, ConnectionFacts facts, string? proxy)
    {
        if (known.Options.ProxyRequired && proxy is null) return Identity.ProxyRequired;
        return known.MayConnectBy(facts.ConnectionType)
            ? new Identity(true, known.Account, known.Options, known.Permissions) { ProxyKey = proxy }
            : Identity.Refused;
    }

    private string? StoredSecretFor(ConnectOptions connect)
    {
        if (connect.User is { Length: > 0 } name)
        {
            return _users.TryGetValue(name, out var known) ? known.Options.Password
                : name == _options.Username ? _options.Password : null;
        }
        return _options.Token;
    }

    /// <summary>Who gives the system account its users, and nobody else any, has not closed the door to everybody else.</summary>
    private static bool OnlySystemHasUsers(ServerOptions options) =>
        options.Accounts is [{ Users.Count: > 0 } only]
        && only.Name == (options.SystemAccount ?? DefaultSystemAccount)
        && options.Authorization is { Users.Count: 0, Token: null, Username: null };

    private KnownUser? FindUser(string name) => _users.GetValueOrDefault(name) ?? _nkeys.GetValueOrDefault(name);

    private void Add(UserOptions user, string? account, PermissionOptions? defaults)
    {
        var known = new KnownUser(user, account, Permissions.Compile(user.Permissions ?? defaults));
        if (user.Username is { } name) _users[name] = known;
        else if (user.NKey is { } nkey) _nkeys[nkey] = known;
    }

    private sealed record KnownUser(UserOptions Options, string? Account, Permissions? Permissions)
    {
        public bool MayConnectBy(string connectionType) =>
            Options.AllowedConnectionTypes.Count == 0
            || Options.AllowedConnectionTypes.Contains(connectionType, StringComparer.OrdinalIgnoreCase);
    }
}
