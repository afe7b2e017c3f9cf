namespace NatsAspire.Server.JetStream.Consumers;

/// <summary>A place among a consumer's deliveries, and the message delivered there.</summary>
/// <param name="Consumer">Of the delivery; they are counted from 1.</param>
/// <param name="Stream">Of the message.</param>
public readonly record struct SequencePair(ulong Consumer, ulong Stream);
