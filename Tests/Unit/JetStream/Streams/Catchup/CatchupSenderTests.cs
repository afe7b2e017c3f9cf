using System.Text;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Catchup;
using NatsAspire.Server.Storage.Messages;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Catchup;

/// <summary>The leader's side of a catch-up.</summary>
public sealed class CatchupSenderTests
{
    private const long Second = 1_000_000_000;

    /// <summary>The same messages are sent in the same bytes as three real servers sent them.</summary>
    [Theory]
    [InlineData("23-follower-restart-empty-store.jsonl", "$JSC.R.UgcCpoTQ")]
    [InlineData("25-follower-restart-snapshot-catchup.jsonl", "$JSC.R.7Wqz4pqS")]
    [InlineData("62-restore-r3-with-consumers.jsonl", "$JSC.R.zeF6DKxS")]
    [InlineData("42-scale-with-consumers.jsonl", "$JSC.R.J1JN2nxK")]
    public void SendsWhatRealServersSend(string file, string to)
    {
        var recorded = Recorded(file, to);
        recorded.Count.ShouldBeGreaterThan(4);
        var leader = new BehindReplica();
        var first = FirstOf(recorded[0].Bytes);
        leader.Store.Compact(first);
        foreach (var (bytes, reply) in recorded) leader.Replica.TakeFetched(bytes, ulong.MaxValue >> 1).ShouldBeNull();
        var sent = new SentMessages();
        using var sender = new CatchupSender(leader.Store, Request(first, leader.Store.State.LastSequence), new CatchupWindow(), 0);
        sender.Send(0, sent);
        sender.End.ShouldBe(CatchupEnd.None, "nothing is acknowledged yet");
        foreach (var (_, tracked) in sent.All.Where(one => one.Tracked > 0).ToList()) sender.Acknowledged(tracked, default, 1);
        sender.Send(1, sent);
        sender.End.ShouldBe(CatchupEnd.Complete);
        sent.All.Count.ShouldBe(recorded.Count + 1);
        for (var i = 0; i < recorded.Count; i++)
        {
            Convert.ToHexString(sent.All[i].Message).ShouldBe(Convert.ToHexString(recorded[i].Bytes));
            var room = new byte[CatchupAckSubject.MaxLength];
            var id = recorded[i].Reply.Split('.').ElementAtOrDefault(2) ?? "";
            var reply = sent.All[i].Tracked == 0 ? "" : Encoding.ASCII.GetString(room, 0, CatchupAckSubject.Format(room, Encoding.ASCII.GetBytes(id), sent.All[i].Tracked));
            reply.ShouldBe(recorded[i].Reply);
        }
        sent.All[^1].Message.ShouldBeEmpty();
    }

    [Fact]
    public void OldServersGetNoRanges()
    {
        var store = Store(10);
        for (var sequence = 3UL; sequence < 8; sequence++) store.Remove(sequence, erase: false);
        var sent = new SentMessages();
        using var sender = new CatchupSender(store, Request(1, 10) with { TakesRanges = false }, new CatchupWindow(), 0);
        sender.Send(0, sent);
        sent.All.Count.ShouldBe(11);
        sent.All.Select(one => one.Message).ShouldAllBe(message => message.Length == 0 || message[0] == (byte)EntryOperation.StreamMessage);
    }

    /// <summary>Never more than the window is under way, and one message always may be.</summary>
    [Fact]
    public void SendsAsFastAsItIsAcknowledged()
    {
        var store = Store(200, size: 1000);
        var window = new CatchupWindow(10_000);
        var sent = new SentMessages();
        using var sender = new CatchupSender(store, Request(1, 200), window, 0);
        var acknowledged = 0;
        for (var turn = 0; sender.End == CatchupEnd.None; turn++)
        {
            turn.ShouldBeLessThan(1000);
            sender.Send(turn, sent);
            window.Bytes.ShouldBeLessThanOrEqualTo(11_100);
            if (sender.End != CatchupEnd.None) break;
            sent.All.Count.ShouldBeLessThanOrEqualTo(201);
            sender.NextTick.ShouldBeGreaterThan(turn);
            sender.Lag.ShouldBe((ulong)(200 - acknowledged));
            sender.Acknowledged(sent.All[acknowledged++].Tracked, default, turn);
        }
        sent.All.Count.ShouldBe(201);
        window.Bytes.ShouldBe(0);
    }

