using System.Net;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clients;

/// <summary>What can be told of a client connection, at one moment.</summary>
public sealed record ClientSnapshot
{
    public required ulong Id { get; init; }

    /// <summary>nats, websocket or mqtt.</summary>
    public string Type { get; init; } = "nats";

    /// <summary>Null: it is in this process.</summary>
    public required IPEndPoint? Address { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it last changed interest, or sent or got a message.</summary>
    public required DateTimeOffset LastActivity { get; init; }

    /// <summary>Zero: not measured.</summary>
    public required TimeSpan RoundTrip { get; init; }

    /// <summary>Bytes that wait to be sent.</summary>
    public required long PendingBytes { get; init; }

    public required TrafficCounters Traffic { get; init; }

    /// <summary>Times it was made to wait because a consumer of its messages was slow.</summary>
    public required long Stalls { get; init; }

    public required int SubscriptionCount { get; init; }

    public string? Name { get; init; }

    public string? Language { get; init; }

    public string? Version { get; init; }

    /// <summary>Null: no TLS.</summary>
    public TlsState? Tls { get; init; }

    /// <summary>The TLS handshake came before INFO.</summary>
    public bool TlsCameFirst { get; init; }

    /// <summary>User, nkey, or a word in place of a token; null: it named nobody.</summary>
    public string? User { get; init; }

    /// <summary>Null: it belongs to none (yet).</summary>
    public string? AccountName { get; init; }

    /// <summary>Key of the trusted proxy it came through; null: none.</summary>
    public string? ProxyKey { get; init; }

    /// <summary>MQTT client id; null: it is none.</summary>
    public string? MqttClientId { get; init; }
}

/// <summary>What can be told of a subscription, at one moment.</summary>
/// <param name="Subject">With its wildcards.</param>
/// <param name="Queue">Null: none.</param>
/// <param name="Sid">The client's name for it.</param>
/// <param name="Messages">Messages delivered.</param>
/// <param name="MaxMessages">Messages after which it ends; 0: none.</param>
public sealed record SubscriptionSnapshot(string Subject, string? Queue, string Sid, long Messages, long MaxMessages)
{
    public static SubscriptionSnapshot Of(Subscription subscription) => new(
        Text(subscription.Subject),
        subscription.Queue is null ? null : Text(subscription.Queue),
        Text(subscription.Sid),
        subscription.Delivered,
        subscription.MaxMessages);

    private static string Text(byte[] bytes) => System.Text.Encoding.UTF8.GetString(bytes);
}
