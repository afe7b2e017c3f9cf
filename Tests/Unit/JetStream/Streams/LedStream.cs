using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.JetStream.Streams.Publishing;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams;

/// <summary>
/// A stream with its leader, alone or as if replicated: what it proposes is applied at once or when the test says so;
/// what it publishes is kept. Times are seconds.
/// </summary>
internal sealed class LedStream : IStreamEffects, IDisposable
{
    public const long Second = 1_000_000_000;

    public static readonly StreamConfiguration Plain = new()
    {
        Name = "S",
        Subjects = new([">"]),
        MaxMessages = -1,
        MaxBytes = -1,
        MaxMessagesPerSubject = -1,
        MaxMessageSize = -1,
        DuplicateWindow = 120 * Second,
        AllowRollup = true,
    };

    private readonly MessageBuffer _buffer = new();
    private readonly StreamLeaderOptions _options;
    private readonly Queue<byte[]> _waiting = [];
    private IMessageStore _store;

    public LedStream(StreamConfiguration configuration, StreamLeaderOptions? options = null, IMessageStore? store = null)
    {
        _store = store ?? new MemoryMessageStore();
        _options = options ?? new StreamLeaderOptions();
        Replica = new StreamReplica(configuration, _store);
        Leader = new StreamLeader(Replica, _options);
    }

    public StreamReplica Replica { get; private set; }

    public StreamLeader Leader { get; private set; }

    /// <summary>Proposals wait for <see cref="ApplyAll"/>.</summary>
    public bool IsReplicated { get; set; }

    /// <summary>Every entry proposed.</summary>
    public List<byte[]> Log { get; } = [];

    public List<(string Subject, string Headers, string Payload)> Published { get; } = [];

    public List<(string Subject, JetStreamAdvisory Advisory)> Advisories { get; } = [];

    /// <summary>Seconds since 1970.</summary>
    public double Now { get; set; } = 1_700_000_000;

    public long Nanoseconds => (long)(Now * 1000) * (Second / 1000);

    public StoreState State => _store.State;

    /// <summary>Publishes and tells the answer; null: there was none.</summary>
    public string? Publish(string subject, string headers = "", string payload = "", string reply = "r")
    {
        var before = Published.Count;
        Leader.Publish(
            new StoredMessage
            {
                Sequence = 0,
                Timestamp = Nanoseconds,
                Subject = Encoding.UTF8.GetBytes(subject),
                Headers = headers.Length == 0 ? default : Encoding.UTF8.GetBytes($"NATS/1.0\r\n{headers}\r\n\r\n"),
                Payload = Encoding.UTF8.GetBytes(payload),
            },
            Encoding.UTF8.GetBytes(reply),
            this);
        var answers = Published.Skip(before).Where(one => one.Subject == reply).ToList();
        answers.ForEach(one => Published.Remove(one));
        return answers.Count == 0 ? null : string.Join(" ", answers.Select(one => one.Payload));
    }

    /// <summary>Lets time pass and does what is due then, as often as the leader says there is more to do.</summary>
    public void Pass(double seconds)
    {
        Now += seconds;
        for (var turns = 0; Leader.NextTick is { } next && next <= Nanoseconds; turns++)
        {
            turns.ShouldBeLessThan(10_000, "there is no end of it");
            Leader.Tick(Nanoseconds, this);
            if (IsReplicated) return;
        }
    }

    public void ApplyAll()
    {
        while (_waiting.TryDequeue(out var entry)) Replica.Apply(entry).ShouldBeTrue();
    }

    /// <summary>Begins anew with what is stored.</summary>
    /// <param name="store">Opened again; null: it stayed as it was.</param>
    public void Restart(IMessageStore? store = null)
    {
        Leader.Dispose();
        _store = store ?? _store;
        Replica = new StreamReplica(Replica.Configuration, _store);
        Leader = new StreamLeader(Replica, _options);
    }

    public void Update(Func<StreamConfiguration, StreamConfiguration> change) => Replica.Update(change(Replica.Configuration), Nanoseconds);

    /// <summary>The messages: sequence, subject, headers but for the first line, payload.</summary>
    public List<(ulong Sequence, string Subject, string Headers, string Payload)> Messages
    {
        get
        {
            var messages = new List<(ulong, string, string, string)>();
            for (var sequence = 0UL; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
            {
                messages.Add((_buffer.Sequence, Text(_buffer.Subject), Lines(_buffer.Headers), Text(_buffer.Payload)));
            }
            return messages;
        }
    }

    /// <summary>Sequences and subjects.</summary>
    public string Held => string.Join(" ", Messages.Select(message => $"{message.Sequence}:{message.Subject}"));

    /// <summary>All there is to tell of the stream's messages.</summary>
    public string Describe()
    {
        var text = new StringBuilder().AppendLine(_store.State.ToString());
        for (var sequence = 0UL; _store.TryLoadNext(SubjectFilter.All, sequence, _buffer); sequence = _buffer.Sequence + 1)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{_buffer.Sequence} {_buffer.Timestamp} {Text(_buffer.Subject)} {Text(_buffer.Headers)} {Text(_buffer.Payload)}");
        }
        return text.ToString();
    }

    void IStreamEffects.Propose(in StreamMessageEntry entry)
    {
        var target = new byte[entry.MaxLength];
        Take(target[..entry.Encode(target)]);
    }

    void IStreamEffects.Propose(ReadOnlySpan<byte> entry) => Take(entry.ToArray());

    void IStreamEffects.Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        if (!subject.IsEmpty) Published.Add((Text(subject), Lines(headers), Text(payload)));
    }

    void IStreamEffects.Advise(string subject, Func<JetStreamAdvisory> create) =>
        Advisories.Add((subject, create().Stamped("id", ApiTime.FromUnix(Nanoseconds), null)));

    public void Dispose()
    {
        Leader.Dispose();
        _store.Dispose();
    }

    private void Take(byte[] entry)
    {
        Log.Add(entry);
        if (IsReplicated) _waiting.Enqueue(entry);
        else Replica.Apply(entry).ShouldBeTrue();
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private static string Lines(ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty) return "";
        block.StartsWith("NATS/1.0\r\n"u8).ShouldBeTrue();
        block.EndsWith("\r\n\r\n"u8).ShouldBeTrue();
        return Text(block["NATS/1.0\r\n".Length..]).TrimEnd().Replace("\r\n", "|");
    }
}
