using System.Globalization;
using System.Text;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Replicated;

/// <summary>
/// A stream on several replicas over one log, without its consensus: what the leader proposes is agreed upon when the
/// test says so, and the others apply it when the test says so.
/// </summary>
internal sealed class StreamGroup : IStreamEffects, IDisposable
{
    private readonly List<Member> _members = [];
    private readonly StreamLeaderOptions _options;

    /// <summary>A null is an entry that is none of the stream's: each leader begins with one.</summary>
    private readonly List<byte[]?> _log = [];
    private int _committed;

    public StreamGroup(StreamConfiguration configuration, int members = 3, StreamLeaderOptions? options = null)
    {
        _options = (options ?? new StreamLeaderOptions()) with { IsReplicated = true };
        for (var i = 0; i < members; i++) _members.Add(new Member(configuration));
        Lead(0);
        Commit();
    }

    public StreamLeader Leader { get; private set; } = null!;

    public int LeaderIndex { get; private set; }

    public int Members => _members.Count;

    public StreamReplica LeaderReplica => _members[LeaderIndex].Replica;

    public IMessageStore Store => _members[LeaderIndex].Store;

    public StreamReplica Replica(int index) => _members[index].Replica;

    /// <summary>Entries that are not agreed upon.</summary>
    public int Uncommitted => _log.Count - _committed;

    public IEnumerable<byte[]> Log => _log.OfType<byte[]>();

    /// <summary>Nanoseconds since 1970.</summary>
    public long Now { get; set; } = 1_700_000_000 * LedStream.Second;

    /// <summary>All that was published, in order: reply subjects, and those that are published again.</summary>
    public List<(string Subject, string Headers, string Payload)> Published { get; } = [];

    public int AdvisoryCount { get; private set; }

    /// <returns>False: it is to come again later.</returns>
    public bool TryPublish(string subject, string headers = "", string payload = "", string reply = "r") => Leader.Publish(
        new StoredMessage
        {
            Sequence = 0,
            Timestamp = Now,
            Subject = Encoding.UTF8.GetBytes(subject),
            Headers = headers.Length == 0 ? default : Encoding.UTF8.GetBytes($"NATS/1.0\r\n{headers}\r\n\r\n"),
            Payload = Encoding.UTF8.GetBytes(payload),
        },
        Encoding.UTF8.GetBytes(reply),
        this);

    /// <summary>Publishes, agreeing upon one entry after the other as long as it must wait.</summary>
    public void Publish(string subject, string headers = "", string payload = "", string reply = "r")
    {
        while (!TryPublish(subject, headers, payload, reply))
        {
            Uncommitted.ShouldBeGreaterThan(0, "it waits for nothing");
            Commit(1);
        }
    }

    public void Delete(ulong sequence) => Leader.Propose(
        JsonEntry.Encode(EntryOperation.DeleteMessage, new DeleteMessageEntry { Stream = "S", Sequence = sequence, NoErase = true }, EntryJson.Default.DeleteMessageEntry), this);

    public void Purge(string? filter, ulong last, ulong keep) => Leader.Propose(
        JsonEntry.Encode(EntryOperation.PurgeStream, new PurgeStreamEntry { Stream = "S", LastSequence = last, Request = new PurgeRequestEntry { Filter = filter, Keep = keep } }, EntryJson.Default.PurgeStreamEntry),
        this);

    /// <summary>Puts an entry into the log that another server has made.</summary>
    public void Append(byte[] entry) => _log.Add(entry);

    public void Append(in StreamMessageEntry entry)
    {
        var room = new byte[entry.MaxLength];
        _log.Add(room[..entry.Encode(room)]);
    }

    /// <summary>Answers to a reply subject, joined, and forgets them.</summary>
    public string? Take(string reply = "r")
    {
        var answers = Published.Where(one => one.Subject == reply).ToList();
        answers.ForEach(one => Published.Remove(one));
        return answers.Count == 0 ? null : string.Join(" ", answers.Select(one => one.Payload));
    }

