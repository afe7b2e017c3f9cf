using System.Globalization;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Cli;

/// <summary>What flags say about the cluster.</summary>
public sealed record ClusterOverrides
{
    private const string RandomPort = ":-1";

    /// <summary>URL to listen on; empty turns clustering off.</summary>
    public string? Listen { get; init; }

    /// <summary>URLs with commas between; empty: none.</summary>
    public string? Routes { get; init; }

    public string? Name { get; init; }

    public string? Advertise { get; init; }

    public bool? NoAdvertise { get; init; }

    public int? ConnectRetries { get; init; }

    /// <exception cref="CliException">A URL is wrong, or there are routes without a cluster.</exception>
    public ClusterOptions ApplyTo(ClusterOptions cluster)
    {
        cluster = cluster with
        {
            Name = Name is null ? cluster.Name : Name.Length == 0 ? null : Name,
            Advertise = Advertise ?? cluster.Advertise,
            NoAdvertise = NoAdvertise ?? cluster.NoAdvertise,
            ConnectRetries = ConnectRetries ?? cluster.ConnectRetries,
        };
        if (Listen is not null) cluster = ApplyListen(cluster, Listen);
        if (Routes is not null) cluster = cluster with { Routes = ParseRoutes(Routes) };
        if (!string.IsNullOrEmpty(Routes) && string.IsNullOrEmpty(Listen) && cluster.Port == 0)
        {
            throw new CliException("solicited routes require cluster capabilities, e.g. --cluster");
        }
        return cluster;
    }

    private static Uri[] ParseRoutes(string routes) => routes.Length == 0 ? [] : [.. routes.Split(',').Select(ParseUrl)];

    private static Uri ParseUrl(string text)
    {
        if (UrlText.Parse(text, out var url) is { } error) throw new CliException(error);
        return url!;
    }

    private static ClusterOptions ApplyListen(ClusterOptions cluster, string listen)
    {
        if (listen.Length == 0) return cluster with { Port = 0 };
        // -1 is no port of a URL: it stands for 0 while the URL is read.
        var isRandom = listen.EndsWith(RandomPort, StringComparison.Ordinal);
        var text = isRandom ? $"{listen[..^RandomPort.Length]}:0" : listen;
        if (UrlText.Check(text) is { } error) throw new CliException(error);
        var (userInfo, authority) = SplitAuthority(text);
        if (ListenAddress.FindError(authority, out var host, out var port) is { } invalid) throw new CliException(invalid);
        if (!int.TryParse(port, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) throw new CliException("expected integer");
        cluster = cluster with { Host = host, Port = isRandom ? Defaults.RandomPort : number };
        if (userInfo is null) return cluster with { Username = null, Password = null };
        var colon = userInfo.IndexOf(':');
        if (colon < 0) throw new CliException("expected cluster password to be set");
        return cluster with
        {
            Username = Uri.UnescapeDataString(userInfo[..colon]),
            Password = Uri.UnescapeDataString(userInfo[(colon + 1)..]),
        };
    }

    private static (string? UserInfo, string Authority) SplitAuthority(string url)
    {
        var start = url.IndexOf("//", StringComparison.Ordinal);
        if (start < 0) return (null, "");
        var authority = url[(start + 2)..].Split('/', '?', '#')[0];
        var at = authority.LastIndexOf('@');
        return at < 0 ? (null, authority) : (authority[..at], authority[(at + 1)..]);
    }
}
