namespace NatsAspire.Server.Monitoring;

/// <summary>What of <see cref="RootPage"/> is the same on every server.</summary>
internal static class RootPageParts
{
    public const string Head = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{title} · NATS</title>
        <style>
        :root { --paper: #f7f8fa; --card: #fff; --ink: #1c2330; --soft: #5d6778; --line: #dfe3ea; --accent: #2a6fdb; --ok: #1b7f4b; --bad: #b3261e }
        @media (prefers-color-scheme: dark) {
          :root { --paper: #12161d; --card: #1b212b; --ink: #e7ebf2; --soft: #9aa5b8; --line: #2c3542; --accent: #7db0ff; --ok: #5fd196; --bad: #ff8a80 }
        }
        * { box-sizing: border-box }
        body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 62rem; background: var(--paper); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif }
        h1 { margin: 0; font-size: 1.9rem; overflow-wrap: anywhere }
        h2 { margin: 2rem 0 .75rem; font-size: 1rem; color: var(--soft); font-weight: 600 }
        header p { margin: .25rem 0 0; color: var(--soft) }
        .id { font: .8rem ui-monospace, monospace; overflow-wrap: anywhere }
        .ok { color: var(--ok); font-weight: 600 }
        .bad { color: var(--bad); font-weight: 600 }
        section, nav { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)) }
        section { margin-top: 1.5rem }
        section div, nav a { display: block; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
        section span { display: block; font-size: .85rem; color: var(--soft) }
        section b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums }
        section i { display: block; min-height: 1.2em; font-size: .85rem; font-style: normal; color: var(--soft) }
        nav a { color: inherit; text-decoration: none }
        nav a:hover, nav a:focus-visible { border-color: var(--accent) }
        nav b { color: var(--accent) }
        nav code { display: block; font-size: .8rem; color: var(--soft) }
        nav span { display: block; font-size: .85rem }
        footer { margin-top: 2rem; font-size: .85rem; color: var(--soft) }
        </style>
        </head>
        <body>

        """;

    public const string Script = """
        <footer id="state" data-base="{base}">The figures are those of the moment the page was loaded.</footer>
        <script>
        (() => {
          const state = document.getElementById('state');
          const keys = ['connections', 'subscriptions', 'routes', 'slow_consumers', 'in_msgs', 'out_msgs', 'in_bytes', 'out_bytes', 'cpu', 'mem'];
          const format = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
          let before = null;
          async function refresh() {
            try {
              const varz = await (await fetch(state.dataset.base + '/varz', { cache: 'no-store' })).json();
              const now = performance.now();
              document.getElementById('uptime').textContent = varz.uptime;
              for (const key of keys) {
                document.getElementById(key).textContent = format.format(varz[key]);
                const rate = document.getElementById(key + '_rate');
                if (rate && before) rate.textContent = format.format(Math.max(0, varz[key] - before.varz[key]) / (now - before.at) * 1000) + ' /s';
              }
              before = { varz, at: now };
              state.textContent = 'Follows the server every two seconds.';
            } catch {
              before = null;
              state.textContent = 'The server does not answer.';
            }
            setTimeout(refresh, 2000);
          }
          refresh();
        })();
        </script>
        </body>
        </html>

        """;
}
