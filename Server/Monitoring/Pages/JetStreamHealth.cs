using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service.Cluster;

namespace NatsAspire.Server.Monitoring.Pages;

/// <summary>JetStream's part of <see cref="Healthz"/>: whether it runs, whether every stream does, whether there is what is asked for.</summary>
internal static class JetStreamHealth
{
    private const int NotFound = 404;
    private const int Unavailable = 503;
    private const string UnavailableStatus = "unavailable";

    public static Healthz Check(MonitoringSource source, HealthzOptions options)
    {
        if (options.JetStreamServerOnly || !source.Options.JetStream.Enabled) return new Healthz();
        if (source.JetStream() is not { } service)
        {
            return Fail(options, Unavailable, new HealthFault { Type = "JETSTREAM", Error = JetStreamErrors.JSNotEnabledErr.ToString() });
        }
        if (options.JetStreamEnabledOnly || options.JetStreamEnabled) return new Healthz();
        var engine = service.Engine;
        if (!string.IsNullOrEmpty(options.Account) && FindMissing(engine, options) is { } missing) return Fail(options, NotFound, missing);
        if (service.Meta is { } meta && MetaFault(meta) is { } reason) return Fail(options, Unavailable, new HealthFault { Type = "JETSTREAM", Error = reason });
        var faults = FaultsOf(source, engine, options).Take(options.Details ? int.MaxValue : 1).ToList();
        return faults.Count == 0 ? new Healthz() : Healthz.Of(options, UnavailableStatus, Unavailable, faults);
    }

    private static Healthz Fail(HealthzOptions options, int code, HealthFault fault) => Healthz.Of(options, UnavailableStatus, code, [fault]);

    /// <summary>What is asked for and is not there; null: it is.</summary>
    private static HealthFault? FindMissing(JetStreamEngine engine, HealthzOptions options)
    {
        var (account, stream, consumer) = (options.Account!, options.Stream, options.Consumer);
        var unserved = engine.Unserved.Where(one => one.Account == account).ToList();
        if (!engine.Accounts.TryGetValue(account, out var streams) && unserved.Count == 0)
        {
            return new HealthFault { Type = "ACCOUNT", Account = account, Error = $"JetStream account \"{account}\" not found" };
        }
        if (string.IsNullOrEmpty(stream)) return null;
        var host = streams?.Find(stream);
        var isKept = streams?.Offline.ContainsKey(stream) == true || unserved.Any(one => one.Stream == stream);
        if (host is null && !isKept)
        {
            return new HealthFault { Type = "STREAM", Account = account, Stream = stream, Error = $"JetStream stream \"{stream}\" not found on account \"{account}\"" };
        }
        if (string.IsNullOrEmpty(consumer) || host is null || host.Consumers.Has(Encoding.UTF8.GetBytes(consumer))) return null;
        return new HealthFault
        {
            Type = "CONSUMER",
            Account = account,
            Stream = stream,
            Consumer = consumer,
            Error = $"JetStream consumer \"{consumer}\" not found for stream \"{stream}\" on account \"{account}\"",
        };
    }

    /// <summary>Streams that do not do what they are there for.</summary>
    private static IEnumerable<HealthFault> FaultsOf(MonitoringSource source, JetStreamEngine engine, HealthzOptions options)
    {
        foreach (var (account, stream) in engine.Unserved.Where(one => IsMeant(one.Account, one.Stream)))
        {
            yield return source.Accounts.Find(account) is null
                ? new HealthFault { Type = "ACCOUNT", Account = account, Error = $"JetStream account '{account}' could not be resolved" }
                : NotRecovered(account, stream);
        }
        foreach (var (account, streams) in engine.Accounts)
        {
            foreach (var name in streams.Offline.Keys.Where(name => IsMeant(account, name))) yield return NotRecovered(account, name);
            foreach (var (name, host) in streams.Hosts)
            {
                if (!IsMeant(account, name)) continue;
                if (host.Fault is { } fault) yield return StreamFault(account, name, $"write error: {fault.Message}");
                else if (!host.IsCurrent) yield return StreamFault(account, name, "is not current");
            }
        }

        bool IsMeant(string account, string stream) => Fits(options.Account, account) && Fits(options.Stream, stream);
    }

    /// <summary>Why this server does not know what it is to hold; null: it does.</summary>
    private static string? MetaFault(MetaHost meta)
    {
        var status = meta.Group.Status;
        if (!status.HadLeader || status.Leader.IsNone) return "JetStream has not established contact with a meta leader";
        if (!meta.HasRecovered) return "JetStream is still recovering meta layer";
        return status.IsCurrent ? null : "JetStream is not current with the meta leader";
    }

    private static bool Fits(string? wanted, string actual) => string.IsNullOrEmpty(wanted) || wanted == actual;

    private static HealthFault NotRecovered(string account, string stream) => StreamFault(account, stream, "could not be recovered");

    private static HealthFault StreamFault(string account, string stream, string what) =>
        new() { Type = "STREAM", Account = account, Stream = stream, Error = $"JetStream stream '{account} > {stream}' {what}" };
}
