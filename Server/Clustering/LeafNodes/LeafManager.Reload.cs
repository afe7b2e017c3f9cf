using NatsAspire.Server.Configuration;
using NatsAspire.Server.Connections;

namespace NatsAspire.Server.Clustering.LeafNodes;

/// <summary>Other options while connections stand.</summary>
public sealed partial class LeafManager
{
    private static readonly Uri[] NoUrls = [];
    private static readonly string[] NoSubjects = [];

    /// <summary>
    /// Goes by the host's current options: remotes that are gone, disabled or other than before end, new ones begin; leaf nodes
    /// that are no longer admitted end.
    /// </summary>
    public void Reload()
    {
        var wanted = _host.Options.LeafNode.Remotes.Where(remote => !remote.Disabled).ToDictionary(remote => LeafNodeCheck.NameOf(remote, isRedacted: false));
        LeafConnection[] open;
        var gone = new List<LeafRemote>();
        using (_lock.Enter())
        {
            if (_stopping) return;
            foreach (var (key, remote) in _remotes.ToArray())
            {
                if (wanted.TryGetValue(key, out var same) && IsSame(remote.Options, same)) continue;
                remote.Dispose();
                _remotes.Remove(key);
                gone.Add(remote);
            }
            open = [.. _open];
        }
        var closing = new List<Task>();
        foreach (var leaf in open)
        {
            if (leaf.Remote is not { } remote || !gone.Contains(remote))
            {
                leaf.Reload();
                continue;
            }
            closing.Add(remote.Closed);
            leaf.Close(CloseReason.ClientClosed);
        }
        // A hub that was still told of what it wants itself, by the connection before, would take that for a loop.
        var closed = Task.WhenAll(closing);
        foreach (var (key, remote) in wanted)
        {
            if (!_remotes.ContainsKey(key)) Add(remote, closed);
        }
    }

    /// <summary>Lists by what they hold; of compression, see the connection.</summary>
    private static bool IsSame(RemoteLeafOptions one, RemoteLeafOptions other) =>
        one.Urls.SequenceEqual(other.Urls)
        && one.DenyImports.SequenceEqual(other.DenyImports)
        && one.DenyExports.SequenceEqual(other.DenyExports)
        && IsSame(one.Tls, other.Tls)
        && WithoutLists(one) == WithoutLists(other);

    private static bool IsSame(TlsOptions? one, TlsOptions? other) =>
        one is null || other is null
            ? one == other
            : one.Certificates.SequenceEqual(other.Certificates)
                && one.CipherSuites.SequenceEqual(other.CipherSuites)
                && one.CurvePreferences.SequenceEqual(other.CurvePreferences)
                && one.PinnedCertificates.SetEquals(other.PinnedCertificates)
                && one == other with
                {
                    Certificates = one.Certificates,
                    CipherSuites = one.CipherSuites,
                    CurvePreferences = one.CurvePreferences,
                    PinnedCertificates = one.PinnedCertificates,
                };

    private static RemoteLeafOptions WithoutLists(RemoteLeafOptions remote) =>
        remote with { Urls = NoUrls, DenyImports = NoSubjects, DenyExports = NoSubjects, Tls = null, Compression = CompressionOptions.Default };
}
