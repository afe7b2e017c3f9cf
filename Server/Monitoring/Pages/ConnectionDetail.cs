using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>One connection of /connz. Keys are upstream's.</summary>
public sealed record ConnectionDetail
{
    [JsonPropertyName("cid")] public required ulong Id { get; init; }
    [JsonPropertyName("kind")] public string Kind { get; init; } = "Client";
    [JsonPropertyName("type")] public required string? Type { get; init; }
    [JsonPropertyName("ip")] public required string Ip { get; init; }
    [JsonPropertyName("port")] public required int Port { get; init; }
    [JsonPropertyName("start")] public required DateTimeOffset Start { get; init; }
    [JsonPropertyName("last_activity")] public required DateTimeOffset LastActivity { get; init; }
    [JsonPropertyName("stop")] public DateTimeOffset? Stop { get; init; }
    [JsonPropertyName("reason")] public string? Reason { get; init; }
    [JsonPropertyName("rtt")] public required string RoundTrip { get; init; }
    [JsonPropertyName("uptime")] public required string Uptime { get; init; }
    [JsonPropertyName("idle")] public required string Idle { get; init; }
    [JsonPropertyName("pending_bytes")] public required long PendingBytes { get; init; }
    [JsonPropertyName("in_msgs")] public required long InMessages { get; init; }
    [JsonPropertyName("out_msgs")] public required long OutMessages { get; init; }
    [JsonPropertyName("in_bytes")] public required long InBytes { get; init; }
    [JsonPropertyName("out_bytes")] public required long OutBytes { get; init; }
    [JsonPropertyName("stalls"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long Stalls { get; init; }
    [JsonPropertyName("subscriptions")] public required int SubscriptionCount { get; init; }
    [JsonPropertyName("name")] public string? Name { get; init; }
    [JsonPropertyName("lang")] public string? Language { get; init; }
    [JsonPropertyName("version")] public string? Version { get; init; }
    [JsonPropertyName("tls_version")] public string? TlsVersion { get; init; }
    [JsonPropertyName("tls_cipher_suite")] public string? TlsCipherSuite { get; init; }
    [JsonPropertyName("tls_peer_certs")] public IReadOnlyList<PeerCertificate>? TlsPeerCertificates { get; init; }
    [JsonPropertyName("tls_first"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool TlsFirst { get; init; }
    [JsonPropertyName("authorized_user")] public string? AuthorizedUser { get; init; }
    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("subscriptions_list")] public IReadOnlyList<string>? Subscriptions { get; init; }
    [JsonPropertyName("subscriptions_list_detail")] public IReadOnlyList<SubscriptionDetail>? SubscriptionDetails { get; init; }
    [JsonPropertyName("jwt")] public string? Jwt { get; init; }
    [JsonPropertyName("issuer_key")] public string? IssuerKey { get; init; }
    [JsonPropertyName("name_tag")] public string? NameTag { get; init; }
    [JsonPropertyName("tags")] public IReadOnlyList<string>? Tags { get; init; }
    [JsonPropertyName("mqtt_client")] public string? MqttClient { get; init; }
    [JsonPropertyName("proxy")] public ProxyDetail? Proxy { get; init; }

    internal static ConnectionDetail Of(Connz.Candidate candidate, ConnzOptions options, DateTimeOffset now)
    {
        var client = candidate.Client;
        var end = candidate.Closed?.StoppedAt;
        var detail = new ConnectionDetail
        {
            Id = client.Id,
            Kind = candidate.Leaf is null ? "Client" : "Leafnode",
            Type = client.Type.Length == 0 ? null : client.Type,
            Ip = client.Address?.Address.ToString() ?? "",
            Port = client.Address?.Port ?? 0,
            Start = client.StartedAt,
            LastActivity = client.LastActivity,
            Stop = end,
            Reason = candidate.Closed?.Reason.Text(),
            RoundTrip = MonitoringText.RoundTrip(client.RoundTrip),
            Uptime = MonitoringText.Uptime((end ?? now) - client.StartedAt),
            Idle = MonitoringText.Uptime((end ?? now) - client.LastActivity),
            PendingBytes = client.PendingBytes,
            InMessages = client.Traffic.InMessages,
            OutMessages = client.Traffic.OutMessages,
            InBytes = client.Traffic.InBytes,
            OutBytes = client.Traffic.OutBytes,
            Stalls = client.Stalls,
            SubscriptionCount = client.SubscriptionCount,
            Name = client.Name,
            Language = client.Language,
            Version = client.Version,
            TlsVersion = client.Tls?.Version,
            TlsCipherSuite = client.Tls?.CipherSuite,
            TlsFirst = client.TlsCameFirst,
            MqttClient = client.MqttClientId,
            Proxy = client.ProxyKey is { } key ? new ProxyDetail(key) : null,
        };
        if (options.Auth) detail = detail.WithAuthentication(client);
        return options.Subscriptions || options.SubscriptionsDetail ? detail.WithSubscriptions(candidate, options) : detail;
    }

    private ConnectionDetail WithAuthentication(ClientSnapshot client) => this with
    {
        AuthorizedUser = client.User,
        Account = client.AccountName == Accounts.Account.GlobalName ? null : client.AccountName,
        NameTag = client.AccountName,
        TlsPeerCertificates = client.Tls?.PeerCertificate is { } certificate && PeerCertificate.Of(certificate) is { } shown ? [shown] : null,
    };

    private ConnectionDetail WithSubscriptions(Connz.Candidate candidate, ConnzOptions options)
    {
        var held = candidate.Subscriptions;
        if (held.Count == 0) return this;
        return options.SubscriptionsDetail
            ? this with { SubscriptionDetails = [.. held.Select(subscription => SubscriptionDetail.Of(subscription, Id))] }
            : this with { Subscriptions = [.. held.Select(subscription => subscription.Subject)] };
    }
}

/// <summary>A certificate the other side showed.</summary>
public sealed record PeerCertificate
{
    [JsonPropertyName("subject")] public string? Subject { get; init; }
    [JsonPropertyName("spki_sha256")] public required string PublicKeyHash { get; init; }
    [JsonPropertyName("cert_sha256")] public required string Hash { get; init; }

    /// <summary>Null: the connection, and its certificate with it, ended meanwhile.</summary>
    internal static PeerCertificate? Of(X509Certificate2 certificate)
    {
        try
        {
            return new PeerCertificate
            {
                Subject = DistinguishedName.Of(certificate.SubjectName)?.ToTextWithDomains(),
                PublicKeyHash = Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())),
                Hash = Convert.ToHexStringLower(SHA256.HashData(certificate.RawData)),
            };
        }
        catch (Exception error) when (error is CryptographicException or ObjectDisposedException)
        {
            return null;
        }
    }
}

/// <summary>The trusted proxy a connection came through.</summary>
/// <param name="Key">Its public key.</param>
public sealed record ProxyDetail([property: JsonPropertyName("key")] string Key);

/// <summary>One subscription of /connz, /routez and /subsz.</summary>
public sealed record SubscriptionDetail
{
    [JsonPropertyName("account")] public string? Account { get; init; }
    [JsonPropertyName("account_tag")] public string? AccountTag { get; init; }
    [JsonPropertyName("subject")] public required string Subject { get; init; }
    [JsonPropertyName("qgroup")] public string? Queue { get; init; }
    [JsonPropertyName("sid")] public required string Sid { get; init; }
    [JsonPropertyName("msgs")] public required long Messages { get; init; }
    [JsonPropertyName("max"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public long MaxMessages { get; init; }
    [JsonPropertyName("cid")] public required ulong ConnectionId { get; init; }

    internal static SubscriptionDetail Of(SubscriptionSnapshot subscription, ulong connection) => new()
    {
        Subject = subscription.Subject,
        Queue = subscription.Queue,
        Sid = subscription.Sid,
        Messages = subscription.Messages,
        MaxMessages = subscription.MaxMessages,
        ConnectionId = connection,
    };
}
