namespace NatsAspire.Server.Configuration;

/// <summary>
/// Reads a parsed file into options, key by key; each wrong value is reported and the rest still read. To add a
/// key: its field in the option record, a case in the block's method, a golden file beside the test.
/// </summary>
internal sealed partial class OptionsReader(ConfigReport report, ConfigChecks checks, ServerOptions basis)
{
    /// <summary>
    /// Blocks upstream knows that this server does not serve yet; named at the start, so that nobody believes
    /// they are in force.
    /// </summary>
    private static readonly HashSet<string> NotServed =
    [
        "https", "https_port", "gateway", "leaf", "leafnodes", "store_dir", "storedir", "jetstream", "prof_port",
        "prof_block_rate", "proxy_protocol", "tls", "ocsp", "allow_non_tls", "operator", "operators", "roots", "root",
        "root_operators", "root_operator", "resolver", "account_resolver", "accounts_resolver", "resolver_tls",
        "resolver_preload", "resolver_pinned_accounts", "trusted", "trusted_keys", "websocket", "ws", "mqtt",
        "feature_flags", "default_js_domain", "ocsp_cache", "proxies", "default_sentinel", "syslog", "remote_syslog",
    ];

    private readonly List<string> _unserved = [];
    private ServerOptions _options = basis;

    public ServerOptions Read(ConfigMap map)
    {
        Each(map, ReadTopLevel, (value, key) => report.Error(value, $"unknown field \"{Quote(key)}\""));
        CheckAuthorization();
        return _options with { UnservedFeatures = _unserved };
    }

    /// <summary>Reads each entry; a wrong one is reported and does not hinder the others.</summary>
    private void Each(ConfigMap map, Func<string, ConfigValue, bool> read, Action<ConfigValue, string> onUnknown)
    {
        foreach (var (key, value) in map.Entries)
        {
            try
            {
                if (!read(key.ToLowerInvariant(), value) && !value.IsUsedVariable) onUnknown(value, key);
            }
            catch (ConfigValueError error)
            {
                report.Error(error.At, error.Message);
            }
        }
    }

    private void UnknownField(ConfigValue value, string key) => report.Error(value, $"unknown field \"{Quote(key)}\"");

    private static string Quote(string text) => text.Replace("\ufeff", "\\ufeff").Replace("\"", "\\\"");

    private bool ReadTopLevel(string key, ConfigValue value)
    {
        if (NotServed.Contains(key))
        {
            if (!IsOff(value)) _unserved.Add($"{value.Place}: \"{key}\" is not supported by this build");
            return true;
        }
        return ReadGeneral(key, value) || ReadLimits(key, value) || ReadLogging(key, value) || ReadBlocks(key, value);
    }

    private static bool IsOff(ConfigValue value) => value.Value is false or 0L;

    private bool ReadGeneral(string key, ConfigValue value)
    {
        switch (key)
        {
            case "listen":
                var listen = value.AsListen();
                _options = _options with { Host = listen.Host.Length > 0 ? listen.Host : _options.Host, Port = listen.Port };
                return true;
            case "port":
                _options = _options with { Port = value.AsInt("port") };
                return true;
            case "host" or "net":
                _options = _options with { Host = value.AsString() };
                return true;
            case "client_advertise":
                _options = _options with { ClientAdvertise = value.AsString() };
                return true;
            case "server_name":
                var name = value.AsString();
                if (name.Contains(' ')) throw new ConfigValueError(value, "server name cannot contain spaces");
                _options = _options with { ServerName = name };
                return true;
            case "pidfile" or "pid_file":
                _options = _options with { PidFile = value.AsString() };
                return true;
            case "ports_file_dir":
                _options = _options with { PortsFileDirectory = value.AsString() };
                return true;
            case "system_account" or "system":
                _options = _options with
                {
                    SystemAccount = value.Value as string ?? throw new ConfigValueError(value, "system account name must be a string"),
                };
                return true;
            case "no_system_account" or "no_system" or "no_sys_acc":
                _options = _options with { NoSystemAccount = value.AsBoolean() };
                return true;
            case "no_auth_user":
                _options = _options with { Authorization = _options.Authorization with { NoAuthUser = value.AsString() } };
                return true;
            case "server_tags":
                _options = _options with { Tags = value.AsStrings("server_tags") };
                return true;
            case "server_metadata":
                var metadata = value.AsMap("parsing metadata: expected map");
                _options = _options with { Metadata = metadata.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.AsString()) };
                return true;
            default:
                return ReadMonitoring(key, value);
        }
    }

    private bool ReadMonitoring(string key, ConfigValue value)
    {
        var monitoring = _options.Monitoring;
        switch (key)
        {
            case "http":
                var http = value.AsListen();
                monitoring = monitoring with { Host = http.Host.Length > 0 ? http.Host : null, HttpPort = http.Port };
                break;
            case "http_port" or "monitor_port":
                monitoring = monitoring with { HttpPort = value.AsInt(key) };
                break;
            case "http_base_path":
                monitoring = monitoring with { BasePath = value.AsString() };
                break;
            default:
                return false;
        }
        _options = _options with { Monitoring = monitoring };
        return true;
    }

    private bool ReadBlocks(string key, ConfigValue value)
    {
        switch (key)
        {
            case "authorization":
                ReadAuthorization(value);
                return true;
            case "accounts":
                ReadAccounts(value);
                return true;
            case "mappings" or "maps":
                _options = _options with { Mappings = ReadMappings(value) };
                return true;
            case "cluster":
                ReadCluster(value);
                return true;
            default:
                return false;
        }
    }
}
