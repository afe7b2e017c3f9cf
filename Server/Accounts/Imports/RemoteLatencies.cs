using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>The half of a measurement that the responder's server takes, sent to the requestor's in the system account.</summary>
public sealed record RemoteLatency
{
    [JsonPropertyName("account")] public required string Account { get; init; }

    /// <summary>The reply subject of the request.</summary>
    [JsonPropertyName("req_id")] public required string RequestId { get; init; }
    [JsonPropertyName("m2")] public required ServiceLatency Measured { get; init; }
}

/// <summary>
/// Requests that came over a route to a service that is measured. Their reply subjects end in <c>.hash.T</c>, the hash
/// being that of the server that waits for the measurement at <c>$SYS.LATENCY.M2.hash</c>. Bounded; a request without
/// an answer is forgotten when its time is over.
/// </summary>
public sealed class RemoteLatencies
{
    /// <summary>Requests measured at a time; beyond, none is added.</summary>
    public const int Limit = 100_000;

    private const long SweepMilliseconds = 1000;
    private readonly ConcurrentDictionary<byte[], Pending> _pending = new(ByteArrayComparer.Instance);
    private readonly ConcurrentDictionary<byte[], Pending>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly Account _system;
    private long _sweptMilliseconds;

    /// <param name="system">Where the measurements are sent.</param>
    public RemoteLatencies(Account system)
    {
        _system = system;
        _bySpan = _pending.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Whether a reply subject asks for a measurement.</summary>
    public static bool IsTracked(ReadOnlySpan<byte> subject) => subject.StartsWith("_R_."u8) && subject.EndsWith(".T"u8);

    /// <summary>The subject at which the server of that hash waits for measurements.</summary>
    public static string SubjectFor(string serverHash) => "$SYS.LATENCY.M2." + serverHash;

    /// <summary>A request arrived from another server.</summary>
    public void OnRequest(Account account, ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply)
    {
        SweepSometimes();
        if (_pending.Count >= Limit || account.FindServiceExport(subject) is not { } export) return;
        _bySpan[reply] = new Pending(export);
    }

    /// <summary>A client answers on a subject for which <see cref="IsTracked"/> holds.</summary>
    public void OnAnswer(ReadOnlySpan<byte> subject, Subscriber responder, FlushBatch batch)
    {
        if (!_bySpan.TryRemove(subject, out _, out var pending)) return;
        var took = (long)Stopwatch.GetElapsedTime(pending.StartedTicks).TotalNanoseconds;
        var answering = responder.Describe(true);
        var service = Math.Max(0, took - (answering?.RoundTrip ?? 0));
        var message = new RemoteLatency
        {
            Account = pending.Export.Account.Name,
            RequestId = Encoding.UTF8.GetString(subject),
            Measured = new ServiceLatency
            {
                Type = "",
                Id = "",
                Time = default,
                Status = 200,
                Responder = answering,
                Start = pending.StartedAt,
                Service = service,
                Total = service + (answering?.RoundTrip ?? 0),
            },
        };
        var hash = Encoding.UTF8.GetString(subject).Split('.')[^2];
        _system.PublishInternal(
            Encoding.UTF8.GetBytes(SubjectFor(hash)), default, JsonSerializer.SerializeToUtf8Bytes(message, LatencyJson.Default.RemoteLatency), batch);
    }

    private void SweepSometimes()
    {
        var (now, before) = (Environment.TickCount64, Volatile.Read(ref _sweptMilliseconds));
        if (now - before < SweepMilliseconds || Interlocked.CompareExchange(ref _sweptMilliseconds, now, before) != before) return;
        foreach (var (reply, pending) in _pending)
        {
            if (Stopwatch.GetElapsedTime(pending.StartedTicks) > pending.Export.Threshold) _pending.TryRemove(reply, out _);
        }
    }

    private sealed record Pending(ServiceExport Export)
    {
        public long StartedTicks { get; } = Stopwatch.GetTimestamp();

        public DateTimeOffset StartedAt { get; } = TimeProvider.System.GetUtcNow();
    }
}
