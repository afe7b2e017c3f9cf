namespace NatsAspire.Hosting;

/// <summary>Decides about each link of an <see cref="InterposingProxy"/> apart.</summary>
internal interface IProxyGate
{
    /// <summary>A link is about to begin.</summary>
    ProxyWays Open(ProxyLink link);
}

/// <summary>The two ways through a link.</summary>
/// <param name="ToTarget">What goes from the one who connected to the target.</param>
/// <param name="FromTarget">What goes back.</param>
/// <param name="Heard">Told what the one who connected says, before it passes; null: nobody wants to know.</param>
/// <param name="Ended">Told when both ways have ended; null: nobody wants to know.</param>
internal sealed record ProxyWays(ProxyDirection ToTarget, ProxyDirection FromTarget, Action<ReadOnlyMemory<byte>>? Heard = null, Action? Ended = null);
