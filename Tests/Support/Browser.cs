using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NatsAspire.Tests.Support;

/// <summary>A page in a headless Chromium, driven by its DevTools protocol: real clicks and keys.</summary>
public sealed class Browser : IAsyncDisposable
{
    private readonly RunningProcess _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private int _next;

    private Browser(RunningProcess process, string profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Opens a page.</summary>
    public static async Task<Browser> OpenAsync(string url, int width = 1280, int height = 900)
    {
        var profile = Directory.CreateTempSubdirectory("natsaspire-browser-").FullName;
        var process = RunningProcess.Start(Peers.Chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--remote-debugging-port=0", $"--user-data-dir={profile}", $"--window-size={width},{height}", "about:blank");
        var browser = new Browser(process, profile);
        await process.WaitForOutputAsync("DevTools listening on ws://");
        var port = new Uri(process.Output.Split("DevTools listening on ")[1].Split('\n')[0].Trim()).Port;
        using var http = new HttpClient();
        using var pages = JsonDocument.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list"));
        var page = pages.RootElement.EnumerateArray().First(one => one.GetProperty("type").GetString() == "page");
        await browser._socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), CancellationToken.None);
        await browser.ResizeAsync(width, height);
        await browser.CallAsync("Page.navigate", new JsonObject { ["url"] = url });
        return browser;
    }

    /// <summary>As large as a window of these CSS pixels.</summary>
    public Task ResizeAsync(int width, int height) =>
        CallAsync("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false });

    /// <summary>What the page is told the system prefers: "dark" or "light".</summary>
    public Task PreferAsync(string scheme) =>
        CallAsync("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });

    /// <summary>Nothing is wider than a phone, which the page is left at, and dark and light differ.</summary>
    public async Task FitsAPhoneInBothSchemesAsync()
    {
        await ResizeAsync(375, 800);
        await UntilAsync("document.documentElement.scrollWidth <= 375");
        await PreferAsync("dark");
        var dark = await ValueAsync("getComputedStyle(document.body).backgroundColor");
        await PreferAsync("light");
        (await ValueAsync("getComputedStyle(document.body).backgroundColor")).ShouldNotBe(dark);
    }

    /// <summary>The value of an expression in the page, as text.</summary>
    public async Task<string> ValueAsync(string expression)
    {
        var answer = await CallAsync("Runtime.evaluate", new JsonObject { ["expression"] = $"String({expression})", ["returnByValue"] = true });
        answer.TryGetProperty("exceptionDetails", out var thrown).ShouldBeFalse($"{expression}: {(thrown.ValueKind == JsonValueKind.Undefined ? "" : thrown)}");
        return answer.GetProperty("result").GetProperty("value").GetString()!;
    }

    /// <summary>Waits until an expression is true in the page.</summary>
    public Task UntilAsync(string expression, TimeSpan? timeout = null)
    {
        var seen = "";
        return Wait.Until(expression, async () => (seen = await ValueAsync($"(() => {{ try {{ return ({expression}) ? 'yes' : document.body?.innerText }} catch (error) {{ return error }} }})()")) == "yes", () => seen, timeout);
    }

    /// <summary>Moves the mouse to the middle of an element and clicks.</summary>
    public async Task ClickAsync(string selector)
    {
        var quoted = JsonSerializer.Serialize(selector);
        await UntilAsync($"document.querySelector({quoted})?.getBoundingClientRect().width > 0");
        var at = (await ValueAsync($"(() => {{ const e = document.querySelector({quoted}); e.scrollIntoView({{ block: 'center' }}); const r = e.getBoundingClientRect(); return (r.x + r.width / 2) + ' ' + (r.y + r.height / 2); }})()"))
            .Split(' ').Select(text => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        foreach (var type in new[] { "mouseMoved", "mousePressed", "mouseReleased" })
        {
            await CallAsync("Input.dispatchMouseEvent", new JsonObject { ["type"] = type, ["x"] = at[0], ["y"] = at[1], ["button"] = type == "mouseMoved" ? "none" : "left", ["clickCount"] = 1 });
        }
    }

    /// <summary>Presses and releases a key: "Enter", "Tab", "Escape".</summary>
    public async Task PressAsync(string key)
    {
        var code = key switch { "Enter" => 13, "Tab" => 9, "Escape" => 27, _ => throw new ArgumentException($"{key} has no code here.") };
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var press = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = code };
            if (type == "keyDown" && key == "Enter") press["text"] = "\r";
            await CallAsync("Input.dispatchKeyEvent", press);
        }
    }

    /// <summary>Types a text where the focus is.</summary>
    public Task TypeAsync(string text) => CallAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>A PNG of what is seen.</summary>
    public async Task<byte[]> PictureAsync() =>
        (await CallAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png" })).GetProperty("data").GetBytesFromBase64();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _process.DisposeAsync();
        await Wait.Until("the browser's helpers let go of its profile", () =>
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        });
    }

    private async Task<JsonElement> CallAsync(string method, JsonObject parameters)
    {
        var id = ++_next;
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _socket.SendAsync(Encoding.UTF8.GetBytes(call.ToJsonString()), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            using var text = new MemoryStream();
            var buffer = new byte[64 * 1024];
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
                text.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);
            using var answer = JsonDocument.Parse(text.ToArray());
            if (!answer.RootElement.TryGetProperty("id", out var of) || of.GetInt32() != id) continue;
            answer.RootElement.TryGetProperty("error", out var error).ShouldBeFalse($"{method}: {error}");
            return answer.RootElement.GetProperty("result").Clone();
        }
    }
}