    /// <summary>Agrees upon entries: the leader applies them at once.</summary>
    public void Commit(int count = int.MaxValue)
    {
        _committed = (int)Math.Min(_log.Count, _committed + (long)count);
        Catch(LeaderIndex, _committed);
    }

    /// <summary>Has a replica apply what is agreed upon, up to an entry.</summary>
    public void Catch(int member, int upTo = int.MaxValue)
    {
        var one = _members[member];
        for (var end = Math.Min(upTo, _committed); one.Applied < end; one.Applied++)
        {
            if (_log[one.Applied] is not { } entry) one.Replica.EndBatch();
            else
            {
                var outcome = member == LeaderIndex ? Leader.Apply(entry, this) : one.Replica.Apply(entry, null);
                outcome.ShouldNotBeOneOf(EntryOutcome.Gap, EntryOutcome.Unknown);
            }
        }
    }

    public void CatchAll()
    {
        for (var i = 0; i < _members.Count; i++) Catch(i);
    }

    /// <summary>
    /// Another one leads: of what was not agreed upon, so much is in its log; the rest is gone. It applies the log of
    /// those before it, and takes messages then.
    /// </summary>
    public void FailOver(int leader, int surviving)
    {
        var end = Math.Min(_log.Count, _committed + surviving);
        _log.RemoveRange(end, _log.Count - end);
        Leader.Dispose();
        Lead(leader);
        Commit();
        Leader.Start(Now, this);
    }

    /// <summary>Messages, count of failures, and what the log is at, of a replica.</summary>
    public string Describe(int member) =>
        string.Create(CultureInfo.InvariantCulture, $"failed {_members[member].Replica.Failed} {_members[member].Replica.HasStagedBatch} {Describe(_members[member].Store)}");

    /// <summary>All messages of a store.</summary>
    public static string Describe(IMessageStore store)
    {
        var buffer = new MessageBuffer();
        var text = new StringBuilder().AppendLine(store.State.ToString());
        for (var sequence = 0UL; store.TryLoadNext(SubjectFilter.All, sequence, buffer); sequence = buffer.Sequence + 1)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{buffer.Sequence} {buffer.Timestamp} {Text(buffer.Subject)} {Text(buffer.Headers).ReplaceLineEndings("|")} {Text(buffer.Payload)}");
        }
        return text.ToString();
    }

    public void ShouldBeAlike(string because = "")
    {
        CatchAll();
        for (var i = 1; i < _members.Count; i++)
        {
            Describe(i).ShouldBe(Describe(0), because);
            Convert.ToHexString(_members[i].Replica.TakeSnapshot()).ShouldBe(Convert.ToHexString(_members[0].Replica.TakeSnapshot()), because);
        }
    }

    void IStreamEffects.Propose(in StreamMessageEntry entry) => Append(entry);

    void IStreamEffects.Propose(ReadOnlySpan<byte> entry) => _log.Add(entry.ToArray());

    void IStreamEffects.Publish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        if (!subject.IsEmpty) Published.Add((Text(subject), Text(headers), Text(payload)));
    }

    void IStreamEffects.Advise(string subject, Func<JetStreamAdvisory> create) => AdvisoryCount++;

    public void Dispose()
    {
        Leader.Dispose();
        foreach (var member in _members) member.Store.Dispose();
    }

    private void Lead(int member)
    {
        Catch(member);
        LeaderIndex = member;
        Leader = new StreamLeader(_members[member].Replica, _options);
        _log.Add(null);
        if (_log.Count > 1) return;
        Commit();
        Leader.Start(Now, this);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private sealed class Member(StreamConfiguration configuration)
    {
        public IMessageStore Store => Replica.Store;

        public StreamReplica Replica { get; } = new(configuration, new MemoryMessageStore()) { IsReplicated = true };

        public int Applied { get; set; }
    }
}
