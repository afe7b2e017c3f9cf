namespace NatsAspire.Server.Monitoring;

/// <summary>Options a page cannot be made for; the message is upstream's.</summary>
public sealed class MonitoringException(string message) : Exception(message);
