namespace NatsAspire.Hosting;

/// <summary>A topology that cannot be; the message says what to change.</summary>
public sealed class TopologyException(string message) : Exception(message);
