using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Configuration;

/// <summary>Subjects of cluster permissions.</summary>
internal static class RoutePermissionCheck
{
    public static string? FindError(RoutePermissionOptions permissions) =>
        FindError("import allow", permissions.Import?.Allow)
        ?? FindError("import deny", permissions.Import?.Deny)
        ?? FindError("export allow", permissions.Export?.Allow)
        ?? FindError("export deny", permissions.Export?.Deny);

    private static string? FindError(string list, IReadOnlyList<string>? subjects) =>
        SubjectSyntax.FindError(subjects ?? [], allowsQueue: false) is { } error ? $"cluster {list}: {error}" : null;
}
