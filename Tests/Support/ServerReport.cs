using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Xunit.Sdk;

namespace NatsAspire.Tests.Support;

/// <summary>
/// What the server processes of a test are like when it waits in vain: their routes, their meta group, and the end of
/// what they said. Two servers of different makers that do not find each other can be explained by nothing less.
/// </summary>
public static class ServerReport
{
    private const int LastLines = 60;
    private static readonly ConditionalWeakTable<ITest, ConcurrentQueue<ServerProcess>> OfTests = [];

    /// <summary>Remembers a server for the test that runs now, if one does.</summary>
    public static void Add(ServerProcess server)
    {
        Wait.AlsoTold = TellAsync;
        if (TestContext.Current.Test is { } test) OfTests.GetOrCreateValue(test).Enqueue(server);
    }

    /// <summary>The servers of the test that runs now, those ended as well; empty: it has none.</summary>
    public static async Task<string> TellAsync()
    {
        if (TestContext.Current.Test is not { } test || !OfTests.TryGetValue(test, out var servers)) return "";
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var text = new StringBuilder();
        foreach (var server in servers)
        {
            text.AppendLine().Append("== process ").Append(server.Id).AppendLine(server.HasExited ? ", ended" : "");
            if (!server.HasExited)
            {
                await TellAsync(text, http, server, "/routez", static page => page.GetProperty("routes").EnumerateArray().Select(Route));
                await TellAsync(text, http, server, "/jsz", static page => page.TryGetProperty("meta_cluster", out var meta) ? [meta.GetRawText()] : []);
            }
            foreach (var line in server.Output.Split('\n').TakeLast(LastLines)) text.AppendLine(line);
        }
        return text.ToString();
    }

    private static async Task TellAsync(StringBuilder text, HttpClient http, ServerProcess server, string page, Func<JsonElement, IEnumerable<string>> lines)
    {
        try
        {
            using var document = JsonDocument.Parse(await http.GetStringAsync(new Uri(server.MonitoringUrl, page)));
            foreach (var line in lines(document.RootElement)) text.Append(page).Append(": ").AppendLine(line);
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException or InvalidOperationException)
        {
            text.Append(page).Append(": ").AppendLine(error.Message);
        }
    }

    private static string Route(JsonElement route)
    {
        string[] told = ["rid", "remote_name", "did_solicit", "account", "subscriptions", "in_msgs", "out_msgs", "pending_size", "uptime"];
        return string.Join(' ', told.Where(name => route.TryGetProperty(name, out _)).Select(name => $"{name} {route.GetProperty(name)}"));
    }
}
