namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>
/// Hears, on every replica, which messages a consumer will not ask for again; streams that keep messages only as long as
/// somebody needs them go by it. To be acted on after the call that brought it has returned: a consumer is not entered twice.
/// </summary>
public interface IConsumerObserver
{
    /// <summary>A message was acknowledged, terminated or, where none is wanted, delivered.</summary>
    void Released(ulong sequence);

    /// <summary>No message up to this one is needed any more.</summary>
    void ReleasedThrough(ulong sequence);
}
