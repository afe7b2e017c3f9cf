using System.Globalization;
using System.Net;
using System.Text;
using NatsAspire.Server.Monitoring.Pages;

namespace NatsAspire.Server.Monitoring;

/// <summary>
/// /: the server at a glance, for a person. Whole without scripts; with them the figures follow /varz. Everything it
/// needs is in it, so that it works where there is no internet.
/// </summary>
internal static class RootPage
{
    public const string ContentType = "text/html; charset=utf-8";

    /// <summary>The page loads nothing from elsewhere, whatever a name in it says.</summary>
    public const string SecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'";

    private static readonly (string Title, string Path, string About)[] Links =
    [
        ("Console", "/console/", "map, streams, leaders, as this server sees them"),
        ("General", "/varz", "every figure and limit of the server"),
        ("JetStream", "/jsz", "streams, consumers, storage"),
        ("Connections", "/connz", "clients, with ?subs=detail&auth=1"),
        ("Closed connections", "/connz?state=closed", "who left, and why"),
        ("Accounts", "/accountz", "subject spaces"),
        ("Account stats", "/accstatz", "what accounts move"),
        ("Subscriptions", "/subsz", "and how well they are found"),
        ("Routes", "/routez", "the other servers of the cluster"),
        ("Leaf nodes", "/leafz", "servers at the edge"),
        ("Gateways", "/gatewayz", "the other clusters"),
        ("Raft groups", "/raftz", "consensus"),
        ("Health probe", "/healthz", "for orchestrators"),
        ("Metrics", "/metrics", "for Prometheus"),
        ("Queues", "/ipqueuesz?all=1", "work that waits inside"),
        ("Process", "/debug/vars", "memory and collections"),
        ("Threads", "/stacksz", "what they do"),
    ];

    /// <summary>The page of this moment.</summary>
    public static byte[] Make(MonitoringSource source, string basePath)
    {
        var varz = Varz.Collect(source);
        var health = Healthz.Check(source);
        var page = new StringBuilder(RootPageParts.Head.Length + RootPageParts.Script.Length + 8192);
        page.Append(RootPageParts.Head.Replace("{title}", Encode(varz.ServerName), StringComparison.Ordinal));
        AddHeader(page, varz, health);
        AddFigures(page, varz);
        page.Append("<h2>Pages</h2>\n<nav>\n");
        foreach (var (title, path, about) in Links)
        {
            page.Append(CultureInfo.InvariantCulture, $"<a href=\".{Encode(basePath + path)}\"><b>{title}</b><code>{Encode(path)}</code><span>{Encode(about)}</span></a>\n");
        }
        page.Append("</nav>\n").Append(RootPageParts.Script.Replace("{base}", Encode("." + basePath), StringComparison.Ordinal));
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    private static void AddHeader(StringBuilder page, Varz varz, Healthz health)
    {
        var cluster = varz.Cluster.Name is { } name ? $"cluster <b>{Encode(name)}</b>" : "stands alone";
        var state = health.IsOk ? "<span class=\"ok\">healthy</span>" : $"<span class=\"bad\">{Encode(health.Error ?? health.Status)}</span>";
        page.Append(CultureInfo.InvariantCulture, $"<header><h1>{Encode(varz.ServerName)}</h1><p>{cluster} · NATS {Encode(varz.Version)} · up <span id=\"uptime\">{varz.Uptime}</span> · {state}</p><p class=\"id\">{Encode(varz.ServerId)}</p></header>\n");
    }

    private static void AddFigures(StringBuilder page, Varz varz)
    {
        page.Append("<section>\n");
        Add("connections", "Connections", varz.Connections);
        Add("subscriptions", "Subscriptions", varz.Subscriptions);
        Add("routes", "Routes", varz.Routes);
        Add("slow_consumers", "Slow consumers", varz.SlowConsumers);
        Add("in_msgs", "Messages in", varz.InMessages, hasRate: true);
        Add("out_msgs", "Messages out", varz.OutMessages, hasRate: true);
        Add("in_bytes", "Bytes in", varz.InBytes, hasRate: true);
        Add("out_bytes", "Bytes out", varz.OutBytes, hasRate: true);
        Add("cpu", "CPU %", varz.Cpu);
        Add("mem", "Memory, bytes", varz.Memory);
        page.Append("</section>\n");

        void Add(string key, string title, double value, bool hasRate = false) =>
            page.Append(CultureInfo.InvariantCulture, $"<div><span>{title}</span><b id=\"{key}\">{value:#,0.#}</b>{(hasRate ? $"<i id=\"{key}_rate\"></i>" : "")}</div>\n");
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
