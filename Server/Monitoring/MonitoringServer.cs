using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Security.Tls;

namespace NatsAspire.Server.Monitoring;

/// <summary>The HTTP pages, on Kestrel: plain, or in TLS with the certificate of the client listener.</summary>
public sealed class MonitoringServer : IAsyncDisposable
{
    /// <summary>More are refused: the pages must not take the descriptors clients need.</summary>
    private const int MaxConnections = 1024;

    private const int MaxBody = 64 * 1024;
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(5);
    private readonly WebApplication _application;

    private MonitoringServer(WebApplication application, Uri url)
    {
        _application = application;
        Url = url;
    }

    /// <summary>http(s)://host:port as bound.</summary>
    public Uri Url { get; }

    /// <summary>Binds and serves.</summary>
    /// <param name="options">Ports and base path; of the two ports one is set.</param>
    /// <param name="host">Address to bind to.</param>
    /// <param name="source">What the pages tell of.</param>
    /// <param name="cancellation">Gives the start up.</param>
    /// <exception cref="IOException">The address is taken.</exception>
    /// <exception cref="ConfigurationValueException">Both ports are set, or https without certificates.</exception>
    public static async Task<MonitoringServer> StartAsync(
        MonitoringOptions options, string host, MonitoringSource source, CancellationToken cancellation)
    {
        if (FindError(options, source.Clients.Settings.Tls) is { } error) throw new ConfigurationValueException(error);
        var isSecure = options.HttpsPort != 0;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
            kestrel.Listen(Resolve(host), Math.Max(0, isSecure ? options.HttpsPort : options.HttpPort), listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (isSecure) listen.UseHttps(Callback(source));
            });
        });
        var application = builder.Build();
        var pages = new MonitoringPages(source);
        application.Run(pages.AnswerAsync);
        await application.StartAsync(cancellation).ConfigureAwait(false);
        var bound = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var address = Resolve(host);
        var reachable = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? "127.0.0.1" : host;
        return new MonitoringServer(application, new Uri($"{(isSecure ? "https" : "http")}://{new HostAndPort(reachable, new Uri(bound).Port)}"));
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static string? FindError(MonitoringOptions options, TlsContext? tls)
    {
        if (options.HttpsPort == 0) return null;
        return options.HttpPort != 0 ? $"Can't start monitoring: can't specify both HTTP ({options.HttpPort}) and HTTPs ({options.HttpsPort}) ports"
            : tls is null ? "Can't start monitoring: TLS cert and key required for HTTPS" : null;
    }

    /// <summary>
    /// The client listener's certificates and versions as they are at the moment, so that a reload reaches here too,
    /// without asking the browser for a certificate.
    /// </summary>
    private static TlsHandshakeCallbackOptions Callback(MonitoringSource source) => new()
    {
        HandshakeTimeout = source.Clients.Settings.Tls!.Timeout,
        OnConnection = context =>
        {
            var tls = source.Clients.Settings.Tls ?? throw new AuthenticationException("TLS is no longer configured.");
            var chosen = tls.ForServer(context.ClientHelloInfo.ServerName);
            chosen.ClientCertificateRequired = false;
            chosen.CertificateChainPolicy = null;
            chosen.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            chosen.ApplicationProtocols = [SslApplicationProtocol.Http11];
            return ValueTask.FromResult(chosen);
        },
    };

    /// <summary>Empty: all interfaces.</summary>
    private static IPAddress Resolve(string host) =>
        host.Length == 0 ? IPAddress.Any
        : IPAddress.TryParse(host.Trim('[', ']'), out var address) ? address : Dns.GetHostAddresses(host)[0];
}
