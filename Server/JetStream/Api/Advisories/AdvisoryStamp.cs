using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Api.Advisories;

/// <summary>What every advisory gets when it goes out.</summary>
/// <param name="Id">Unique.</param>
/// <param name="Time">Now.</param>
/// <param name="Domain">The server's domain; null: none.</param>
public readonly record struct AdvisoryStamp(string Id, ApiTime Time, string? Domain);
