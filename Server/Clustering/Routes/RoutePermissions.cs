using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// What crosses the routes of this server: interest it sends out (import) and interest it accepts (export).
/// </summary>
internal sealed class RoutePermissions
{
    private readonly Permissions? _permissions;

    public RoutePermissions(RoutePermissionOptions? options)
    {
        // Import is what peers may publish to us, export what they may subscribe to.
        _permissions = options is null
            ? null
            : Permissions.Compile(new PermissionOptions { Publish = options.Import, Subscribe = options.Export });
    }

    /// <summary>Whether peers are told that subjects like this are wanted here.</summary>
    public bool MayImport(ReadOnlySpan<byte> subject) => _permissions is null || _permissions.MayPublish(subject);

    /// <summary>Whether a peer's interest is accepted.</summary>
    public bool MayExport(ReadOnlySpan<byte> subject) => _permissions is null || _permissions.MaySubscribe(subject, default);

    public static SubjectLists? ToLists(SubjectPermissionOptions? options) =>
        options is null ? null : new SubjectLists { Allow = options.Allow, Deny = options.Deny };
}
