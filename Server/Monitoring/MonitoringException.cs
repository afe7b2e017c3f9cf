namespace NatsAspire.Server.Monitoring;

/// <summary>Options a page cannot be made for; the message is upstream's.</summary>
public sealed class MonitoringException(string message) : Exception(message)
{
    /// <summary>Others answer in this server's place: whoever asks in the system account hears nothing of it.</summary>
    public bool IsForOthers { get; init; }
}
