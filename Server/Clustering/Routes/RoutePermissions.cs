using NatsAspire.Server.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Security;

namespace NatsAspire.Server.Clustering.Routes;

/// <summary>
/// What crosses the routes of this server: interest it sends out (import) and interest it accepts (export).
/// </summary>
internal sealed class RoutePermissions
{
    private readonly Permissions? _import;
    private readonly Permissions? _export;

    public RoutePermissions(RoutePermissionOptions? options)
    {
        if (options is null) return;
        // A peer's interest may be wider than what is allowed out; it need only meet it.
        _import = Permissions.Compile(new PermissionOptions { Publish = options.Import });
        _export = Permissions.Compile(new PermissionOptions { Publish = options.Export });
    }

    /// <summary>Whether peers are told that subjects like this are wanted here.</summary>
    public bool MayImport(ReadOnlySpan<byte> subject) => _import is null || _import.MayPublish(subject);

    /// <summary>Whether a peer's interest is accepted.</summary>
    public bool MayExport(ReadOnlySpan<byte> subject) => _export is null || _export.MayPublish(subject);

    public static SubjectLists? ToLists(SubjectPermissionOptions? options) =>
        options is null ? null : new SubjectLists { Allow = options.Allow, Deny = options.Deny };
}