    /// <summary>A large stream does not keep small ones waiting, nor does anybody who never acknowledges.</summary>
    [Fact]
    public void AllSendersGetTheirShare()
    {
        var window = new CatchupWindow(100_000);
        var store = Store(500, size: 1000);
        var deaf = new SentMessages();
        using var first = new CatchupSender(store, Request(1, 500), window, 0);
        first.Send(0, deaf);
        window.Bytes.ShouldBeInRange(100_000, 101_100);
        var others = Enumerable.Range(0, 4).Select(_ => (Sender: new CatchupSender(store, Request(1, 500), window, 0), Sent: new SentMessages())).ToList();
        for (var turn = 0; turn < 20_000 && others.Exists(one => one.Sender.End == CatchupEnd.None); turn++)
        {
            foreach (var (sender, sent) in others)
            {
                var before = sent.All.Count;
                sender.Send(turn, sent);
                foreach (var (_, tracked) in sent.All.Skip(before).Where(one => one.Tracked > 0).ToList()) sender.Acknowledged(tracked, default, turn);
            }
            window.Bytes.ShouldBeLessThan(110_000);
        }
        others.ShouldAllBe(one => one.Sender.End == CatchupEnd.Complete);
        others.ForEach(one => one.Sender.Dispose());
        window.Members.ShouldBe(1);
        first.Send(31 * Second, deaf);
        first.End.ShouldBe(CatchupEnd.Stalled);
        (window.Bytes, window.Members).ShouldBe((0, 0));
    }

    [Fact]
    public void StopsWhenTheReplicaWantsNoMore()
    {
        var window = new CatchupWindow(1000);
        var sent = new SentMessages();
        using var sender = new CatchupSender(Store(50, 500), Request(1, 50), window, 0);
        sender.Send(0, sent);
        var count = sent.All.Count;
        sender.Acknowledged(500, "no space left"u8, 1);
        sender.Send(2, sent);
        (sender.End, sender.Refusal, sent.All.Count, window.Bytes).ShouldBe((CatchupEnd.Refused, "no space left", count, 0L));
    }

    /// <summary>Whoever acknowledges more than there is gains nothing, and harms nobody.</summary>
    [Fact]
    public void AcknowledgementsAreNotBelieved()
    {
        var window = new CatchupWindow(1000);
        var other = new CatchupSender(Store(50, 500), Request(1, 50), window, 0);
        other.Send(0, new SentMessages());
        var held = window.Bytes;
        using var sender = new CatchupSender(Store(50, 500), Request(1, 50), window, 0);
        sender.Send(0, new SentMessages());
        for (var i = 0; i < 100; i++) sender.Acknowledged(long.MaxValue, default, 1);
        window.Bytes.ShouldBe(held);
        other.Dispose();
        window.Bytes.ShouldBe(0);
    }

    [Theory]
    [InlineData(100, 100, 100, CatchupAnswer.Serve)]
    [InlineData(100, 99, 100, CatchupAnswer.Wait)]
    [InlineData(99, 99, 100, CatchupAnswer.Serve)]
    [InlineData(100, 100, 49, CatchupAnswer.StepDown)]
    public void WhoMayAnswer(ulong lastIndex, ulong applied, ulong lastSequence, CatchupAnswer expected) =>
        CatchupSender.Judge(Request(1, 50) with { MinApplied = 100 }, lastIndex, applied, lastSequence).ShouldBe(expected);

    internal static StreamSyncRequest Request(ulong first, ulong last) => new() { Peer = "P", FirstSequence = first, LastSequence = last, TakesRanges = true };

    internal static MemoryMessageStore Store(int messages, int size = 10)
    {
        var store = new MemoryMessageStore();
        for (var sequence = 1UL; sequence <= (ulong)messages; sequence++)
        {
            var payload = new byte[size];
            new Random((int)sequence).NextBytes(payload);
            store.Append(new StoredMessage { Sequence = sequence, Timestamp = (long)sequence, Subject = "a"u8, Payload = payload });
        }
        return store;
    }

    private static List<(byte[] Bytes, string Reply)> Recorded(string file, string to) =>
        [.. File.ReadLines(Golden.PathOf("nrg", "stream-catchups.jsonl")).Select(Golden.ParseText)
            .Where(line => line.GetProperty("from").GetString()!.StartsWith(file, StringComparison.Ordinal)
                && line.GetProperty("kind").GetString() == "catchup_entry" && line.GetProperty("subject").GetString() == to)
            .Select(line => (Convert.FromHexString(line.GetProperty("hex").GetString()!), line.GetProperty("reply").GetString()!))];

    private static ulong FirstOf(byte[] message)
    {
        StreamMessageEntry.TryDecode(message, new(), out var entry).ShouldBeTrue();
        return entry.LastSequence;
    }
}
